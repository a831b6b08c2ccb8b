"""Finds time zones by their IANA names, and the nearest name for an unknown one."""

from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, available_timezones


def find(name: str) -> ZoneInfo | None:
    """Return a time zone, None if this machine doesn't know it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not found, not a name, a folder
        return None


@cache
def names() -> tuple[str, ...]:
    """Return the names of all time zones in alphabetical order; they are read from disk once."""
    return tuple(sorted(available_timezones()))


def nearest(name: str) -> str | None:
    """Return the name most like an unknown one, which may be a city such as "new york"."""
    cities = {zone.rpartition("/")[2].casefold(): zone for zone in names()}
    known = cities | {zone.casefold(): zone for zone in names()}
    near = get_close_matches("_".join(name.split()).casefold(), known, n=1, cutoff=0.6)
    return known[near[0]] if near else None
