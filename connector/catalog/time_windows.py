"""Time ranges longer than Calendly accepts in one call: split into windows and merged again. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ..errors import Problem
from ..support import timestamps

_Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TimeWindows:
    """The inputs for an action's range, how many days one call accepts, and the field that orders records."""

    start: str
    end: str
    days: int
    order: str

    def problem(self, values: Mapping[str, Any]) -> Problem | None:
        """Return the problem if the end isn't after the start; both must be well-formed."""
        if (
            self.start in values
            and self.end in values
            and not timestamps.read(values[self.start]) < timestamps.read(values[self.end])
        ):
            return Problem(self.end, f"must be later than {self.start}")
        return None

    def split(self, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the inputs of each call that the range needs, in order; a short range needs one."""
        start, end = timestamps.read(values[self.start]), timestamps.read(values[self.end])
        step = timedelta(days=self.days)
        if end - start <= step:
            yield dict(values)
            return
        while start < end:
            until = min(start + step, end)
            yield {**values, self.start: timestamps.write(start), self.end: timestamps.write(until)}
            start = until

    def merge(self, before: list[_Record], records: list[_Record]) -> list[_Record]:
        """Return the records of one window in order, without those that the previous window had already."""
        unseen = [record for record in records if record not in before]
        # Records without a readable time come first.
        earliest = datetime.min.replace(tzinfo=UTC)
        return sorted(unseen, key=lambda record: timestamps.read_or_none(record.get(self.order)) or earliest)
