"""How many requests are left: fixed windows, each from its first request on.

Per token (of an OAuth app: per user); per user where an operation has limits of its own.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from .tokens import Caller

WINDOW_S = 60
PAID_LIMIT = 500
FREE_LIMIT = 50


class Window(NamedTuple):
    """So many requests in so many seconds."""

    limit: int
    seconds: int


class OwnLimits(NamedTuple):
    """The windows of an operation that has some beside the general one, by plan."""

    paid: tuple[Window, ...]
    free: tuple[Window, ...]


# The documentation gives no number for the free plan; the trial's is taken.
BOOKING_LIMITS = OwnLimits(
    paid=(Window(10, 60), Window(50, 60 * 60), Window(100, 24 * 60 * 60)),
    free=(Window(5, 24 * 60 * 60),),
)

ISSUE_LIMIT = Window(8, 60)
"""OAuth tokens that one user may be issued, whatever the app."""


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
        self._windows: dict[object, tuple[float, int]] = {}

    def spend(self, caller: Caller) -> Budget | None:
        """Count one request; None where nothing is limited."""
        limit = self._limit if self._limit is not None else (PAID_LIMIT if caller.paid else FREE_LIMIT)
        if limit == 0:
            return None
        return self._count(caller.allowance, Window(limit, WINDOW_S))

    def spend_own(self, caller: Caller, operation: str, limits: OwnLimits) -> Budget | None:
        """Count one request of an operation with limits of its own; give the budget that forbids it."""
        if self._limit == 0:
            return None
        windows = limits.paid if caller.paid else limits.free
        keys = [((caller.member.uuid, operation, window), window) for window in windows]
        used = [(key, window, self._state(key, window)[1]) for key, window in keys]
        over = [
            self._budget(key, window, number + 1) for key, window, number in used if number >= window.limit
        ]
        if not over:
            for key, window in keys:
                self._count(key, window)
        return max(over, key=lambda budget: budget.reset_s, default=None)

    def spend_issue(self, user_uuid: str) -> Budget | None:
        """Count one OAuth token asked for; None where nothing is limited."""
        return None if self._limit == 0 else self._count(("oauth", user_uuid), ISSUE_LIMIT)

    def _count(self, key: object, window: Window) -> Budget:
        start, used = self._state(key, window)
        self._windows[key] = (start, used + 1)
        return self._budget(key, window, used + 1)

    def _state(self, key: object, window: Window) -> tuple[float, int]:
        """Give when a window began, and how much of it is used."""
        now = self._clock()
        start, used = self._windows.get(key, (now, 0))
        return (now, 0) if now - start >= window.seconds else (start, used)

    def _budget(self, key: object, window: Window, used: int) -> Budget:
        start, _ = self._state(key, window)
        reset_s = math.ceil(start + window.seconds - self._clock())
        return Budget(window.limit, max(0, window.limit - used), reset_s, exceeded=used > window.limit)
