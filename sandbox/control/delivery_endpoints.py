"""Control API endpoints for the clock, deliveries and delivery faults."""

from typing import Any

from ..clock import SandboxClock
from ..errors import Body
from ..world import times
from ..world.world import World
from . import bodies, delivery_faults
from .deliverer import Deliverer
from .delivery_faults import DeliveryFaults

_MAX_ADVANCE_S = 366 * 24 * 60 * 60


class DeliveryEndpoints:
    """Clock and deliveries. Handlers take a JSON object and return (status, JSON value)."""

    def __init__(self, world: World, deliverer: Deliverer, clock: SandboxClock) -> None:
        self._world = world
        self._deliverer = deliverer
        self._clock = clock

    async def show_clock(self, _body: Body) -> tuple[int, Any]:
        """Return the sandbox's time."""
        unix = self._clock()
        return 200, {
            "unix": unix,
            "now": times.isoformat(times.from_unix(unix)),
            "anchor": times.to_day(self._world.anchor).isoformat(),
        }

    async def advance_clock(self, body: Body) -> tuple[int, Any]:
        """Move the clock forward; with `wait`, stop at each time a delivery is due."""
        seconds, wait = body.get("advance_s"), bodies.flag(body, "wait")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise ValueError("advance_s must be a number")  # noqa: TRY004 - becomes a 400 like all others
        if not 0 <= seconds <= _MAX_ADVANCE_S:
            raise ValueError(f"advance_s must be between 0 and {_MAX_ADVANCE_S}")
        await self._deliverer.advance(seconds, wait=wait)
        return await self.show_clock({})

    async def list_deliveries(self, _body: Body) -> tuple[int, Any]:
        """Return the status of the latest webhook messages, and the totals."""
        self._deliverer.wake()
        return 200, {"deliveries": self._deliverer.log(), "totals": self._deliverer.totals()}

    async def settle(self, _body: Body) -> tuple[int, Any]:
        """Wait until no delivery is in progress or due; doesn't wait for later retries."""
        await self._deliverer.settle()
        return 200, {"totals": self._deliverer.totals()}

    async def show_faults(self, _body: Body) -> tuple[int, Any]:
        """Return the delivery faults."""
        return 200, self._deliverer.faults.to_json()

    async def change_faults(self, body: Body) -> tuple[int, Any]:
        """Change delivery faults."""
        now = times.from_unix(self._clock())
        self._deliverer.faults = delivery_faults.with_changes(self._deliverer.faults, body, now)
        return 201, self._deliverer.faults.to_json()

    async def clear_faults(self, _body: Body) -> tuple[int, Any]:
        """Remove all delivery faults."""
        self._deliverer.faults = DeliveryFaults()
        return 200, self._deliverer.faults.to_json()
