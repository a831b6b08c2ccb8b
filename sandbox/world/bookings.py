"""What people do to events: book, cancel, reschedule; and what subscribers hear of it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from . import happenings, shapes, times
from .happenings import Happening
from .population import Offer
from .shapes import Record
from .world import Kept, World
from .writer import MOST_INVITEES

_KEPT_WHEN_RESCHEDULED = ("first_name", "last_name", "timezone", "questions_and_answers", "tracking")


class NotPossibleError(Exception):
    """The world is not in a state where this can be done."""


class Place(NamedTuple):
    """Where an invitee is: an event's number and the place among its invitees."""

    number: int
    place: int


@dataclass(frozen=True)
class Booking:
    """What somebody asks for.

    Attributes:
        offer: the event type.
        hosts: the numbers of the users who will attend.
        start: in microseconds since 1970.
        name: whose booking it is.
        email: where they are reached.
        answers: to the event type's questions, in their order.
        location: where it will be; None for the first place that the event type offers.
        guests: mail addresses of those who come along.
    """

    offer: Offer
    hosts: tuple[int, ...]
    start: int
    name: str
    email: str
    answers: Sequence[str] = ()
    location: Record | None = None
    guests: Sequence[str] = ()


def free_start(world: World, now: int) -> int:
    """Give a start a day ahead or later, another one for each added event."""
    next_hour = -(-now // times.HOUR) * times.HOUR
    return next_hour + times.DAY + len(world.added) * 30 * times.MINUTE


def book(world: World, now: int, booking: Booking, changes: Mapping[str, object] | None = None) -> Place:
    """Put in a new event with one invitee; `changes` replace any of the invitee's fields."""
    number, offer, stamp = world.next_number(), booking.offer, times.write(now)
    end = booking.start + offer.record["duration"] * times.MINUTE
    kinds = offer.record["locations"]
    uri = world.links.to("scheduled_events", world.ids.make("event", number))
    location = booking.location or (shapes.event_location(kinds[0], booking.name) if kinds else None)
    event = shapes.event(
        uri,
        event_type=offer.record,
        location=world.conferences.begin(now, number, uri, location),
        hosts=world.writer.hosts(booking.hosts, booking.start, end, offer),
        start_time=times.write(booking.start),
        end_time=times.write(end),
        created_at=stamp,
        updated_at=stamp,
    ) | {"invitees_counter": {"total": 0, "active": 0, "limit": offer.seats}}
    world.add(Kept(offer.organization, booking.hosts, event, []))
    return join(world, now, number, booking, changes)


def join(
    world: World, now: int, number: int, booking: Booking, changes: Mapping[str, object] | None = None
) -> Place:
    """Put one more invitee into an event; `changes` replace any of their fields."""
    kept, stamp = world.keep(number), times.write(now)
    place = len(kept.invitees)
    questions = booking.offer.record["custom_questions"]
    invitee = shapes.invitee(
        kept.event["uri"],
        world.ids.make("invitee", number * MOST_INVITEES + place),
        email=booking.email,
        name=booking.name,
        created_at=stamp,
        questions_and_answers=[
            shapes.answer(question, text) for question, text in zip(questions, booking.answers, strict=False)
        ],
    ) | dict(changes or {})
    world.invite(number, invitee)
    counter = kept.event["invitees_counter"]
    kept.event["invitees_counter"] = counter | {
        "total": counter["total"] + 1,
        "active": counter["active"] + 1,
    }
    kept.event["updated_at"] = stamp
    kept.event["event_guests"] = [
        *kept.event["event_guests"],
        *({"email": guest, "created_at": stamp, "updated_at": stamp} for guest in booking.guests),
    ]
    return Place(number, place)


def has_room(world: World, number: int) -> bool:
    """Whether one more invitee can join an event; those who canceled keep their places in it."""
    event, invitees = world.event(number), world.invitees(number)
    counter = event["invitees_counter"]
    is_on = event["status"] == "active" and len(invitees) < MOST_INVITEES
    return is_on and counter["active"] < counter["limit"]


def cancel(
    world: World,
    now: int,
    number: int,
    places: Sequence[int],
    *,
    reason: str | None,
    by: str,
    name: str | None = None,
) -> list[Place]:
    """Cancel invitees of an event, and the event when none remains.

    `by` is host or invitee; `name` is who it is where that is neither the first host nor the invitee.
    """
    invitees = world.invitees(number)
    active = [place for place in places if invitees[place]["status"] == "active"]
    if not active:
        raise NotPossibleError("is canceled already")
    kept = world.keep(number)
    moment = times.write(now)
    host = kept.event["event_memberships"][0]["user_name"]
    for place in active:
        invitee = kept.invitees[place]
        who = name or (host if by == "host" else invitee["name"])
        cancellation = shapes.cancellation(who, by, reason, moment)
        invitee |= {"status": "canceled", "cancellation": cancellation, "updated_at": moment}
    remaining = sum(invitee["status"] == "active" for invitee in kept.invitees)
    kept.event["invitees_counter"] = kept.event["invitees_counter"] | {"active": remaining}
    kept.event["updated_at"] = moment
    if not remaining:
        kept.event |= {"status": "canceled", "cancellation": kept.invitees[active[-1]]["cancellation"]}
    return [Place(number, place) for place in active]


def offer_of(world: World, number: int) -> Offer:
    """Give the event type of an event."""
    offer = world.population.by_offer.get(world.event(number)["event_type"].rpartition("/")[2])
    if offer is None:
        raise NotPossibleError("its event type is gone")
    return offer


def reschedule(world: World, now: int, old: Place, start: int) -> Place:
    """Cancel one invitee and book them anew: there is no other way to move a meeting."""
    offer = offer_of(world, old.number)
    cancel(world, now, old.number, [old.place], reason=None, by="invitee")
    kept = world.keep(old.number)
    invitee = kept.invitees[old.place]
    booking = Booking(offer, kept.hosts, start, invitee["name"], invitee["email"])
    carried = {field: invitee[field] for field in _KEPT_WHEN_RESCHEDULED}
    new = book(world, now, booking, carried | {"old_invitee": invitee["uri"]})
    invitee |= {"rescheduled": True, "new_invitee": world.invitees(new.number)[new.place]["uri"]}
    return new


def told(world: World, event: str, place: Place) -> Happening:
    """Give what subscribers of an `invitee.*` or `invitee_no_show.*` event hear of an invitee."""
    number = place.number
    payload = happenings.of_invitee(world.event(number), world.invitees(number)[place.place])
    return Happening(event, payload, world.organization_of(number), world.hosts(number))
