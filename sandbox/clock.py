"""The sandbox's clock: starts at any time, runs at any speed, and can be moved forward."""

from collections.abc import Callable

_TICK_S = 1e-6


class SandboxClock:
    """Returns Unix seconds, starting at `start` or the base clock's time; runs `scale` times as fast."""

    def __init__(self, base: Callable[[], float], scale: float = 1.0, start: float | None = None) -> None:
        self._base = base
        self._scale = scale
        self._start = base()
        self._ahead_s = 0.0 if start is None else start - self._start

    def __call__(self) -> float:
        """Return the current time in Unix seconds."""
        base = self._base()
        return base + (base - self._start) * (self._scale - 1) + self._ahead_s

    def forward_to(self, moment: float) -> None:
        """Move the clock forward to a time in Unix seconds; never moves it back."""
        behind = moment - self()
        if behind > 0:
            self._ahead_s += behind
        if self() < moment:  # by a rounding error
            self._ahead_s += _TICK_S

    def real_s_until(self, moment: float) -> float:
        """Return the seconds of the base clock until a time, 0 if it has passed."""
        return max(0.0, (moment - self()) / self._scale)
