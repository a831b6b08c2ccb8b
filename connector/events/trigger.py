"""One interest in events, whichever way they arrive: the object that `connection.trigger` returns."""

from collections.abc import Callable

from ..contract import Connection, Event, Polled, Trigger
from .event_filter import EventFilter
from .matcher import Matcher, SeenEvents


class EventTrigger(Trigger):
    """Events and filters that are checked; described in `contract.Trigger`. `clock` returns unix seconds."""

    def __init__(self, connection: Connection, event_filter: EventFilter, clock: Callable[[], float]) -> None:
        self._connection = connection
        self._matcher = Matcher(connection, event_filter)
        self._clock = clock

    @property
    def events(self) -> tuple[str, ...]:
        """The names of its events."""
        return self._matcher.filter.events

    def match(self, event: Event, seen: SeenEvents | None = None) -> tuple[Event, ...]:
        """Return the events of this trigger that an event leads to; `seen` saves reading known ones again."""
        return self._matcher.match(event, seen)

    def poll(self, cursor: str = "", *, since: str | None = None, scope: str = "", group: str = "") -> Polled:
        from .polling.poll import poll

        now = self._clock()
        return poll(self._connection, self._matcher, cursor, now=now, since=since, scope=scope, group=group)

    def sample(self) -> Event:
        from .samples import sample

        return sample(self._connection, self._matcher.identity, self.events[0])
