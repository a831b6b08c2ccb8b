"""Ordered rows that can be walked from any of their keys, both ways: what pages are cut out of. Pure."""

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from . import diary
from .population import LARGE
from .shapes import Record
from .world import Added, World

Key = tuple[int, ...]

_BEFORE_ALL, _AFTER_ALL = Added(-(2**62), -1), Added(2**62, -1)


class Listing(Protocol):
    """Rows in a fixed order; a key names one row and its place in the order."""

    def walk(self, after: Key | None, *, backwards: bool) -> Iterator[Key]:
        """Give the keys beyond a key (from the start without one), the other way round if `backwards`."""
        ...

    def record(self, key: Key) -> Record:
        """Give the row of a key."""
        ...


class Shelf:
    """Rows that are at hand as a list."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records

    def walk(self, after: Key | None, *, backwards: bool) -> Iterator[Key]:
        """Give the keys beyond a key."""
        if backwards:
            places = range((after[0] if after else len(self._records)) - 1, -1, -1)
        else:
            places = range(after[0] + 1 if after else 0, len(self._records))
        return ((place,) for place in places)

    def record(self, key: Key) -> Record:
        """Give the row of a key."""
        return self._records[key[0]]


def sorted_shelf(records: Sequence[Record], order: Sequence[tuple[str, bool]]) -> Shelf:
    """Make a shelf sorted by (field, descending) pairs, the first one weighing most."""
    rows = list(records)
    for field, descending in reversed(order):
        rows.sort(key=lambda row: _sortable(row[field]), reverse=descending)
    return Shelf(rows)


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
        self._low = _BEFORE_ALL if query.since is None else Added(query.since, -1)
        self._high = _AFTER_ALL if query.before is None else Added(query.before, -1)

    def walk(self, after: Key | None, *, backwards: bool) -> Iterator[Key]:
        """Give the keys, (start, number), beyond a key."""
        falling = self._query.descending != backwards
        low, high = self._low, self._high
        if after and falling:
            high = min(high, Added(after[0], after[1]))
        elif after:
            low = max(low, Added(after[0], after[1] + 1))
        generated = (self._key(number) for number in self._generated(low, high, falling=falling))
        email, world = self._query.email, self._world
        source = world.added if email is None else world.joined_by(email)
        added = self._between(source, low, high, falling=falling)
        keys = _without_repeats(heapq.merge(generated, added, reverse=falling))
        return filter(self._wanted, keys)

    def record(self, key: Key) -> Record:
        """Give the event of a key."""
        return self._world.event(key[1])

    def _key(self, number: int) -> Added:
        return Added(self._world.diary.start(number), number)

    def _generated(self, low: Added, high: Added, *, falling: bool) -> Iterator[int]:
        query, book = self._query, self._world.diary
        if query.organization != LARGE:
            return iter(())
        if query.email is not None:
            person = diary.person_of(query.email)
            sources: list[Sequence[int]] = [() if person is None else book.of_person(person)]
        elif query.hosts is not None:
            sources = [book.of_host(host) for host in sorted(query.hosts)]
        else:
            sources = [range(book.count)]
        slices = [self._numbers(source, low, high, falling=falling) for source in sources]
        return heapq.merge(*slices, reverse=falling)

    def _numbers(self, source: Sequence[int], low: Added, high: Added, *, falling: bool) -> Iterator[int]:
        first = bisect_left(source, low, key=self._key)
        last = bisect_left(source, high, key=self._key)
        return _stretch(source, first, last, falling=falling)

    def _between(self, added: Sequence[Added], low: Added, high: Added, *, falling: bool) -> Iterator[Added]:
        return _stretch(added, bisect_left(added, low), bisect_left(added, high), falling=falling)

    def _wanted(self, key: Added) -> bool:
        query, world, number = self._query, self._world, key.number
        if query.canceled is not None and world.canceled(number) != query.canceled:
            return False
        if query.hosts is not None and query.hosts.isdisjoint(world.hosts(number)):
            return False
        if number < world.diary.count:
            return True  # the rest was settled by where it was looked for
        return world.kept[number].organization == query.organization


def _stretch(source: Sequence[Any], first: int, last: int, *, falling: bool) -> Iterator[Any]:
    places = range(last - 1, first - 1, -1) if falling else range(first, last)
    return (source[place] for place in places)


def _without_repeats(keys: Iterable[Added]) -> Iterator[Added]:
    """Drop the second of two equal neighbours: an event of two hosts is found with both."""
    previous = None
    for key in keys:
        if key != previous:
            yield key
        previous = key
