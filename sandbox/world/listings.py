"""Sorted rows that can be walked from any key in both directions, for pagination. Pure."""

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from . import event_generator
from .population import LARGE
from .records import Record
from .world import EventKey, World

Key = tuple[int, ...]

_BEFORE_ALL, _AFTER_ALL = EventKey(-(2**62), -1), EventKey(2**62, -1)


class RecordListing(Protocol):
    """Rows in a fixed order; a key identifies a row and its position."""

    def walk(self, after: Key | None, *, backwards: bool) -> Iterator[Key]:
        """Yield the keys after a key, or all; in reverse order, the keys before it or all, if `backwards`."""
        ...

    def record(self, key: Key) -> Record:
        """Return the row of a key."""
        ...


class InMemoryListing:
    """Rows in a list."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records

    def walk(self, after: Key | None, *, backwards: bool) -> Iterator[Key]:
        """Yield the keys after a key, or before it if `backwards`."""
        if backwards:
            positions = range((after[0] if after else len(self._records)) - 1, -1, -1)
        else:
            positions = range(after[0] + 1 if after else 0, len(self._records))
        return ((position,) for position in positions)

    def record(self, key: Key) -> Record:
        """Return the row of a key."""
        return self._records[key[0]]


def sorted_listing(records: Sequence[Record], order: Sequence[tuple[str, bool]]) -> InMemoryListing:
    """Return a listing sorted by (field, descending) pairs; the first pair is the primary key."""
    rows = list(records)
    for field, descending in reversed(order):
        rows.sort(key=lambda row: _sortable(row[field]), reverse=descending)
    return InMemoryListing(rows)


def _sortable(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


@dataclass(frozen=True)
class EventQuery:
    """Filters for events. Times are in microseconds, `before` is exclusive; hosts None means all hosts."""

    organization: int
    hosts: frozenset[int] | None = None
    email: str | None = None
    canceled: bool | None = None
    since: int | None = None
    before: int | None = None
    descending: bool = False


class EventListing:
    """Events sorted by start: merges the generated events (by bisection) and the added ones."""

    def __init__(self, world: World, query: EventQuery) -> None:
        self._world = world
        self._query = query
        self._low = _BEFORE_ALL if query.since is None else EventKey(query.since, -1)
        self._high = _AFTER_ALL if query.before is None else EventKey(query.before, -1)

    def walk(self, after: Key | None, *, backwards: bool) -> Iterator[Key]:
        """Yield the keys, (start, number), after a key, or before it if `backwards`."""
        descending = self._query.descending != backwards
        low, high = self._low, self._high
        if after and descending:
            high = min(high, EventKey(after[0], after[1]))
        elif after:
            low = max(low, EventKey(after[0], after[1] + 1))
        generated = (self._key(number) for number in self._generated(low, high, descending=descending))
        email, world = self._query.email, self._world
        source = world.added_events if email is None else world.events_of_invitee(email)
        added = self._between(source, low, high, descending=descending)
        keys = _without_duplicates(heapq.merge(generated, added, reverse=descending))
        return filter(self._matches, keys)

    def record(self, key: Key) -> Record:
        """Return the Event of a key."""
        return self._world.event(key[1])

    def _key(self, number: int) -> EventKey:
        return EventKey(self._world.generator.start(number), number)

    def _generated(self, low: EventKey, high: EventKey, *, descending: bool) -> Iterator[int]:
        query, generator = self._query, self._world.generator
        if query.organization != LARGE:
            return iter(())
        if query.email is not None:
            person = event_generator.person_by_email(query.email)
            sources: list[Sequence[int]] = [() if person is None else generator.events_of_person(person)]
        elif query.hosts is not None:
            sources = [generator.events_of_host(host) for host in sorted(query.hosts)]
        else:
            sources = [range(generator.count)]
        slices = [self._numbers(source, low, high, descending=descending) for source in sources]
        return heapq.merge(*slices, reverse=descending)

    def _numbers(
        self, source: Sequence[int], low: EventKey, high: EventKey, *, descending: bool
    ) -> Iterator[int]:
        first = bisect_left(source, low, key=self._key)
        last = bisect_left(source, high, key=self._key)
        return _slice(source, first, last, descending=descending)

    def _between(
        self, added: Sequence[EventKey], low: EventKey, high: EventKey, *, descending: bool
    ) -> Iterator[EventKey]:
        return _slice(added, bisect_left(added, low), bisect_left(added, high), descending=descending)

    def _matches(self, key: EventKey) -> bool:
        query, world, number = self._query, self._world, key.number
        if query.canceled is not None and world.is_canceled(number) != query.canceled:
            return False
        if query.hosts is not None and query.hosts.isdisjoint(world.hosts(number)):
            return False
        if number < world.generator.count:
            return True  # `_generated` has applied the other filters
        return world.stored_events[number].organization == query.organization


def _slice(source: Sequence[Any], first: int, last: int, *, descending: bool) -> Iterator[Any]:
    positions = range(last - 1, first - 1, -1) if descending else range(first, last)
    return (source[position] for position in positions)


def _without_duplicates(keys: Iterable[EventKey]) -> Iterator[EventKey]:
    """Drop consecutive duplicates: an event with two hosts appears once for each."""
    previous = None
    for key in keys:
        if key != previous:
            yield key
        previous = key
