"""Times as whole microseconds since 1970 UTC, and the way Calendly writes them. Pure."""

import re
from datetime import UTC, date, datetime, timedelta

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive arithmetic is twice as fast and UTC all along
_MICROSECOND = timedelta(microseconds=1)
# What is near the ends of the calendar could not be moved by an offset, or by a window, and written again.
_FIRST, _LAST = ((datetime(year, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND for year in (10, 9990))
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def isoformat(moment: int) -> str:
    """Give `YYYY-MM-DDThh:mm:ss.ffffffZ` for microseconds since 1970."""
    return (_NAIVE_EPOCH + timedelta(microseconds=moment)).isoformat(timespec="microseconds") + "Z"


def parse(text: str) -> int:
    """Give the microseconds since 1970 of an RFC 3339 date-time; ValueError for anything else."""
    if not _DATE_TIME.fullmatch(text):
        raise ValueError("must be a valid date-time")
    moment = (datetime.fromisoformat(text.upper()) - _EPOCH) // _MICROSECOND
    if not _FIRST <= moment < _LAST:
        raise ValueError("must be a valid date-time")
    return moment


def from_unix(seconds: float) -> int:
    """Give the microseconds of a clock that gives unix seconds."""
    return round(seconds * SECOND)


def from_day(day: date) -> int:
    """Give the first microsecond of a UTC day."""
    return (day - _EPOCH.date()).days * DAY


def to_day(moment: int) -> date:
    """Give the UTC day a moment lies in."""
    return _EPOCH.date() + timedelta(days=moment // DAY)
