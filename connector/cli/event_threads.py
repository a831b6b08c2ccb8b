"""The threads beside a receiver: polling, and the handling of events. One that fails ends the command."""

import logging
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ..errors import ConnectorError

if TYPE_CHECKING:
    from ..connection import CalendlyConnection
    from ..contract import Event
    from ..events.dispatcher import Dispatcher
    from ..events.inbox import Inbox

_LOGGER: Final = logging.getLogger("calendly_connector.events")
_POLLED: Final = ("invitee.created", "invitee.canceled")
_OTHER_ID: Final = "invitee_no_show.deleted"  # polling would repeat it under another id
_WAKE_S: Final = 0.5  # on Windows, a wait without end can't be interrupted


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


class EventThreads:
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


def wait_for_signal(start: Callable[[Callable[[], None]], None]) -> None:
    """Call `start` with a function that ends the wait, then wait for it, for Ctrl-C or for SIGTERM."""
    ended = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before: dict[int, Any] = {}
    try:
        if threading.current_thread() is threading.main_thread():  # no other one receives signals
            before = {number: signal.signal(number, lambda *_: ended.set()) for number in numbers}
        start(ended.set)
        while not ended.wait(_WAKE_S):
            pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
