"""The part of the control surface where people do things: book, cancel, reschedule, fill in a form."""

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import Body
from ..world import bookings, cast, happenings, no_shows, recaps, shares, submissions, times
from ..world.bookings import Booking, NotPossibleError, Place
from ..world.happenings import Happening
from ..world.population import Offer
from ..world.world import World
from . import bodies
from .delivery import Deliverer
from .messages import Outcome

_DEFAULT_NAME, _DEFAULT_MAIL = "Robin Example", "robin@client.example"


class People:
    """What people can do; a handler makes (status, JSON value) of a JSON object, webhooks follow."""

    def __init__(self, world: World, deliverer: Deliverer, clock: Callable[[], float]) -> None:
        self._world = world
        self._deliverer = deliverer
        self._clock = clock

    async def book(self, body: Body) -> tuple[int, Any]:
        """Book an event; everything has a default."""
        now = self._now()
        offer = self._offer(body)
        hosts = [bodies.member(self._world, body["host"]).number] if "host" in body else offer.hosts
        host = next(iter(hosts), -1)
        if host not in offer.hosts:
            raise ValueError("host must be one of the event type's hosts")
        booking = Booking(
            offer,
            (host,),
            self._start(body, now),
            bodies.text(body, "name", _DEFAULT_NAME),
            bodies.text(body, "email", _DEFAULT_MAIL),
            bodies.texts(body, "answers"),
        )
        if "link" in body:
            self._world.use_link(body["link"])
        place = bookings.book(self._world, now, booking)
        deliveries = await self._tell(body, [self._told("invitee.created", place)])
        return 201, {"invitee": self._invitee(place), "event": self._world.event(place.number), **deliveries}

    async def cancel(self, body: Body) -> tuple[int, Any]:
        """Cancel one invitee, or all of an event."""
        now = self._now()
        number, places = self._places(body)
        by = body.get("canceled_by", "host")
        if by not in {"host", "invitee"}:
            raise ValueError("canceled_by must be host or invitee")
        reason = bodies.text(body, "reason", None)
        canceled = bookings.cancel(self._world, now, number, places, reason=reason, by=by)
        happened = [self._told("invitee.canceled", place) for place in canceled]
        deliveries = await self._tell(body, happened)
        invitees = [self._invitee(place) for place in canceled]
        return 201, {"invitees": invitees, "event": self._world.event(number), **deliveries}

    async def reschedule(self, body: Body) -> tuple[int, Any]:
        """Move an invitee: the old one is canceled, a new one booked."""
        now = self._now()
        old = self._place(body)
        new = bookings.reschedule(self._world, now, old, self._start(body, now))
        happened = [self._told("invitee.canceled", old), self._told("invitee.created", new)]
        deliveries = await self._tell(body, happened)
        return 201, {
            "old_invitee": self._invitee(old),
            "invitee": self._invitee(new),
            "event": self._world.event(new.number),
            **deliveries,
        }

    async def submit(self, body: Body) -> tuple[int, Any]:
        """Fill in a routing form; everything has a default."""
        now = self._now()
        form = self._world.holdings.forms.get(bodies.uuid(body.get("form") or cast.FORM))
        if form is None:
            raise LookupError("no such routing form")
        submitter = self._place(body) if body.get("invitee") is not None else None
        result = bodies.text(body, "result", None)
        made = submissions.submit(
            self._world, now, form, bodies.texts(body, "answers"), kind=result, submitter=submitter
        )
        deliveries = await self._tell(body, [submissions.told(form, made)])
        return 201, {"submission": made.record, **deliveries}

    async def recap(self, body: Body) -> tuple[int, Any]:
        """Let Notetaker finish the recap of an event."""
        now = self._now()
        number = self._event(body)
        made = recaps.add(
            self._world,
            number,
            self._world.new_uuid("meeting_recap"),
            status="Available",
            share=self._world.new_uuid("recap_share"),
        )
        deliveries = await self._tell(body, [recaps.told(self._world, "meeting_recap.created", made, now)])
        return 201, {"recap": made.record, **deliveries}

    async def miss(self, body: Body) -> tuple[int, Any]:
        """Mark an invitee who did not come."""
        place = self._place(body)
        invitee = self._invitee(place)
        if invitee["status"] != "active" or invitee["no_show"] is not None:
            raise NotPossibleError("is canceled, or marked already")
        marked = no_shows.add(self._world, self._now(), *place, self._world.new_uuid("invitee_no_show"))
        deliveries = await self._tell(body, [no_shows.told(self._world, "invitee_no_show.created", marked)])
        return 201, {"no_show": marked.record, "invitee": self._invitee(place), **deliveries}

    async def take_back_no_show(self, body: Body) -> tuple[int, Any]:
        """Take the mark off an invitee."""
        place = self._place(body)
        mark = self._invitee(place)["no_show"]
        if mark is None:
            raise NotPossibleError("is not marked")
        marked = no_shows.remove(self._world, bodies.uuid(mark["uri"]))
        deliveries = await self._tell(body, [no_shows.told(self._world, "invitee_no_show.deleted", marked)])
        return 200, {"invitee": self._invitee(place), **deliveries}

    async def delete_event_type(self, body: Body) -> tuple[int, Any]:
        """Delete an event type, which the API cannot do; its meetings stay."""
        uuid = bodies.uuid(body.get("event_type"))
        if uuid not in self._world.population.by_offer:
            raise LookupError("no such event type")
        offer = self._world.remove_offer(uuid)
        payload = happenings.of_deleted_event_type(offer.record, times.write(self._now()))
        happening = Happening("event_type.deleted", payload, offer.organization, offer.hosts)
        return 200, {"event_type": payload, **await self._tell(body, [happening])}

    async def _tell(self, body: Body, happened: Sequence[Happening]) -> dict[str, list[Outcome]]:
        """Begin the deliveries; give {"deliveries": first outcomes} where the body says `wait`."""
        wait = bodies.flag(body, "wait")
        messages = self._deliverer.send(happened)
        return {"deliveries": await self._deliverer.attempted(messages)} if wait else {}

    def _now(self) -> int:
        return times.of_unix(self._clock())

    def _told(self, event: str, place: Place) -> Happening:
        return bookings.told(self._world, event, place)

    def _invitee(self, place: Place) -> Body:
        return self._world.invitees(place.number)[place.place]

    # Things named in bodies, by URI or bare id

    def _start(self, body: Body, now: int) -> int:
        text = bodies.text(body, "start_time", None)
        return times.read(text) if text is not None else bookings.free_start(self._world, now)

    def _offer(self, body: Body) -> Offer:
        if "link" in body:
            offer = self._world.population.by_offer[self._world.linked(body["link"], self._now())]
            return shares.customized(self._world, body["link"], offer)
        uuid = bodies.uuid(bodies.text(body, "event_type", None) or cast.INTRO_CALL)
        if uuid not in self._world.population.by_offer:
            raise LookupError("no such event type")
        return self._world.population.by_offer[uuid]

    def _event(self, body: Body) -> int:
        number = self._world.event_number(bodies.uuid(body.get("event")))
        if number is None:
            raise LookupError("no such event")
        return number

    def _place(self, body: Body) -> Place:
        place = self._world.invitee_place(bodies.uuid(body.get("invitee")))
        if place is None:
            raise LookupError("no such invitee")
        return Place(*place)

    def _places(self, body: Body) -> tuple[int, Sequence[int]]:
        """Give the event number and the places of the invitees a cancellation is about."""
        if ("invitee" in body) == ("event" in body):
            raise ValueError("name either an invitee or an event")
        if "invitee" in body:
            place = self._place(body)
            return place.number, [place.place]
        number = self._event(body)
        return number, range(len(self._world.invitees(number)))
