"""Time ranges longer than Calendly takes at once: cut into windows, and merged again. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ..errors import Problem
from ..support import timestamps

_Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """Which inputs begin and end an action's range, how many days fit, which field orders its records."""

    start: str
    end: str
    days: int
    order: str

    def problem(self, values: Mapping[str, Any]) -> Problem | None:
        """Say what is wrong with a range whose two ends are well-formed."""
        if (
            self.start in values
            and self.end in values
            and not timestamps.read(values[self.start]) < timestamps.read(values[self.end])
        ):
            return Problem(self.end, f"must be later than {self.start}")
        return None

    def cut(self, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Give the inputs of each call that the range needs, in order; a short range needs one."""
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
        """Order the records of one window, without those that the window before it gave already."""
        fresh = [record for record in records if record not in before]
        return sorted(fresh, key=lambda record: _moment(record.get(self.order)))


def _moment(value: Any) -> datetime:
    """Order what has no readable time first rather than lose it."""
    return timestamps.read_or_none(value) or datetime.min.replace(tzinfo=UTC)
