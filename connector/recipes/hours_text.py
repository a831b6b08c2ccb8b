"""Availability as people write it, `09:00-12:00, 13:00-17:00` or `none`, and what a change changes. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from difflib import get_close_matches
from itertools import pairwise
from typing import Any, Final

from ..contract import Record
from ..errors import Problem
from ..support.redaction import quoted
from .local_times import WEEKDAYS

CLOSED: Final = "none"
USUAL: Final = "usual"
"""The value that removes the override of a date, and the text of a date without one."""

Hours = dict[str, list[Record] | None]
"""Open hours by weekday or date; None for a date without an override."""

_CLOSED_WORDS: Final = frozenset({CLOSED, "closed", "off", "unavailable"})
_GROUPS: Final = {"weekdays": WEEKDAYS[:5], "weekend": WEEKDAYS[5:], "every day": WEEKDAYS}
_SPAN: Final = re.compile(
    r"(\d{1,2})(?::?(\d{2}))?\s*(?:[-\u2013\u2014]|to)\s*(\d{1,2})(?::?(\d{2}))?", re.ASCII
)
_DATES: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.\.(\d{4}-\d\d-\d\d))?", re.ASCII)
_MINUTES_PER_DAY: Final = 24 * 60
_MAX_DATES: Final = 366


def read_changes(written: Mapping[str, str], today: date) -> tuple[Hours, list[Problem]]:
    """Return the wanted hours by day, and what is wrong with them.

    A key is a weekday, `weekdays`, `weekend`, `every day`, a date, or a range of dates such as
    `2026-12-24..2026-12-31`.
    """
    wanted: Hours = {}
    problems: list[Problem] = []
    for key, text in written.items():
        try:
            days, hours = _days(key, today), _hours(text)
            _check_days(days, hours, wanted)
        except _InvalidHoursError as error:
            problems.append(Problem(f"hours.{key}", str(error), error.nearest))
        else:
            wanted |= dict.fromkeys(days, hours)
    return wanted, problems


def changed_rules(rules: Sequence[Record], wanted: Hours, today: date) -> list[Record]:
    """Return all rules of a schedule after a change: the whole week, and the dates that aren't over.

    Calendly rejects rules for dates in the past, which have no effect any more.
    """
    hours = _by_day(rules) | wanted
    week = [{"type": "wday", "wday": day, "intervals": hours.get(day) or []} for day in _WEEK]
    dates = sorted(day for day in hours if day not in WEEKDAYS and day >= today.isoformat())
    return week + [
        {"type": "date", "date": day, "intervals": intervals}
        for day in dates
        if (intervals := hours[day]) is not None
    ]


def differences(before: Sequence[Record], after: Sequence[Record], today: date) -> list[Record]:
    """Return the days that change, each with its hours before and after; dates in the past are left out."""
    old, new = _by_day(before), _by_day(after)
    days = [*WEEKDAYS, *sorted(day for day in old.keys() | new if day not in WEEKDAYS)]
    texts = ((day, _text(old, day), _text(new, day)) for day in days)
    return [
        {"day": day, "before": was, "after": becomes}
        for day, was, becomes in texts
        if was != becomes and (day in WEEKDAYS or day >= today.isoformat())
    ]


def same_rules(some: Iterable[Record], others: Iterable[Record]) -> bool:
    """Check whether two schedules have the same hours, however they are spelled."""
    return _comparable(some) == _comparable(others)


class _InvalidHoursError(ValueError):
    def __init__(self, message: str, nearest: str | None = None) -> None:
        super().__init__(message)
        self.nearest = nearest


_WEEK: Final = (WEEKDAYS[6], *WEEKDAYS[:6])  # from Sunday, as Calendly lists them


def _check_days(days: list[str], hours: list[Record] | None, wanted: Hours) -> None:
    if hours is None and days[0] in WEEKDAYS:
        raise _InvalidHoursError(f"{USUAL} is only for dates; pass hours or {CLOSED}")
    if repeated := [day for day in days if day in wanted]:
        raise _InvalidHoursError(f"sets {repeated[0]} again")


def _days(key: str, today: date) -> list[str]:
    name = " ".join(key.casefold().split())
    if name in WEEKDAYS:
        return [name]
    if name in _GROUPS:
        return list(_GROUPS[name])
    if dates := _DATES.fullmatch(name):
        return list(_dates(dates[1], dates[2] or dates[1], today))
    near = get_close_matches(name, [*WEEKDAYS, *_GROUPS], n=1, cutoff=0.6)
    expected = (
        "expected a weekday, weekdays, weekend, every day, a date or a range such as 2026-12-24..2026-12-31"
    )
    raise _InvalidHoursError(f"isn't a day; {expected}", near[0] if near else None)


def _dates(first: str, last: str, today: date) -> Iterator[str]:
    try:
        start, end = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        raise _InvalidHoursError("isn't a date of the calendar") from None
    if start < today:
        raise _InvalidHoursError("is in the past")
    if not 0 <= (end - start).days < _MAX_DATES:
        raise _InvalidHoursError(f"must be a range of 1 to {_MAX_DATES} days")
    for number in range((end - start).days + 1):
        yield (start + timedelta(days=number)).isoformat()


def _hours(text: str) -> list[Record] | None:
    words = " ".join(text.casefold().split())
    if words == USUAL:
        return None
    if words in _CLOSED_WORDS:
        return []
    spans = sorted(_span(part.strip()) for part in words.split(","))
    for (_, closes), (opens, _) in pairwise(spans):
        if opens < closes:
            raise _InvalidHoursError(f"has overlapping hours: {quoted(text)}")
    return [{"from": _clock(opens), "to": _clock(closes)} for opens, closes in spans]


def _span(text: str) -> tuple[int, int]:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise _InvalidHoursError(
            f"{quoted(text)} isn't a time span; expected 09:00-12:00, {CLOSED} or {USUAL}"
        )
    opens, closes = (
        int(hours) * 60 + int(minutes or 0) for hours, minutes in (found.group(1, 2), found.group(3, 4))
    )
    if any(int(minutes or 0) > 59 for minutes in found.group(2, 4)) or closes > _MINUTES_PER_DAY:  # noqa: PLR2004
        raise _InvalidHoursError(f"{quoted(text)} isn't a time of day")
    if opens >= closes:
        raise _InvalidHoursError(
            f"{quoted(text)} ends before it starts; split hours at midnight, as 22:00-24:00"
        )
    return opens, closes


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _by_day(rules: Iterable[Record]) -> Hours:
    return {
        str(rule.get("wday") if rule["type"] == "wday" else rule.get("date")): list(rule["intervals"])
        for rule in rules
    }


def _text(hours: Hours, day: str) -> str:
    intervals = hours.get(day, [] if day in WEEKDAYS else None)
    if intervals is None:
        return USUAL
    spans = sorted(f"{interval['from']}-{interval['to']}" for interval in intervals)
    return ", ".join(spans) or CLOSED


def _comparable(rules: Iterable[Record]) -> dict[str, Any]:
    hours = _by_day(rules)
    return {day: _text(hours, day) for day in hours.keys() | set(WEEKDAYS)}
