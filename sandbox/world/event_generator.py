"""Generate start, hosts and invitees of events from 8 random bytes per event. Pure.

Events are numbered in order of start, so a page is a slice and a time window takes two bisections.
"""

from array import array
from collections.abc import Sequence
from functools import cached_property
from random import Random
from typing import NamedTuple

from . import names, times
from .population import EventType

PAST_WORK_DAYS = 520  # two years
FUTURE_WORK_DAYS = 43  # about 60 days
PAST_PERCENT = 80
CANCELED_PERCENT = 8

_DAY_STARTS = 8 * times.HOUR
_SLOT = 15 * times.MINUTE
_SLOTS_A_DAY = 40
_WORK_WEEK = 5
_MAX_PEOPLE = len(names.FIRST) * len(names.LAST) * len(names.COMPANIES)
_MIN_PEOPLE = 16


class EventFacts(NamedTuple):
    """An event's event type, hosts and invited persons, all by number, and whether it is canceled."""

    event_type: int
    hosts: tuple[int, ...]
    persons: tuple[int, ...]
    canceled: bool


class EventGenerator:
    """The generated events 0…count-1, around the day that starts at `anchor` (microseconds)."""

    def __init__(
        self, *, seed: int, count: int, users: int, anchor: int, event_types: Sequence[EventType]
    ) -> None:
        self.count = count
        self.people = max(_MIN_PEOPLE, min(_MAX_PEOPLE, count // 3))
        self._users = users
        self._event_types = event_types
        self._event_types_of: list[list[int]] = [[] for _ in range(users)]
        for number, event_type in enumerate(event_types):
            for user in event_type.hosts:
                self._event_types_of[user].append(number)
        self._past = count * PAST_PERCENT // 100
        weekday = (anchor // times.DAY + 3) % 7  # 1970-01-01 was a Thursday
        self._monday = anchor - weekday * times.DAY
        self._today = min(weekday, _WORK_WEEK)
        self._draws = array("Q", Random(seed).randbytes(8 * count))

    def start(self, number: int) -> int:
        """Return the start in microseconds since 1970; non-decreasing in `number`."""
        if number < self._past:
            first, days, index, total = self._today - PAST_WORK_DAYS, PAST_WORK_DAYS, number, self._past
        else:
            index, total = number - self._past, self.count - self._past
            first, days = self._today, FUTURE_WORK_DAYS
        slots = days * _SLOTS_A_DAY
        # The jitter is less than one event's share of the slots, so events stay sorted by start.
        slot = (index * slots + (self._draws[number] ^ self._draws[number] >> 29) % slots) // total
        day, slot = divmod(slot, _SLOTS_A_DAY)
        week, weekday = divmod(first + day, _WORK_WEEK)
        return self._monday + (7 * week + weekday) * times.DAY + _DAY_STARTS + slot * _SLOT

    def is_canceled(self, number: int) -> bool:
        """Check whether the event is canceled."""
        return (self._draws[number] >> 20 & 0xFFFF) % 100 < CANCELED_PERCENT

    def facts(self, number: int) -> EventFacts:
        """Return the facts of an event."""
        draw = self._draws[number]
        event_type_number, hosts = self._event_type_and_hosts(draw)
        seats = self._event_types[event_type_number].seats
        guests = 2 + (draw >> 32) % (seats - 1) if seats > 1 else 1
        person = draw >> 44
        persons = tuple((person + position) % self.people for position in range(guests))
        return EventFacts(event_type_number, hosts, persons, self.is_canceled(number))

    def _event_type_and_hosts(self, draw: int) -> tuple[int, tuple[int, ...]]:
        host = (draw & 0xFFFFF) % self._users
        choices = self._event_types_of[host]
        number = choices[(draw >> 36 & 0xFF) % len(choices)]
        event_type = self._event_types[number]
        return number, (host, _next(event_type.hosts, host)) if event_type.collective else (host,)

    def events_of_host(self, user: int) -> Sequence[int]:
        """Return the numbers of a user's events, sorted by start."""
        return self._by_host[user] if user < self._users else ()

    def events_of_person(self, person: int) -> Sequence[int]:
        """Return the numbers of the events that a person is invited to, sorted by start."""
        return self._by_person.get(person, ())

    # Both indexes are built on first use, because many worlds never need them.

    @cached_property
    def _by_host(self) -> "list[array[int]]":
        index: list[array[int]] = [array("I") for _ in range(self._users)]
        for number, draw in enumerate(self._draws):
            for host in self._event_type_and_hosts(draw)[1]:
                index[host].append(number)
        return index

    @cached_property
    def _by_person(self) -> "dict[int, array[int]]":
        index: dict[int, array[int]] = {}
        for number in range(self.count):
            for person in self.facts(number).persons:
                index.setdefault(person, array("I")).append(number)
        return index


def _next(hosts: tuple[int, ...], host: int) -> int:
    return hosts[(hosts.index(host) + 1) % len(hosts)]


def person_name(person: int) -> tuple[str, str]:
    """Return first and last name of a generated person."""
    lap, first = divmod(person, len(names.FIRST))
    return names.FIRST[first], names.LAST[lap % len(names.LAST)]


def person_email(person: int) -> str:
    """Return the unique email address of a generated person."""
    first, last = person_name(person)
    company = names.COMPANIES[person // (len(names.FIRST) * len(names.LAST))]
    return f"{first}.{last}@{company}.example".lower()


_FIRST_OF = {name.lower(): index for index, name in enumerate(names.FIRST)}
_LAST_OF = {name.lower(): index for index, name in enumerate(names.LAST)}
_COMPANY_OF = {f"{name}.example": index for index, name in enumerate(names.COMPANIES)}


def person_by_email(email: str) -> int | None:
    """Return the generated person with an email address, None if there isn't one."""
    name, _, domain = email.lower().partition("@")
    first, _, last = name.partition(".")
    if first not in _FIRST_OF or last not in _LAST_OF or domain not in _COMPANY_OF:
        return None
    return _FIRST_OF[first] + len(names.FIRST) * (_LAST_OF[last] + len(names.LAST) * _COMPANY_OF[domain])
