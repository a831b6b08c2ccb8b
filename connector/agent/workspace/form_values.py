"""What a person typed into a form of a contract: its checks before anything is sent. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from ...contract import Field
from ...errors import Problem

_FUNCTION: Final = "~{"


def all_fields(fields: Iterable[Field]) -> Iterator[Field]:
    """Yield fields and those inside them, in the order of the form."""
    for field in fields:
        yield field
        yield from all_fields(field.fields)


def without_secrets(fields: Iterable[Field], values: Mapping[str, str]) -> dict[str, str]:
    """Return the values that a form may show again: those of its fields that aren't secret."""
    is_open = {field.name for field in fields if not field.secret}
    return {name: value for name, value in values.items() if name in is_open}


def missing_or_malformed(fields: Sequence[Field], values: Mapping[str, Any]) -> list[Problem]:
    """Return a problem for each field whose value is missing, not one of its choices, or of another form."""
    return [
        Problem(field.path, message)
        for field in fields
        if (message := _problem(field, values.get(field.name)))
    ]


def _problem(field: Field, value: Any) -> str:
    if value in (None, "", [], {}):
        return "This field is required." if field.required and field.default is None else ""
    if not isinstance(value, str) or _FUNCTION in value:
        return ""
    if field.choices and value not in {choice.value for choice in field.choices}:
        return f"Choose one of {', '.join(choice.label for choice in field.choices if choice.value)}."
    if field.pattern and not re.search(field.pattern, value):
        return f"Type {field.expected}." if field.expected else "This isn't in the right form."
    return ""


def compact(value: Any) -> Any:
    """Return a value without its empty parts; None if nothing is left. False and 0 are values."""
    if isinstance(value, Mapping):
        kept = {key: part for key, item in value.items() if (part := compact(item)) is not None}
        return kept or None
    if isinstance(value, list):
        items = [part for item in value if (part := compact(item)) is not None]
        return items or None
    return None if value == "" else value


def as_lines(value: Any) -> str:
    """Return a list as text, an item on each line; a single value is one line."""
    if value is None:
        return ""
    items = value if isinstance(value, (list, tuple)) else [value]
    return "\n".join(map(str, items))


def from_lines(text: str | None) -> list[str]:
    """Return the items of a text that has one on each line. Commas don't separate: names may have them."""
    return [line.strip() for line in (text or "").splitlines() if line.strip()]
