"""Clocks for a client and a sandbox in one process, and what the sandbox saw of its limit."""

import time
from collections import Counter
from http import HTTPStatus

from calendly_connector.sandbox.server import Sandbox

_WINDOW_S = 60
_REFUSED = HTTPStatus.TOO_MANY_REQUESTS


class VirtualClock:
    """Unix seconds that pass only while somebody sleeps: for one thread."""

    def __init__(self, now: float = 1_795_000_000.0) -> None:
        self._now = now

    def __call__(self) -> float:
        """Give the time."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self._now += seconds


class FastClock:
    """Unix seconds that pass faster than in life: for several threads, whose sleeps overlap."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._began, self._from = time.time(), time.monotonic()

    def __call__(self) -> float:
        """Give the time."""
        return self._began + self._speed * (time.monotonic() - self._from)

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        time.sleep(seconds / self._speed)


class Calls:
    """The calls that a sandbox has seen, also those that its journal no longer holds."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._seen: list[tuple[float, int]] = []

    def look(self) -> None:
        """Take over what is new; to be called before the journal has dropped it."""
        journal = self._sandbox.requests()
        new = sum(journal["counts"].values()) - len(self._seen)
        if new > len(journal["requests"]):
            raise RuntimeError("the journal has dropped calls that nobody looked at")
        latest = journal["requests"][len(journal["requests"]) - new :]
        self._seen += [(call["at"], call["status"]) for call in latest]

    @property
    def count(self) -> int:
        """How many there were."""
        return len(self._seen)

    @property
    def refused(self) -> int:
        """How many came too early."""
        return sum(status == _REFUSED for _, status in self._seen)

    @property
    def most_refused(self) -> int:
        """How many came too early in the minute that had most of them."""
        minutes = Counter(int(at // _WINDOW_S) for at, status in self._seen if status == _REFUSED)
        return max(minutes.values(), default=0)

    @property
    def seconds(self) -> float:
        """How long they took, first to last."""
        return self._seen[-1][0] - self._seen[0][0] if self._seen else 0.0

    def used_percent(self, limit: int) -> float:
        """How much of the allowance was used from the first window's start to the last one's.

        A window lasts 60 s from its first call, as in the sandbox; the last one is not complete.
        """
        starts, accepted, complete = list[float](), 0, 0
        for at, status in self._seen:
            if not starts or at - starts[-1] >= _WINDOW_S:
                starts.append(at)
                complete = accepted
            accepted += status != _REFUSED
        return 100 * complete / (limit * (starts[-1] - starts[0]) / _WINDOW_S)
