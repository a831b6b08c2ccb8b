"""Date ranges, local times, and checks of requested time windows. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from ..errors import Body, detail
from . import times
from .records import Record

_WEEKEND = 5
HORIZON = 730 * times.DAY  # availability ends two years ahead


@dataclass(frozen=True)
class BookableDates:
    """The dates of a one-off event type: a range of days, or fixed (start, end) spots in microseconds."""

    timezone: str
    first: date = date.min
    last: date = date.max
    only_weekdays: bool = False
    spots: tuple[tuple[int, int], ...] = ()

    def allow(self, moment: int) -> bool:
        """Check whether a time is on one of the days."""
        day = local_time(moment, self.timezone).date()
        is_weekend = day.weekday() >= _WEEKEND
        return self.first <= day <= self.last and not (is_weekend and self.only_weekdays)


def local_time(moment: int, timezone: str) -> datetime:
    """Return the local time of a time zone at a time in microseconds."""
    return datetime.fromtimestamp(moment // times.SECOND, ZoneInfo(timezone))


def moment_at(day: date, clock: str, timezone: str) -> int:
    """Return the time in microseconds of a local `hh:mm`; 24:00 is the end of the day."""
    hours, minutes = map(int, clock.split(":"))
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(timezone))
    local = midnight + timedelta(hours=hours, minutes=minutes)  # local time arithmetic, ignores DST
    return times.from_unix(local.astimezone(UTC).timestamp())


def days_between(first: date, last: date) -> Iterable[date]:
    """Return each day of an inclusive range."""
    return (date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1))


def window_problems(query: Record, now: int, max_days: int) -> list[Body]:
    """Return the problems of the time window from `start_time` to `end_time`."""
    start, end = query["start_time"], query["end_time"]
    problems = []
    if start < now:
        problems.append(detail("must not be in the past", "start_time"))
    if end <= start:
        problems.append(detail("must be after start_time", "end_time"))
    elif end - start > max_days * times.DAY:
        problems.append(detail(f"must be within {max_days} days of start_time", "end_time"))
    return problems
