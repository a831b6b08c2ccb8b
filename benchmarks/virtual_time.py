"""Clocks shared by a client and a sandbox in one process, and statistics of the sandbox's calls."""

import time
from collections import Counter
from http import HTTPStatus

from calendly_connector.sandbox.server import Sandbox

_WINDOW_S = 60
_REFUSED = HTTPStatus.TOO_MANY_REQUESTS


class VirtualClock:
    """Unix seconds that pass only during sleeps, for one thread."""

    def __init__(self, now: float = 1_795_000_000.0) -> None:
        self._now = now

    def __call__(self) -> float:
        """Return the time."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self._now += seconds


class FastClock:
    """Unix seconds that pass faster than real ones, for several threads whose sleeps overlap."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._began, self._from = time.time(), time.monotonic()

    def __call__(self) -> float:
        """Return the time."""
        return self._began + self._speed * (time.monotonic() - self._from)

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        time.sleep(seconds / self._speed)


class Calls:
    """The calls that a sandbox has received, including those that its request log has dropped."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._seen: list[tuple[float, int]] = []

    def update(self) -> None:
        """Add the new calls. Call this before the request log drops any."""
        log = self._sandbox.requests()
        new = sum(log["counts"].values()) - len(self._seen)
        if new > len(log["requests"]):
            raise RuntimeError("the request log has dropped calls that weren't counted")
        latest = log["requests"][len(log["requests"]) - new :]
        self._seen += [(call["at"], call["status"]) for call in latest]

    @property
    def count(self) -> int:
        """The number of calls."""
        return len(self._seen)

    @property
    def refused(self) -> int:
        """The number of calls answered 429."""
        return sum(status == _REFUSED for _, status in self._seen)

    @property
    def most_refused(self) -> int:
        """The most 429s in one minute."""
        minutes = Counter(int(at // _WINDOW_S) for at, status in self._seen if status == _REFUSED)
        return max(minutes.values(), default=0)

    @property
    def seconds(self) -> float:
        """The time from the first call to the last, in seconds."""
        return self._seen[-1][0] - self._seen[0][0] if self._seen else 0.0

    def used_percent(self, limit: int) -> float:
        """Return the share of the limit used from the start of the first window to that of the last one.

        A window lasts 60 s from its first call, as in the sandbox; the last one isn't complete.
        """
        starts, accepted, complete = list[float](), 0, 0
        for at, status in self._seen:
            if not starts or at - starts[-1] >= _WINDOW_S:
                starts.append(at)
                complete = accepted
            accepted += status != _REFUSED
        return 100 * complete / (limit * (starts[-1] - starts[0]) / _WINDOW_S)
