"""`calendly-connector webhooks listen`: a receiver, its inbox, and a handler for each event."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click

from ..catalog import expressions, json_schema
from ..catalog.manifest import manifest
from ..errors import InvalidParams, SignatureError, UsageError
from .account_view import read_zone
from .commands import examples
from .completers import events as complete_events
from .event_handlers import SLACK_VARIABLE, NoticeOptions, event_handler
from .event_threads import EventThreads, poll_loop, wait_for_signal
from .options import (
    INBOX_VARIABLE,
    connect,
    credential,
    default_inbox,
    inbox_option,
    key_values,
    reject_password,
    signs_in,
)
from .terminal import logged, printable

if TYPE_CHECKING:
    from ..connection import CalendlyConnection
    from ..contract import Event
    from ..events.dispatcher import Dispatcher, Selector
    from ..events.inbox import Inbox
    from ..events.webhooks.receiver import Keys

_SECRET: Final = "CALENDLY_WEBHOOK_SECRET"  # noqa: S105 - a variable's name


@click.command(
    "listen",
    epilog=examples(
        "webhooks listen --port 8000 --print",
        "webhooks listen --port 8000 --exec ./notify.sh --events invitee.created,invitee.canceled",
        "webhooks listen --poll-only --slack https://hooks.slack.com/services/…",
        "webhooks listen --poll-only --slack URL --template '{name} booked {meeting}, {when}'",
    ),
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="The port to listen on; 0 picks a free one. Required, except with --poll-only.",
)
@click.option(
    "--host", metavar="HOST", default="127.0.0.1", show_default=True, help="The address to listen on."
)
@click.option(
    "--poll-only",
    is_flag=True,
    help="Find events by polling only: needs a credential, but no public address and no signing key.",
)
@click.option("--print", "show", is_flag=True, help="Print events as JSON lines.")
@click.option("--forward", metavar="URL", help="POST events to this URL; a 2xx answer means success.")
@click.option(
    "--exec", "program", metavar="CMD", help="Run a command for each event; exit code 0 means success."
)
@click.option(
    "--slack",
    metavar="URL",
    help=f"Post a message for each event to this incoming webhook. Can be set in {SLACK_VARIABLE}.",
)
@click.option(
    "--template",
    "templates",
    metavar="[KIND=]TEXT|FILE",
    multiple=True,
    help="With --slack: the message, such as '{name} booked {meeting}' (repeatable, for one kind or all).",
)
@click.option(
    "--tz",
    "zone",
    callback=read_zone,
    metavar="ZONE",
    help="With --slack: the time zone. Default: your account's, or UTC.",
)
@inbox_option
@click.option(
    "--events",
    metavar="KIND,…",
    shell_complete=complete_events,
    help="The events to handle, comma-separated. Default: all.",
)
@click.option(
    "--filter",
    "rows",
    metavar="KEY=VALUE",
    multiple=True,
    help="Handle only events that match, such as host=ada (repeatable).",
)
@click.option(
    "--poll-every",
    "poll_every_min",
    type=click.FloatRange(min=0),
    default=15.0,
    show_default=True,
    metavar="MINUTES",
    help="Check for missed events at startup, then every MINUTES; 0 turns it off.",
)
@click.option(
    "--since",
    metavar="TIME",
    help="On the first check for missed events, include those since TIME (ISO 8601).",
)
@signs_in
@click.pass_context
def listen(  # noqa: PLR0913 - one per option
    context: click.Context,
    port: int | None,
    host: str,
    *,
    poll_only: bool,
    show: bool,
    forward: str | None,
    program: str | None,
    slack: str | None,
    templates: tuple[str, ...],
    zone: Any,
    inbox: str | None,
    events: str | None,
    rows: tuple[str, ...],
    poll_every_min: float,
    since: str | None,
) -> None:
    """Receive webhooks, and print, forward or process each event.

    Each event is saved to the inbox before Calendly gets an answer, and stays there until it is handled. A
    failed event is retried up to 20 times, at growing intervals. After a crash an event may arrive twice
    with the same id, which is in the JSON line, the header Calendly-Connector-Event-Id, or the variable
    CALENDLY_EVENT_ID.

    A command receives the event on standard input, as Calendly sends it, and its kind in
    CALENDLY_EVENT_KIND. It has 50 seconds. Its environment excludes variables that may hold a secret.

    With a credential, a reschedule is one event, filters work, and missed events are caught up on. Webhooks
    are verified with the keys of the vault's subscriptions, or the one in CALENDLY_WEBHOOK_SECRET; at least
    one key is required.

    With --poll-only, events are found by polling, every --poll-every minutes: bookings, cancellations and
    reschedules, or the kinds in --events. The first poll only notes the current state, unless --since is set.
    """
    reject_password(context, "inbox", INBOX_VARIABLE)
    kinds = _event_kinds(events)
    signed_in = bool({"token", "name"} & credential().keys())
    _check_mode(port, poll_only=poll_only, poll_every_min=poll_every_min, signed_in=signed_in)
    with ExitStack() as stack:
        connection = stack.enter_context(connect()) if signed_in else None
        notices = NoticeOptions(slack, templates, zone, connection)
        handler, action = event_handler(show=show, forward=forward, program=program, notices=notices)
        selector = _selector(connection, kinds, rows)
        keys = None if poll_only else _signing_keys(connection)

        from ..events.dispatcher import Dispatcher
        from ..events.inbox import open_inbox

        stack.enter_context(logged(logging.INFO))
        opened = stack.enter_context(closing(open_inbox(inbox or default_inbox())))
        threads = EventThreads()
        dispatcher = Dispatcher(opened, threads.guarded(handler), trigger=selector)
        poll = None
        if connection and poll_every_min > 0:
            every_s, on_new = poll_every_min * 60, dispatcher.wake
            poll = poll_loop(connection, kinds, opened, every_s=every_s, since=since, on_new=on_new)

        def announce(address: str, end: Callable[[], None]) -> None:
            lines = [f"Listening on {address}"] if address else []
            lines.append(f"Events are saved to {printable(opened.place)} and {action}.")
            if poll:
                found = "Missed events are fetched" if address else "Calendly is polled"
                lines.append(f"{found} at startup and every {poll_every_min:g} minutes.")
            click.echo("\n".join([*lines, "Press Ctrl-C to stop."]), err=True)
            threads.start(dispatcher.run, end, awaited=True)
            if poll:
                threads.start(poll, end, awaited=False)  # Calendly may keep it waiting; the next poll resumes

        try:
            if keys is None or port is None:
                wait_for_signal(partial(announce, ""))
            else:
                _serve(opened, keys, host, port, dispatcher, announce)
        finally:
            threads.end(dispatcher)


def _serve(
    inbox: "Inbox",
    keys: "Keys",
    host: str,
    port: int,
    dispatcher: "Dispatcher",
    announce: Callable[[str, Callable[[], None]], None],
) -> None:
    """Receive webhooks until stopped."""
    from ..events.webhooks.asgi import asgi
    from ..events.webhooks.receiver import Receiver
    from ..events.webhooks.server import serve

    serve(asgi(Receiver(inbox, keys, on_new=dispatcher.wake), owns_loop=True), host, port, announce)


def _check_mode(port: int | None, *, poll_only: bool, poll_every_min: float, signed_in: bool) -> None:
    """Raise UsageError unless there is exactly one way for events to arrive, and what it needs."""
    if not poll_only:
        if port is None:
            raise UsageError(
                "Missing option '--port'.", fix="Pass a port, or --poll-only to find events by polling."
            )
        return
    if port is not None:
        raise UsageError("--poll-only and --port can't be used together.")
    if not poll_every_min:
        raise UsageError("--poll-only needs --poll-every of more than 0 minutes.")
    if not signed_in:
        raise UsageError(
            "--poll-only needs a credential.", fix="Run `calendly-connector login`, or pass --credential."
        )


def _event_kinds(events: str | None) -> tuple[str, ...]:
    """Split comma-separated event kinds; () stands for all. Raises UsageError for an unknown kind."""
    words = (word.strip() for word in (events or "").split(","))
    kinds = tuple(dict.fromkeys(word for word in words if word))
    known = manifest().triggers
    if unknown := sorted(set(kinds) - set(known)):
        raise UsageError(f"Unknown event {unknown[0]!r}.", fix=f"Available: {', '.join(known)}.")
    return kinds


def _signing_keys(connection: "CalendlyConnection | None") -> "Keys":
    """Return the lookup of a subscription's signing keys: in the vault, then in the environment.

    Raises SignatureError if neither holds a key.
    """
    from ..auth.vault import open_vault
    from ..events.subscriptions import SigningKeys, VaultStore

    store = VaultStore(open_vault())
    default = os.environ.get(_SECRET, "").strip()
    if not default and not store.all():
        raise SignatureError(
            "No signing key found, so webhooks can't be verified.",
            fix=f"Set {_SECRET} to the subscription's key, or run `calendly-connector webhooks subscribe`.",
            reason="no_key",
        )
    # Only the connection knows the key of an OAuth app.
    stored: Keys = connection.signing_keys if connection else SigningKeys(store)

    def keys(subscription: str) -> Sequence[str]:
        found = stored(subscription) if subscription else []
        return found or ([default] if default else [])

    return keys


def _selector(
    connection: "CalendlyConnection | None", kinds: tuple[str, ...], filter_rows: tuple[str, ...]
) -> "Selector":
    """Return what selects events and joins those of a reschedule; without a connection, it selects by kind.

    Raises UsageError if that needs a connection, InvalidParams if a filter is wrong.
    """
    triggers = manifest().triggers
    filters = _filters(kinds or tuple(triggers), filter_rows)
    if connection:
        return connection.trigger(kinds or tuple(triggers), filters)
    joined = [kind for kind in kinds if triggers[kind].sources]
    if filter_rows or joined:
        raise UsageError(
            f"{joined[0] if joined else '--filter'} needs a credential, to read more data.",
            fix="Set CALENDLY_API_TOKEN, or pass --credential.",
        )
    return _Kinds(kinds)


class _Kinds:
    """Selects events by kind; () selects all."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        self._kinds = kinds

    def match(self, event: "Event", seen: object) -> "tuple[Event, ...]":
        """Return the event if it is selected."""
        del seen  # joining events needs a connection
        return (event,) if event.kind in self._kinds or not self._kinds else ()


def _filters(kinds: tuple[str, ...], rows: tuple[str, ...]) -> Mapping[str, Any]:
    """Parse KEY=VALUE filters into values of the types that the filters accept."""
    rules = manifest().triggers[kinds[0]].filters
    fields = {name: json_schema.resolve(rule, rules) for name, rule in rules["properties"].items()}
    filters, problems = expressions.gather(key_values(rows), fields)
    if problems:
        raise InvalidParams("--filter", problems)
    return filters
