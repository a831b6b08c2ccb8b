"""Times for people: in UTC, and as seen from now. The server doesn't know where its people are."""

from datetime import UTC, datetime
from typing import Final

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400
_UNITS: Final = ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute"), (1, "second"))
_SECONDS_ONLY: Final = 100


def moment(time: float | None) -> str:
    """Return a time as `2026-11-18 09:00:12 UTC`, "" for None."""
    return "" if time is None else datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def when(time: float | None, now: float) -> str:
    """Return a time as seen from now: "3 minutes ago", "in 2 hours", or "" for None."""
    if time is None:
        return ""
    distance = abs(now - time)
    if distance < _MINUTE:
        return "just now" if time <= now else "in less than a minute"
    length = next(length for length, _ in _UNITS if distance >= length)
    about = span(distance // length * length)
    return f"{about} ago" if time < now else f"in {about}"


def span(seconds: float) -> str:
    """Return a length of time in the largest unit that fits: "5 minutes", "90 seconds"."""
    length, name = next((unit for unit in _UNITS if not seconds % unit[0]), _UNITS[-1])
    count = int(seconds // length)
    return f"{count} {name}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """Return how long something took, like `35 ms`, `2.5 s`, `3 min 20 s` or `2 h 5 min`."""
    if seconds < 1:
        return f"{max(0.0, seconds) * 1000:.0f} ms"
    if seconds < _SECONDS_ONLY:
        return f"{seconds:.1f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds // _MINUTE:.0f} min {seconds % _MINUTE:.0f} s"
    return f"{seconds // _HOUR:.0f} h {seconds % _HOUR // _MINUTE:.0f} min"
