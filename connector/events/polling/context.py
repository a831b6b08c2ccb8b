"""One look at Calendly: whose things are read, what counts as new, what it cost."""

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
from ..scope_assignment import Share

_AT_ONCE: Final = 8

HOUR_S: Final = 3600.0
DAY_S: Final = 24 * HOUR_S


@dataclass(slots=True)
class Look:
    """Times are unix seconds. `last` is the look before, None at the first; `since` where that one begins.

    `share` says whose things are looked at, and which events of Calendly are wanted of them. `could_fit`
    says whether a meeting's invitees are worth a call.
    """

    connection: Connection
    share: Share
    user: str
    now: float
    last: float | None = None
    since: float | None = None
    could_fit: Callable[[Record], bool] = lambda _meeting: True
    calls: int = 0
    complete: bool = True
    warnings: dict[str, None] = field(default_factory=dict)

    @property
    def is_baseline(self) -> bool:
        """Whether this look only learns what is there."""
        return self.last is None and self.since is None

    def floor(self, margin_s: float) -> float:
        """Give the time from which on a thing that was not seen before is new, not merely unknown."""
        if self.last is not None:
            return self.last - margin_s
        return self.now if self.since is None else self.since

    def read(self, action: str, values: Mapping[str, Any]) -> list[Record]:
        """Read a whole list."""
        with self.reading(action, values) as records:
            return list(records)

    @contextmanager
    def reading(self, action: str, values: Mapping[str, Any]) -> Iterator[Iterator[Record]]:
        """Read a list as far as it is wanted, the pages counted."""
        stream = self.connection.iterate(action, values)
        done = False

        def records() -> Iterator[Record]:
            nonlocal done
            yield from stream
            done = True

        yield records()
        self.calls += stream.calls
        self.warnings.update(dict.fromkeys(stream.warnings))
        if done and not stream.complete:
            self.complete = False

    def invitees(self, meetings: Sequence[Record]) -> list[list[Record] | None]:
        """Read the invitees of meetings, several at once; None where they could not be read whole."""

        def read(meeting: Record) -> tuple[list[Record] | None, int, tuple[str, ...]]:
            uri = uri_in(meeting, "uri", "scheduled_events.list")
            with taken_from("the reply to scheduled_events.list"):
                stream = self.connection.iterate("invitees.list", {"uuid": uri})
            try:
                found = list(stream)
            except NotFound:  # it went after it was listed, or is not there yet: the next look will say
                return None, 1, ()
            return (found if stream.complete else None), stream.calls, stream.warnings

        if not meetings:
            return []
        with ThreadPoolExecutor(min(_AT_ONCE, len(meetings)), "calendly-look") as pool:
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
    """Read a time of Calendly's as unix seconds; None for what is none."""
    moment = timestamps.read_or_none(text)
    return None if moment is None else moment.timestamp()


def written(seconds: float) -> str:
    """Write unix seconds as Calendly writes a time."""
    return timestamps.write(datetime.fromtimestamp(seconds, UTC))


def since(text: Any, floor: float) -> bool:
    """Whether a time is at a floor or later; what cannot be read counts as new, so that nothing is lost."""
    moment = unix(text)
    return moment is None or moment >= floor
