"""Times as integer microseconds since 1970 UTC, and Calendly's format for them. Pure."""

import re
from datetime import UTC, date, datetime, timedelta

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive arithmetic is twice as fast, and all times are UTC
_MICROSECOND = timedelta(microseconds=1)
# Times near the ends of the calendar would overflow when an offset or a window is added.
_FIRST, _LAST = ((datetime(year, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND for year in (10, 9990))
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def isoformat(moment: int) -> str:
    """Return `YYYY-MM-DDThh:mm:ss.ffffffZ` for microseconds since 1970."""
    return (_NAIVE_EPOCH + timedelta(microseconds=moment)).isoformat(timespec="microseconds") + "Z"


def parse(text: str) -> int:
    """Return the microseconds since 1970 of an RFC 3339 date-time; raise ValueError for anything else."""
    if not _DATE_TIME.fullmatch(text):
        raise ValueError("must be a valid date-time")
    moment = (datetime.fromisoformat(text.upper()) - _EPOCH) // _MICROSECOND
    if not _FIRST <= moment < _LAST:
        raise ValueError("must be a valid date-time")
    return moment


def from_unix(seconds: float) -> int:
    """Return Unix seconds as microseconds."""
    return round(seconds * SECOND)


def from_day(day: date) -> int:
    """Return the first microsecond of a UTC day."""
    return (day - _EPOCH.date()).days * DAY


def to_day(moment: int) -> date:
    """Return the UTC day of a time in microseconds."""
    return _EPOCH.date() + timedelta(days=moment // DAY)
