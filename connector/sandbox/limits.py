"""How many requests a token has left: fixed windows of a minute from the first request on."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from .tokens import Caller

WINDOW_S = 60
PAID_LIMIT = 500
FREE_LIMIT = 50


@dataclass(frozen=True)
class Budget:
    """What a token has left after a request."""

    limit: int
    remaining: int
    reset_s: int
    exceeded: bool

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The three headers that all replies carry."""
        return [
            ("X-RateLimit-Limit", str(self.limit)),
            ("X-RateLimit-Remaining", str(self.remaining)),
            ("X-RateLimit-Reset", str(self.reset_s)),
        ]


class Limiter:
    """Counts requests per token; `limit` replaces those of the plans, 0 stops counting."""

    def __init__(self, limit: int | None, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}

    def spend(self, caller: Caller) -> Budget | None:
        """Count one request; None where nothing is limited."""
        limit = self._limit if self._limit is not None else (PAID_LIMIT if caller.paid else FREE_LIMIT)
        if limit == 0:
            return None
        now = self._clock()
        start, used = self._windows.get(caller.token, (now, 0))
        if now - start >= WINDOW_S:
            start, used = now, 0
        used += 1
        self._windows[caller.token] = (start, used)
        reset_s = math.ceil(start + WINDOW_S - now)
        return Budget(limit, max(0, limit - used), reset_s, exceeded=used > limit)
