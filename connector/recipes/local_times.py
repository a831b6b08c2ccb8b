"""Times as people read them: local text in a time zone, and the range that a recipe covers. Pure."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from ..contract import Record
from ..errors import InvalidParams, Problem
from ..support import timestamps

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def local_text(moment: datetime, zone: tzinfo) -> str:
    """Return a local time such as `2026-11-25 09:00`.

    One that occurs twice, when the clocks go back, is followed by its abbreviation.
    """
    local = moment.astimezone(zone)
    text = local.strftime("%Y-%m-%d %H:%M")
    is_ambiguous = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{text} {local.tzname()}" if is_ambiguous else text


def local_fields(start: datetime, zone: tzinfo) -> Record:
    """Return the fields of a row that say when something starts."""
    return {
        "start_time": timestamps.write(start),
        "start_local": local_text(start, zone),
        "weekday": WEEKDAYS[start.astimezone(zone).weekday()],
        "timezone": str(zone),
    }


def next_minute(now: datetime) -> datetime:
    """Return a time that is still to come when Calendly, whose clock may differ, receives it."""
    return now.replace(second=0, microsecond=0) + timedelta(minutes=2)


def future_range(
    action: str, inputs: Mapping[str, Any], now: datetime, days: int
) -> tuple[datetime, datetime]:
    """Return the range of `start` and `end`, without the past; default: `days` from now on.

    Raises InvalidParams if nothing is left.
    """
    earliest = next_minute(now)
    start = _read(action, inputs, "start", earliest)
    end = _read(action, inputs, "end", max(start, earliest) + timedelta(days=days))
    if end <= max(start, earliest):
        later_than = "start" if start > earliest else "now"
        raise InvalidParams(action, [Problem("end", f"must be later than {later_than}")])
    return max(start, earliest), end


def windows(start: datetime, end: datetime, length: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """Yield the parts of a range, none longer than `length`."""
    while start < end:
        until = min(start + length, end)
        yield start, until
        start = until


def _read(action: str, inputs: Mapping[str, Any], name: str, default: datetime) -> datetime:
    if name not in inputs:
        return default
    moment = timestamps.read_or_none(inputs[name])
    if moment is None:
        raise InvalidParams(action, [Problem(name, "isn't within the calendar")])
    return moment.astimezone(UTC)
