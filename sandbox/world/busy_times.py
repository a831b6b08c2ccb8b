"""Busy times of users: meetings, entries of connected calendars, and slots reserved for bookings. Pure."""

from typing import NamedTuple

from . import date_ranges, times
from .ids import Rng
from .listings import EventListing, EventQuery
from .population import Member
from .records import Record
from .world import World

_EXTERNAL_PERCENT, _RESERVED_PERCENT = 25, 5
_FIRST_HALF_HOUR, _HALF_HOURS = 14, 20  # 07:00 to 17:00 UTC
_HALF_HOUR = 30 * times.MINUTE
_OWNER_BUSY_DAY = 8  # days after the anchor; the owner's calendar that day is the documented example
_OWNER_BUSY = (("external", 7 * times.HOUR, times.HOUR), ("reserved", 10 * times.HOUR, _HALF_HOUR))


class BusyTime(NamedTuple):
    """A busy time without and with buffers, in microseconds; `number` is the event's if it is a meeting."""

    start: int
    end: int
    kind: str
    buffered_start: int
    buffered_end: int
    number: int | None = None

    def overlaps(self, since: int, until: int) -> bool:
        """Check whether it overlaps a range, buffers included."""
        return self.buffered_start < until and since < self.buffered_end


def busy_times(world: World, member: Member, since: int, until: int) -> list[BusyTime]:
    """Return the busy times that overlap a range, sorted."""
    candidates = [*meetings(world, member, since - times.DAY, until + times.DAY)]
    for day in range(
        since // times.DAY - 1, min(until, world.anchor + 2 * date_ranges.HORIZON) // times.DAY + 1
    ):
        candidates += _other_busy_times(world, member, day)
    return sorted(busy_time for busy_time in candidates if busy_time.overlaps(since, until))


def meetings(world: World, member: Member, since: int, until: int) -> list[BusyTime]:
    """Return the active meetings that a user hosts and that start in a range."""
    hosts = frozenset({member.number})
    query = EventQuery(member.organization, hosts=hosts, canceled=False, since=since, before=until)
    return [
        _meeting(world.event(number), member, number)
        for _, number in EventListing(world, query).walk(None, backwards=False)
    ]


def _meeting(event: Record, member: Member, number: int) -> BusyTime:
    membership = next(host for host in event["event_memberships"] if host["user"] == member.user["uri"])
    return BusyTime(
        times.parse(event["start_time"]),
        times.parse(event["end_time"]),
        "calendly",
        times.parse(membership["buffered_start_time"]),
        times.parse(membership["buffered_end_time"]),
        number,
    )


def _other_busy_times(world: World, member: Member, day: int) -> list[BusyTime]:
    """Return the busy times of a day (counted from 1970-01-01) other than meetings."""
    from_anchor = day - world.anchor // times.DAY
    if member.number == 0 and from_anchor == _OWNER_BUSY_DAY:
        entries = list(_OWNER_BUSY)
    else:
        rng = Rng("calendar", world.seed, member.number, from_anchor)
        entries = []
        for kind, percent, length in (
            ("external", _EXTERNAL_PERCENT, times.HOUR),
            ("reserved", _RESERVED_PERCENT, _HALF_HOUR),
        ):
            at = (_FIRST_HALF_HOUR + rng.below(_HALF_HOURS)) * _HALF_HOUR
            if rng.chance(percent):
                entries.append((kind, at, length))
    starts = [(kind, day * times.DAY + at, length) for kind, at, length in entries]
    return [BusyTime(start, start + length, kind, start, start + length) for kind, start, length in starts]
