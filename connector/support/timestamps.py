"""Times as Calendly writes them: ISO 8601 in UTC. Pure."""

import re
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, timedelta
from typing import Any

_DATED = re.compile(r"(\d{4}-\d\d-\d\d)(T.+)?")


def read(text: str) -> datetime:
    """Read a time; one without a zone is UTC. Raises ValueError or TypeError for what is none."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_or_none(text: object) -> datetime | None:
    """Read a time; None for whatever is none, and at the ends of the calendar, where nothing can be added."""
    try:
        moment = read(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return moment if MINYEAR < moment.year < MAXYEAR else None


def write(moment: datetime) -> str:
    """Write a time."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def write_sortable(moment: datetime) -> str:
    """Return a time as UTC text with microseconds, so that texts sort like the times."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def normalize(value: object) -> str | None:
    """Return a time as `write_sortable` writes it, None for values that `read_or_none` can't read."""
    moment = read_or_none(value)
    return write_sortable(moment) if moment else None


def move(value: Any, days: int) -> Any:
    """Return a JSON value with each date and time in it moved by whole days."""
    if isinstance(value, dict):
        return {name: move(inner, days) for name, inner in value.items()}
    if isinstance(value, list):
        return [move(inner, days) for inner in value]
    dated = _DATED.fullmatch(value) if isinstance(value, str) else None
    if dated is None:
        return value
    return f"{date.fromisoformat(dated[1]) + timedelta(days=days)}{dated[2] or ''}"
