"""How many requests are left: per token (an app: per user), per user where an operation has own limits.

A mode says how requests are counted and what replies tell of it:

- `fixed`: a window runs from its first request on; Reset is the seconds to its end, rounded up.
- `sliding`: each request counts for the window's length; Reset is the seconds until one more is free.
- `always-60`: as `fixed`, but Reset says 60 at all times, as was seen in recordings of Calendly.
- `retry-after`: as `fixed`, but nothing is told before a 429, which has `Retry-After` alone.
"""

import hashlib
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from .tokens import Caller

WINDOW_S = 60
PAID_LIMIT = 500
FREE_LIMIT = 50
MODES = ("fixed", "sliding", "always-60", "retry-after")


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


class Account(NamedTuple):
    """Whose requests are counted: the kind of plan, and a name that differs for all that is counted apart."""

    tier: str
    key: str


def _account(caller: Caller) -> Account:
    """Return whose requests a caller's are; of a token, the key has a hash alone."""
    if caller.client:
        key = f"oauth:{caller.client.client_id}:{caller.member.uuid}"
    else:
        key = f"token:{hashlib.sha256(caller.token.encode()).hexdigest()[:32]}"
    return Account("paid" if caller.paid else "free", key)


@dataclass(frozen=True)
class Budget:
    """What a token has left after a request."""

    limit: int
    remaining: int
    reset_s: int
    exceeded: bool
    mode: str
    account: "Account | None" = None

    @property
    def headers(self) -> list[tuple[str, str]]:
        """What the reply tells of it."""
        if self.mode == "retry-after":
            return [("Retry-After", str(self.reset_s))] if self.exceeded else []
        reset_s = WINDOW_S if self.mode == "always-60" else self.reset_s
        account = self.account
        return [
            ("X-RateLimit-Limit", str(self.limit)),
            ("X-RateLimit-Remaining", str(self.remaining)),
            ("X-RateLimit-Reset", str(reset_s)),
            *([("X-RateLimit-Tier", account.tier), ("X-RateLimit-Key", account.key)] if account else []),
        ]


class Count(Protocol):
    """The requests of one window."""

    def used(self, now: float) -> int:
        """Give how many count now."""
        ...

    def free_at(self, now: float) -> float:
        """Give when fewer will count; a window from now on where none does."""
        ...

    def add(self, requests: int, now: float) -> None:
        """Count some more."""
        ...


class FixedCount:
    """Counts from the first request on, and forgets all at once."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._start = -math.inf
        self._used = 0

    def used(self, now: float) -> int:
        """Give how many count now."""
        return self._used if now - self._start < self._seconds else 0

    def free_at(self, now: float) -> float:
        """Give when the window ends."""
        return (self._start if self.used(now) else now) + self._seconds

    def add(self, requests: int, now: float) -> None:
        """Count some more."""
        if not self.used(now):
            self._start, self._used = now, 0
        self._used += requests


class SlidingCount:
    """Forgets each request on its own."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._log: deque[float] = deque()

    def used(self, now: float) -> int:
        """Give how many count now."""
        while self._log and now - self._log[0] >= self._seconds:
            self._log.popleft()
        return len(self._log)

    def free_at(self, now: float) -> float:
        """Give when the oldest is forgotten."""
        return (self._log[0] if self.used(now) else now) + self._seconds

    def add(self, requests: int, now: float) -> None:
        """Count some more."""
        self._log.extend([now] * requests)


class Limiter:
    """Counts requests per token; `limit` replaces those of the plans, 0 stops counting."""

    def __init__(
        self, limit: int | None, mode: str, clock: Callable[[], float], *, tells_account: bool
    ) -> None:
        self._limit = limit
        self._mode = mode
        self._tells_account = tells_account
        self._clock = clock
        self._counts: dict[object, Count] = {}

    def spend(self, caller: Caller, requests: int = 1) -> Budget | None:
        """Count requests; None where nothing is limited."""
        limit = self._limit if self._limit is not None else (PAID_LIMIT if caller.paid else FREE_LIMIT)
        if limit == 0:
            return None
        return self._told(self._spend(caller.allowance, Window(limit, WINDOW_S), requests), caller)

    def spend_own(self, caller: Caller, operation: str, limits: OwnLimits) -> Budget | None:
        """Count one request of an operation with limits of its own; give the budget that forbids it."""
        if self._limit == 0:
            return None
        windows = limits.paid if caller.paid else limits.free
        keys = [((caller.member.uuid, operation, window), window) for window in windows]
        over = [self._budget(key, window, 1) for key, window in keys if self._left(key, window) < 1]
        if not over:
            for key, window in keys:
                self._spend(key, window, 1)
        longest = max(over, key=lambda budget: budget.reset_s, default=None)
        return longest and self._told(longest, caller)

    def spend_issue(self, user_uuid: str) -> Budget | None:
        """Count one OAuth token asked for; None where nothing is limited."""
        return None if self._limit == 0 else self._spend(("oauth", user_uuid), ISSUE_LIMIT, 1)

    def _told(self, budget: Budget, caller: Caller) -> Budget:
        return replace(budget, account=_account(caller)) if self._tells_account else budget

    def _spend(self, key: object, window: Window, requests: int) -> Budget:
        """Count what is allowed; what is refused counts nowhere."""
        allowed = min(requests, self._left(key, window))
        self._count(key, window).add(allowed, self._clock())
        return self._budget(key, window, requests - allowed)

    def _budget(self, key: object, window: Window, refused: int) -> Budget:
        now = self._clock()
        reset_s = math.ceil(self._count(key, window).free_at(now) - now)
        return Budget(window.limit, self._left(key, window), reset_s, refused > 0, self._mode)

    def _left(self, key: object, window: Window) -> int:
        return max(0, window.limit - self._count(key, window).used(self._clock()))

    def _count(self, key: object, window: Window) -> Count:
        if key not in self._counts:
            kind = SlidingCount if self._mode == "sliding" else FixedCount
            self._counts[key] = kind(window.seconds)
        return self._counts[key]
