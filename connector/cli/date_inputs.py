"""Reads the dates among an action's KEY=VALUE inputs as people write them. Pure."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final, Literal

from ..errors import Problem, UsageError
from ..support import timestamps
from . import dates

if TYPE_CHECKING:
    from ..catalog.models import Action

Rows = list[tuple[str, str]]

_VALID: Final = {"date-time": "2026-11-17T15:00:00Z", "date": "2026-11-17"}
_ISO: Final = {
    "date-time": re.compile(r"\d{4}-\d\d-\d\d[tT]\d\d:\d\d:\d\d(\.\d+)?([zZ]|[+-]\d\d:\d\d)"),
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
}
_OTHER_END: Final = {"start": "end", "end": "start", "min": "max", "max": "min"}
_UPPER: Final = ("end", "max")
_ENDS: Final = ("_since", "_until")
_DAY: Final = timedelta(days=1)


def problems(action: "Action", rows: Rows, now: datetime) -> list[Problem]:
    """Return what is wrong with the dates that people wrote. It doesn't depend on the zone."""
    found = []
    for _, key, value in _written(action, rows):
        try:
            _convert(action, key, value, now, UTC)
        except UsageError as error:
            found.append(Problem(key, error.message.removesuffix(".")))
    return found


def has_any(action: "Action", rows: Rows) -> bool:
    """Check whether an input holds a date that isn't ISO 8601, so its zone matters."""
    return next(_written(action, rows), None) is not None


def without_dates(action: "Action", rows: Rows) -> Rows:
    """Return the inputs with valid dates in place of those that people wrote, to find what else is wrong."""
    valid = {index: _VALID[format_of(action, key)] for index, key, _ in _written(action, rows)}
    return [(key, valid.get(index, value)) for index, (key, value) in enumerate(rows)]


def converted(action: "Action", rows: Rows, now: datetime, zone: tzinfo) -> tuple[Rows, list[str]]:
    """Return the inputs with dates as Calendly expects them, and notes about clock changes.

    Raises UsageError.
    """
    result, notes = list(rows), []
    for index, key, value in _written(action, rows):
        text, note = _convert(action, key, value, now, zone)
        result[index] = key, text
        if note:
            notes.append(f"{key}: {note}")
    return result, notes


def format_of(action: "Action", key: str) -> Literal["date-time", "date", ""]:
    """Return the format of an input that is a date or time."""
    declared = action.inputs.get(key, {}).get("format")
    return declared if declared in _VALID else ""


def _written(action: "Action", rows: Iterable[tuple[str, str]]) -> Iterator[tuple[int, str, str]]:
    """Yield index, key and value of each date that isn't ISO 8601, a function or empty."""
    for index, (key, value) in enumerate(rows):
        wanted = format_of(action, key)
        if wanted and value.strip() and "~{" not in value and not _ISO[wanted].fullmatch(value):
            yield index, key, value


def _convert(action: "Action", key: str, value: str, now: datetime, zone: tzinfo) -> tuple[str, str]:
    when = dates.read(value, now, zone)
    first, _, rest = key.partition("_")
    is_upper = first in _UPPER or key.endswith("_until")
    other_end = f"{_OTHER_END.get(first, '')}_{rest}".rstrip("_")
    is_bound = action.effect == "read" or key.endswith(_ENDS) or other_end in action.inputs
    if format_of(action, key) == "date":
        if not is_bound and when.end - when.start > _DAY:
            raise UsageError(f"'{value}' is more than one day.")
        day = when.end - timedelta(microseconds=1) if is_upper and when.is_range else when.start
        return day.date().isoformat(), ""
    if when.is_range and not is_bound:
        raise UsageError(f"'{value}' has no time; add one, such as '{value} 14:00'.")
    return timestamps.write(when.end if is_upper else when.start), when.note
