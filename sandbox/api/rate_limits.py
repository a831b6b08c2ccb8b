"""Rate limits: per personal token, or per app and user; some operations have additional limits per user.

A mode sets how requests are counted and what replies report:

- `fixed`: a window starts with its first request; Reset is the seconds to its end, rounded up.
- `sliding`: each request counts for the length of the window; Reset is the seconds until one is free again.
- `always-60`: like `fixed`, but Reset is always 60, as in recordings of Calendly.
- `retry-after`: like `fixed`, but the only header is `Retry-After`, on a 429.
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
    """A maximum number of requests in a number of seconds."""

    limit: int
    seconds: int


class OperationLimits(NamedTuple):
    """The additional windows of an operation, by plan."""

    paid: tuple[RateWindow, ...]
    free: tuple[RateWindow, ...]


# The documentation has no number for the free plan; this is the trial's.
BOOKING_LIMITS = OperationLimits(
    paid=(RateWindow(10, 60), RateWindow(50, 60 * 60), RateWindow(100, 24 * 60 * 60)),
    free=(RateWindow(5, 24 * 60 * 60),),
)

TOKEN_ISSUE_LIMIT = RateWindow(8, 60)
"""OAuth tokens that may be issued to one user, across all apps."""


class RateLimitAccount(NamedTuple):
    """The account that requests are counted for, as reported in headers: plan, and a unique key."""

    tier: str
    key: str


def _account_of(caller: Caller) -> RateLimitAccount:
    """Return the account of a caller; the key of a personal token contains only its hash."""
    if caller.client:
        key = f"oauth:{caller.client.client_id}:{caller.member.uuid}"
    else:
        key = f"token:{hashlib.sha256(caller.token.encode()).hexdigest()[:32]}"
    return RateLimitAccount("paid" if caller.paid else "free", key)


@dataclass(frozen=True)
class RateLimitStatus:
    """The state of a rate limit after a request."""

    limit: int
    remaining: int
    reset_s: int
    exceeded: bool
    mode: str
    account: RateLimitAccount | None = None

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The rate limit headers of the reply."""
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
    """Counts the requests of one window."""

    def used(self, now: float) -> int:
        """Return the number of requests that count now."""
        ...

    def free_at(self, now: float) -> float:
        """Return when fewer requests will count; if none does, a full window from now."""
        ...

    def add(self, requests: int, now: float) -> None:
        """Count more requests."""
        ...


class FixedWindowCounter:
    """Starts a window with its first request and clears all requests together."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._start = -math.inf
        self._used = 0

    def used(self, now: float) -> int:
        """Return the number of requests in the current window."""
        return self._used if now - self._start < self._seconds else 0

    def free_at(self, now: float) -> float:
        """Return when the window ends."""
        return (self._start if self.used(now) else now) + self._seconds

    def add(self, requests: int, now: float) -> None:
        """Count more requests, in a new window if the last one has ended."""
        if not self.used(now):
            self._start, self._used = now, 0
        self._used += requests


class SlidingWindowCounter:
    """Counts each request for the length of the window."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._log: deque[float] = deque()

    def used(self, now: float) -> int:
        """Return the number of requests that count now."""
        while self._log and now - self._log[0] >= self._seconds:
            self._log.popleft()
        return len(self._log)

    def free_at(self, now: float) -> float:
        """Return when the oldest request stops counting."""
        return (self._log[0] if self.used(now) else now) + self._seconds

    def add(self, requests: int, now: float) -> None:
        """Count more requests."""
        self._log.extend([now] * requests)


class RequestLimiter:
    """Counts requests. `limit` replaces the limits of the plans; 0 turns rate limits off."""

    def __init__(
        self, limit: int | None, mode: str, clock: Callable[[], float], *, reports_account: bool
    ) -> None:
        self._limit = limit
        self._mode = mode
        self._reports_account = reports_account
        self._clock = clock
        self._counts: dict[object, WindowCounter] = {}

    def spend(self, caller: Caller, requests: int = 1) -> RateLimitStatus | None:
        """Count requests of a caller; return None if rate limits are off."""
        limit = self._limit if self._limit is not None else (PAID_LIMIT if caller.paid else FREE_LIMIT)
        if limit == 0:
            return None
        return self._with_account(
            self._spend(caller.rate_limit_key, RateWindow(limit, WINDOW_S), requests), caller
        )

    def spend_operation(
        self, caller: Caller, operation: str, limits: OperationLimits
    ) -> RateLimitStatus | None:
        """Count one request of an operation with additional limits; return the limit it exceeds, if any."""
        if self._limit == 0:
            return None
        windows = limits.paid if caller.paid else limits.free
        keys = [((caller.member.uuid, operation, window), window) for window in windows]
        exceeded = [self._status(key, window, 1) for key, window in keys if self._remaining(key, window) < 1]
        if not exceeded:
            for key, window in keys:
                self._spend(key, window, 1)
        longest = max(exceeded, key=lambda status: status.reset_s, default=None)
        return longest and self._with_account(longest, caller)

    def spend_token_issue(self, user_uuid: str) -> RateLimitStatus | None:
        """Count one requested OAuth token; return None if rate limits are off."""
        return None if self._limit == 0 else self._spend(("oauth", user_uuid), TOKEN_ISSUE_LIMIT, 1)

    def _with_account(self, status: RateLimitStatus, caller: Caller) -> RateLimitStatus:
        return replace(status, account=_account_of(caller)) if self._reports_account else status

    def _spend(self, key: object, window: RateWindow, requests: int) -> RateLimitStatus:
        """Count the allowed requests; rejected ones don't count."""
        allowed = min(requests, self._remaining(key, window))
        self._count(key, window).add(allowed, self._clock())
        return self._status(key, window, requests - allowed)

    def _status(self, key: object, window: RateWindow, rejected: int) -> RateLimitStatus:
        now = self._clock()
        reset_s = math.ceil(self._count(key, window).free_at(now) - now)
        return RateLimitStatus(window.limit, self._remaining(key, window), reset_s, rejected > 0, self._mode)

    def _remaining(self, key: object, window: RateWindow) -> int:
        return max(0, window.limit - self._count(key, window).used(self._clock()))

    def _count(self, key: object, window: RateWindow) -> WindowCounter:
        if key not in self._counts:
            kind = SlidingWindowCounter if self._mode == "sliding" else FixedWindowCounter
            self._counts[key] = kind(window.seconds)
        return self._counts[key]
