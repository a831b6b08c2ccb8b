"""The start and end of a day, week or month in a time zone, and offsets that follow the calendar. Pure.

Offsets follow the clock on the wall: midnight and a day is the next midnight, even if clocks change in
between. If clocks skip midnight, the day starts when they do; if it comes twice, at the first.

See docs/decisions/ends-are-the-last-moment.md.
"""

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from ..catalog.expressions import Offset

Period = Literal["day", "week", "month"]

_LENGTHS: Final = {
    "day": Offset(length=timedelta(days=1)),
    "week": Offset(length=timedelta(weeks=1)),
    "month": Offset(months=1),
}


def start_of(period: Period, now: datetime, offset: Offset, *, first_weekday: int = 0) -> datetime:
    """Return the moment at which the period of `now` begins in its zone, moved by an offset.

    Raises OverflowError or ValueError outside of the calendar.
    """
    return moved(_start(period, now, first_weekday), offset).astimezone(UTC)


def end_of(period: Period, now: datetime, offset: Offset, *, first_weekday: int = 0) -> datetime:
    """Return the last microsecond of the period of `now` in its zone, moved by an offset.

    Months move the whole period: the end of a month stays one, and the end of a day is that of the day which
    `start_of` returns. Raises OverflowError or ValueError outside of the calendar.
    """
    start = moved(_start(period, now, first_weekday), Offset(months=offset.months))
    end = moved(start, _LENGTHS[period]) + offset.length
    return end.astimezone(UTC) - timedelta.resolution


def moved(local: datetime, offset: Offset) -> datetime:
    """Return a local time moved by an offset; a day that a month doesn't have is the month's last day."""
    if offset.months:
        year, month = divmod(12 * local.year + local.month - 1 + offset.months, 12)
        last_day = monthrange(year, month + 1)[1]
        local = local.replace(year=year, month=month + 1, day=min(local.day, last_day))
    return local + offset.length


def _start(period: Period, now: datetime, first_weekday: int) -> datetime:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    match period:
        case "day":
            return midnight
        case "week":
            return midnight - timedelta(days=(midnight.weekday() - first_weekday) % 7)
        case "month":
            return midnight.replace(day=1)
