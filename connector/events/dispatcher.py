"""Events on their way from the inbox to a handler: each until it is taken, none held back by another.

A handler gets each event at least once, always under the same id: after a crash between its work and the
note of it, once more.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final

from ..catalog.validation import with_warnings
from ..contract import Event
from ..errors import ConnectorError, InboxError, UnexpectedAnswer
from ..support.clock import Timing
from ..support.redaction import redact
from .inbox import Entry, Inbox, Outcome
from .webhooks.event import read_event, write_event

Refine = Callable[[Event], Sequence[Event]]

_LOGGER: Final = logging.getLogger("calendly_connector.events")
_SHORTEST_S: Final = 1.0
_LONGEST_S: Final = 3600.0
_POLL_S: Final = 0.5  # what another process puts is found this late at most


class Giver:
    """Gives what is in an inbox to `handler`, which takes an event by returning.

    `refine` says what an event is to the handler: itself, nothing where nobody wants it, or other events,
    which are put in the inbox. Where one of both raises, the event comes again after a while, up to
    `attempts` times; then it is parked. A handler that takes longer than `lease_s` may be given it twice.
    """

    def __init__(
        self,
        inbox: Inbox,
        handler: Callable[[Event], None],
        *,
        refine: Refine = lambda event: (event,),
        timing: Timing | None = None,
        attempts: int = 20,
        lease_s: float = 60.0,
    ) -> None:
        self._inbox = inbox
        self._handler = handler
        self._refine = refine
        self._timing = timing or Timing()
        self._attempts = attempts
        self._lease_s = lease_s
        self._wake = threading.Event()

    def give_due(self, stop: threading.Event | None = None) -> int:
        """Give all that is due now, the oldest first, unless stopped; give how many entries ended."""
        began = self._timing.clock()
        ended = 0
        while not (stop and stop.is_set()):
            # What fails meanwhile is not due at `began`, so that this comes to an end.
            lease_s = self._timing.clock() - began + self._lease_s
            found = self._inbox.claim(now=began, limit=1, lease_s=lease_s)
            if not found:
                break
            ended += self._give(found[0])
        return ended

    def run(self, stop: threading.Event) -> None:
        """Give what comes until stopped. Raises InboxError where waiting does not help."""
        while not stop.is_set():
            self._wake.clear()
            try:
                self.give_due(stop)
                pause_s = self._pause_s()
            except InboxError as error:
                if not error.retryable:
                    raise
                _LOGGER.warning("%s", error)
                pause_s = _POLL_S
            self._wake.wait(pause_s)

    def wake(self) -> None:
        """Make `run` look at once: something was put, or it is to stop."""
        self._wake.set()

    def _pause_s(self) -> float:
        due = self._inbox.next_due()
        return _POLL_S if due is None else min(max(due - self._timing.clock(), 0.0), _POLL_S)

    def _give(self, entry: Entry) -> bool:
        """Give one entry; say whether that was its end."""
        if entry.attempts > self._attempts:  # the last attempt ended with its process
            self._park(entry, "the process ended while the event was given")
            return False
        try:
            outcome, also = self._take(entry)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises means that it did not take it
            self._put_off(entry, error)
            return False
        self._inbox.settle(entry.id, outcome, now=self._timing.clock(), also=also)
        _LOGGER.info("%s: %s", outcome, entry.id)
        return True

    def _take(self, entry: Entry) -> tuple[Outcome, Sequence[Entry]]:
        # Compared with its schema here, where nobody waits for an answer, and not when it is received.
        told = self._refine(with_warnings(read_event(entry.body), log=entry.attempts == 1))
        others = [entry_of(event) for event in told if event.id != entry.id]
        for event in told:
            if event.id == entry.id:
                self._handler(event)
                return "given", others
        return ("folded" if others else "unwanted"), others

    def _put_off(self, entry: Entry, error: Exception) -> None:
        # The words of strangers may hold what is in the event.
        words = redact(str(error)) if isinstance(error, ConnectorError) else type(error).__name__
        if entry.attempts >= self._attempts:
            self._park(entry, words)
            return
        delay_s = _SHORTEST_S + self._timing.jitter() * min(_LONGEST_S, 2.0**entry.attempts)
        self._inbox.postpone(entry.id, self._timing.clock() + delay_s, words)
        _LOGGER.warning("again in %.0f s (attempt %d): %s: %s", delay_s, entry.attempts, entry.id, words)

    def _park(self, entry: Entry, words: str) -> None:
        self._inbox.park(entry.id, words)
        _LOGGER.error("parked after %d attempts: %s: %s", self._attempts, entry.id, words)


def entry_of(event: Event) -> Entry:
    """Make the entry of an event, for an inbox. UnexpectedAnswer where its id is not that of its payload."""
    body = write_event(event)
    if read_event(body).id != event.id:  # under another id a handler would get it twice
        raise UnexpectedAnswer(f"The event {event.id} has not the id of what is in it.", fix="Report this.")
    return Entry(event.id, event.kind, event.created_at, body)
