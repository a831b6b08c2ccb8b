"""`calendly-connector webhooks listen`: a receiver with its inbox, and something to do with events."""

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import click

from .debug import logged
from .event_handlers import chosen
from .listening import Wanted, kinds_of, webhooks_keys
from .output import printable
from .places import INBOX_VARIABLE, own_inbox, refuse_password
from .session import connect, credential, signs_in

if TYPE_CHECKING:
    from ..contract import Event
    from ..events.dispatcher import Dispatcher


@click.command("listen")
@click.option("--port", type=click.IntRange(0, 65535), required=True, help="0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--print", "show", is_flag=True, help="Print events, as JSON lines.")
@click.option("--forward", metavar="URL", help="Post events to this address; 2xx means taken.")
@click.option("--exec", "program", metavar="CMD", help="Run this for each event; exit code 0 means taken.")
@click.option(
    "--inbox",
    envvar=INBOX_VARIABLE,
    metavar="WHERE",
    help=f"A file, or a database's URL. Also {INBOX_VARIABLE}. Default: a file in your data folder.",
)
@click.option("--events", metavar="KIND,…", help="Which events are wanted. Default: all.")
@click.option(
    "--filter", "rows", metavar="KEY=VALUE", multiple=True, help="Only events that fit, such as host=ada."
)
@click.option(
    "--look-every",
    "look_every_min",
    type=click.FloatRange(min=0),
    default=15.0,
    show_default=True,
    metavar="MINUTES",
    help="Read back what was missed, at the start and so often. 0: never.",
)
@click.option("--since", metavar="TIME", help="On the first look, tell what happened after it (ISO 8601).")
@signs_in
@click.pass_context
def command(  # noqa: PLR0913 - one per option
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
    """Take webhooks on a port, and do something with each event, until interrupted.

    An event is in the inbox before Calendly is answered, and stays there until it was taken. What fails
    comes again, later and later, 20 times in all. An event may come twice after a crash, under the same
    id: it is in the JSON line, in the header Calendly-Connector-Event-Id, or in CALENDLY_EVENT_ID.

    A command has the event on standard input, as Calendly sends it, its kind in CALENDLY_EVENT_KIND, and 50
    seconds to take it. No variable that may hold a secret is in its environment.

    With a credential a reschedule is one event, filters can be given, and what was missed while nothing
    listened is read back. The signing keys are those of the vault's subscriptions, and the one in
    CALENDLY_WEBHOOK_SECRET. Without any nothing listens.
    """
    refuse_password(context, "inbox", INBOX_VARIABLE)
    kinds = kinds_of(events)
    handler, words = chosen(show=show, forward=forward, program=program)
    signed_in = bool({"token", "name"} & credential().keys())
    with ExitStack() as stack:
        connection = stack.enter_context(connect()) if signed_in else None
        wanted = Wanted(connection, kinds, rows)
        keys = webhooks_keys(connection)

        from ..events.dispatcher import Dispatcher
        from ..events.inbox import open_inbox
        from ..events.webhooks.asgi import asgi
        from ..events.webhooks.receiver import Receiver
        from ..events.webhooks.server import serve

        stack.enter_context(logged(logging.INFO))
        opened = stack.enter_context(closing(open_inbox(inbox or own_inbox())))
        worker = _Worker()
        dispatcher = Dispatcher(opened, worker.guarded(handler), trigger=wanted.selector)
        looks = connection is not None and look_every_min > 0
        look = wanted.looking(opened, look_every_min * 60, since, dispatcher.wake) if looks else None

        def announce(address: str, end: Callable[[], None]) -> None:
            place = printable(opened.place)
            back = f" What was missed is read back every {look_every_min:g} minutes." if look else ""
            told = f"Webhooks to {address} are kept in {place}, and {words}.{back} Press Ctrl-C to stop."
            click.echo(told, err=True)
            worker.start(dispatcher.run, end, awaited=True)
            if look:
                worker.start(look, end, awaited=False)  # Calendly may keep it waiting; the next one goes on

        try:
            serve(asgi(Receiver(opened, keys, on_new=dispatcher.wake), owns_loop=True), host, port, announce)
        finally:
            worker.end(dispatcher)


class _Worker:
    """What goes on in threads beside the server; what ends one of them ends the server too."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._awaited: list[threading.Thread] = []
        self._failure: Exception | None = None

    def guarded(self, handler: "Callable[[Event], None]") -> "Callable[[Event], None]":
        """Give a handler after whose broken pipe no more events are given: nobody reads them."""

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
        """Do it in a thread; what is not `awaited` may be left in the middle of anything."""

        def run() -> None:
            try:
                work(self._stop)
            except Exception as error:  # noqa: BLE001 - it is raised by `end`, in the main thread
                self._failure = error
            end()

        thread = threading.Thread(target=run, name="events", daemon=True)
        if awaited:
            self._awaited.append(thread)
        thread.start()

    def end(self, dispatcher: "Dispatcher") -> None:
        """Wait for the event that is being given, then for nothing more."""
        self._stop.set()
        dispatcher.wake()
        for thread in self._awaited:
            thread.join()
        if self._failure is not None:
            raise self._failure
