"""Declare request bodies and validate them strictly; a 400 lists every problem. Pure.

A rule converts a JSON value. Problems inside arrays and objects are reported with their path, such as
`invitee.email` or `rules[2].intervals[0].from`.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from ..errors import Body, detail
from ..world.records import Record
from . import parameters

Origins = frozenset[str]
Rule = Callable[[Any, Origins], Any]
"""Converts a JSON value, given the accepted origins of URIs; a ValueError says what the value must be."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class InvalidBodyError(ValueError):
    """Problems inside an array or an object, as (relative path, message) pairs."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__(str(problems))
        self.problems = problems


@dataclass(frozen=True)
class BodyField:
    """One field of a body. Only a nullable field may be null.

    Attributes:
        null_in_reply: whether replies may have null here although the documented body doesn't.
    """

    name: str
    rule: Rule
    required: bool = False
    nullable: bool = False
    null_in_reply: bool = False


@dataclass(frozen=True)
class BodySchema:
    """The fields of an object.

    Attributes:
        strict: whether unknown fields are rejected; otherwise they are dropped.
        min_fields: the number of fields that must be present.
        check: validates combinations of fields that are valid one by one; returns details of the problems.
    """

    fields: tuple[BodyField, ...]
    strict: bool = False
    min_fields: int = 0
    check: Callable[[Record], Iterable[Body]] | None = None


NO_BODY = BodySchema(())


def read_body(schema: BodySchema, body: Record, origins: Origins) -> tuple[Record, list[Body]]:
    """Return the values of the fields that are present, and the details of all problems."""
    values, problems = _read(schema, body, origins)
    return values, [detail(message, path or None) for path, message in problems]


def _read(schema: BodySchema, body: Record, origins: Origins) -> tuple[Record, list[tuple[str, str]]]:
    values: Record = {}
    problems: list[tuple[str, str]] = []
    for field in schema.fields:
        if field.name not in body:
            if field.required:
                problems.append((field.name, "is required"))
            continue
        try:
            value = body[field.name]
            values[field.name] = None if value is None and field.nullable else field.rule(value, origins)
        except ValueError as error:
            problems += [(_join(field.name, path), message) for path, message in _problems(error)]
    if schema.strict:
        known = {field.name for field in schema.fields}
        problems += [(name, "is unknown") for name in body if name not in known]
    if not problems and len(values) < schema.min_fields:
        problems.append(
            ("", f"at least {schema.min_fields} of {', '.join(f.name for f in schema.fields)} is required")
        )
    if not problems and schema.check is not None:
        problems += [(problem.get("parameter", ""), problem["message"]) for problem in schema.check(values)]
    return values, problems


def _problems(error: ValueError) -> Sequence[tuple[str, str]]:
    return error.problems if isinstance(error, InvalidBodyError) else [("", str(error))]


def _join(name: str, path: str) -> str:
    return name + (path if not path or path.startswith("[") else f".{path}")


# Rules


def text(*, min_length: int = 0, max_length: int | None = None) -> Rule:
    """Return a rule for strings; lengths are in characters."""

    def read(value: Any, _origins: Origins) -> str:
        if not isinstance(value, str):
            raise ValueError("must be a string")  # noqa: TRY004 - every problem is a ValueError here
        if len(value.strip()) < min_length:
            raise ValueError(
                "must not be empty" if min_length == 1 else f"must have at least {min_length} characters"
            )
        if max_length is not None and len(value) > max_length:
            raise ValueError(f"must have at most {max_length} characters")
        return value

    return read


def parsed_text(reader: parameters.ParameterReader) -> Rule:
    """Return a rule that reads a string with a reader of query parameters."""

    def read(value: Any, origins: Origins) -> Any:
        if not isinstance(value, str):
            raise ValueError("must be a string")  # noqa: TRY004 - as above
        return reader(value, origins)

    return read


EMAIL = parsed_text(parameters.email)
MOMENT = parsed_text(parameters.moment)  # microseconds since 1970


def uri(*collections: str) -> Rule:
    """Return a rule that reads a resource URI into its id; see `parameters.uri`."""
    return parsed_text(parameters.uri(*collections))


def pattern(pattern: str, message: str) -> Rule:
    """Return a rule for strings that match a regular expression in full."""
    compiled = re.compile(pattern, re.ASCII)

    def read(value: Any, _origins: Origins) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise ValueError(message)
        return value

    return read


@dataclass(frozen=True)
class OneOfRule:
    """Accepts one of several strings or numbers."""

    choices: tuple[str | int, ...]

    def __call__(self, value: Any, _origins: Origins) -> str | int:
        """Return the matching choice."""
        for choice in self.choices:
            if value == choice and isinstance(value, bool) == isinstance(choice, bool):
                return choice
        raise ValueError(f"must be one of {', '.join(map(str, self.choices))}")


def one_of(*choices: str | int) -> Rule:
    """Return a rule for one of several strings or numbers."""
    return OneOfRule(choices)


@dataclass(frozen=True)
class IntegerRule:
    """Accepts integers in an inclusive range; 30.0 is an integer, too, as in JSON Schema."""

    minimum: int | None
    maximum: int | None

    def __call__(self, value: Any, _origins: Origins) -> int:
        """Return the integer."""
        whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
        too_low = whole and self.minimum is not None and value < self.minimum
        too_high = whole and self.maximum is not None and value > self.maximum
        if not whole or too_low or too_high:
            raise ValueError(f"must be an integer{self._range()}")
        return int(value)

    def _range(self) -> str:
        if self.minimum is None:
            return ""
        return (
            f" of {self.minimum} or more"
            if self.maximum is None
            else f" between {self.minimum} and {self.maximum}"
        )


def integer(minimum: int | None = None, maximum: int | None = None) -> Rule:
    """Return a rule for integers in an inclusive range."""
    return IntegerRule(minimum, maximum)


def boolean(value: Any, _origins: Origins) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004 - as above
    return value


def day(value: Any, _origins: Origins) -> date:
    """Read `YYYY-MM-DD`."""
    with suppress(ValueError):
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    raise ValueError("must be a date, YYYY-MM-DD")


@cache
def _zones() -> set[str]:
    return available_timezones()


def timezone(value: Any, _origins: Origins) -> str:
    """Read an IANA time zone name."""
    if not isinstance(value, str) or value not in _zones():
        raise ValueError("must be the IANA name of a time zone")
    return value


@dataclass(frozen=True)
class ArrayRule:
    """Accepts arrays whose items match another rule."""

    rule: Rule
    min_items: int
    max_items: int | None

    def __call__(self, value: Any, origins: Origins) -> list[Any]:
        """Return the items; InvalidBodyError lists the problems of all of them."""
        if not isinstance(value, list):
            raise ValueError("must be an array")  # noqa: TRY004 - as above
        if len(value) < self.min_items:
            message = (
                "must not be empty" if self.min_items == 1 else f"must have at least {self.min_items} items"
            )
            raise ValueError(message)
        if self.max_items is not None and len(value) > self.max_items:
            raise ValueError(f"must have at most {self.max_items} items")
        items, problems = [], []
        for index, item in enumerate(value):
            try:
                items.append(self.rule(item, origins))
            except ValueError as error:
                problems += [(_join(f"[{index}]", path), message) for path, message in _problems(error)]
        if problems:
            raise InvalidBodyError(problems)
        return items


def array(rule: Rule, *, min_items: int = 0, max_items: int | None = None) -> Rule:
    """Return a rule for arrays whose items match `rule`."""
    return ArrayRule(rule, min_items, max_items)


@dataclass(frozen=True)
class ObjectRule:
    """Accepts objects that match a schema."""

    schema: BodySchema

    def __call__(self, value: Any, origins: Origins) -> Record:
        """Return the fields of the object; InvalidBodyError lists all problems."""
        if not isinstance(value, dict):
            raise ValueError("must be an object")  # noqa: TRY004 - as above
        values, problems = _read(self.schema, value, origins)
        if problems:
            raise InvalidBodyError(problems)
        return values


def object_of(schema: BodySchema) -> Rule:
    """Return a rule for objects that match a schema."""
    return ObjectRule(schema)
