"""Set up conferences after booking: first `processing`, then `pushed` or `failed`. Pure.

`World.conferences` has the pending ones; call `catch_up` when time has passed.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from . import record_factories, times
from .records import SCHEDULING_ORIGIN, Record

if TYPE_CHECKING:
    from .world import World

SETUP = 30 * times.SECOND
"""Time to set up a conference, in microseconds."""


class _ConferenceSetup(NamedTuple):
    ends: int
    event: int
    location: Record


@dataclass
class Conferences:
    """The conferences in setup, and how many of the next ones will fail."""

    failures: int = 0
    under_way: deque[_ConferenceSetup] = field(default_factory=deque)  # sorted by end

    def begin(self, now: int, event: int, uri: str, location: Record | None) -> Record | None:
        """Start the setup for a new event and return its location until then; `location` is the final one."""
        if location is None or location.get("status") != "pushed":
            return location
        result = location
        if self.failures:
            self.failures -= 1
            result = record_factories.conference(location["type"], "failed")
        self.under_way.append(_ConferenceSetup(now + SETUP, event, result))
        join_url = None
        if location["type"] == "google_conference":  # seen in real data for this kind only
            join_url = f"{SCHEDULING_ORIGIN}/events/{uri.rpartition('/')[2]}/google_meet"
        return record_factories.conference(location["type"], "processing", join_url)


def catch_up(world: "World", now: int) -> None:
    """Finish every setup that is due, except for events that were canceled in the meantime."""
    under_way = world.conferences.under_way
    while under_way and under_way[0].ends <= now:
        setup = under_way.popleft()
        if not world.is_canceled(setup.event):
            event = world.editable_event(setup.event).event
            event |= {"location": setup.location, "updated_at": times.isoformat(setup.ends)}
