"""`calendly-connector webhooks listen`: a receiver with its inbox, and something to do with events."""

import logging
import os
import threading
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Final

import click

from ..errors import SignatureError, UsageError
from .debug import logged
from .event_handlers import chosen
from .output import printable
from .places import refuse_password

if TYPE_CHECKING:
    from ..contract import Event
    from ..triggers.giving import Giver
    from ..webhooks.receiver import Keys

_SECRET: Final = "CALENDLY_WEBHOOK_SECRET"  # noqa: S105 - a variable's name
_INBOX: Final = "CALENDLY_CONNECTOR_INBOX"


@click.command("listen")
@click.option("--port", type=click.IntRange(0, 65535), required=True, help="0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--print", "show", is_flag=True, help="Print events, as JSON lines.")
@click.option("--forward", metavar="URL", help="Post events to this address; 2xx means taken.")
@click.option("--exec", "program", metavar="CMD", help="Run this for each event; exit code 0 means taken.")
@click.option(
    "--inbox",
    envvar=_INBOX,
    metavar="WHERE",
    help=f"A file, or a database's URL. Also read from {_INBOX}. Default: a file in your data folder.",
)
@click.option("--events", metavar="KIND,…", help="Which events are wanted. Default: all.")
@click.pass_context
def command(
    context: click.Context,
    port: int,
    host: str,
    *,
    show: bool,
    forward: str | None,
    program: str | None,
    inbox: str | None,
    events: str | None,
) -> None:
    """Take webhooks on a port, and do something with each event, until interrupted.

    An event is in the inbox before Calendly is answered, and stays there until it was taken. What fails
    comes again, later and later, 20 times in all. An event may come twice after a crash, under the same
    id: it is in the JSON line, in the header Calendly-Connector-Event-Id, or in CALENDLY_EVENT_ID.

    A command has the event on standard input, as Calendly sends it, its kind in CALENDLY_EVENT_KIND, and 50
    seconds to take it.

    The signing key of the subscription is in CALENDLY_WEBHOOK_SECRET. Without one nothing listens.
    """
    refuse_password(context, "inbox", _INBOX)
    wanted = _wanted(events)
    handler, words = chosen(show=show, forward=forward, program=program)
    keys = webhooks_keys()

    from ..inbox import open_inbox
    from ..triggers.giving import Giver
    from ..webhooks.asgi import asgi
    from ..webhooks.receiver import Receiver
    from ..webhooks.server import serve

    with logged(logging.INFO), closing(open_inbox(inbox or _own_inbox())) as opened:
        worker = _Worker()
        giver = Giver(opened, worker.guarded(handler), refine=wanted)

        def announce(address: str, end: Callable[[], None]) -> None:
            place = printable(opened.place)
            click.echo(
                f"Webhooks to {address} are kept in {place}, and {words}. Press Ctrl-C to stop.", err=True
            )
            worker.start(giver, end)

        try:
            serve(asgi(Receiver(opened, keys, told=giver.wake)), host, port, announce)
        finally:
            worker.end(giver)


def webhooks_keys() -> "Keys":
    """Give what knows the signing keys: the one in the environment, for whatever subscription."""
    key = os.environ.get(_SECRET, "").strip()
    if not key:
        raise SignatureError(
            "There is no signing key, so that anybody could post events.",
            fix=f"Set {_SECRET} to the signing key of the subscription.",
            reason="no_key",
        )
    return lambda _subscription: (key,)


class _Worker:
    """Gives events in a thread; what ends the thread ends the server too."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
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

    def start(self, giver: "Giver", end: Callable[[], None]) -> None:
        def run() -> None:
            try:
                giver.run(self._stop)
            except Exception as error:  # noqa: BLE001 - it is raised by `end`, in the main thread
                self._failure = error
            end()

        self._thread = threading.Thread(target=run, name="events", daemon=True)
        self._thread.start()

    def end(self, giver: "Giver") -> None:
        """Wait for the event that is being given, then for nothing more."""
        self._stop.set()
        giver.wake()
        if self._thread is not None:
            self._thread.join()
        if self._failure is not None:
            raise self._failure


def _wanted(events: str | None) -> "Callable[[Event], Event | None]":
    from ..manifest import manifest

    kinds = {kind for kind in (word.strip() for word in (events or "").split(",")) if kind}
    known = manifest().triggers
    if unknown := sorted(kinds - set(known)):
        raise UsageError(f"There is no event {unknown[0]!r}.", fix=f"Events: {', '.join(known)}.")
    return lambda event: event if not kinds or event.kind in kinds else None


def _own_inbox() -> str:
    try:
        import platformdirs
    except ImportError as error:
        raise UsageError(
            f"The data folder is found with {error.name}.",
            fix="Give --inbox, or pip install 'calendly-connector[webhooks]'.",
        ) from None
    return str(platformdirs.user_data_path("calendly-connector", appauthor=False) / "inbox.db")
