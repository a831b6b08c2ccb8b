"""Simulate many invitees who book, cancel and reschedule, reproducible by seed. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from . import bookings, event_generator, times
from .bookings import Booking, NotPossibleError
from .busy_times import meetings
from .domain_events import DomainEvent
from .population import LARGE, EventType
from .records import Record
from .state import InviteeRef
from .world import World

BOOKING, CANCELLATION, RESCHEDULE = "booking", "cancellation", "reschedule"

_PEOPLE = 20_000  # before names repeat
_JOIN_PERCENT = 60

_STEP = 30 * times.MINUTE
_MAX_MEETING = 12 * times.HOUR


@dataclass(frozen=True)
class SimulatedAction:
    """An action of an invitee, and its events."""

    description: Record
    domain_events: list[DomainEvent]


class Simulation:
    """Books events of all event types of the large organization, and cancels or reschedules its bookings."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._starts = _StartAllocator(world)
        self._booked: list[InviteeRef] = []
        # Numbers of group meetings with seats left, by event type id.
        self._open_meetings: dict[str, list[int]] = {}
        self._people = 0

    def plan(self, counts: dict[str, int], seed: int) -> Iterator[str]:
        """Return the kinds of actions in an order in which there is always an invitee to cancel.

        Raises NotPossibleError immediately if there are too few invitees.
        """
        self._booked = [ref for ref in self._booked if self._is_active(ref)]
        people = len(self._booked)
        if counts[CANCELLATION] > people + counts[BOOKING]:
            raise NotPossibleError(f"only {people + counts[BOOKING]} invitees can be canceled")
        if counts[RESCHEDULE] and not people + counts[BOOKING]:
            raise NotPossibleError("there are no invitees to reschedule")
        return _random_order(dict(counts), people, Random(seed))

    def act(self, kind: str, now: int, rng: Random) -> SimulatedAction:
        """Perform one action."""
        if kind == BOOKING:
            return self._book(now, rng)
        ref = self._pick(rng)
        return self._cancel(now, ref, rng) if kind == CANCELLATION else self._reschedule(now, ref)

    def _book(self, now: int, rng: Random) -> SimulatedAction:
        event_type = rng.choice(self._event_types())
        hosts = event_type.hosts if event_type.collective else (rng.choice(event_type.hosts),)
        first, last = event_generator.person_name(self._people % _PEOPLE)
        email = f"{first}.{last}.{self._people}@crowd.example".lower()
        self._people += 1
        group_meeting = self._open_group_meeting(event_type, rng)
        if group_meeting is None:
            start = self._starts.allocate(event_type, hosts, now)
            ref = bookings.book(self._world, now, Booking(event_type, hosts, start, f"{first} {last}", email))
            if event_type.seats > 1:
                self._open_meetings.setdefault(event_type.uuid, []).append(ref.event)
        else:
            booking = Booking(event_type, hosts, 0, f"{first} {last}", email)
            ref = bookings.join(self._world, now, group_meeting, booking)
        self._booked.append(ref)
        return SimulatedAction(
            {"kind": BOOKING, "invitee": self._uri(ref)}, [self._invitee_event("invitee.created", ref)]
        )

    def _event_types(self) -> list[EventType]:
        return [
            event_type
            for event_type in self._world.population.event_types_by_id.values()
            if event_type.organization == LARGE
            and event_type.hosts
            and event_type.dates is None
            and event_type.record["active"]
            and event_type.record["booking_method"] == "instant"
        ]

    def _open_group_meeting(self, event_type: EventType, rng: Random) -> int | None:
        """Return the group meeting to join, None to start a new one."""
        numbers = self._open_meetings.get(event_type.uuid, [])
        while numbers and not bookings.has_room(self._world, numbers[-1]):
            numbers.pop()
        return numbers[-1] if numbers and rng.randrange(100) < _JOIN_PERCENT else None

    def _pick(self, rng: Random) -> InviteeRef:
        """Remove and return a random active invitee."""
        while True:
            index = rng.randrange(len(self._booked)) if self._booked else -1
            if index < 0:
                raise NotPossibleError("all invitees have been canceled in the meantime")
            self._booked[index], self._booked[-1] = self._booked[-1], self._booked[index]
            ref = self._booked.pop()
            if self._is_active(ref):
                return ref

    def _cancel(self, now: int, ref: InviteeRef, rng: Random) -> SimulatedAction:
        canceler_type = rng.choice(("host", "invitee"))
        bookings.cancel(self._world, now, ref.event, [ref.position], reason=None, canceler_type=canceler_type)
        description = {"kind": CANCELLATION, "invitee": self._uri(ref)}
        return SimulatedAction(description, [self._invitee_event("invitee.canceled", ref)])

    def _reschedule(self, now: int, old: InviteeRef) -> SimulatedAction:
        event_type = bookings.event_type_of(self._world, old.event)
        start = self._starts.allocate(event_type, self._world.hosts(old.event), now)
        new = bookings.reschedule(self._world, now, old, start)
        self._booked.append(new)
        description = {"kind": RESCHEDULE, "invitee": self._uri(new), "old_invitee": self._uri(old)}
        return SimulatedAction(
            description,
            [self._invitee_event("invitee.canceled", old), self._invitee_event("invitee.created", new)],
        )

    def _is_active(self, ref: InviteeRef) -> bool:
        return bool(self._invitee(ref)["status"] == "active")

    def _invitee(self, ref: InviteeRef) -> Record:
        return self._world.invitees(ref.event)[ref.position]

    def _uri(self, ref: InviteeRef) -> str:
        uri: str = self._invitee(ref)["uri"]
        return uri

    def _invitee_event(self, name: str, ref: InviteeRef) -> DomainEvent:
        return bookings.invitee_event(self._world, name, ref)


def _random_order(remaining: dict[str, int], people: int, rng: Random) -> Iterator[str]:
    while sum(remaining.values()):
        possible = dict(remaining)
        if not people:
            possible[CANCELLATION] = possible[RESCHEDULE] = 0
        elif people == 1 and remaining[RESCHEDULE] and not remaining[BOOKING]:
            possible[CANCELLATION] = 0  # keep the last invitee to reschedule
        [kind] = rng.choices(list(possible), weights=list(possible.values()))
        remaining[kind] -= 1
        people += {BOOKING: 1, CANCELLATION: -1, RESCHEDULE: 0}[kind]
        yield kind


class _StartAllocator:
    """Allocates free starts from a day ahead, in order for each host."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._next: dict[int, int] = {}  # by member number

    def allocate(self, event_type: EventType, hosts: Sequence[int], now: int) -> int:
        """Return a start at which all hosts are free."""
        earliest = -(-now // times.HOUR) * times.HOUR + times.DAY
        length = event_type.record["duration"] * times.MINUTE
        start = max(earliest, *(self._next.get(host, 0) for host in hosts))
        while not all(self._is_free(host, start, start + length) for host in hosts):
            start += _STEP
        for host in hosts:
            self._next[host] = start + -(-length // _STEP) * _STEP
        return start

    def _is_free(self, host: int, start: int, end: int) -> bool:
        member = self._world.population.members[host]
        nearby = meetings(self._world, member, start - _MAX_MEETING, end)
        return all(meeting.end <= start for meeting in nearby)
