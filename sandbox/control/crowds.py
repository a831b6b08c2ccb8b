"""The part of the control surface where many people act at once, and what they did is told."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

from ..errors import Body
from ..world import times
from ..world.crowd import BOOKING, CANCELLATION, RESCHEDULE, Crowd
from ..world.world import World
from . import bodies
from .delivery import Deliverer

_FIELDS = {"bookings": BOOKING, "cancellations": CANCELLATION, "reschedules": RESCHEDULE}
_MOST = 100_000
_AT_ONCE = 50  # then others have their turn: requests, and the deliveries of what happened


class Crowds:
    """Lets a crowd act; the handler makes (status, JSON value) of a JSON object, webhooks follow."""

    def __init__(self, world: World, deliverer: Deliverer, clock: Callable[[], float]) -> None:
        self._deliverer = deliverer
        self._clock = clock
        self._crowd = Crowd(world)

    async def act(self, body: Body) -> tuple[int, Any]:
        """Let so many people book, cancel and reschedule; give in order what they did."""
        wanted = {kind: bodies.count(body, field, _MOST) for field, kind in _FIELDS.items()}
        seed, wait = bodies.count(body, "seed", 2**32, 1), bodies.flag(body, "wait")
        dice = Random(seed)
        truths: list[Body] = []
        messages = []
        for kind in self._crowd.mix(wanted, seed):
            deed = self._crowd.act(kind, times.of_unix(self._clock()), dice)
            truths.append(deed.truth)
            messages.extend(self._deliverer.send(deed.happened))
            if len(truths) % _AT_ONCE == 0:
                await asyncio.sleep(0)
        deliveries = {"deliveries": await self._deliverer.attempted(messages)} if wait else {}
        return 201, {"happened": truths, **deliveries}
