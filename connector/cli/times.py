"""Times and durations as people read them."""

from datetime import UTC, datetime
from typing import Final

_MINUTE_S: Final = 60
_SHORT_S: Final = 10


def local_time(time: float) -> str:
    """Return a time, in unix seconds, in the zone of this machine: 2026-11-29 10:15."""
    return datetime.fromtimestamp(time, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def duration(seconds: float) -> str:
    """Return a duration: 0.2 s, 12 s or 3 min 5 s."""
    if seconds < _SHORT_S:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE_S)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
