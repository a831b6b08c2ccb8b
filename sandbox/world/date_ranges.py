"""Stretches of days and the windows that may be asked for. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from ..errors import Body, detail
from . import times
from .records import Record

_WEEKEND = 5
HORIZON = 730 * times.DAY  # nothing is planned further ahead than two years


@dataclass(frozen=True)
class BookableDates:
    """When a one-off event type can be booked: between two days, or in fixed spots (microseconds)."""

    timezone: str
    first: date = date.min
    last: date = date.max
    only_weekdays: bool = False
    spots: tuple[tuple[int, int], ...] = ()

    def allow(self, moment: int) -> bool:
        """Whether a moment lies on one of the days."""
        day = local_time(moment, self.timezone).date()
        weekend = day.weekday() >= _WEEKEND
        return self.first <= day <= self.last and not (weekend and self.only_weekdays)


def local_time(moment: int, timezone: str) -> datetime:
    """Give the wall clock of a time zone at a moment."""
    return datetime.fromtimestamp(moment // times.SECOND, ZoneInfo(timezone))


def moment_at(day: date, clock: str, timezone: str) -> int:
    """Give the moment at which a wall clock shows `hh:mm`; 24:00 is the end of the day."""
    hours, minutes = map(int, clock.split(":"))
    naive = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(timezone))
    there = naive + timedelta(hours=hours, minutes=minutes)  # arithmetic of the wall clock
    return times.from_unix(there.astimezone(UTC).timestamp())


def days_between(first: date, last: date) -> Iterable[date]:
    """Give each day between two, both included."""
    return (date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1))


def window_problems(query: Record, now: int, most_days: int) -> list[Body]:
    """Say what is wrong with a `start_time` and an `end_time` between which something is looked for."""
    start, end = query["start_time"], query["end_time"]
    problems = []
    if start < now:
        problems.append(detail("must not be in the past", "start_time"))
    if end <= start:
        problems.append(detail("must be after start_time", "end_time"))
    elif end - start > most_days * times.DAY:
        problems.append(detail(f"must be within {most_days} days of start_time", "end_time"))
    return problems
