"""The sandbox's own clock: starts at any moment, runs at any speed, and moves forward on demand."""

from collections.abc import Callable

_TICK_S = 1e-6


class SandboxClock:
    """Returns unix seconds, from `start` or else base's time on; `scale` of them pass in one of base's."""

    def __init__(self, base: Callable[[], float], scale: float = 1.0, start: float | None = None) -> None:
        self._base = base
        self._scale = scale
        self._start = base()
        self._ahead_s = 0.0 if start is None else start - self._start

    def __call__(self) -> float:
        """Give what time it is."""
        base = self._base()
        return base + (base - self._start) * (self._scale - 1) + self._ahead_s

    def forward_to(self, moment: float) -> None:
        """Make it that time, or later where it is later already."""
        behind = moment - self()
        if behind > 0:
            self._ahead_s += behind
        if self() < moment:  # by a rounding error
            self._ahead_s += _TICK_S

    def real_s_until(self, moment: float) -> float:
        """Give the seconds of the other clock until it is that time, 0 where it was."""
        return max(0.0, (moment - self()) / self._scale)
