"""What a poll of one family of records knows, and how it reads lists."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from ...catalog.required_fields import taken_from, uri_in
from ...contract import Connection, Record
from ...errors import NotFound
from ...support import timestamps
from ..scope_assignment import ScopeAssignment

_MAX_THREADS: Final = 8

HOUR_S: Final = 3600.0
DAY_S: Final = 24 * HOUR_S


@dataclass(frozen=True, slots=True)
class PollContext:
    """What a poll of one family of records knows. Times are unix seconds.

    `assignment` has the owner of the records to read and the events of Calendly that are wanted. `last` is
    the time of the previous poll, None at the first; then `since` is the time from which on events are
    returned. `could_fit` says whether a meeting's invitees are worth a call.
    """

    assignment: ScopeAssignment
    user: str
    now: float
    last: float | None = None
    since: float | None = None
    could_fit: Callable[[Record], bool] = lambda _meeting: True

    @property
    def is_baseline(self) -> bool:
        """Whether this poll only records what exists."""
        return self.last is None and self.since is None

    def new_since(self, margin_s: float) -> float:
        """Return the time from which on an unseen record counts as new; older ones were only unknown."""
        if self.last is not None:
            return self.last - margin_s
        return self.now if self.since is None else self.since

    def timestamp(self, value: Any) -> str:
        """Return a time of Calendly's as it is, or the time of the poll if it is missing."""
        return value if isinstance(value, str) else written(self.now)


@dataclass(slots=True)
class Reader:
    """Reads the lists of one family of records. `complete` is False once a list broke off."""

    connection: Connection
    calls: int = 0
    complete: bool = True
    warnings: dict[str, None] = field(default_factory=dict)

    def read(self, action: str, params: Mapping[str, Any]) -> list[Record]:
        """Return a whole list."""
        with self.stream(action, params) as records:
            return list(records)

    @contextmanager
    def stream(self, action: str, params: Mapping[str, Any]) -> Iterator[Iterator[Record]]:
        """Read a list as far as it is iterated over, and count the pages."""
        stream = self.connection.iterate(action, params)
        is_exhausted = False

        def records() -> Iterator[Record]:
            nonlocal is_exhausted
            yield from stream
            is_exhausted = True

        yield records()
        self.calls += stream.calls
        self.warnings.update(dict.fromkeys(stream.warnings))
        if is_exhausted and not stream.complete:
            self.complete = False

    def invitees(self, meetings: Sequence[Record]) -> list[list[Record] | None]:
        """Read the invitees of meetings in parallel; None for a meeting whose list broke off."""

        def read(meeting: Record) -> tuple[list[Record] | None, int, tuple[str, ...]]:
            uri = uri_in(meeting, "uri", "scheduled_events.list")
            with taken_from("the reply to scheduled_events.list"):
                stream = self.connection.iterate("invitees.list", {"uuid": uri})
            try:
                found = list(stream)
            except NotFound:  # deleted after it was listed, or not there yet: the next poll will tell
                return None, 1, ()
            return (found if stream.complete else None), stream.calls, stream.warnings

        if not meetings:
            return []
        with ThreadPoolExecutor(min(_MAX_THREADS, len(meetings)), "calendly-poll") as pool:
            try:
                answers = list(pool.map(read, meetings))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        for found, calls, warnings in answers:
            self.calls += calls
            self.warnings.update(dict.fromkeys(warnings))
            self.complete = self.complete and found is not None
        return [found for found, _, _ in answers]


def unix(text: Any) -> float | None:
    """Return a time of Calendly's as unix seconds; None if it isn't one."""
    moment = timestamps.read_or_none(text)
    return None if moment is None else moment.timestamp()


def written(seconds: float) -> str:
    """Return unix seconds as Calendly writes a time."""
    return timestamps.write(datetime.fromtimestamp(seconds, UTC))


def is_since(text: Any, start: float) -> bool:
    """Check whether a time is at `start` or later. An unreadable time counts as new, so nothing is lost."""
    moment = unix(text)
    return moment is None or moment >= start
