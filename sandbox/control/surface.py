"""The control surface under /__sandbox__/: makes things happen, makes trouble, shows what went on."""

from collections.abc import Sequence
from typing import Any

from starlette.routing import BaseRoute

from .. import faults
from ..api.tokens import Caller, TokenBook
from ..clock import Clock
from ..errors import Body
from ..operations.routes import SCOPES
from ..world import cast
from ..world.world import World
from . import bodies
from .crowds import Crowds
from .delivery import Deliverer
from .journal import Journal
from .people import People
from .routes import route
from .timing import Timing
from .trouble import Trouble

_DELIVERY_FAULTS = (
    "duplicate duplicate_within_s reorder reorder_within_s lose_answer lose_message outage_s seed"
)


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
        clock: Clock,
    ) -> None:
        self._world = world
        self._tokens = tokens
        self._trouble = trouble
        self._journal = journal
        self._people = People(world, deliverer, clock)
        self._crowds = Crowds(world, deliverer, clock)
        self._timing = Timing(world, deliverer, clock)

    def routes(self) -> Sequence[BaseRoute]:
        """Give the table of the surface."""
        people, trouble, timing = self._people, self._trouble, self._timing
        return [
            route(
                "POST", "/bookings", people.book, "event_type link host start_time name email answers wait"
            ),
            route("POST", "/cancellations", people.cancel, "invitee event reason canceled_by wait"),
            route("POST", "/reschedules", people.reschedule, "invitee start_time wait"),
            route("POST", "/submissions", people.submit, "form answers result invitee wait"),
            route("POST", "/recaps", people.recap, "event wait"),
            route("POST", "/no_shows", people.miss, "invitee wait"),
            route("POST", "/no_shows/take_back", people.take_back_no_show, "invitee wait"),
            route("POST", "/event_types/delete", people.delete_event_type, "event_type wait"),
            route("POST", "/happenings", self._crowds.act, "bookings cancellations reschedules seed wait"),
            route("GET", "/faults", trouble.list_faults),
            route("POST", "/faults", trouble.add_fault, " ".join(faults.Fault.__dataclass_fields__)),
            route("DELETE", "/faults", trouble.clear_faults),
            route("GET", "/conferences", trouble.show_conferences),
            route("POST", "/conferences", trouble.fail_conferences, "failures"),
            route("POST", "/page_tokens/expire", trouble.expire_page_tokens),
            route("POST", "/rate_limits/spend", trouble.spend, "token requests"),
            route("GET", "/requests", self.list_requests),
            route("DELETE", "/requests", self.clear_requests),
            route("GET", "/deliveries", timing.list_deliveries),
            route("POST", "/deliveries/settle", timing.settle),
            route("GET", "/delivery_faults", timing.show_faults),
            route("POST", "/delivery_faults", timing.change_faults, _DELIVERY_FAULTS),
            route("DELETE", "/delivery_faults", timing.clear_faults),
            route("GET", "/tokens", self.list_tokens),
            route("POST", "/tokens", self.mint_token, "name user scopes plan"),
            route("GET", "/clock", timing.show_clock),
            route("POST", "/clock", timing.advance_clock, "advance_s wait"),
        ]

    # What was seen

    async def list_requests(self, _body: Body) -> tuple[int, Any]:
        """Show counts and the latest requests."""
        return 200, self._journal.described()

    async def clear_requests(self, _body: Body) -> tuple[int, Any]:
        """Forget all requests."""
        self._journal.clear()
        return 200, self._journal.described()

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
        member = bodies.member(self._world, body.get("user", cast.OWNER))
        return 201, _described(self._tokens.mint(name, member, scopes, paid=plan == "paid"))


def _described(caller: Caller) -> Body:
    return {
        "token": caller.token,
        "user": caller.member.user["uri"],
        "name": caller.member.user["name"],
        "role": caller.member.role,
        "scopes": sorted(caller.scopes),
        "plan": "paid" if caller.paid else "free",
        "client_id": caller.client.client_id if caller.client else None,
    }
