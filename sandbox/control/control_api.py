"""The control API under /__sandbox__/: act as an invitee, inject faults, inspect requests and deliveries."""

from collections.abc import Sequence
from typing import Any

from starlette.routing import BaseRoute

from .. import faults
from ..api.tokens import BearerTokens, Caller
from ..clock import SandboxClock
from ..errors import Body
from ..operations.routes import SCOPES
from ..world import fixtures
from ..world.world import World
from . import bodies
from .action_endpoints import ActionEndpoints, SimulationEndpoints
from .deliverer import Deliverer
from .delivery_endpoints import DeliveryEndpoints
from .fault_endpoints import FaultEndpoints
from .request_log import RequestLog
from .routes import route

_DELIVERY_FAULTS = (
    "duplicate duplicate_within_s reorder reorder_within_s lose_answer lose_message outage_s seed"
)


class ControlApi:
    """The endpoints of the control API. Handlers take a JSON object and return (status, JSON value)."""

    def __init__(
        self,
        *,
        world: World,
        tokens: BearerTokens,
        fault_endpoints: FaultEndpoints,
        request_log: RequestLog,
        deliverer: Deliverer,
        clock: SandboxClock,
    ) -> None:
        self._world = world
        self._tokens = tokens
        self._faults = fault_endpoints
        self._request_log = request_log
        self._actions = ActionEndpoints(world, deliverer, clock)
        self._simulation = SimulationEndpoints(world, deliverer, clock)
        self._deliveries = DeliveryEndpoints(world, deliverer, clock)

    def routes(self) -> Sequence[BaseRoute]:
        """Return the routes of the control API, except those for OAuth."""
        actions, fault_endpoints, deliveries = self._actions, self._faults, self._deliveries
        return [
            route(
                "POST", "/bookings", actions.book, "event_type link host start_time name email answers wait"
            ),
            route("POST", "/cancellations", actions.cancel, "invitee event reason canceled_by wait"),
            route("POST", "/reschedules", actions.reschedule, "invitee start_time wait"),
            route("POST", "/submissions", actions.submit, "form answers result invitee wait"),
            route("POST", "/recaps", actions.recap, "event wait"),
            route("POST", "/no_shows", actions.mark_no_show, "invitee wait"),
            route("POST", "/no_shows/take_back", actions.unmark_no_show, "invitee wait"),
            route("POST", "/event_types/delete", actions.delete_event_type, "event_type wait"),
            route(
                "POST",
                "/happenings",
                self._simulation.simulate,
                "bookings cancellations reschedules seed wait",
            ),
            route("GET", "/faults", fault_endpoints.list_faults),
            route("POST", "/faults", fault_endpoints.add_fault, " ".join(faults.Fault.__dataclass_fields__)),
            route("DELETE", "/faults", fault_endpoints.clear_faults),
            route("GET", "/conferences", fault_endpoints.show_conferences),
            route("POST", "/conferences", fault_endpoints.fail_conferences, "failures"),
            route("POST", "/page_tokens/expire", fault_endpoints.expire_page_tokens),
            route("POST", "/rate_limits/spend", fault_endpoints.spend, "token requests"),
            route("GET", "/requests", self.list_requests),
            route("DELETE", "/requests", self.clear_requests),
            route("GET", "/deliveries", deliveries.list_deliveries),
            route("POST", "/deliveries/settle", deliveries.settle),
            route("GET", "/delivery_faults", deliveries.show_faults),
            route("POST", "/delivery_faults", deliveries.change_faults, _DELIVERY_FAULTS),
            route("DELETE", "/delivery_faults", deliveries.clear_faults),
            route("GET", "/tokens", self.list_tokens),
            route("POST", "/tokens", self.mint_token, "name user scopes plan"),
            route("POST", "/tokens/revoke", self.revoke_token, "token"),
            route("GET", "/clock", deliveries.show_clock),
            route("POST", "/clock", deliveries.advance_clock, "advance_s wait"),
        ]

    # Requests and tokens

    async def list_requests(self, _body: Body) -> tuple[int, Any]:
        """Return counts and the latest requests."""
        return 200, self._request_log.to_json()

    async def clear_requests(self, _body: Body) -> tuple[int, Any]:
        """Clear counts and requests."""
        self._request_log.clear()
        return 200, self._request_log.to_json()

    async def list_tokens(self, _body: Body) -> tuple[int, Any]:
        """Return all tokens; they are valid for this sandbox only."""
        return 200, {"tokens": [_to_json(caller) for caller in self._tokens.all()]}

    async def mint_token(self, body: Body) -> tuple[int, Any]:
        """Create a token for a user (default: the owner), or change the rights of one."""
        name, plan = bodies.text(body, "name", None), bodies.text(body, "plan", "paid")
        scopes = bodies.texts(body, "scopes")
        if not name or name.split() != [name]:
            raise ValueError("name must be a string without spaces")
        if not SCOPES.issuperset(scopes):
            raise ValueError(f"scopes must be among {', '.join(sorted(SCOPES))}")
        if plan not in {"free", "paid"}:
            raise ValueError("plan must be free or paid")
        member = bodies.member(self._world, body.get("user", fixtures.OWNER))
        return 201, _to_json(self._tokens.mint(name, member, scopes, paid=plan == "paid"))

    async def revoke_token(self, body: Body) -> tuple[int, Any]:
        """Revoke a token, as its user does on Calendly's page of API tokens."""
        token = bodies.text(body, "token", "")
        self._tokens.drop(token)
        return 200, {"token": token}


def _to_json(caller: Caller) -> Body:
    return {
        "token": caller.token,
        "user": caller.member.user["uri"],
        "name": caller.member.user["name"],
        "role": caller.member.role,
        "scopes": sorted(caller.scopes),
        "plan": "paid" if caller.paid else "free",
        "client_id": caller.client.client_id if caller.client else None,
    }
