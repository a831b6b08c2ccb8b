"""Moments: read from Calendly's ISO 8601 texts, and written so that they sort. Pure."""

from datetime import UTC, datetime

from ..moments import read_or_none as read

__all__ = ["read", "write"]


def write(moment: datetime) -> str:
    """Write a moment in UTC with microseconds, so that texts sort as the moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
