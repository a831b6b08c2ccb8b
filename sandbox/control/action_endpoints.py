"""Control API endpoints that act as invitees and hosts: book, cancel, reschedule, submit a form."""

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
_BATCH_SIZE = 50  # yield to requests and deliveries after each batch


class ActionEndpoints:
    """Actions of invitees and hosts, with webhooks. Handlers take a JSON object and return (status, JSON)."""

    def __init__(self, world: World, deliverer: Deliverer, clock: Callable[[], float]) -> None:
        self._world = world
        self._deliverer = deliverer
        self._clock = clock

    async def book(self, body: Body) -> tuple[int, Any]:
        """Book an event; all fields have defaults."""
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
        """Cancel one invitee or all invitees of an event."""
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
        """Reschedule an invitee: cancel the old one and book a new one."""
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
        """Submit a routing form; all fields have defaults."""
        now = self._now()
        form = self._world.state.forms.get(bodies.uuid(body.get("form") or fixtures.FORM))
        if form is None:
            raise LookupError("unknown routing form")
        submitter = self._invitee_ref(body) if body.get("invitee") is not None else None
        result = bodies.text(body, "result", None)
        submission = submissions.submit(
            self._world, now, form, bodies.texts(body, "answers"), kind=result, submitter=submitter
        )
        deliveries = await self._deliver(body, [submissions.submission_event(form, submission)])
        return 201, {"submission": submission.record, **deliveries}

    async def recap(self, body: Body) -> tuple[int, Any]:
        """Finish the recap of an event, as Notetaker does."""
        now = self._now()
        number = self._event(body)
        recap = meeting_outcomes.add_recap(
            self._world,
            number,
            self._world.new_uuid("meeting_recap"),
            status="Available",
            share=self._world.new_uuid("recap_share"),
        )
        deliveries = await self._deliver(
            body, [meeting_outcomes.recap_event(self._world, "meeting_recap.created", recap, now)]
        )
        return 201, {"recap": recap.record, **deliveries}

    async def mark_no_show(self, body: Body) -> tuple[int, Any]:
        """Mark an invitee as a no-show."""
        ref = self._invitee_ref(body)
        invitee = self._invitee(ref)
        if invitee["status"] != "active" or invitee["no_show"] is not None:
            raise NotPossibleError("the invitee is canceled or already marked as a no-show")
        no_show = meeting_outcomes.mark_no_show(
            self._world, self._now(), *ref, self._world.new_uuid("invitee_no_show")
        )
        deliveries = await self._deliver(
            body, [meeting_outcomes.no_show_event(self._world, "invitee_no_show.created", no_show)]
        )
        return 201, {"no_show": no_show.record, "invitee": self._invitee(ref), **deliveries}

    async def unmark_no_show(self, body: Body) -> tuple[int, Any]:
        """Remove the no-show mark of an invitee."""
        ref = self._invitee_ref(body)
        mark = self._invitee(ref)["no_show"]
        if mark is None:
            raise NotPossibleError("the invitee is not marked as a no-show")
        no_show = meeting_outcomes.unmark_no_show(self._world, bodies.uuid(mark["uri"]))
        deliveries = await self._deliver(
            body, [meeting_outcomes.no_show_event(self._world, "invitee_no_show.deleted", no_show)]
        )
        return 200, {"invitee": self._invitee(ref), **deliveries}

    async def delete_event_type(self, body: Body) -> tuple[int, Any]:
        """Delete an event type, which the API can't do; its meetings stay."""
        uuid = bodies.uuid(body.get("event_type"))
        if uuid not in self._world.population.event_types_by_id:
            raise LookupError("unknown event type")
        event_type = self._world.remove_event_type(uuid)
        payload = domain_events.deleted_event_type_payload(event_type.record, times.isoformat(self._now()))
        event = DomainEvent("event_type.deleted", payload, event_type.organization, event_type.hosts)
        return 200, {"event_type": payload, **await self._deliver(body, [event])}

    async def _deliver(self, body: Body, events: Sequence[DomainEvent]) -> dict[str, list[Outcome]]:
        """Start the deliveries; with `wait`, return {"deliveries": [status after the first attempt, …]}."""
        wait = bodies.flag(body, "wait")
        started = self._deliverer.send(events)
        return {"deliveries": await self._deliverer.wait_for_attempts(started)} if wait else {}

    def _now(self) -> int:
        return times.from_unix(self._clock())

    def _invitee_event(self, name: str, ref: InviteeRef) -> DomainEvent:
        return bookings.invitee_event(self._world, name, ref)

    def _invitee(self, ref: InviteeRef) -> Body:
        return self._world.invitees(ref.event)[ref.position]

    # Resources in bodies, by URI or id

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
            raise LookupError("unknown event type")
        return self._world.population.event_types_by_id[uuid]

    def _event(self, body: Body) -> int:
        number = self._world.event_number(bodies.uuid(body.get("event")))
        if number is None:
            raise LookupError("unknown event")
        return number

    def _invitee_ref(self, body: Body) -> InviteeRef:
        ref = self._world.find_invitee(bodies.uuid(body.get("invitee")))
        if ref is None:
            raise LookupError("unknown invitee")
        return ref

    def _invitees_to_cancel(self, body: Body) -> tuple[int, Sequence[int]]:
        """Return the event number and the positions of the invitees to cancel."""
        if ("invitee" in body) == ("event" in body):
            raise ValueError("send either invitee or event")
        if "invitee" in body:
            ref = self._invitee_ref(body)
            return ref.event, [ref.position]
        number = self._event(body)
        return number, range(len(self._world.invitees(number)))


class SimulationEndpoints:
    """Simulates many invitees, with webhooks. The handler takes a JSON object and returns (status, JSON)."""

    def __init__(self, world: World, deliverer: Deliverer, clock: Callable[[], float]) -> None:
        self._deliverer = deliverer
        self._clock = clock
        self._simulation = Simulation(world)

    async def simulate(self, body: Body) -> tuple[int, Any]:
        """Let invitees book, cancel and reschedule; return their actions in order."""
        counts = {kind: bodies.count(body, field, _MAX_COUNT) for field, kind in _FIELDS.items()}
        seed, wait = bodies.count(body, "seed", 2**32, 1), bodies.flag(body, "wait")
        rng = Random(seed)
        descriptions: list[Body] = []
        started = []
        for kind in self._simulation.plan(counts, seed):
            action = self._simulation.act(kind, times.from_unix(self._clock()), rng)
            descriptions.append(action.description)
            started.extend(self._deliverer.send(action.domain_events))
            if len(descriptions) % _BATCH_SIZE == 0:
                await asyncio.sleep(0)
        deliveries = {"deliveries": await self._deliverer.wait_for_attempts(started)} if wait else {}
        return 201, {"happened": descriptions, **deliveries}
