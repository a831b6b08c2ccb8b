"""Starts at which hosts have no meeting, one after the other, for thousands of bookings. Pure."""

from collections.abc import Sequence

from . import times
from .calendars import meetings
from .population import Offer
from .world import World

_STEP = 30 * times.MINUTE
_LONGEST_MEETING = 12 * times.HOUR


class Openings:
    """Gives each host's starts in order, none twice, around the clock from a day ahead."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._next: dict[int, int] = {}  # by member number

    def take(self, offer: Offer, hosts: Sequence[int], now: int) -> int:
        """Give a start at which none of the hosts has a meeting."""
        earliest = -(-now // times.HOUR) * times.HOUR + times.DAY
        length = offer.record["duration"] * times.MINUTE
        start = max(earliest, *(self._next.get(host, 0) for host in hosts))
        while not all(self._is_free(host, start, start + length) for host in hosts):
            start += _STEP
        for host in hosts:
            self._next[host] = start + -(-length // _STEP) * _STEP
        return start

    def _is_free(self, host: int, start: int, end: int) -> bool:
        member = self._world.population.members[host]
        near = meetings(self._world, member, start - _LONGEST_MEETING, end)
        return all(one.end <= start for one in near)
