"""Moments: read from Calendly's ISO 8601 texts, and written as such. Pure."""

from datetime import UTC, datetime


def read(text: object) -> datetime | None:
    """Read a moment; None for what is none."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def write(moment: datetime) -> str:
    """Write a moment in UTC with microseconds, so that texts sort as the moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
