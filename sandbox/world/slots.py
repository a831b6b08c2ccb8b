"""The times at which an event type can be booked. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import NamedTuple

from . import spans, times
from .calendars import Busy, busy, meetings
from .population import Member, Offer
from .schedules import WEEK
from .shapes import Record
from .world import World

_USUAL_INCREMENT = 30
_SPANS = {"daily_limit": "%Y-%m-%d", "weekly_limit": "%G-%V", "monthly_limit": "%Y-%m"}
_MONTH = 31 * times.DAY


class Slot(NamedTuple):
    """A start, the numbers of who would host, the seats left, and the meeting whose seats these are."""

    start: int
    hosts: tuple[int, ...]
    remaining: int = 1
    number: int | None = None


def free(world: World, offer: Offer, *, now: int, since: int, until: int) -> list[Slot]:
    """Give the free slots that lie wholly in a stretch of time, in order, none in the past."""
    if not offer.record["active"] or offer.record["booking_method"] != "instant":
        return []
    first, last = max(now, since), min(until, now + spans.HORIZON)
    finder = _Finder(world, offer, first, last)
    found: dict[int, Slot] = {}
    for place, number in enumerate(offer.hosts):
        wanted = finder.starts(world.population.members[number])
        if offer.together:
            wanted = wanted if place == 0 else wanted & found.keys()
            new = finder.slots(number, wanted)
            found = {slot.start: slot._replace(hosts=offer.hosts) for slot in new}
        else:
            found |= {slot.start: slot for slot in finder.slots(number, wanted - found.keys())}
    return sorted(found.values())


def at(world: World, offer: Offer, *, now: int, start: int) -> Slot | None:
    """Give the slot that starts at a moment, None where it is not free."""
    end = start + offer.record["duration"] * times.MINUTE
    slots = free(world, offer, now=now, since=start, until=end)
    return next((slot for slot in slots if slot.start == start), None)


class _Finder:
    """Looks for slots of one event type in one stretch of time, host by host."""

    def __init__(self, world: World, offer: Offer, first: int, last: int) -> None:
        record = offer.record
        self._world, self._offer, self._first, self._last = world, offer, first, last
        self._length = record["duration"] * times.MINUTE
        self._step = (record["start_time_increment"] or _USUAL_INCREMENT) * times.MINUTE
        self._before, self._after = (
            record[buffer] * times.MINUTE for buffer in ("before_buffer", "after_buffer")
        )
        self._starts: dict[tuple[str, int], frozenset[int]] = {}

    def starts(self, member: Member) -> frozenset[int]:
        """Give the starts that a host's rules allow; most hosts have the same."""
        dates = self._offer.dates
        if dates and dates.spots:
            return frozenset(self._cut(dates.spots))
        rule = self._world.schedules.rule(self._offer.uuid, member)
        key = rule["timezone"], id(rule["rules"])
        if key not in self._starts:
            starts = self._cut(intervals(rule, self._first, self._last))
            self._starts[key] = frozenset(start for start in starts if not dates or dates.allow(start))
        return self._starts[key]

    def _cut(self, stretches: Iterable[tuple[int, int]]) -> Iterator[int]:
        for opens, closes in stretches:
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
        taken = busy(self._world, member, wanted[0] - margin, wanted[-1] + 2 * margin)
        limits = _Limits(self._world, member, wanted[0], wanted[-1])
        slots = (self._slot(start, number, taken) for start in wanted if not limits.reached(start))
        return [slot for slot in slots if slot]

    def _slot(self, start: int, number: int, taken: list[Busy]) -> Slot | None:
        end = start + self._length
        padded_start, padded_end = start - self._before, end + self._after
        in_the_way = [
            one
            for one in taken
            if one.overlaps(start, end) or (one.start < padded_end and padded_start < one.end)
        ]
        if not in_the_way:
            return Slot(start, (number,), self._offer.seats)
        shared = in_the_way[0]
        if len(in_the_way) > 1 or shared.start != start or shared.number is None:
            return None
        event = self._world.event(shared.number)
        left: int = event["invitees_counter"]["limit"] - event["invitees_counter"]["active"]
        if event["event_type"].endswith(f"/{self._offer.uuid}") and self._offer.seats > 1 and left > 0:
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
    for date in spans.days(spans.local(first, zone).date() - day, spans.local(last, zone).date()):
        weekday = WEEK[date.isoweekday() % 7]
        for one in dates.get(date.isoformat(), week.get(weekday, [])):
            yield spans.moment(date, one["from"], zone), spans.moment(date, one["to"], zone)


class _Limits:
    """A user's meeting limits and how far they are used, in the time zone of their schedule."""

    def __init__(self, world: World, member: Member, first: int, last: int) -> None:
        limits = world.meeting_limits(member)
        self._limits = {_SPANS[name]: limit for name, limit in limits.items() if limit is not None}
        self._zone = world.schedules.default(member)["timezone"]
        self._counts: Counter[str] = Counter()
        if self._limits:
            for meeting in meetings(world, member, first - _MONTH, last + _MONTH):
                self._counts.update(self._named(meeting.start).values())

    def reached(self, moment: int) -> bool:
        """Whether no more meetings may start on the day, in the week or in the month of a moment."""
        named = self._named(moment)
        return any(self._counts[named[span]] >= limit for span, limit in self._limits.items())

    def _named(self, moment: int) -> dict[str, str]:
        there = spans.local(moment, self._zone)
        return {span: there.strftime(span) for span in self._limits}
