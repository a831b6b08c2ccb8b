"""How many requests an account has left: waits before Calendly would have to refuse.

Pure but for the registry at the end: time comes in as seconds of a clock that only goes forward.
Limits: https://developer.calendly.com/api-docs/overview/rate-limits
"""

import math
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final, NamedTuple

from ..contract import RateLimit
from .fair_share import Sharing

LOOK_AGAIN_S: Final = 0.05  # while others' answers are under way that will tell
_MINUTE_S: Final = 60.0
_SPREAD_S: Final = 64.0  # a little slower than allowed, so that something always is left
_LONGEST_PENALTY_S: Final = 60.0
_MOST_ACCOUNTS: Final = 1000


class Window(NamedTuple):
    """At most so many requests in so many seconds."""

    limit: int
    seconds: float


OWN_LIMITS: Final[Mapping[tuple[str, str], Mapping[str, tuple[Window, ...]]]] = {
    ("POST", "/invitees"): {
        "": (Window(10, _MINUTE_S), Window(50, 60 * _MINUTE_S), Window(100, 24 * 60 * _MINUTE_S)),
        "trial": (Window(5, 24 * 60 * _MINUTE_S),),
        "enterprise": (Window(500, _MINUTE_S),),
    },
    ("POST", "/oauth/token"): {"": (Window(8, _MINUTE_S),)},
}
"""Operations that have limits beside the general one, by plan; "" is any other paid plan."""


class Allowance:
    """Limits that no header tells of, counted here: no stretch of a window's length holds too many."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self._windows = windows
        self._sent: deque[float] = deque(maxlen=max(window.limit for window in windows))

    def wait_s(self, now: float) -> float:
        """Say how long until one more may be sent; 0: now."""
        waits = (
            self._sent[-window.limit] + window.seconds - now
            for window in self._windows
            if len(self._sent) >= window.limit
        )
        return max((0.0, *waits))

    def spend(self, now: float) -> None:
        """Count one."""
        self._sent.append(now)


class Headroom:
    """The general limit, as the `X-RateLimit-*` headers tell of it.

    Within a window all that is left may go at once, then it waits for the window's end. What a window
    holds is learned from one request before others follow. Where a new window turns out not to be
    empty (the server slides it, or another program uses the account), requests are spread evenly.
    """

    def __init__(self) -> None:
        self._left: int | None = None  # None: not known until a reply tells
        self._ends_at: float | None = None
        self._since = float("-inf")  # replies to what was sent before tell of a window that has ended
        self._latest = float("-inf")  # when the request was sent whose reply told last
        self._in_flight = 0
        self._used_up = False
        self._gap_s = 0.0
        self._next_at = 0.0
        self._silent = False
        self._blocked_until = float("-inf")
        self._refusals = 0
        self._sharing = Sharing()

    def wait_s(self, now: float) -> float:
        """Say how long until it is worth asking again; 0: one may be sent now."""
        if now < self._blocked_until:
            return self._blocked_until - now
        if self._ends_at is not None and now >= self._ends_at:
            self._begin(now)
        if self._silent:
            return 0.0
        if self._left is None:
            return LOOK_AGAIN_S if self._in_flight else 0.0
        if self._left > self._sharing.reserve() and self._next_at < math.inf:
            return max(0.0, self._next_at - now)
        if self._in_flight:
            return LOOK_AGAIN_S
        self._used_up = True
        return (self._ends_at or now) - now

    def spend(self, now: float) -> None:
        """Count one that is sent now."""
        self._in_flight += 1
        if self._left is not None:
            self._sharing.spend()
            self._left -= 1
            pace_s = self._sharing.pace_s(now, self._left, self._ends_at or now)
            self._next_at = max(now, self._next_at) + max(self._gap_s, pace_s)

    def lost(self) -> None:
        """Take note that no reply came; whether it was counted is not known."""
        self._in_flight -= 1

    def told(self, sent: float, received: float, limit: RateLimit | None) -> None:
        """Take note of a reply's headers."""
        self._in_flight -= 1
        self._refusals = 0
        self._read(sent, received, limit)

    def refused(self, sent: float, received: float, wait_s: float) -> None:
        """Take note of a 429: nothing may be sent for so long, and longer each time it comes again."""
        self._in_flight -= 1
        if sent < self._since:
            return  # one of several that were under way when the first was refused
        penalty_s = min(_LONGEST_PENALTY_S, 2.0 ** (self._refusals - 1)) if self._refusals else 0.0
        self._refusals += 1
        self._used_up = True
        self._begin(received)
        self._blocked_until = received + max(wait_s, penalty_s)

    def _begin(self, now: float) -> None:
        self._left = self._ends_at = None
        self._since = now
        self._next_at = min(self._next_at, now)
        self._sharing.begin(used_up=self._used_up)

    def _read(self, sent: float, received: float, limit: RateLimit | None) -> None:
        if sent < self._since:
            return
        if limit is None:
            self._silent = self._left is None
            return
        self._silent = False
        if self._left is None:
            self._spread(limit)
        self._sharing.note(received, limit.limit, limit.limit - limit.remaining, self._in_flight)
        left = max(0, limit.remaining - self._in_flight)  # those under way may not be counted yet
        if self._left is None or sent >= self._latest:
            self._left, self._latest = left, sent
        else:
            self._left = min(self._left, left)
        # Reset is rounded up, so that of several replies the earliest end is the nearest to the truth.
        ends_at = received + (_MINUTE_S if limit.reset_s is None else limit.reset_s)
        self._ends_at = ends_at if self._ends_at is None else min(self._ends_at, ends_at)

    def _spread(self, limit: RateLimit) -> None:
        """Look at the first reply of a window that follows one that was used up, or was spread."""
        others = limit.limit - limit.remaining - 1 - self._in_flight
        again = self._used_up or self._gap_s > 0
        self._gap_s = _SPREAD_S / max(1, limit.limit) if again and others > 0 else 0.0
        self._used_up = False


@dataclass(frozen=True, slots=True)
class Turn:
    """A request that was let through: when, in seconds of the account's clock."""

    sent: float


class Account:
    """The budgets of one account at one origin, for all threads of this process."""

    def __init__(self, plan: str = "") -> None:
        self._lock = Lock()
        self._headroom = Headroom()
        self._own = {
            operation: Allowance(by_plan.get(plan, by_plan[""])) for operation, by_plan in OWN_LIMITS.items()
        }

    def take(self, method: str, path: str, now: float) -> Turn | float:
        """Let a request through, or give the seconds after which to ask again."""
        own = self._own.get((method, path))
        with self._lock:
            wait_s = max(self._headroom.wait_s(now), own.wait_s(now) if own else 0.0)
            if wait_s > 0:
                return wait_s
            self._headroom.spend(now)
            if own:
                own.spend(now)
            return Turn(now)

    def lost(self) -> None:
        """Take note that no reply came to a turn."""
        with self._lock:
            self._headroom.lost()

    def told(self, turn: Turn, now: float, limit: RateLimit | None) -> None:
        """Take note of a reply."""
        with self._lock:
            self._headroom.told(turn.sent, now, limit)

    def refused(self, turn: Turn, now: float, wait_s: float) -> None:
        """Take note of a 429."""
        with self._lock:
            self._headroom.refused(turn.sent, now, wait_s)


_accounts: "OrderedDict[tuple[str, str, str], Account]" = OrderedDict()
_lock = Lock()


def account(origin: str, key: str, plan: str = "") -> Account:
    """Give the account that all of this process share; `key` tells accounts apart and is no secret."""
    name = (origin, key, plan)
    with _lock:
        known = _accounts.setdefault(name, Account(plan))
        _accounts.move_to_end(name)
        while len(_accounts) > _MOST_ACCOUNTS:
            _accounts.popitem(last=False)
        return known


def share(origin: str, key: str, mine: Account) -> Account:
    """Give the account that Calendly itself calls `key`; the first to ask brings its own."""
    with _lock:
        return _accounts.setdefault((origin, key, ""), mine)


def forget() -> None:
    """Forget all accounts: for tests, whose clocks begin anew."""
    with _lock:
        _accounts.clear()
