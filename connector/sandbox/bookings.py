"""What people do to events: book, cancel, reschedule; and what subscribers hear of it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from . import shapes, times
from .population import Offer
from .shapes import Record
from .world import Kept, World
from .writer import MOST_INVITEES

_NOT_IN_WEBHOOKS = {"calendar_event"}
_HOST_FIELDS_IN_WEBHOOKS = ("user", "user_email", "user_name")
_KEPT_WHEN_RESCHEDULED = ("first_name", "last_name", "timezone", "questions_and_answers", "tracking")


class NotPossibleError(Exception):
    """The world is not in a state where this can be done."""


class Place(NamedTuple):
    """Where an invitee is: an event's number and the place among its invitees."""

    number: int
    place: int


@dataclass(frozen=True)
class Happening:
    """Something subscribers are told: webhook event name, payload, and whom it concerns."""

    event: str
    payload: Record
    organization: int
    hosts: tuple[int, ...]


@dataclass(frozen=True)
class Booking:
    """What somebody asks for: an event type, a host's number, a start in microseconds, who they are."""

    offer: Offer
    host: int
    start: int
    name: str
    email: str
    answers: Sequence[str] = ()


def free_start(world: World, now: int) -> int:
    """Give a start a day ahead or later, another one for each added event."""
    next_hour = -(-now // times.HOUR) * times.HOUR
    return next_hour + times.DAY + len(world.added) * 30 * times.MINUTE


def book(world: World, now: int, booking: Booking, changes: Mapping[str, object] | None = None) -> Place:
    """Put in a new event with one invitee; `changes` replace any of the invitee's fields."""
    number = world.next_number()
    offer = booking.offer
    end = booking.start + offer.record["duration"] * times.MINUTE
    event_uri = world.links.to("scheduled_events", world.ids.make("event", number))
    hosts = world.writer.hosts((booking.host,), booking.start, end, offer)
    kinds = offer.record["locations"]
    event = shapes.event(
        event_uri,
        event_type=offer.record,
        location=shapes.event_location(kinds[0], booking.name) if kinds else None,
        hosts=hosts,
        start_time=times.write(booking.start),
        end_time=times.write(end),
        created_at=times.write(now),
        updated_at=times.write(now),
    ) | {"invitees_counter": {"total": 1, "active": 1, "limit": offer.seats}}
    questions = offer.record["custom_questions"]
    invitee = shapes.invitee(
        event_uri,
        world.ids.make("invitee", number * MOST_INVITEES),
        email=booking.email,
        name=booking.name,
        created_at=times.write(now),
        questions_and_answers=[
            shapes.answer(question, text) for question, text in zip(questions, booking.answers, strict=False)
        ],
    ) | dict(changes or {})
    return Place(world.add(Kept(offer.organization, (booking.host,), event, [invitee])), 0)


def cancel(
    world: World, now: int, number: int, places: Sequence[int], *, reason: str | None, by: str
) -> list[Place]:
    """Cancel invitees of an event, and the event when none remains; `by` is host or invitee."""
    kept = world.keep(number)
    active = [place for place in places if kept.invitees[place]["status"] == "active"]
    if not active:
        raise NotPossibleError("is canceled already")
    moment = times.write(now)
    host = kept.event["event_memberships"][0]["user_name"]
    for place in active:
        invitee = kept.invitees[place]
        who = host if by == "host" else invitee["name"]
        cancellation = shapes.cancellation(who, by, reason, moment)
        invitee |= {"status": "canceled", "cancellation": cancellation, "updated_at": moment}
    remaining = sum(invitee["status"] == "active" for invitee in kept.invitees)
    kept.event["invitees_counter"] = kept.event["invitees_counter"] | {"active": remaining}
    kept.event["updated_at"] = moment
    if not remaining:
        kept.event |= {"status": "canceled", "cancellation": kept.invitees[active[-1]]["cancellation"]}
    return [Place(number, place) for place in active]


def reschedule(world: World, now: int, old: Place, start: int) -> Place:
    """Cancel one invitee and book them anew: there is no other way to move a meeting."""
    cancel(world, now, old.number, [old.place], reason=None, by="invitee")
    kept = world.keep(old.number)
    invitee = kept.invitees[old.place]
    offer = world.population.by_offer[kept.event["event_type"].rpartition("/")[2]]
    booking = Booking(offer, kept.hosts[0], start, invitee["name"], invitee["email"])
    carried = {field: invitee[field] for field in _KEPT_WHEN_RESCHEDULED}
    new = book(world, now, booking, carried | {"old_invitee": invitee["uri"]})
    invitee |= {"rescheduled": True, "new_invitee": world.invitees(new.number)[new.place]["uri"]}
    return new


def told(world: World, event: str, place: Place) -> Happening:
    """Give what subscribers of `invitee.created` or `invitee.canceled` hear of an invitee."""
    record = world.event(place.number)
    scheduled_event = {field: value for field, value in record.items() if field not in _NOT_IN_WEBHOOKS}
    scheduled_event["event_memberships"] = [
        {field: host[field] for field in _HOST_FIELDS_IN_WEBHOOKS} for host in record["event_memberships"]
    ]
    payload = world.invitees(place.number)[place.place] | {"scheduled_event": scheduled_event}
    return Happening(event, payload, world.organization_of(place.number), world.hosts(place.number))
