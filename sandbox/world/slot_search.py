"""The times at which an event type can be booked. Pure."""

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

_USUAL_INCREMENT = 30
_PERIOD_FORMATS = {"daily_limit": "%Y-%m-%d", "weekly_limit": "%G-%V", "monthly_limit": "%Y-%m"}
_MONTH = 31 * times.DAY


class Slot(NamedTuple):
    """A start, the numbers of who would host, the seats left, and the meeting whose seats these are."""

    start: int
    hosts: tuple[int, ...]
    remaining: int = 1
    number: int | None = None


def free_slots(world: World, event_type: EventType, *, now: int, since: int, until: int) -> list[Slot]:
    """Give the free slots that lie wholly in a stretch of time, in order, none in the past."""
    if not event_type.record["active"] or event_type.record["booking_method"] != "instant":
        return []
    first, last = max(now, since), min(until, now + date_ranges.HORIZON)
    finder = _SlotFinder(world, event_type, first, last)
    found: dict[int, Slot] = {}
    for position, number in enumerate(event_type.hosts):
        wanted = finder.starts(world.population.members[number])
        if event_type.collective:
            wanted = wanted if position == 0 else wanted & found.keys()
            new = finder.slots(number, wanted)
            found = {slot.start: slot._replace(hosts=event_type.hosts) for slot in new}
        else:
            found |= {slot.start: slot for slot in finder.slots(number, wanted - found.keys())}
    return sorted(found.values())


def slot_at(world: World, event_type: EventType, *, now: int, start: int) -> Slot | None:
    """Give the slot that starts at a moment, None where it is not free."""
    end = start + event_type.record["duration"] * times.MINUTE
    slots = free_slots(world, event_type, now=now, since=start, until=end)
    return next((slot for slot in slots if slot.start == start), None)


class _SlotFinder:
    """Looks for slots of one event type in one stretch of time, host by host."""

    def __init__(self, world: World, event_type: EventType, first: int, last: int) -> None:
        record = event_type.record
        self._world, self._event_type, self._first, self._last = world, event_type, first, last
        self._length = record["duration"] * times.MINUTE
        self._step = (record["start_time_increment"] or _USUAL_INCREMENT) * times.MINUTE
        self._before, self._after = (
            record[buffer] * times.MINUTE for buffer in ("before_buffer", "after_buffer")
        )
        self._starts: dict[tuple[str, int], frozenset[int]] = {}

    def starts(self, member: Member) -> frozenset[int]:
        """Give the starts that a host's rules allow; most hosts have the same."""
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

    def slots(self, number: int, wanted: Iterable[int]) -> list[Slot]:
        """Give those of the wanted starts at which a host is free."""
        wanted = sorted(wanted)
        if not wanted:
            return []
        member = self._world.population.members[number]
        margin = self._length + self._before + self._after
        taken = busy_times(self._world, member, wanted[0] - margin, wanted[-1] + 2 * margin)
        limits = _MeetingLimits(self._world, member, wanted[0], wanted[-1])
        slots = (self._slot(start, number, taken) for start in wanted if not limits.reached(start))
        return [slot for slot in slots if slot]

    def _slot(self, start: int, number: int, taken: list[BusyTime]) -> Slot | None:
        end = start + self._length
        padded_start, padded_end = start - self._before, end + self._after
        conflicts = [
            one
            for one in taken
            if one.overlaps(start, end) or (one.start < padded_end and padded_start < one.end)
        ]
        if not conflicts:
            return Slot(start, (number,), self._event_type.seats)
        shared = conflicts[0]
        if len(conflicts) > 1 or shared.start != start or shared.number is None:
            return None
        event = self._world.event(shared.number)
        left: int = event["invitees_counter"]["limit"] - event["invitees_counter"]["active"]
        if (
            event["event_type"].endswith(f"/{self._event_type.uuid}")
            and self._event_type.seats > 1
            and left > 0
        ):
            return Slot(start, (number,), left, shared.number)
        return None


def intervals(rule: Record, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Give the stretches that rules leave open on the days around a stretch of time."""
    zone = rule["timezone"]
    dates = {one["date"]: one["intervals"] for one in rule["rules"] if one["type"] == "date"}
    week = {one["wday"]: one["intervals"] for one in rule["rules"] if one["type"] == "wday"}
    if last <= first:
        return
    day = timedelta(days=1)
    for date in date_ranges.days_between(
        date_ranges.local_time(first, zone).date() - day, date_ranges.local_time(last, zone).date()
    ):
        weekday = WEEK[date.isoweekday() % 7]
        for one in dates.get(date.isoformat(), week.get(weekday, [])):
            yield date_ranges.moment_at(date, one["from"], zone), date_ranges.moment_at(date, one["to"], zone)


class _MeetingLimits:
    """A user's meeting limits and how far they are used, in the time zone of their schedule."""

    def __init__(self, world: World, member: Member, first: int, last: int) -> None:
        limits = world.meeting_limits(member)
        self._limits = {_PERIOD_FORMATS[name]: limit for name, limit in limits.items() if limit is not None}
        self._zone = world.schedules.default(member)["timezone"]
        self._counts: Counter[str] = Counter()
        if self._limits:
            for meeting in meetings(world, member, first - _MONTH, last + _MONTH):
                self._counts.update(self._periods(meeting.start).values())

    def reached(self, moment: int) -> bool:
        """Whether no more meetings may start on the day, in the week or in the month of a moment."""
        periods = self._periods(moment)
        return any(self._counts[periods[period]] >= limit for period, limit in self._limits.items())

    def _periods(self, moment: int) -> dict[str, str]:
        there = date_ranges.local_time(moment, self._zone)
        return {period: there.strftime(period) for period in self._limits}
