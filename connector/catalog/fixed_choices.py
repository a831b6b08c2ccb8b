"""The choices that a schema declares: the values of an enum, yes and no. Pure."""

import re
from typing import Final

from ..contract import Option
from .json_schema import Schema, types

_WORDS: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_BOOLEANS: Final = {True: Option("Yes", "true"), False: Option("No", "false")}


def fixed_choices(rule: Schema) -> tuple[Option, ...]:
    """Return all valid values of a field with their labels; empty if the schema doesn't list them."""
    if types(rule) - {"null"} == {"boolean"}:
        allowed = [rule["const"]] if "const" in rule else rule.get("enum", (True, False))
        return tuple(_BOOLEANS[value] for value in allowed if value is not None)
    listed = rule.get("enum", [rule["const"]] if "const" in rule else ())
    values = dict.fromkeys(str(value) for value in listed if value is not None)
    return tuple(Option(enum_label(rule, value), value) for value in values)


def enum_label(rule: Schema, value: str) -> str:
    """Return the label of a value: the one in `x-labels`, or else its words, as in "Zoom conference"."""
    label: str | None = rule.get("x-labels", {}).get(value)
    return label or (value.replace("_", " ").capitalize() if _WORDS.fullmatch(value) else value)
