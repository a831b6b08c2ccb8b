"""Filters: key/value rows whose values may contain `~{…}~` functions. Pure.

Grammar of a value:
    value     ::= ( text | "~~{" | function )*
    function  ::= "~{" name arguments? offset? "}~"
    arguments ::= "(" argument ( "," argument )* ")"
    offset    ::= ( "+" | "-" ) [0-9]{1,5} ( "s" | "m" | "h" | "d" | "w" | "mo" )
    name      ::= [A-Za-z] [A-Za-z0-9]*
An argument is any text without parentheses. Blanks are allowed just inside ~{ and }~, and around an argument.
~~{ is a literal ~{. A function that is the whole value keeps its type; in a longer text it becomes text.
Nothing in a `contract.Plain` is a function, whatever it contains: its ~{ become ~~{.

Grammar of a row's key; [] adds one more item to a list:
    key       ::= input ( "." field )* "[]"?
In an object without declared fields the rest of the key is one field, dots and spaces included.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from ..contract import Filter, Plain
from ..errors import Problem, UsageError
from ..support.redaction import shortened
from . import json_schema
from .json_schema import Schema

_TOKEN = re.compile(r"(?P<escape>~~\{)|~\{(?P<braced>.*?)\}~|(?P<open>~\{)", re.DOTALL)
_CALL = re.compile(
    r"(?P<name>[A-Za-z][A-Za-z0-9]*)(?:\((?P<arguments>[^()]*)\))?"
    r"(?:(?P<sign>[+-])(?P<amount>[0-9]{1,5})(?P<unit>mo|[smhdw]))?"
)
UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks", "mo": "months"}
"""The units of an offset."""
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
"""The arguments that mean a weekday; Monday is 0, as in datetime."""


class ExpressionError(ValueError):
    """A value has an invalid `~{…}~`."""


@dataclass(frozen=True, slots=True)
class Braced:
    """What stands between ~{ and }~, without the blanks at its ends."""

    text: str


@dataclass(frozen=True, slots=True)
class Offset:
    """How far a time is moved: by months of the calendar, or by a length of time."""

    months: int = 0
    length: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """One `~{…}~`: the function's name, its arguments, and the offset of its value."""

    name: str
    arguments: tuple[str, ...] = ()
    offset: Offset | None = None


def split(text: str) -> Iterator[str | Braced]:
    """Split a value into literal texts and what stands in ~{…}~. Raises ExpressionError."""
    literal = ""
    position = 0
    for token in _TOKEN.finditer(text):
        literal += text[position : token.start()]
        position = token.end()
        if token["escape"]:
            literal += "~{"
            continue
        if token["open"]:
            raise ExpressionError("has a ~{ without }~ (write ~~{ for a literal ~{)")
        if literal:
            yield literal
            literal = ""
        yield Braced(token["braced"].strip())
    if literal := literal + text[position:]:
        yield literal


@lru_cache(maxsize=1024)
def parse(text: str) -> tuple[str | FunctionCall, ...]:
    """Split a value into literal texts and function calls. Raises ExpressionError."""
    parts = (_call(part.text) if isinstance(part, Braced) else part for part in split(text))
    return tuple(parts) or ("",)


def _call(text: str) -> FunctionCall:
    match = _CALL.fullmatch(text)
    arguments = () if match is None or match["arguments"] is None else match["arguments"].split(",")
    arguments = tuple(argument.strip() for argument in arguments)
    if match is None or not all(arguments):
        raise ExpressionError(
            f"has an invalid function ~{{{shortened(text)}}}~; expected something like ~{{Now}}~, "
            "~{Now+7d}~ or ~{StartOfDay(Europe/Berlin)}~"
        )
    offset = _offset(int(match["sign"] + match["amount"]), match["unit"]) if match["sign"] else None
    return FunctionCall(match["name"], arguments, offset)


def _offset(amount: int, unit: str) -> Offset:
    return Offset(months=amount) if unit == "mo" else Offset(length=timedelta(**{UNITS[unit]: amount}))


def calls(value: Any) -> list[FunctionCall]:
    """Return all function calls inside a value, at any depth."""
    if isinstance(value, str):
        return [part for part in parse(value) if isinstance(part, FunctionCall)] if "~{" in value else []
    if isinstance(value, dict):
        value = list(value.values())
    return [call for item in value for call in calls(item)] if isinstance(value, list) else []


def evaluate(value: Any, resolve: Callable[[FunctionCall], Any]) -> Any:
    """Replace all function calls inside a value with the results of `resolve`."""
    if isinstance(value, str):
        if "~{" not in value:
            return value
        parts = [resolve(part) if isinstance(part, FunctionCall) else part for part in parse(value)]
        return parts[0] if len(parts) == 1 else "".join(map(str, parts))
    if isinstance(value, dict):
        return {name: evaluate(item, resolve) for name, item in value.items()}
    if isinstance(value, list):
        return [evaluate(item, resolve) for item in value]
    return value


def pairs(rows: Filter) -> list[tuple[str, Any]]:
    """Return rows as pairs of key and value. Raises UsageError if they have another form."""
    found = list(rows.items() if isinstance(rows, Mapping) else rows)
    for row in found:
        match row:
            case (str(), _):
                continue
        raise UsageError("A filter must be a mapping or a list of (key, value) pairs, with text keys.")
    return found


def gather(
    rows: Filter, schemas: Mapping[str, Schema], root: Schema = MappingProxyType({})
) -> tuple[dict[str, Any], list[Problem]]:
    """Return the inputs that rows describe, and the problems with them; `schemas` are those of the inputs.

    Keys that aren't in `schemas` are kept: the action's schema rejects them and names similar ones. `root`
    holds the definitions that the schemas refer to.
    """
    given: dict[tuple[str, ...], list[tuple[str, Any]]] = {}
    fields: dict[tuple[str, ...], Schema] = {}
    for key, value in pairs(rows):
        path, field = _locate(key.removesuffix("[]"), schemas, root)
        given.setdefault(path, []).append((key, value))
        fields[path] = field
    inputs: dict[str, Any] = {}
    problems: list[Problem] = []
    for path, entries in given.items():
        name = ".".join(path)
        try:
            value = _authored(_one_value(entries, json_schema.types(fields[path])))
            calls(value)
        except (_ManyValuesError, ExpressionError) as error:
            problems.append(Problem(name, str(error)))
        except RecursionError:
            problems.append(Problem(name, "is nested too deeply"))
        else:
            if any(path[:length] in given for length in range(1, len(path))):
                problems.append(Problem(name, f"is in {path[0]} already: pass the object or its fields"))
                continue
            place = inputs
            for step in path[:-1]:
                place = place.setdefault(step, {})
            place[path[-1]] = value
    return inputs, problems


def input_name(key: str, schemas: Mapping[str, Schema]) -> str:
    """Return the input that a row's key belongs to."""
    return _locate(key.removesuffix("[]"), schemas, {})[0][0]


class _ManyValuesError(ValueError):
    """Rows pass more than one value to an input that isn't a list."""


def _locate(key: str, schemas: Mapping[str, Schema], root: Schema) -> tuple[tuple[str, ...], Schema]:
    """Return the path of names that a key stands for, and the schema of its value."""
    name, _, rest = key.partition(".")
    field = json_schema.resolve(schemas.get(name, {}), root) if root else schemas.get(name, {})
    if key in schemas or not rest or "object" not in json_schema.types(field):
        return (key,), json_schema.resolve(schemas.get(key, {}), root) if root else schemas.get(key, {})
    if "properties" in field:
        path, inner = _locate(rest, field["properties"], root)
        return (name, *path), inner
    others = field.get("additionalProperties")
    return (name, rest), others if isinstance(others, dict) else {}


def _one_value(entries: list[tuple[str, Any]], wanted: frozenset[str]) -> Any:
    """Return the value of all rows of one key. Text that may be a list as well is split by rows only."""
    listed = any(key.endswith("[]") for key, _ in entries)
    if "array" in wanted and "string" not in wanted:
        return [_typed(item, frozenset()) for _, value in entries for item in _items(value)]
    if "array" in wanted and listed:
        return [value for _, value in entries]
    if len(entries) > 1:
        raise _ManyValuesError(f"accepts only one value, but has {len(entries)}")
    if listed and wanted:
        raise _ManyValuesError("accepts only one value: write it without []")
    return _typed(entries[0][1], wanted)


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, str):
        return [item.strip() for item in value.split(",")] if value.strip() else []
    if isinstance(value, Plain):
        items = value.value if isinstance(value.value, list) else [value.value]
        return [Plain(item) for item in items if item is not None and item != ""]
    return value if isinstance(value, list) else [value]


def _authored(value: Any) -> Any:
    """Return a value as an author would write it: in its `Plain` parts, ~{ is escaped."""
    if isinstance(value, Plain):
        return _escaped(value.value)
    if isinstance(value, dict):
        return {name: _authored(item) for name, item in value.items()}
    return [_authored(item) for item in value] if isinstance(value, list) else value


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("~{", "~~{")
    if isinstance(value, dict):
        return {name: _escaped(item) for name, item in value.items()}
    return [_escaped(item) for item in value] if isinstance(value, list) else value


def _typed(value: Any, wanted: frozenset[str]) -> Any:
    """Convert a text to the wanted type; if that fails, keep the text for the schema to reject."""
    if not isinstance(value, str) or not wanted or "string" in wanted:
        return value
    text = value.strip()
    if "boolean" in wanted and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if "null" in wanted and text.lower() == "null":
        return None
    if wanted & {"integer", "number"} and re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        return int(text)
    if "number" in wanted and re.fullmatch(r"[+-]?[0-9]{1,18}\.[0-9]{1,18}", text):
        return float(text)
    if "object" in wanted and text.startswith("{"):
        import json

        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return value
    return value
