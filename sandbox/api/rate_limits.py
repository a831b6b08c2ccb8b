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


class RateWindow(NamedTuple):
    """So many requests in so many seconds."""

    limit: int
    seconds: int


class OperationLimits(NamedTuple):
    """The windows of an operation that has some beside the general one, by plan."""

    paid: tuple[RateWindow, ...]
    free: tuple[RateWindow, ...]


# The documentation gives no number for the free plan; the trial's is taken.
BOOKING_LIMITS = OperationLimits(
    paid=(RateWindow(10, 60), RateWindow(50, 60 * 60), RateWindow(100, 24 * 60 * 60)),
    free=(RateWindow(5, 24 * 60 * 60),),
)

TOKEN_ISSUE_LIMIT = RateWindow(8, 60)
"""OAuth tokens that one user may be issued, whatever the app."""


class RateLimitAccount(NamedTuple):
    """Whose requests are counted: the kind of plan, and a name that differs for all that is counted apart."""

    tier: str
    key: str


def _account_of(caller: Caller) -> RateLimitAccount:
    """Return whose requests a caller's are; of a token, the key has a hash alone."""
    if caller.client:
        key = f"oauth:{caller.client.client_id}:{caller.member.uuid}"
    else:
        key = f"token:{hashlib.sha256(caller.token.encode()).hexdigest()[:32]}"
    return RateLimitAccount("paid" if caller.paid else "free", key)


@dataclass(frozen=True)
class RateLimitStatus:
    """What a token has left after a request."""

    limit: int
    remaining: int
    reset_s: int
    exceeded: bool
    mode: str
    account: RateLimitAccount | None = None

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


class WindowCounter(Protocol):
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


class FixedWindowCounter:
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


class SlidingWindowCounter:
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


class RequestLimiter:
    """Counts requests per token; `limit` replaces those of the plans, 0 stops counting."""

    def __init__(
        self, limit: int | None, mode: str, clock: Callable[[], float], *, reports_account: bool
    ) -> None:
        self._limit = limit
        self._mode = mode
        self._reports_account = reports_account
        self._clock = clock
        self._counts: dict[object, WindowCounter] = {}

    def spend(self, caller: Caller, requests: int = 1) -> RateLimitStatus | None:
        """Count requests; None where nothing is limited."""
        limit = self._limit if self._limit is not None else (PAID_LIMIT if caller.paid else FREE_LIMIT)
        if limit == 0:
            return None
        return self._with_account(
            self._spend(caller.rate_limit_key, RateWindow(limit, WINDOW_S), requests), caller
        )

    def spend_operation(
        self, caller: Caller, operation: str, limits: OperationLimits
    ) -> RateLimitStatus | None:
        """Count one request of an operation with limits of its own; give the status that forbids it."""
        if self._limit == 0:
            return None
        windows = limits.paid if caller.paid else limits.free
        keys = [((caller.member.uuid, operation, window), window) for window in windows]
        over = [self._budget(key, window, 1) for key, window in keys if self._left(key, window) < 1]
        if not over:
            for key, window in keys:
                self._spend(key, window, 1)
        longest = max(over, key=lambda status: status.reset_s, default=None)
        return longest and self._with_account(longest, caller)

    def spend_token_issue(self, user_uuid: str) -> RateLimitStatus | None:
        """Count one OAuth token asked for; None where nothing is limited."""
        return None if self._limit == 0 else self._spend(("oauth", user_uuid), TOKEN_ISSUE_LIMIT, 1)

    def _with_account(self, status: RateLimitStatus, caller: Caller) -> RateLimitStatus:
        return replace(status, account=_account_of(caller)) if self._reports_account else status

    def _spend(self, key: object, window: RateWindow, requests: int) -> RateLimitStatus:
        """Count what is allowed; what is refused counts nowhere."""
        allowed = min(requests, self._left(key, window))
        self._count(key, window).add(allowed, self._clock())
        return self._budget(key, window, requests - allowed)

    def _budget(self, key: object, window: RateWindow, refused: int) -> RateLimitStatus:
        now = self._clock()
        reset_s = math.ceil(self._count(key, window).free_at(now) - now)
        return RateLimitStatus(window.limit, self._left(key, window), reset_s, refused > 0, self._mode)

    def _left(self, key: object, window: RateWindow) -> int:
        return max(0, window.limit - self._count(key, window).used(self._clock()))

    def _count(self, key: object, window: RateWindow) -> WindowCounter:
        if key not in self._counts:
            kind = SlidingWindowCounter if self._mode == "sliding" else FixedWindowCounter
            self._counts[key] = kind(window.seconds)
        return self._counts[key]
