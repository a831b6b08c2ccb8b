"""How fast to send while other processes use the same limit, learned from what replies say is left.

Pure. Processes do not know of each other. Each one sees what the limit lost beyond its own requests, and
paces itself by what is left until the window ends: one with a large share takes a little less than that
share, one with a small share a little more, so that all of them arrive at equal shares.
"""

import math
from typing import Final

_MEMORY: Final = 1000.0  # seconds times limit: what was counted longer ago hardly matters
_SHORTEST_MEMORY_S: Final = 6.0
_FEWEST: Final = 3.0  # requests of others that are no coincidence
_NOTICEABLE: Final = 0.1  # of the limit, should others go on like that for a window
_BUSY: Final = 0.2  # of the limit, used before our first request
_LISTEN_S: Final = 1.2  # how long after a window began others have shown themselves; Reset is rounded to 1 s
_FREE_PART: Final = 8  # a part of what is left that may be sent before listening
_KNOCK: Final = 4  # requests that begin a window at once, so that others see them
_EQUAL: Final = 0.5  # the share that every process leans towards; what is left makes up for the sum
_LEAN: Final = 0.4  # how far
_RESERVE: Final = 100  # a part of the limit that is left for requests of others that are under way
_WINDOW_S: Final = 60.0


class Sharing:
    """What is known of other processes. Times are seconds of a clock that only goes forward."""

    def __init__(self) -> None:
        self._limit = 0
        self._first: tuple[float, int] | None = None  # when the window's first reply came, what it counted
        self._sent = 0  # our requests that the first reply did not count
        self._noted = (0.0, 0, 0)  # when the last reply came; our requests and those of others until then
        self._ours = self._theirs = self._seen_s = 0.0  # fading sums
        self._crowded = False
        self._wary: bool | None = None  # whether others may be there; None before the first window

    def begin(self, *, used_up: bool) -> None:
        """Start a window, after one that was used up or not."""
        self._first = None
        self._wary = self._wary or used_up

    def spend(self) -> None:
        """Count a request of ours."""
        self._sent += 1

    def note(self, now: float, limit: int, used: int, in_flight: int) -> None:
        """Take in a reply: `used` of `limit` requests count; `in_flight` of ours may not be among them."""
        self._limit = limit = max(1, limit)
        if self._first is None:
            if self._wary is None:
                self._wary = used - in_flight - 1 >= _BUSY * limit
            self._first, self._sent = (now, used), in_flight
            self._noted = (now, in_flight, 0)
            return
        at, sent, theirs = self._noted
        more = max(theirs, used - self._first[1] - self._sent)
        fading = math.exp((at - now) / max(_SHORTEST_MEMORY_S, _MEMORY / limit))
        self._ours = self._ours * fading + self._sent - sent
        self._theirs = self._theirs * fading + more - theirs
        self._seen_s = self._seen_s * fading + now - at
        self._noted = (now, self._sent, more)
        crowded = self._theirs >= _FEWEST and self._their_rate() * _WINDOW_S >= _NOTICEABLE * limit
        if crowded and not self._crowded:
            self._ours = min(self._ours, self._theirs)  # what went before others came is no share
        self._crowded = crowded

    def reserve(self) -> int:
        """Return how many requests to leave to others, whose latest no reply has counted yet."""
        if not self._crowded:
            return 0
        processes = (self._ours + self._theirs) / max(1.0, self._ours)
        return math.ceil(max(processes, self._limit / _RESERVE))

    def pace_s(self, now: float, left: int, ends_at: float) -> float:
        """Return the seconds from a request to the next one; inf: no more before the window ends."""
        if self._first is None:
            return 0.0
        spare = float(left - self.reserve())
        if self._crowded:
            if self._sent < _KNOCK:
                return 0.0
            spare -= min(spare / 2, self._their_rate() * (now - self._noted[0]))
            ours = self._ours / (self._ours + self._theirs)
            share = ours + _LEAN * (_EQUAL - ours)
            return max(0.0, ends_at - now) / (spare * share) if spare > 0 else math.inf
        if self._wary:
            began, used = self._first
            if now - began >= _LISTEN_S:
                self._wary = False
            elif self._sent > max(_KNOCK, (self._limit - used) // _FREE_PART):
                return began + _LISTEN_S - now
        return 0.0

    def _their_rate(self) -> float:
        return self._theirs / self._seen_s if self._seen_s else 0.0
