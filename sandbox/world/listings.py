"""Ordered rows that can be walked from any of their keys, both ways: what pages are cut out of. Pure."""

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
    """Rows in a fixed order; a key names one row and its position in the order."""

    def walk(self, after: Key | None, *, backwards: bool) -> Iterator[Key]:
        """Give the keys beyond a key (from the start without one), the other way round if `backwards`."""
        ...

    def record(self, key: Key) -> Record:
        """Give the row of a key."""
        ...


class InMemoryListing:
    """Rows that are at hand as a list."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records

    def walk(self, after: Key | None, *, backwards: bool) -> Iterator[Key]:
        """Give the keys beyond a key."""
        if backwards:
            positions = range((after[0] if after else len(self._records)) - 1, -1, -1)
        else:
            positions = range(after[0] + 1 if after else 0, len(self._records))
        return ((position,) for position in positions)

    def record(self, key: Key) -> Record:
        """Give the row of a key."""
        return self._records[key[0]]


def sorted_listing(records: Sequence[Record], order: Sequence[tuple[str, bool]]) -> InMemoryListing:
    """Return a listing sorted by (field, descending) pairs, the first one weighing most."""
    rows = list(records)
    for field, descending in reversed(order):
        rows.sort(key=lambda row: _sortable(row[field]), reverse=descending)
    return InMemoryListing(rows)


def _sortable(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


@dataclass(frozen=True)
class EventQuery:
    """Which events are wanted; times in microseconds, `before` excluded; hosts None is everybody."""

    organization: int
    hosts: frozenset[int] | None = None
    email: str | None = None
    canceled: bool | None = None
    since: int | None = None
    before: int | None = None
    descending: bool = False


class EventListing:
    """Events by start time: a merge of generated ones, found by bisection, with the few added ones."""

    def __init__(self, world: World, query: EventQuery) -> None:
        self._world = world
        self._query = query
        self._low = _BEFORE_ALL if query.since is None else EventKey(query.since, -1)
        self._high = _AFTER_ALL if query.before is None else EventKey(query.before, -1)

    def walk(self, after: Key | None, *, backwards: bool) -> Iterator[Key]:
        """Give the keys, (start, number), beyond a key."""
        falling = self._query.descending != backwards
        low, high = self._low, self._high
        if after and falling:
            high = min(high, EventKey(after[0], after[1]))
        elif after:
            low = max(low, EventKey(after[0], after[1] + 1))
        generated = (self._key(number) for number in self._generated(low, high, falling=falling))
        email, world = self._query.email, self._world
        source = world.added_events if email is None else world.events_of_invitee(email)
        added = self._between(source, low, high, falling=falling)
        keys = _without_repeats(heapq.merge(generated, added, reverse=falling))
        return filter(self._matches, keys)

    def record(self, key: Key) -> Record:
        """Give the event of a key."""
        return self._world.event(key[1])

    def _key(self, number: int) -> EventKey:
        return EventKey(self._world.generator.start(number), number)

    def _generated(self, low: EventKey, high: EventKey, *, falling: bool) -> Iterator[int]:
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
        slices = [self._numbers(source, low, high, falling=falling) for source in sources]
        return heapq.merge(*slices, reverse=falling)

    def _numbers(
        self, source: Sequence[int], low: EventKey, high: EventKey, *, falling: bool
    ) -> Iterator[int]:
        first = bisect_left(source, low, key=self._key)
        last = bisect_left(source, high, key=self._key)
        return _slice(source, first, last, falling=falling)

    def _between(
        self, added: Sequence[EventKey], low: EventKey, high: EventKey, *, falling: bool
    ) -> Iterator[EventKey]:
        return _slice(added, bisect_left(added, low), bisect_left(added, high), falling=falling)

    def _matches(self, key: EventKey) -> bool:
        query, world, number = self._query, self._world, key.number
        if query.canceled is not None and world.is_canceled(number) != query.canceled:
            return False
        if query.hosts is not None and query.hosts.isdisjoint(world.hosts(number)):
            return False
        if number < world.generator.count:
            return True  # the rest was settled by where it was looked for
        return world.stored_events[number].organization == query.organization


def _slice(source: Sequence[Any], first: int, last: int, *, falling: bool) -> Iterator[Any]:
    positions = range(last - 1, first - 1, -1) if falling else range(first, last)
    return (source[position] for position in positions)


def _without_repeats(keys: Iterable[EventKey]) -> Iterator[EventKey]:
    """Drop the second of two equal neighbours: an event of two hosts is found with both."""
    previous = None
    for key in keys:
        if key != previous:
            yield key
        previous = key
