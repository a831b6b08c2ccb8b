"""The part of the control API where people do things: book, cancel, reschedule, fill in a form."""

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from ..errors import Body
from ..world import (
    bookings,
    domain_events,
    fixtures,
    meeting_outcomes,
    shares,
    submissions,
    times,
)
from ..world.bookings import Booking, NotPossibleError
from ..world.domain_events import DomainEvent
from ..world.population import EventType
from ..world.simulation import BOOKING, CANCELLATION, RESCHEDULE, Simulation
from ..world.state import InviteeRef
from ..world.world import World
from . import bodies
from .deliverer import Deliverer
from .deliveries import Outcome

_DEFAULT_NAME, _DEFAULT_EMAIL = "Robin Example", "robin@client.example"
_FIELDS = {"bookings": BOOKING, "cancellations": CANCELLATION, "reschedules": RESCHEDULE}
_MAX_COUNT = 100_000
_BATCH_SIZE = 50  # then others have their turn: requests, and the deliveries of what happened


class ActionEndpoints:
    """What people can do; a handler makes (status, JSON value) of a JSON object, webhooks follow."""

    def __init__(self, world: World, deliverer: Deliverer, clock: Callable[[], float]) -> None:
        self._world = world
        self._deliverer = deliverer
        self._clock = clock

    async def book(self, body: Body) -> tuple[int, Any]:
        """Book an event; everything has a default."""
        now = self._now()
        event_type = self._event_type(body)
        hosts = [bodies.member(self._world, body["host"]).number] if "host" in body else event_type.hosts
        host = next(iter(hosts), -1)
        if host not in event_type.hosts:
            raise ValueError("host must be one of the event type's hosts")
        booking = Booking(
            event_type,
            (host,),
            self._start(body, now),
            bodies.text(body, "name", _DEFAULT_NAME),
            bodies.text(body, "email", _DEFAULT_EMAIL),
            bodies.texts(body, "answers"),
        )
        if "link" in body:
            self._world.use_link(body["link"])
        ref = bookings.book(self._world, now, booking)
        deliveries = await self._deliver(body, [self._invitee_event("invitee.created", ref)])
        return 201, {"invitee": self._invitee(ref), "event": self._world.event(ref.event), **deliveries}

    async def cancel(self, body: Body) -> tuple[int, Any]:
        """Cancel one invitee, or all of an event."""
        now = self._now()
        number, positions = self._invitees_to_cancel(body)
        canceler_type = body.get("canceled_by", "host")
        if canceler_type not in {"host", "invitee"}:
            raise ValueError("canceled_by must be host or invitee")
        reason = bodies.text(body, "reason", None)
        canceled = bookings.cancel(
            self._world, now, number, positions, reason=reason, canceler_type=canceler_type
        )
        events = [self._invitee_event("invitee.canceled", ref) for ref in canceled]
        deliveries = await self._deliver(body, events)
        invitees = [self._invitee(ref) for ref in canceled]
        return 201, {"invitees": invitees, "event": self._world.event(number), **deliveries}

    async def reschedule(self, body: Body) -> tuple[int, Any]:
        """Move an invitee: the old one is canceled, a new one booked."""
        now = self._now()
        old = self._invitee_ref(body)
        new = bookings.reschedule(self._world, now, old, self._start(body, now))
        events = [self._invitee_event("invitee.canceled", old), self._invitee_event("invitee.created", new)]
        deliveries = await self._deliver(body, events)
        return 201, {
            "old_invitee": self._invitee(old),
            "invitee": self._invitee(new),
            "event": self._world.event(new.event),
            **deliveries,
        }

    async def submit(self, body: Body) -> tuple[int, Any]:
        """Fill in a routing form; everything has a default."""
        now = self._now()
        form = self._world.state.forms.get(bodies.uuid(body.get("form") or fixtures.FORM))
        if form is None:
            raise LookupError("no such routing form")
        submitter = self._invitee_ref(body) if body.get("invitee") is not None else None
        result = bodies.text(body, "result", None)
        made = submissions.submit(
            self._world, now, form, bodies.texts(body, "answers"), kind=result, submitter=submitter
        )
        deliveries = await self._deliver(body, [submissions.submission_event(form, made)])
        return 201, {"submission": made.record, **deliveries}

    async def recap(self, body: Body) -> tuple[int, Any]:
        """Let Notetaker finish the recap of an event."""
        now = self._now()
        number = self._event(body)
        made = meeting_outcomes.add_recap(
            self._world,
            number,
            self._world.new_uuid("meeting_recap"),
            status="Available",
            share=self._world.new_uuid("recap_share"),
        )
        deliveries = await self._deliver(
            body, [meeting_outcomes.recap_event(self._world, "meeting_recap.created", made, now)]
        )
        return 201, {"recap": made.record, **deliveries}

    async def mark_no_show(self, body: Body) -> tuple[int, Any]:
        """Mark an invitee who did not come."""
        ref = self._invitee_ref(body)
        invitee = self._invitee(ref)
        if invitee["status"] != "active" or invitee["no_show"] is not None:
            raise NotPossibleError("is canceled, or marked already")
        no_show = meeting_outcomes.mark_no_show(
            self._world, self._now(), *ref, self._world.new_uuid("invitee_no_show")
        )
        deliveries = await self._deliver(
            body, [meeting_outcomes.no_show_event(self._world, "invitee_no_show.created", no_show)]
        )
        return 201, {"no_show": no_show.record, "invitee": self._invitee(ref), **deliveries}

    async def unmark_no_show(self, body: Body) -> tuple[int, Any]:
        """Take the mark off an invitee."""
        ref = self._invitee_ref(body)
        mark = self._invitee(ref)["no_show"]
        if mark is None:
            raise NotPossibleError("is not marked")
        no_show = meeting_outcomes.unmark_no_show(self._world, bodies.uuid(mark["uri"]))
        deliveries = await self._deliver(
            body, [meeting_outcomes.no_show_event(self._world, "invitee_no_show.deleted", no_show)]
        )
        return 200, {"invitee": self._invitee(ref), **deliveries}

    async def delete_event_type(self, body: Body) -> tuple[int, Any]:
        """Delete an event type, which the API cannot do; its meetings stay."""
        uuid = bodies.uuid(body.get("event_type"))
        if uuid not in self._world.population.event_types_by_id:
            raise LookupError("no such event type")
        event_type = self._world.remove_event_type(uuid)
        payload = domain_events.deleted_event_type_payload(event_type.record, times.isoformat(self._now()))
        event = DomainEvent("event_type.deleted", payload, event_type.organization, event_type.hosts)
        return 200, {"event_type": payload, **await self._deliver(body, [event])}

    async def _deliver(self, body: Body, events: Sequence[DomainEvent]) -> dict[str, list[Outcome]]:
        """Begin the deliveries; give {"deliveries": first outcomes} where the body says `wait`."""
        wait = bodies.flag(body, "wait")
        started = self._deliverer.send(events)
        return {"deliveries": await self._deliverer.wait_for_attempts(started)} if wait else {}

    def _now(self) -> int:
        return times.from_unix(self._clock())

    def _invitee_event(self, name: str, ref: InviteeRef) -> DomainEvent:
        return bookings.invitee_event(self._world, name, ref)

    def _invitee(self, ref: InviteeRef) -> Body:
        return self._world.invitees(ref.event)[ref.position]

    # Things named in bodies, by URI or bare id

    def _start(self, body: Body, now: int) -> int:
        text = bodies.text(body, "start_time", None)
        return times.parse(text) if text is not None else bookings.free_start(self._world, now)

    def _event_type(self, body: Body) -> EventType:
        if "link" in body:
            event_type = self._world.population.event_types_by_id[
                self._world.event_type_of_link(body["link"], self._now())
            ]
            return shares.customized(self._world, body["link"], event_type)
        uuid = bodies.uuid(bodies.text(body, "event_type", None) or fixtures.INTRO_CALL)
        if uuid not in self._world.population.event_types_by_id:
            raise LookupError("no such event type")
        return self._world.population.event_types_by_id[uuid]

    def _event(self, body: Body) -> int:
        number = self._world.event_number(bodies.uuid(body.get("event")))
        if number is None:
            raise LookupError("no such event")
        return number

    def _invitee_ref(self, body: Body) -> InviteeRef:
        ref = self._world.find_invitee(bodies.uuid(body.get("invitee")))
        if ref is None:
            raise LookupError("no such invitee")
        return ref

    def _invitees_to_cancel(self, body: Body) -> tuple[int, Sequence[int]]:
        """Give the event number and the places of the invitees a cancellation is about."""
        if ("invitee" in body) == ("event" in body):
            raise ValueError("name either an invitee or an event")
        if "invitee" in body:
            ref = self._invitee_ref(body)
            return ref.event, [ref.position]
        number = self._event(body)
        return number, range(len(self._world.invitees(number)))


class SimulationEndpoints:
    """Runs a simulation; the handler makes (status, JSON value) of a JSON object, webhooks follow."""

    def __init__(self, world: World, deliverer: Deliverer, clock: Callable[[], float]) -> None:
        self._deliverer = deliverer
        self._clock = clock
        self._simulation = Simulation(world)

    async def simulate(self, body: Body) -> tuple[int, Any]:
        """Let so many people book, cancel and reschedule; give in order what they did."""
        wanted = {kind: bodies.count(body, field, _MAX_COUNT) for field, kind in _FIELDS.items()}
        seed, wait = bodies.count(body, "seed", 2**32, 1), bodies.flag(body, "wait")
        rng = Random(seed)
        descriptions: list[Body] = []
        started = []
        for kind in self._simulation.plan(wanted, seed):
            action = self._simulation.act(kind, times.from_unix(self._clock()), rng)
            descriptions.append(action.description)
            started.extend(self._deliverer.send(action.domain_events))
            if len(descriptions) % _BATCH_SIZE == 0:
                await asyncio.sleep(0)
        deliveries = {"deliveries": await self._deliverer.wait_for_attempts(started)} if wait else {}
        return 201, {"happened": descriptions, **deliveries}
