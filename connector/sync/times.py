"""Moments: read from Calendly's ISO 8601 texts, and written so that they sort. Pure."""

from datetime import MAXYEAR, MINYEAR, UTC, datetime

from ..support.timestamps import read_or_none as read

__all__ = ["canonical", "read", "write"]


def write(moment: datetime) -> str:
    """Write a moment in UTC with microseconds, so that texts sort as the moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def canonical(value: object) -> str | None:
    """Return a moment as `write` writes it; None for what is no moment, or so far off that zones lose it."""
    moment = read(value)
    return write(moment) if moment and MINYEAR < moment.year < MAXYEAR else None
