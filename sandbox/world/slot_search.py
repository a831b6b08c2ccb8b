"""Find the times at which an event type can be booked. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import NamedTuple

from . import date_ranges, times
from .busy_times import BusyTime, busy_times, meetings
from .population import EventType, Member
from .records import Record
from .schedules import WEEK
from .world import World

_DEFAULT_INCREMENT = 30
_PERIOD_FORMATS = {"daily_limit": "%Y-%m-%d", "weekly_limit": "%G-%V", "monthly_limit": "%Y-%m"}
_MONTH = 31 * times.DAY


class Slot(NamedTuple):
    """A start, the host numbers, the remaining seats, and the number of the group meeting they belong to."""

    start: int
    hosts: tuple[int, ...]
    remaining: int = 1
    number: int | None = None


def free_slots(world: World, event_type: EventType, *, now: int, since: int, until: int) -> list[Slot]:
    """Return the free slots in a time range, sorted, without those in the past."""
    if not event_type.record["active"] or event_type.record["booking_method"] != "instant":
        return []
    first, last = max(now, since), min(until, now + date_ranges.HORIZON)
    finder = _SlotFinder(world, event_type, first, last)
    found: dict[int, Slot] = {}
    for position, number in enumerate(event_type.hosts):
        starts = finder.starts(world.population.members[number])
        if event_type.collective:
            starts = starts if position == 0 else starts & found.keys()
            slots = finder.slots(number, starts)
            found = {slot.start: slot._replace(hosts=event_type.hosts) for slot in slots}
        else:
            found |= {slot.start: slot for slot in finder.slots(number, starts - found.keys())}
    return sorted(found.values())


def slot_at(world: World, event_type: EventType, *, now: int, start: int) -> Slot | None:
    """Return the free slot at a start, None if there isn't one."""
    end = start + event_type.record["duration"] * times.MINUTE
    slots = free_slots(world, event_type, now=now, since=start, until=end)
    return next((slot for slot in slots if slot.start == start), None)


class _SlotFinder:
    """Finds slots of one event type in one time range, host by host."""

    def __init__(self, world: World, event_type: EventType, first: int, last: int) -> None:
        record = event_type.record
        self._world, self._event_type, self._first, self._last = world, event_type, first, last
        self._length = record["duration"] * times.MINUTE
        self._step = (record["start_time_increment"] or _DEFAULT_INCREMENT) * times.MINUTE
        self._before, self._after = (
            record[buffer] * times.MINUTE for buffer in ("before_buffer", "after_buffer")
        )
        self._starts: dict[tuple[str, int], frozenset[int]] = {}

    def starts(self, member: Member) -> frozenset[int]:
        """Return the starts within a host's availability; cached, because most hosts share the same rules."""
        dates = self._event_type.dates
        if dates and dates.spots:
            return frozenset(self._starts_within(dates.spots))
        rule = self._world.schedules.rule(self._event_type.uuid, member)
        key = rule["timezone"], id(rule["rules"])
        if key not in self._starts:
            starts = self._starts_within(intervals(rule, self._first, self._last))
            self._starts[key] = frozenset(start for start in starts if not dates or dates.allow(start))
        return self._starts[key]

    def _starts_within(self, open_intervals: Iterable[tuple[int, int]]) -> Iterator[int]:
        for opens, closes in open_intervals:
            for start in range(opens, closes - self._length + 1, self._step):
                if self._first <= start < self._last:
                    yield start

    def slots(self, number: int, starts: Iterable[int]) -> list[Slot]:
        """Return the slots for those of `starts` at which a host is free."""
        candidates = sorted(starts)
        if not candidates:
            return []
        member = self._world.population.members[number]
        margin = self._length + self._before + self._after
        busy = busy_times(self._world, member, candidates[0] - margin, candidates[-1] + 2 * margin)
        limits = _MeetingLimits(self._world, member, candidates[0], candidates[-1])
        slots = (self._slot(start, number, busy) for start in candidates if not limits.reached(start))
        return [slot for slot in slots if slot]

    def _slot(self, start: int, number: int, busy: list[BusyTime]) -> Slot | None:
        end = start + self._length
        padded_start, padded_end = start - self._before, end + self._after
        conflicts = [
            busy_time
            for busy_time in busy
            if busy_time.overlaps(start, end)
            or (busy_time.start < padded_end and padded_start < busy_time.end)
        ]
        if not conflicts:
            return Slot(start, (number,), self._event_type.seats)
        shared = conflicts[0]
        if len(conflicts) > 1 or shared.start != start or shared.number is None:
            return None
        event = self._world.event(shared.number)
        remaining: int = event["invitees_counter"]["limit"] - event["invitees_counter"]["active"]
        if (
            event["event_type"].endswith(f"/{self._event_type.uuid}")
            and self._event_type.seats > 1
            and remaining > 0
        ):
            return Slot(start, (number,), remaining, shared.number)
        return None


def intervals(rule: Record, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield the available intervals of a rule on the days around a time range."""
    zone = rule["timezone"]
    dates = {item["date"]: item["intervals"] for item in rule["rules"] if item["type"] == "date"}
    week = {item["wday"]: item["intervals"] for item in rule["rules"] if item["type"] == "wday"}
    if last <= first:
        return
    day = timedelta(days=1)
    for date in date_ranges.days_between(
        date_ranges.local_time(first, zone).date() - day, date_ranges.local_time(last, zone).date()
    ):
        weekday = WEEK[date.isoweekday() % 7]
        for item in dates.get(date.isoformat(), week.get(weekday, [])):
            yield (
                date_ranges.moment_at(date, item["from"], zone),
                date_ranges.moment_at(date, item["to"], zone),
            )


class _MeetingLimits:
    """A user's meeting limits and their usage, in the time zone of the default schedule."""

    def __init__(self, world: World, member: Member, first: int, last: int) -> None:
        limits = world.meeting_limits(member)
        self._limits = {_PERIOD_FORMATS[name]: limit for name, limit in limits.items() if limit is not None}
        self._zone = world.schedules.default(member)["timezone"]
        self._counts: Counter[str] = Counter()
        if self._limits:
            for meeting in meetings(world, member, first - _MONTH, last + _MONTH):
                self._counts.update(self._periods(meeting.start).values())

    def reached(self, moment: int) -> bool:
        """Check whether a daily, weekly or monthly limit is reached at a time."""
        periods = self._periods(moment)
        return any(self._counts[periods[period]] >= limit for period, limit in self._limits.items())

    def _periods(self, moment: int) -> dict[str, str]:
        local = date_ranges.local_time(moment, self._zone)
        return {period: local.strftime(period) for period in self._limits}
