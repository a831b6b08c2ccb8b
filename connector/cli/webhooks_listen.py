"""`calendly-connector webhooks listen`: a receiver, its inbox, and a handler for each event."""

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, Final

import click

from ..catalog import expressions, json_schema
from ..catalog.manifest import manifest
from ..errors import ConnectorError, InvalidParams, SignatureError, UsageError
from .commands import examples
from .completers import events as complete_events
from .event_handlers import event_handler
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
_LOGGER: Final = logging.getLogger("calendly_connector.events")
_POLLED: Final = ("invitee.created", "invitee.canceled")
_OTHER_ID: Final = "invitee_no_show.deleted"  # polling would repeat it under another id


@click.command(
    "listen",
    epilog=examples(
        "webhooks listen --port 8000 --print",
        "webhooks listen --port 8000 --exec ./notify.sh --events invitee.created,invitee.canceled",
    ),
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    required=True,
    help="The port to listen on; 0 picks a free one.",
)
@click.option(
    "--host", metavar="HOST", default="127.0.0.1", show_default=True, help="The address to listen on."
)
@click.option("--print", "show", is_flag=True, help="Print events as JSON lines.")
@click.option("--forward", metavar="URL", help="POST events to this URL; a 2xx answer means success.")
@click.option(
    "--exec", "program", metavar="CMD", help="Run a command for each event; exit code 0 means success."
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
    port: int,
    host: str,
    *,
    show: bool,
    forward: str | None,
    program: str | None,
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
    """
    reject_password(context, "inbox", INBOX_VARIABLE)
    kinds = _event_kinds(events)
    handler, action = event_handler(show=show, forward=forward, program=program)
    signed_in = bool({"token", "name"} & credential().keys())
    with ExitStack() as stack:
        connection = stack.enter_context(connect()) if signed_in else None
        selector = _selector(connection, kinds, rows)
        keys = _signing_keys(connection)

        from ..events.dispatcher import Dispatcher
        from ..events.inbox import open_inbox
        from ..events.webhooks.asgi import asgi
        from ..events.webhooks.receiver import Receiver
        from ..events.webhooks.server import serve

        stack.enter_context(logged(logging.INFO))
        opened = stack.enter_context(closing(open_inbox(inbox or default_inbox())))
        worker = _Worker()
        dispatcher = Dispatcher(opened, worker.guarded(handler), trigger=selector)
        poll = None
        if connection and poll_every_min > 0:
            every_s, on_new = poll_every_min * 60, dispatcher.wake
            poll = poll_loop(connection, kinds, opened, every_s=every_s, since=since, on_new=on_new)

        def announce(address: str, end: Callable[[], None]) -> None:
            lines = [
                f"Listening on {address}",
                f"Events are saved to {printable(opened.place)} and {action}.",
            ]
            if poll:
                lines.append(f"Missed events are fetched at startup and every {poll_every_min:g} minutes.")
            click.echo("\n".join([*lines, "Press Ctrl-C to stop."]), err=True)
            worker.start(dispatcher.run, end, awaited=True)
            if poll:
                worker.start(poll, end, awaited=False)  # Calendly may keep it waiting; the next poll resumes

        try:
            serve(asgi(Receiver(opened, keys, on_new=dispatcher.wake), owns_loop=True), host, port, announce)
        finally:
            worker.end(dispatcher)


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


def poll_loop(
    connection: "CalendlyConnection",
    kinds: tuple[str, ...],
    inbox: "Inbox",
    *,
    every_s: float,
    since: str | None,
    on_new: Callable[[], None],
) -> Callable[[threading.Event], None]:
    """Return the loop that polls for missed events until stopped; a failed poll is retried the next time.

    Raises InvalidParams if `since` isn't a time.
    """
    from ..events.polling.poll import read_since
    from ..events.reconcile import reconcile

    read_since(since)
    polled = [kind for kind in kinds if kind != _OTHER_ID] or list(_POLLED)

    def poll(stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                found = reconcile(inbox, connection, polled, since=since)
            except ConnectorError as error:
                _LOGGER.warning("check for missed events failed: %s", error)
            except Exception as error:  # a bug of ours is no reason to lose webhooks
                _LOGGER.error("check for missed events failed: %s (this is a bug)", type(error).__name__)  # noqa: TRY400 - one line
                _LOGGER.debug("check for missed events failed", exc_info=True)
            else:
                _LOGGER.info("caught up: %d missed events", found)
                on_new()
            stop.wait(every_s)

    return poll


class _Worker:
    """Threads beside the server; when one of them ends, the server ends, too."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._awaited: list[threading.Thread] = []
        self._failure: Exception | None = None

    def guarded(self, handler: "Callable[[Event], None]") -> "Callable[[Event], None]":
        """Return a handler that stops the server on a broken pipe, since nobody reads its output any more."""

        def handle(event: "Event") -> None:
            try:
                handler(event)
            except BrokenPipeError as error:
                self._failure = error
                self._stop.set()
                raise

        return handle

    def start(
        self, work: Callable[[threading.Event], None], end: Callable[[], None], *, awaited: bool
    ) -> None:
        """Run `work` in a thread. Unless `awaited`, it may be abandoned at any point."""

        def run() -> None:
            try:
                work(self._stop)
            except Exception as error:  # noqa: BLE001 - `end` raises it in the main thread
                self._failure = error
            end()

        thread = threading.Thread(target=run, name="events", daemon=True)
        if awaited:
            self._awaited.append(thread)
        thread.start()

    def end(self, dispatcher: "Dispatcher") -> None:
        """Wait for the event being handled, then raise the error that ended a thread, if any."""
        self._stop.set()
        dispatcher.wake()
        for thread in self._awaited:
            thread.join()
        if self._failure is not None:
            raise self._failure
