"""The control surface under /__sandbox__/: makes things happen, makes trouble, shows what went on."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .. import faults
from ..api import replies
from ..api.tokens import SCOPES, Caller, TokenBook
from ..errors import Body
from ..world import cast, times
from ..world.bookings import NotPossibleError
from ..world.world import World
from . import bodies
from .delivery import Deliverer
from .journal import Journal
from .people import People
from .trouble import Trouble

Handler = Callable[[Body], Awaitable[tuple[int, Any]]]

_DEFAULT_NAME, _DEFAULT_MAIL = "Robin Example", "robin@client.example"


class Control:
    """What can be done to a running sandbox; a handler makes (status, JSON value) of a JSON object."""

    def __init__(
        self,
        *,
        world: World,
        tokens: TokenBook,
        trouble: Trouble,
        journal: Journal,
        deliverer: Deliverer,
        clock: Callable[[], float],
    ) -> None:
        self._world = world
        self._tokens = tokens
        self._trouble = trouble
        self._journal = journal
        self._deliverer = deliverer
        self._clock = clock
        self._people = People(world, deliverer, clock)

    def routes(self) -> Sequence[BaseRoute]:
        """Give the table of the surface."""
        people, trouble = self._people, self._trouble
        return [
            _route(
                "POST", "/bookings", people.book, "event_type link host start_time name email answers wait"
            ),
            _route("POST", "/cancellations", people.cancel, "invitee event reason canceled_by wait"),
            _route("POST", "/reschedules", people.reschedule, "invitee start_time wait"),
            _route("POST", "/submissions", people.submit, "form answers result invitee wait"),
            _route("POST", "/recaps", people.recap, "event wait"),
            _route("GET", "/faults", trouble.list_faults),
            _route("POST", "/faults", trouble.add_fault, " ".join(faults.Fault.__dataclass_fields__)),
            _route("DELETE", "/faults", trouble.clear_faults),
            _route("POST", "/page_tokens/expire", trouble.expire_page_tokens),
            _route("POST", "/rate_limits/spend", trouble.spend, "token requests"),
            _route("GET", "/requests", self.list_requests),
            _route("DELETE", "/requests", self.clear_requests),
            _route("GET", "/deliveries", self.list_deliveries),
            _route("GET", "/tokens", self.list_tokens),
            _route("POST", "/tokens", self.mint_token, "name user scopes plan"),
            _route("GET", "/clock", self.show_clock),
        ]

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
        member = self._people.member(body.get("user", cast.OWNER))
        return 201, _described(self._tokens.mint(name, member, scopes, paid=plan == "paid"))

    async def show_clock(self, _body: Body) -> tuple[int, Any]:
        """Show what time it is here."""
        unix = self._clock()
        return 200, {
            "unix": unix,
            "now": times.write(times.of_unix(unix)),
            "anchor": times.day_of(self._world.anchor).isoformat(),
        }


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
