"""Client-side rate limits: how long to wait before a request to avoid a 429.

Pure, except for the registry at the end: callers pass the time, in seconds that never go back.
Limits: https://developer.calendly.com/api-docs/overview/rate-limits
See docs/decisions/burst-then-wait.md and docs/decisions/one-limit-per-account.md.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final, NamedTuple

from ..contract import RateLimit
from .fair_share import FairShare

RECHECK_S: Final = 0.05  # while replies to other requests are on their way
_MINUTE_S: Final = 60.0
_SPREAD_S: Final = 64.0  # a little slower than allowed, so some requests always remain
_MAX_PENALTY_S: Final = 60.0
_MAX_ACCOUNTS: Final = 1000


class Quota(NamedTuple):
    """At most `limit` requests in any `seconds`."""

    limit: int
    seconds: float


OPERATION_QUOTAS: Final[Mapping[tuple[str, str], Mapping[str, tuple[Quota, ...]]]] = {
    ("POST", "/invitees"): {
        "": (Quota(10, _MINUTE_S), Quota(50, 60 * _MINUTE_S), Quota(100, 24 * 60 * _MINUTE_S)),
        "trial": (Quota(5, 24 * 60 * _MINUTE_S),),
        "enterprise": (Quota(500, _MINUTE_S),),
    },
    ("POST", "/oauth/token"): {"": (Quota(8, _MINUTE_S),)},
}
"""Operations with quotas of their own besides the general limit, by plan; "" is any other paid plan."""


class SlidingWindow:
    """Quotas that no header reports: limits the requests in any period of time."""

    def __init__(self, quotas: Sequence[Quota]) -> None:
        self._quotas = quotas
        self._sent: deque[float] = deque(maxlen=max(quota.limit for quota in quotas))

    def wait_s(self, now: float) -> float:
        """Return the seconds until one more request may be sent; 0 if it may be sent now."""
        waits = (
            self._sent[-quota.limit] + quota.seconds - now
            for quota in self._quotas
            if len(self._sent) >= quota.limit
        )
        return max((0.0, *waits))

    def acquire(self, now: float) -> None:
        """Count a request that is sent now."""
        self._sent.append(now)


class HeaderRateLimit:
    """The general limit, as reported by the `X-RateLimit-*` headers.

    Within a window all remaining requests may be sent immediately, then it waits for the window's end. One
    request finds out what a window holds before others follow. If a new window turns out to be partly used
    (the server uses a sliding window, or another program uses the account), requests are spread evenly.
    """

    def __init__(self) -> None:
        self._left: int | None = None  # None until a reply reports it
        self._ends_at: float | None = None
        self._since = float("-inf")  # replies to requests sent earlier are about a window that has ended
        self._latest = float("-inf")  # when the request behind the newest report was sent
        self._in_flight = 0
        self._used_up = False
        self._gap_s = 0.0
        self._next_at = 0.0
        self._has_no_headers = False
        self._blocked_until = float("-inf")
        self._rejections = 0  # 429s in a row
        self._fair_share = FairShare()

    def wait_s(self, now: float) -> float:
        """Return the seconds until it makes sense to ask again; 0 if a request may be sent now."""
        if now < self._blocked_until:
            return self._blocked_until - now
        if self._ends_at is not None and now >= self._ends_at:
            self._start_window(now)
        if self._has_no_headers:
            return 0.0
        if self._left is None:
            return RECHECK_S if self._in_flight else 0.0
        if self._left > self._fair_share.reserve() and self._next_at < math.inf:
            return max(0.0, self._next_at - now)
        if self._in_flight:
            return RECHECK_S
        self._used_up = True
        return (self._ends_at or now) - now

    def acquire(self, now: float) -> None:
        """Count a request that is sent now."""
        self._in_flight += 1
        if self._left is not None:
            self._left -= 1
            pace_s = self._fair_share.count_request(now, self._left, self._ends_at or now)
            self._next_at = max(now, self._next_at) + max(self._gap_s, pace_s)

    def release(self) -> None:
        """Record that no reply arrived; whether Calendly counted the request isn't known."""
        self._in_flight -= 1

    def observe(self, sent: float, received: float, limit: RateLimit | None) -> None:
        """Update the limit from a reply; `limit` is None if it has no such headers."""
        self._in_flight -= 1
        self._rejections = 0
        if sent < self._since:
            return
        if limit is None:
            self._has_no_headers = self._left is None
            return
        self._has_no_headers = False
        if self._left is None:  # the first reply of a window: spread its requests evenly?
            used_by_others = limit.limit - limit.remaining - 1 - self._in_flight
            was_tight = self._used_up or self._gap_s > 0
            self._gap_s = _SPREAD_S / max(1, limit.limit) if was_tight and used_by_others > 0 else 0.0
            self._used_up = False
        self._fair_share.observe(received, limit.limit, limit.limit - limit.remaining, self._in_flight)
        left = max(0, limit.remaining - self._in_flight)  # requests in flight may not be counted yet
        if self._left is None or sent >= self._latest:
            self._left, self._latest = left, sent
        else:
            self._left = min(self._left, left)
        # Reset is rounded up, so of several replies the earliest end is the most accurate.
        ends_at = received + (_MINUTE_S if limit.reset_s is None else limit.reset_s)
        self._ends_at = ends_at if self._ends_at is None else min(self._ends_at, ends_at)

    def on_429(self, sent: float, received: float, wait_s: float) -> None:
        """Send nothing for `wait_s`, and longer after each further 429 in a row."""
        self._in_flight -= 1
        if sent < self._since:
            return  # one of several that were in flight at the first 429
        penalty_s = min(_MAX_PENALTY_S, 2.0 ** (self._rejections - 1)) if self._rejections else 0.0
        self._rejections += 1
        self._used_up = True
        self._start_window(received)
        self._blocked_until = received + max(wait_s, penalty_s)

    def _start_window(self, now: float) -> None:
        self._left = self._ends_at = None
        self._since = now
        self._next_at = min(self._next_at, now)
        self._fair_share.start_window(used_up=self._used_up)


@dataclass(frozen=True, slots=True)
class Permit:
    """The permission to send one request: when it was granted, in seconds of the caller's clock."""

    sent: float


class AccountRateLimit:
    """All rate limits of one account at one origin, shared by the threads of this process."""

    def __init__(self, plan: str = "") -> None:
        self._lock = Lock()
        self._plan = plan
        self._general = HeaderRateLimit()
        self._of_operation: dict[tuple[str, str], SlidingWindow] = {}

    def acquire(self, method: str, path: str, now: float) -> Permit | float:
        """Return a permit to send now, or the seconds after which to ask again."""
        operation = method, path
        quotas = OPERATION_QUOTAS.get(operation)
        with self._lock:
            window = None
            if quotas:
                own = SlidingWindow(quotas.get(self._plan, quotas[""]))
                window = self._of_operation.setdefault(operation, own)
            wait_s = max(self._general.wait_s(now), window.wait_s(now) if window else 0.0)
            if wait_s > 0:
                return wait_s
            self._general.acquire(now)
            if window:
                window.acquire(now)
            return Permit(now)

    def quota_wait_s(self, method: str, path: str, now: float) -> float:
        """Return the seconds until the quota of an operation allows a request; 0 if it has none."""
        with self._lock:
            window = self._of_operation.get((method, path))
            return window.wait_s(now) if window else 0.0

    def release(self) -> None:
        """Record that no reply to a permitted request arrived."""
        with self._lock:
            self._general.release()

    def observe(self, permit: Permit, now: float, limit: RateLimit | None) -> None:
        """Update the limits from a reply other than a 429."""
        with self._lock:
            self._general.observe(permit.sent, now, limit)

    def on_429(self, permit: Permit, now: float, wait_s: float) -> None:
        """Block the account after a 429."""
        with self._lock:
            self._general.on_429(permit.sent, now, wait_s)


_accounts: "OrderedDict[tuple[str, str, str], AccountRateLimit]" = OrderedDict()
_lock = Lock()


def of_account(origin: str, key: str, plan: str = "") -> AccountRateLimit:
    """Return the limits that this process shares for an account; `key` identifies it and isn't secret."""
    name = (origin, key, plan)
    with _lock:
        known = _accounts.setdefault(name, AccountRateLimit(plan))
        _accounts.move_to_end(name)
        while len(_accounts) > _MAX_ACCOUNTS:
            _accounts.popitem(last=False)
        return known


def share(origin: str, key: str, own: AccountRateLimit) -> AccountRateLimit:
    """Return the limits for an account by Calendly's `X-RateLimit-Key`; the first caller's `own` are kept."""
    with _lock:
        return _accounts.setdefault((origin, key, ""), own)


def reset() -> None:
    """Forget all accounts. For tests, whose clocks start over."""
    with _lock:
        _accounts.clear()
