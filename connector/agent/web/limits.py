"""Limits on what a client may send, and how often."""

import threading
from collections import OrderedDict
from typing import Final

from ...support.clock import Timing

LARGEST_BODY: Final = 2 * 1024 * 1024
LARGEST_HEAD: Final = 32 * 1024
_MOST_CLIENTS: Final = 10_000


class Throttle:
    """Lets each client do something `times` times at once, and then again every `every_s` seconds.

    A token bucket for each client; the clients that came longest ago are forgotten first. Thread-safe.
    """

    def __init__(self, times: int, every_s: float, timing: Timing) -> None:
        self._times = times
        self._every_s = every_s
        self._timing = timing
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, client: str) -> float:
        """Count one more attempt. Return 0, or how many seconds the client has to wait for the next."""
        now = self._timing.monotonic()
        with self._lock:
            left, then = self._buckets.pop(client, (float(self._times), now))
            left = min(float(self._times), left + (now - then) / self._every_s)
            allowed = left >= 1
            self._buckets[client] = (left - 1 if allowed else left, now)
            if len(self._buckets) > _MOST_CLIENTS:
                self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) * self._every_s

    def forgive(self, client: str) -> None:
        """Don't count the last attempt, because it was a good one."""
        with self._lock:
            if client in self._buckets:
                left, then = self._buckets[client]
                self._buckets[client] = (min(float(self._times), left + 1), then)
