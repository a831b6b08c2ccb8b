"""A conference is set up after its meeting was booked: `processing` first, then `pushed` or `failed`. Pure.

`World.conferences` holds those under way; whoever lets time pass calls `catch_up`.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from . import record_factories, times
from .records import SCHEDULING_ORIGIN, Record

if TYPE_CHECKING:
    from .world import World

SETUP = 30 * times.SECOND
"""How long it takes, in microseconds."""


class _ConferenceSetup(NamedTuple):
    ends: int
    event: int
    location: Record


@dataclass
class Conferences:
    """The conferences that are being set up, and how many of the next ones are going to fail."""

    failures: int = 0
    under_way: deque[_ConferenceSetup] = field(default_factory=deque)  # the first to end comes first

    def begin(self, now: int, event: int, uri: str, location: Record | None) -> Record | None:
        """Return the location of an event just booked; `location` is what it will be."""
        if location is None or location.get("status") != "pushed":
            return location
        ended = location
        if self.failures:
            self.failures -= 1
            ended = record_factories.conference(location["type"], "failed")
        self.under_way.append(_ConferenceSetup(now + SETUP, event, ended))
        join_url = None
        if location["type"] == "google_conference":  # of no other kind is a genuine record known
            join_url = f"{SCHEDULING_ORIGIN}/events/{uri.rpartition('/')[2]}/google_meet"
        return record_factories.conference(location["type"], "processing", join_url)


def catch_up(world: "World", now: int) -> None:
    """End every setup that is due, but for meetings that were canceled meanwhile."""
    under_way = world.conferences.under_way
    while under_way and under_way[0].ends <= now:
        setup = under_way.popleft()
        if not world.is_canceled(setup.event):
            event = world.editable_event(setup.event).event
            event |= {"location": setup.location, "updated_at": times.isoformat(setup.ends)}
