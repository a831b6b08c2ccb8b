"""The control surface under /__sandbox__/: makes things happen, makes trouble, shows what went on."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from . import bodies, bookings, cast, faults, replies, times
from .api import KeptReplies
from .bookings import Booking, NotPossibleError, Place
from .delivery import Deliverer, Outcome
from .errors import Body
from .faults import Faults
from .journal import Journal
from .notices import notices
from .paging import PageTokens
from .population import Member, Offer
from .tokens import SCOPES, Caller, TokenBook
from .world import World

Handler = Callable[[Body], Awaitable[tuple[int, Any]]]

_DEFAULT_NAME, _DEFAULT_MAIL = "Robin Example", "robin@client.example"


class Control:
    """What can be done to a running sandbox; a handler makes (status, JSON value) of a JSON object."""

    def __init__(
        self,
        *,
        world: World,
        tokens: TokenBook,
        page_tokens: PageTokens,
        kept: KeptReplies | None,
        trouble: Faults,
        journal: Journal,
        deliverer: Deliverer,
        clock: Callable[[], float],
    ) -> None:
        self._world = world
        self._tokens = tokens
        self._page_tokens = page_tokens
        self._kept = kept
        self._trouble = trouble
        self._journal = journal
        self._deliverer = deliverer
        self._clock = clock

    def routes(self) -> Sequence[BaseRoute]:
        """Give the table of the surface."""
        return [
            _route("POST", "/bookings", self.book, "event_type host start_time name email answers wait"),
            _route("POST", "/cancellations", self.cancel, "invitee event reason canceled_by wait"),
            _route("POST", "/reschedules", self.reschedule, "invitee start_time wait"),
            _route("GET", "/faults", self.list_faults),
            _route("POST", "/faults", self.add_fault, " ".join(faults.Fault.__dataclass_fields__)),
            _route("DELETE", "/faults", self.clear_faults),
            _route("POST", "/page_tokens/expire", self.expire_page_tokens),
            _route("GET", "/requests", self.list_requests),
            _route("DELETE", "/requests", self.clear_requests),
            _route("GET", "/deliveries", self.list_deliveries),
            _route("GET", "/tokens", self.list_tokens),
            _route("POST", "/tokens", self.mint_token, "name user scopes plan"),
            _route("GET", "/clock", self.show_clock),
        ]

    # What people do

    async def book(self, body: Body) -> tuple[int, Any]:
        """Book an event; everything has a default."""
        now = self._now()
        offer = self._offer(body)
        host = self._member(body["host"]).number if "host" in body else next(iter(offer.hosts), -1)
        if host not in offer.hosts:
            raise ValueError("host must be one of the event type's hosts")
        booking = Booking(
            offer,
            host,
            self._start(body, now),
            bodies.text(body, "name", _DEFAULT_NAME),
            bodies.text(body, "email", _DEFAULT_MAIL),
            bodies.texts(body, "answers"),
        )
        place = bookings.book(self._world, now, booking)
        deliveries = await self._tell(now, [("invitee.created", place)], wait=bodies.flag(body, "wait"))
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
        happened = [("invitee.canceled", place) for place in canceled]
        deliveries = await self._tell(now, happened, wait=bodies.flag(body, "wait"))
        invitees = [self._invitee(place) for place in canceled]
        return 201, {"invitees": invitees, "event": self._world.event(number), **deliveries}

    async def reschedule(self, body: Body) -> tuple[int, Any]:
        """Move an invitee: the old one is canceled, a new one booked."""
        now = self._now()
        old = self._place(body)
        new = bookings.reschedule(self._world, now, old, self._start(body, now))
        happened = [("invitee.canceled", old), ("invitee.created", new)]
        deliveries = await self._tell(now, happened, wait=bodies.flag(body, "wait"))
        return 201, {
            "old_invitee": self._invitee(old),
            "invitee": self._invitee(new),
            "event": self._world.event(new.number),
            **deliveries,
        }

    async def _tell(
        self, now: int, happened: Sequence[tuple[str, Place]], *, wait: bool
    ) -> dict[str, list[Outcome]]:
        """Begin the deliveries; with `wait` give {"deliveries": outcomes}, otherwise nothing."""
        tasks = [
            task
            for event, place in happened
            for task in self._deliverer.send(
                notices(self._world, bookings.told(self._world, event, place), now)
            )
        ]
        return {"deliveries": list(await asyncio.gather(*tasks))} if wait else {}

    # Trouble

    async def list_faults(self, _body: Body) -> tuple[int, Any]:
        """Show the faults that are still to come."""
        return 200, {"faults": self._trouble.described()}

    async def add_fault(self, body: Body) -> tuple[int, Any]:
        """Declare a fault."""
        self._trouble.add(faults.declared(body))
        return 201, {"faults": self._trouble.described()}

    async def clear_faults(self, _body: Body) -> tuple[int, Any]:
        """Forget all faults."""
        self._trouble.clear()
        return 200, {"faults": []}

    async def expire_page_tokens(self, _body: Body) -> tuple[int, Any]:
        """Make every page token stale."""
        self._page_tokens.expire()
        if self._kept:
            self._kept.clear()
        return 200, {}

    # What was seen

    async def list_requests(self, _body: Body) -> tuple[int, Any]:
        """Show counts and the latest requests."""
        return 200, self._journal.described()

    async def clear_requests(self, _body: Body) -> tuple[int, Any]:
        """Forget all requests."""
        self._journal.clear()
        return 200, self._journal.described()

    async def list_deliveries(self, _body: Body) -> tuple[int, Any]:
        """Show how the latest webhook messages fared."""
        return 200, {"deliveries": list(self._deliverer.log)}

    async def list_tokens(self, _body: Body) -> tuple[int, Any]:
        """Show every token: they open this sandbox and nothing else."""
        return 200, {"tokens": [_described(caller) for caller in self._tokens.all()]}

    async def mint_token(self, body: Body) -> tuple[int, Any]:
        """Make a token for a user (the owner unless named), or give one other rights."""
        name, plan = bodies.text(body, "name", None), bodies.text(body, "plan", "paid")
        scopes = bodies.texts(body, "scopes")
        if not name or name.split() != [name]:
            raise ValueError("name must be a text without spaces")
        if not SCOPES.issuperset(scopes):
            raise ValueError(f"scopes must be among {', '.join(sorted(SCOPES))}")
        if plan not in {"free", "paid"}:
            raise ValueError("plan must be free or paid")
        member = self._member(body.get("user", cast.OWNER))
        return 201, _described(self._tokens.mint(name, member, scopes, paid=plan == "paid"))

    async def show_clock(self, _body: Body) -> tuple[int, Any]:
        """Show what time it is here."""
        unix = self._clock()
        return 200, {
            "unix": unix,
            "now": times.write(times.of_unix(unix)),
            "anchor": times.day_of(self._world.anchor).isoformat(),
        }

    # Things named in bodies, by URI or bare id

    def _now(self) -> int:
        return times.of_unix(self._clock())

    def _invitee(self, place: Place) -> Body:
        return self._world.invitees(place.number)[place.place]

    def _start(self, body: Body, now: int) -> int:
        text = bodies.text(body, "start_time", None)
        return times.read(text) if text is not None else bookings.free_start(self._world, now)

    def _offer(self, body: Body) -> Offer:
        uuid = bodies.uuid(bodies.text(body, "event_type", None) or cast.INTRO_CALL)
        if uuid not in self._world.population.by_offer:
            raise LookupError("no such event type")
        return self._world.population.by_offer[uuid]

    def _member(self, user: Any) -> Member:
        member = self._world.member(bodies.uuid(user))
        if member is None:
            raise LookupError("no such user")
        return member

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
        number = self._world.event_number(bodies.uuid(body["event"]))
        if number is None:
            raise LookupError("no such event")
        return number, range(len(self._world.invitees(number)))


def _route(method: str, path: str, handler: Handler, fields: str = "") -> Route:
    """Make a row of the table; `fields` are the names its body may hold."""
    allowed = set(fields.split())

    async def endpoint(request: Request) -> Response:
        try:
            status, value = await handler(bodies.read(await request.body(), allowed))
        except ValueError as error:
            status, value = 400, {"title": "Invalid Argument", "message": str(error)}
        except LookupError as error:
            status, value = 404, {"title": "Resource Not Found", "message": str(error.args[0])}
        except NotPossibleError as error:
            status, value = 409, {"title": "Not Possible", "message": str(error)}
        return Response(orjson.dumps(value), status, media_type=replies.JSON)

    return Route(path, endpoint, methods=[method])


def _described(caller: Caller) -> Body:
    return {
        "token": caller.token,
        "user": caller.member.user["uri"],
        "name": caller.member.user["name"],
        "role": caller.member.role,
        "scopes": sorted(caller.scopes),
        "plan": "paid" if caller.paid else "free",
    }
