"""From the inbox to a handler: each event is retried until it is handled, and none holds back another.

A handler gets each event at least once, always with the same id. After a crash between the handler's work and
the note that it is done, it gets the event again.

See docs/decisions/leases.md.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from ..catalog.validation import with_warnings
from ..contract import Event
from ..errors import ConnectorError, InboxError, UnexpectedAnswer
from ..support.clock import Timing
from ..support.redaction import redact
from .inbox import Entry, FinalState, Inbox
from .matcher import SeenEvents
from .webhooks.event import read_event, write_event

_LOGGER: Final = logging.getLogger("calendly_connector.events")
_MIN_RETRY_S: Final = 1.0
_MAX_RETRY_S: Final = 3600.0
_MAX_PAUSE_S: Final = 0.5  # entries that another process puts are found this late at most


class Selector(Protocol):
    """Chooses the events to deliver, as `EventTrigger` does."""

    def match(self, event: Event, seen: SeenEvents) -> Sequence[Event]:
        """Return the event itself to deliver it, nothing to drop it, or others to put in the inbox."""


class Dispatcher:
    """Delivers the events in an inbox to `handler`. An event is done when the handler returns.

    `trigger` chooses the events, by default all. If it or the handler raises, the event is retried, up to
    `attempts` times with growing pauses; then it is dead. A handler that takes longer than `lease_s` may get
    the event twice.
    """

    def __init__(
        self,
        inbox: Inbox,
        handler: Callable[[Event], None],
        *,
        trigger: Selector | None = None,
        timing: Timing | None = None,
        attempts: int = 20,
        lease_s: float = 60.0,
    ) -> None:
        self._inbox = inbox
        self._handler = handler
        self._trigger = trigger
        self._timing = timing or Timing()
        self._attempts = attempts
        self._lease_s = lease_s
        self._wake = threading.Event()

    def dispatch_due(self, stop: threading.Event | None = None) -> int:
        """Deliver all entries that are due now, the oldest first. Return how many are completed."""
        began = self._timing.clock()
        completed = 0
        while not (stop and stop.is_set()):
            # An entry that fails meanwhile isn't due at `began`, so this ends.
            lease_s = self._timing.clock() - began + self._lease_s
            claimed = self._inbox.claim(now=began, limit=1, lease_s=lease_s)
            if not claimed:
                break
            completed += self._dispatch(claimed[0])
        return completed

    def run(self, stop: threading.Event) -> None:
        """Deliver entries as they arrive, until stopped. Raises InboxError if a retry wouldn't help."""
        while not stop.is_set():
            self._wake.clear()
            try:
                self.dispatch_due(stop)
                pause_s = self._pause_s()
            except InboxError as error:
                if not error.retryable:
                    raise
                _LOGGER.warning("%s", error)
                pause_s = _MAX_PAUSE_S
            self._wake.wait(pause_s)

    def wake(self) -> None:
        """Make `run` check the inbox, or its stop flag, immediately."""
        self._wake.set()

    def _pause_s(self) -> float:
        due = self._inbox.next_due()
        return _MAX_PAUSE_S if due is None else min(max(due - self._timing.clock(), 0.0), _MAX_PAUSE_S)

    def _dispatch(self, entry: Entry) -> bool:
        """Deliver one entry; return whether it is completed."""
        if entry.attempts > self._attempts:  # the process ended during the last attempt
            self._bury(entry, "the process ended while the event was handled")
            return False
        try:
            state, others = self._handle(entry)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises, the event isn't handled
            self._retry_later(entry, error)
            return False
        self._inbox.complete(entry.id, state, now=self._timing.clock(), also=others)
        _LOGGER.info("%s: %s", state, entry.id)
        return True

    def _handle(self, entry: Entry) -> tuple[FinalState, Sequence[Entry]]:
        # The schema is checked here rather than on receipt, where Calendly waits for the answer.
        event = with_warnings(read_event(entry.body), log=entry.attempts == 1)
        matched = self._trigger.match(event, InboxEvents(self._inbox)) if self._trigger else (event,)
        others = [entry_of(one) for one in matched if one.id != entry.id]
        for one in matched:
            if one.id == entry.id:
                self._handler(one)
                return "delivered", others
        return ("merged" if others else "filtered"), others

    def _retry_later(self, entry: Entry, error: Exception) -> None:
        # The message of a foreign error may contain the event's data.
        reason = redact(str(error)) if isinstance(error, ConnectorError) else type(error).__name__
        if entry.attempts >= self._attempts:
            self._bury(entry, reason)
            return
        delay_s = _MIN_RETRY_S + self._timing.jitter() * min(_MAX_RETRY_S, 2.0**entry.attempts)
        if (wait_s := getattr(error, "retry_after_s", None)) is not None:  # the other side says when
            delay_s = max(delay_s, min(_MAX_RETRY_S, wait_s))
        self._inbox.defer(entry.id, self._timing.clock() + delay_s, reason)
        _LOGGER.warning("retry in %.0f s (attempt %d): %s: %s", delay_s, entry.attempts, entry.id, reason)

    def _bury(self, entry: Entry, reason: str) -> None:
        self._inbox.bury(entry.id, reason)
        _LOGGER.error("dead after %d attempts: %s: %s", self._attempts, entry.id, reason)


class InboxEvents:
    """The events in an inbox, as a matcher asks for them."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def find(self, event_id: str) -> Event | None:
        """Return an event that isn't completed yet."""
        entry = self._inbox.find(event_id)
        return read_event(entry.body) if entry else None

    def is_known(self, event_id: str) -> bool:
        """Check whether an event was ever put in the inbox."""
        return bool(self._inbox.known([event_id]))


def entry_of(event: Event) -> Entry:
    """Return the inbox entry of an event. Raises UnexpectedAnswer if its id doesn't match its payload."""
    body = write_event(event)
    if read_event(body).id != event.id:  # with another id a handler would get it twice
        raise UnexpectedAnswer(f"Event id {event.id} doesn't match its payload.", fix="Report this.")
    return Entry(event.id, event.kind, event.created_at, body)
