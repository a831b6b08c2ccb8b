"""Checks cron expressions: minute, hour, day of the month, month, day of the week. Pure."""

import re
from typing import Final

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FIELDS: Final[tuple[tuple[str, int, int, dict[str, int]], ...]] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, start=1)}),
    ("day of the week", 0, 7, {name: number for number, name in enumerate(_DAYS)}),
)
_PART: Final = re.compile(
    r"(?:\*|(?P<first>[0-9]{1,2}|[a-z]{3})(?:-(?P<last>[0-9]{1,2}|[a-z]{3}))?)(?:/(?P<step>[0-9]{1,2}))?"
)


def problem(expression: str) -> str:
    """Return what is wrong with an expression, "" if nothing is."""
    texts = expression.lower().split()
    if len(texts) != len(_FIELDS):
        return (
            "must have 5 fields: minute, hour, day of the month, month and day of the week, as in 0 8 * * 1-5"
        )
    values: list[set[int]] = []
    for text, (name, lowest, highest, names) in zip(texts, _FIELDS, strict=True):
        found = _values(text, lowest, highest, names)
        if not found:
            return f"has the {name} {text!r}, which isn't from {lowest} to {highest}"
        values.append(found)
    _, _, days, months, _ = values
    if texts[4] == "*" and min(days) > max(_LONGEST[month - 1] for month in months):
        return "never happens: none of the months has such a day"
    return ""


def _values(text: str, lowest: int, highest: int, names: dict[str, int]) -> set[int]:
    """Return the values of a field, none if it is invalid."""
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            return set()
        first, last = lowest, highest
        if match["first"]:
            first = names.get(match["first"], -1) if match["first"].isalpha() else int(match["first"])
            last = first if not match["step"] else highest
        if match["last"]:
            last = names.get(match["last"], -1) if match["last"].isalpha() else int(match["last"])
        step = int(match["step"] or 1)
        if not lowest <= first <= last <= highest or not step:
            return set()
        found.update(range(first, last + 1, step))
    return found
