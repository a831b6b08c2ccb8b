"""Book, cancel and reschedule events, and build the `invitee.*` events. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import domain_events, record_factories, times
from .domain_events import DomainEvent
from .event_builder import MAX_INVITEES
from .population import EventType
from .records import Record
from .state import InviteeRef, StoredEvent
from .world import World

_KEPT_ON_RESCHEDULE = ("first_name", "last_name", "timezone", "questions_and_answers", "tracking")


class NotPossibleError(Exception):
    """The current state of the world doesn't allow the action."""


@dataclass(frozen=True)
class Booking:
    """A requested booking.

    Attributes:
        event_type: the event type.
        hosts: the numbers of the users who will attend.
        start: in microseconds since 1970.
        name: the invitee's name.
        email: the invitee's email address.
        answers: answers to the event type's questions, in their order.
        location: the event's location; None for the first one that the event type offers.
        guests: email addresses of guests.
    """

    event_type: EventType
    hosts: tuple[int, ...]
    start: int
    name: str
    email: str
    answers: Sequence[str] = ()
    location: Record | None = None
    guests: Sequence[str] = ()


def free_start(world: World, now: int) -> int:
    """Return a start at least a day ahead, a different one for each added event."""
    next_hour = -(-now // times.HOUR) * times.HOUR
    return next_hour + times.DAY + len(world.added_events) * 30 * times.MINUTE


def book(world: World, now: int, booking: Booking, changes: Mapping[str, object] | None = None) -> InviteeRef:
    """Add an event with one invitee; `changes` override fields of the invitee."""
    number, event_type, stamp = world.next_number(), booking.event_type, times.isoformat(now)
    end = booking.start + event_type.record["duration"] * times.MINUTE
    kinds = event_type.record["locations"]
    uri = world.uris.build("scheduled_events", world.ids.make("event", number))
    location = booking.location or (
        record_factories.event_location(kinds[0], booking.name) if kinds else None
    )
    event = record_factories.event(
        uri,
        event_type=event_type.record,
        location=world.conferences.begin(now, number, uri, location),
        hosts=world.event_builder.hosts(booking.hosts, booking.start, end, event_type),
        start_time=times.isoformat(booking.start),
        end_time=times.isoformat(end),
        created_at=stamp,
        updated_at=stamp,
    ) | {"invitees_counter": {"total": 0, "active": 0, "limit": event_type.seats}}
    world.add(StoredEvent(event_type.organization, booking.hosts, event, []))
    return join(world, now, number, booking, changes)


def join(
    world: World, now: int, number: int, booking: Booking, changes: Mapping[str, object] | None = None
) -> InviteeRef:
    """Add an invitee to an event; `changes` override their fields."""
    stored, stamp = world.editable_event(number), times.isoformat(now)
    position = len(stored.invitees)
    questions = booking.event_type.record["custom_questions"]
    invitee = record_factories.invitee(
        stored.event["uri"],
        world.ids.make("invitee", number * MAX_INVITEES + position),
        email=booking.email,
        name=booking.name,
        created_at=stamp,
        questions_and_answers=[
            record_factories.answer(question, text)
            for question, text in zip(questions, booking.answers, strict=False)
        ],
    ) | dict(changes or {})
    world.add_invitee(number, invitee)
    counter = stored.event["invitees_counter"]
    stored.event["invitees_counter"] = counter | {
        "total": counter["total"] + 1,
        "active": counter["active"] + 1,
    }
    stored.event["updated_at"] = stamp
    stored.event["event_guests"] = [
        *stored.event["event_guests"],
        *({"email": guest, "created_at": stamp, "updated_at": stamp} for guest in booking.guests),
    ]
    return InviteeRef(number, position)


def has_room(world: World, number: int) -> bool:
    """Check whether an event has room for one more invitee; canceled ones still count for `MAX_INVITEES`."""
    event, invitees = world.event(number), world.invitees(number)
    counter = event["invitees_counter"]
    is_open = event["status"] == "active" and len(invitees) < MAX_INVITEES
    return is_open and counter["active"] < counter["limit"]


def cancel(
    world: World,
    now: int,
    number: int,
    positions: Sequence[int],
    *,
    reason: str | None,
    canceler_type: str,
    name: str | None = None,
) -> list[InviteeRef]:
    """Cancel invitees of an event, and the event itself if no active invitee remains.

    `canceler_type` is host or invitee; `name` is the canceler's name. Default: the first host or the invitee.
    """
    invitees = world.invitees(number)
    active = [position for position in positions if invitees[position]["status"] == "active"]
    if not active:
        raise NotPossibleError("the invitee or event is already canceled")
    stored = world.editable_event(number)
    moment = times.isoformat(now)
    host = stored.event["event_memberships"][0]["user_name"]
    for position in active:
        invitee = stored.invitees[position]
        canceled_by = name or (host if canceler_type == "host" else invitee["name"])
        cancellation = record_factories.cancellation(canceled_by, canceler_type, reason, moment)
        invitee |= {"status": "canceled", "cancellation": cancellation, "updated_at": moment}
    remaining = sum(invitee["status"] == "active" for invitee in stored.invitees)
    stored.event["invitees_counter"] = stored.event["invitees_counter"] | {"active": remaining}
    stored.event["updated_at"] = moment
    if not remaining:
        stored.event |= {"status": "canceled", "cancellation": stored.invitees[active[-1]]["cancellation"]}
    return [InviteeRef(number, position) for position in active]


def event_type_of(world: World, number: int) -> EventType:
    """Return the event type of an event; NotPossibleError if it was deleted."""
    event_type = world.population.event_types_by_id.get(world.event(number)["event_type"].rpartition("/")[2])
    if event_type is None:
        raise NotPossibleError("the event type was deleted")
    return event_type


def reschedule(world: World, now: int, old: InviteeRef, start: int) -> InviteeRef:
    """Cancel an invitee and book them again, as Calendly does to reschedule a meeting."""
    event_type = event_type_of(world, old.event)
    cancel(world, now, old.event, [old.position], reason=None, canceler_type="invitee")
    stored = world.editable_event(old.event)
    invitee = stored.invitees[old.position]
    booking = Booking(event_type, stored.hosts, start, invitee["name"], invitee["email"])
    copied = {field: invitee[field] for field in _KEPT_ON_RESCHEDULE}
    new = book(world, now, booking, copied | {"old_invitee": invitee["uri"]})
    invitee |= {"rescheduled": True, "new_invitee": world.invitees(new.event)[new.position]["uri"]}
    return new


def invitee_event(world: World, name: str, ref: InviteeRef) -> DomainEvent:
    """Return an `invitee.*` or `invitee_no_show.*` event."""
    number = ref.event
    payload = domain_events.invitee_payload(world.event(number), world.invitees(number)[ref.position])
    return DomainEvent(name, payload, world.organization_of(number), world.hosts(number))
