"""Reads and writes Calendly's timestamps: ISO 8601 in UTC. Pure."""

import re
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, timedelta
from typing import Any

_DATED = re.compile(r"(\d{4}-\d\d-\d\d)(T.+)?")


def read(text: str) -> datetime:
    """Read a time; without a zone it is UTC. Raises ValueError or TypeError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_or_none(text: object) -> datetime | None:
    """Read a time; None if it is invalid, or at the ends of the calendar, where offsets would overflow."""
    try:
        moment = read(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return moment if MINYEAR < moment.year < MAXYEAR else None


def write(moment: datetime) -> str:
    """Return a time as Calendly writes it, such as 2026-11-17T15:00:00Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def write_sortable(moment: datetime) -> str:
    """Return a time as UTC text with microseconds, so texts sort like times."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def normalize(value: object) -> str | None:
    """Return a time as `write_sortable` writes it, None for values that `read_or_none` can't read."""
    moment = read_or_none(value)
    return write_sortable(moment) if moment else None


def move(value: Any, days: int) -> Any:
    """Return a JSON value with all its dates and times moved by whole days."""
    if isinstance(value, dict):
        return {name: move(inner, days) for name, inner in value.items()}
    if isinstance(value, list):
        return [move(inner, days) for inner in value]
    dated = _DATED.fullmatch(value) if isinstance(value, str) else None
    if dated is None:
        return value
    return f"{date.fromisoformat(dated[1]) + timedelta(days=days)}{dated[2] or ''}"
