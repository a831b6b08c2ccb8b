"""What the body of a request may be, declared once and read strictly; a 400 names every problem. Pure.

A rule makes a value of a JSON value. What is wrong inside arrays and objects is named by its path,
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
from ..world.shapes import Record
from . import parameters

Origins = frozenset[str]
Rule = Callable[[Any, Origins], Any]
"""Makes a value of a JSON value, given the origins whose URIs are known; ValueError says what it must be."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class WrongError(ValueError):
    """What is wrong inside an array or an object: (path below it, message) pairs."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__(str(problems))
        self.problems = problems


@dataclass(frozen=True)
class Field:
    """One field of a body; a nullable one may be null, all others must not.

    Attributes:
        null_in_reply: whether the reply may have null where the documentation of the body has no null.
    """

    name: str
    rule: Rule
    required: bool = False
    nullable: bool = False
    null_in_reply: bool = False


@dataclass(frozen=True)
class Form:
    """All fields of an object.

    Attributes:
        strict: whether unknown fields are refused; otherwise they are ignored and left out.
        fewest: how many fields must be given.
        check: gives the details of what is wrong between fields that are right one by one.
    """

    fields: tuple[Field, ...]
    strict: bool = False
    fewest: int = 0
    check: Callable[[Record], Iterable[Body]] | None = None


NO_BODY = Form(())


def read_body(form: Form, body: Record, origins: Origins) -> tuple[Record, list[Body]]:
    """Give the values of the fields that are there, and the details of all that is wrong."""
    values, problems = _read(form, body, origins)
    return values, [detail(message, path or None) for path, message in problems]


def _read(form: Form, body: Record, origins: Origins) -> tuple[Record, list[tuple[str, str]]]:
    values: Record = {}
    problems: list[tuple[str, str]] = []
    for field in form.fields:
        if field.name not in body:
            if field.required:
                problems.append((field.name, "is required"))
            continue
        try:
            value = body[field.name]
            values[field.name] = None if value is None and field.nullable else field.rule(value, origins)
        except ValueError as error:
            problems += [(_join(field.name, path), message) for path, message in _problems(error)]
    if form.strict:
        known = {field.name for field in form.fields}
        problems += [(name, "is not known") for name in body if name not in known]
    if not problems and len(values) < form.fewest:
        problems.append(
            ("", f"at least {form.fewest} of {', '.join(f.name for f in form.fields)} is required")
        )
    if not problems and form.check is not None:
        problems += [(wrong.get("parameter", ""), wrong["message"]) for wrong in form.check(values)]
    return values, problems


def _problems(error: ValueError) -> Sequence[tuple[str, str]]:
    return error.problems if isinstance(error, WrongError) else [("", str(error))]


def _join(name: str, path: str) -> str:
    return name + (path if not path or path.startswith("[") else f".{path}")


# Rules


def text(*, least: int = 0, most: int | None = None) -> Rule:
    """Make a rule for texts, by number of characters."""

    def read(value: Any, _origins: Origins) -> str:
        if not isinstance(value, str):
            raise ValueError("must be a string")  # noqa: TRY004 - all that is wrong is a ValueError here
        if len(value.strip()) < least:
            raise ValueError("must not be empty" if least == 1 else f"must have at least {least} characters")
        if most is not None and len(value) > most:
            raise ValueError(f"must have at most {most} characters")
        return value

    return read


def written(reader: parameters.Reader) -> Rule:
    """Make a rule for texts out of a reader of query parameters."""

    def read(value: Any, origins: Origins) -> Any:
        if not isinstance(value, str):
            raise ValueError("must be a string")  # noqa: TRY004 - as above
        return reader(value, origins)

    return read


EMAIL = written(parameters.email)
MOMENT = written(parameters.moment)  # microseconds since 1970


def uri(*collections: str) -> Rule:
    """Make a rule for resource URIs, read into the id at the end; see parameters.uri."""
    return written(parameters.uri(*collections))


def matching(pattern: str, message: str) -> Rule:
    """Make a rule for texts that fit a pattern as a whole."""
    compiled = re.compile(pattern, re.ASCII)

    def read(value: Any, _origins: Origins) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise ValueError(message)
        return value

    return read


@dataclass(frozen=True)
class OneOf:
    """A rule for one of some words or numbers."""

    choices: tuple[str | int, ...]

    def __call__(self, value: Any, _origins: Origins) -> str | int:
        """Read one of them."""
        for choice in self.choices:
            if value == choice and isinstance(value, bool) == isinstance(choice, bool):
                return choice
        raise ValueError(f"must be one of {', '.join(map(str, self.choices))}")


def one_of(*choices: str | int) -> Rule:
    """Make a rule for one of some words or numbers."""
    return OneOf(choices)


@dataclass(frozen=True)
class Integer:
    """A rule for whole numbers in a range, both ends allowed; 30.0 is one too, as in JSON Schema."""

    lowest: int | None
    highest: int | None

    def __call__(self, value: Any, _origins: Origins) -> int:
        """Read a whole number."""
        whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
        too_low = whole and self.lowest is not None and value < self.lowest
        too_high = whole and self.highest is not None and value > self.highest
        if not whole or too_low or too_high:
            raise ValueError(f"must be an integer{self._range()}")
        return int(value)

    def _range(self) -> str:
        if self.lowest is None:
            return ""
        return (
            f" of {self.lowest} or more"
            if self.highest is None
            else f" between {self.lowest} and {self.highest}"
        )


def integer(lowest: int | None = None, highest: int | None = None) -> Rule:
    """Make a rule for whole numbers in a range, both ends allowed."""
    return Integer(lowest, highest)


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
    """Read the IANA name of a time zone."""
    if not isinstance(value, str) or value not in _zones():
        raise ValueError("must be the IANA name of a time zone")
    return value


@dataclass(frozen=True)
class Array:
    """A rule for arrays of what another rule reads."""

    rule: Rule
    least: int
    most: int | None

    def __call__(self, value: Any, origins: Origins) -> list[Any]:
        """Read an array."""
        if not isinstance(value, list):
            raise ValueError("must be an array")  # noqa: TRY004 - as above
        if len(value) < self.least:
            message = "must not be empty" if self.least == 1 else f"must have at least {self.least} items"
            raise ValueError(message)
        if self.most is not None and len(value) > self.most:
            raise ValueError(f"must have at most {self.most} items")
        items, problems = [], []
        for place, item in enumerate(value):
            try:
                items.append(self.rule(item, origins))
            except ValueError as error:
                problems += [(_join(f"[{place}]", path), message) for path, message in _problems(error)]
        if problems:
            raise WrongError(problems)
        return items


def array(rule: Rule, *, least: int = 0, most: int | None = None) -> Rule:
    """Make a rule for arrays of what a rule reads."""
    return Array(rule, least, most)


@dataclass(frozen=True)
class Nested:
    """A rule for objects."""

    form: Form

    def __call__(self, value: Any, origins: Origins) -> Record:
        """Read an object."""
        if not isinstance(value, dict):
            raise ValueError("must be an object")  # noqa: TRY004 - as above
        values, problems = _read(self.form, value, origins)
        if problems:
            raise WrongError(problems)
        return values


def record(form: Form) -> Rule:
    """Make a rule for objects."""
    return Nested(form)
