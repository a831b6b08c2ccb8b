"""Times as Calendly writes them: ISO 8601 in UTC. Pure."""

from datetime import MAXYEAR, MINYEAR, UTC, datetime


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
