"""`calendly-connector webhooks listen`: a receiver, its inbox, and a handler for each event."""

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import click

from .event_handlers import event_handler
from .listening import Wanted, kinds_of, signing_keys
from .options import (
    INBOX_VARIABLE,
    connect,
    credential,
    default_inbox,
    inbox_option,
    reject_password,
    signs_in,
)
from .terminal import logged, printable

if TYPE_CHECKING:
    from ..contract import Event
    from ..events.dispatcher import Dispatcher


@click.command("listen")
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
@click.option("--events", metavar="KIND,…", help="The events to handle, comma-separated. Default: all.")
@click.option(
    "--filter",
    "rows",
    metavar="KEY=VALUE",
    multiple=True,
    help="Handle only events that match, such as host=ada (repeatable).",
)
@click.option(
    "--look-every",
    "look_every_min",
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
    look_every_min: float,
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
    kinds = kinds_of(events)
    handler, action = event_handler(show=show, forward=forward, program=program)
    signed_in = bool({"token", "name"} & credential().keys())
    with ExitStack() as stack:
        connection = stack.enter_context(connect()) if signed_in else None
        wanted = Wanted(connection, kinds, rows)
        keys = signing_keys(connection)

        from ..events.dispatcher import Dispatcher
        from ..events.inbox import open_inbox
        from ..events.webhooks.asgi import asgi
        from ..events.webhooks.receiver import Receiver
        from ..events.webhooks.server import serve

        stack.enter_context(logged(logging.INFO))
        opened = stack.enter_context(closing(open_inbox(inbox or default_inbox())))
        worker = _Worker()
        dispatcher = Dispatcher(opened, worker.guarded(handler), trigger=wanted.selector)
        looks = connection is not None and look_every_min > 0
        look = wanted.looking(opened, look_every_min * 60, since, dispatcher.wake) if looks else None

        def announce(address: str, end: Callable[[], None]) -> None:
            lines = [
                f"Listening on {address}",
                f"Events are saved to {printable(opened.place)} and {action}.",
            ]
            if look:
                lines.append(f"Missed events are fetched at startup and every {look_every_min:g} minutes.")
            click.echo("\n".join([*lines, "Press Ctrl-C to stop."]), err=True)
            worker.start(dispatcher.run, end, awaited=True)
            if look:
                worker.start(look, end, awaited=False)  # Calendly may keep it waiting; the next check resumes

        try:
            serve(asgi(Receiver(opened, keys, on_new=dispatcher.wake), owns_loop=True), host, port, announce)
        finally:
            worker.end(dispatcher)


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
