"""How fast to send while other processes use the same limit, learned from the remaining count in replies.

Pure. Processes don't communicate. Each one sees how much of the limit others use, and paces itself by
what remains until the window ends: a process with a large share takes a little less than that share, one
with a small share a little more, so all of them converge to equal shares.

See docs/decisions/sharing-without-a-lock.md.
"""

import math
from typing import Final

_MEMORY: Final = 1000.0  # seconds times limit: older counts hardly matter
_SHORTEST_MEMORY_S: Final = 6.0
_MIN_FROM_OTHERS: Final = 3.0  # requests of others that can't be a coincidence
_NOTICEABLE: Final = 0.1  # of the limit, if others continued at this rate for a window
_BUSY: Final = 0.2  # of the limit, used before our first request
_LISTEN_S: Final = 1.2  # after this part of a window others have sent something; Reset is rounded to 1 s
_FREE_PART: Final = 8  # an eighth of the remaining requests may be sent before listening
_FIRST_BURST: Final = 4  # requests sent immediately in each window, so others notice them
_EQUAL: Final = 0.5  # the share that every process tends to; the remaining count corrects the sum
_TENDENCY: Final = 0.4  # how strongly
_RESERVE: Final = 100  # a hundredth of the limit is left for requests of others that are in flight
_WINDOW_S: Final = 60.0


class FairShare:
    """The estimated use of the limit by other processes. Times are seconds that never go back."""

    def __init__(self) -> None:
        self._limit = 0
        self._first: tuple[float, int] | None = None  # time of the window's first reply, and its used count
        self._sent = 0  # our requests that the first reply didn't count
        self._last = (0.0, 0, 0)  # time of the last reply; our requests and those of others until then
        self._ours = self._theirs = self._seen_s = 0.0  # decaying sums
        self._crowded = False
        self._wary: bool | None = None  # whether others may be active; None before the first window

    def start_window(self, *, used_up: bool) -> None:
        """Start a window; `used_up` says whether the previous one was used up."""
        self._first = None
        self._wary = self._wary or used_up

    def observe(self, now: float, limit: int, used: int, in_flight: int) -> None:
        """Update from a reply: `used` of `limit` requests, which may not include our `in_flight` ones."""
        self._limit = limit = max(1, limit)
        if self._first is None:
            if self._wary is None:
                self._wary = used - in_flight - 1 >= _BUSY * limit
            self._first, self._sent = (now, used), in_flight
            self._last = (now, in_flight, 0)
            return
        at, sent, theirs = self._last
        more = max(theirs, used - self._first[1] - self._sent)
        decay = math.exp((at - now) / max(_SHORTEST_MEMORY_S, _MEMORY / limit))
        self._ours = self._ours * decay + self._sent - sent
        self._theirs = self._theirs * decay + more - theirs
        self._seen_s = self._seen_s * decay + now - at
        self._last = (now, self._sent, more)
        crowded = self._theirs >= _MIN_FROM_OTHERS and self._their_rate() * _WINDOW_S >= _NOTICEABLE * limit
        if crowded and not self._crowded:
            self._ours = min(
                self._ours, self._theirs
            )  # requests sent before others started don't count as a share
        self._crowded = crowded

    def reserve(self) -> int:
        """Return how many requests to leave for others, because their latest aren't in any reply yet."""
        if not self._crowded:
            return 0
        processes = (self._ours + self._theirs) / max(1.0, self._ours)
        return math.ceil(max(processes, self._limit / _RESERVE))

    def count_request(self, now: float, left: int, ends_at: float) -> float:
        """Count one of our requests, and return the seconds to the next one.

        It is inf if none may be sent before the window ends.
        """
        self._sent += 1
        if self._first is None:
            return 0.0
        spare = float(left - self.reserve())
        if self._crowded:
            if self._sent < _FIRST_BURST:
                return 0.0
            spare -= min(spare / 2, self._their_rate() * (now - self._last[0]))
            ours = self._ours / (self._ours + self._theirs)
            share = ours + _TENDENCY * (_EQUAL - ours)
            return max(0.0, ends_at - now) / (spare * share) if spare > 0 else math.inf
        if self._wary:
            began, used = self._first
            if now - began >= _LISTEN_S:
                self._wary = False
            elif self._sent > max(_FIRST_BURST, (self._limit - used) // _FREE_PART):
                return began + _LISTEN_S - now
        return 0.0

    def _their_rate(self) -> float:
        return self._theirs / self._seen_s if self._seen_s else 0.0
