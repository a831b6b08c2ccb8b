"""Availability rules as intervals of time: by weekday and date, in the schedule's own zone. Pure."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo

from ..contract import Record
from . import intervals
from .intervals import Interval
from .local_times import WEEKDAYS

_DAY = timedelta(days=1)


def open_intervals(rules: Sequence[Record], zone: tzinfo, start: datetime, end: datetime) -> list[Interval]:
    """Return when a schedule's rules are open within a range, in UTC."""
    by_date = {rule.get("date"): rule["intervals"] for rule in rules if rule["type"] == "date"}
    by_weekday = {rule.get("wday"): rule["intervals"] for rule in rules if rule["type"] == "wday"}
    first, last = start.astimezone(zone).date() - _DAY, end.astimezone(zone).date()
    found = (
        (moment_at(day, item["from"], zone), moment_at(day, item["to"], zone))
        for day in _days(first, last)
        for item in by_date.get(day.isoformat(), by_weekday.get(WEEKDAYS[day.weekday()], ()))
    )
    return intervals.intersect(intervals.merge(found), [(start, end)])


def moment_at(day: date, clock: str, zone: tzinfo) -> datetime:
    """Return the UTC time at which a local clock shows `hh:mm`; 24:00 is the end of the day.

    A time that is skipped when the clocks go forward is one hour later; of one that occurs twice it is the
    first.
    """
    hours, minutes = map(int, clock.split(":")[:2])
    local = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(hours=hours, minutes=minutes)
    return local.astimezone(UTC)


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += _DAY
