"""Declare query parameters and read them strictly. Pure."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..errors import Body, detail
from ..world import times
from .paging import DEFAULT_COUNT, MAX_COUNT, TOKEN_PARAMETER

PUBLIC_ORIGIN = "https://api.calendly.com"

ParameterReader = Callable[[str, frozenset[str]], Any]
"""Parses a string, given the accepted origins of URIs; a ValueError says what the string must be."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


@dataclass(frozen=True)
class Parameter:
    """One query parameter."""

    name: str
    read: ParameterReader
    required: bool = False
    max_count: int = 0  # maximum number of repetitions; if set, the value is a list


def text(value: str, _origins: frozenset[str]) -> str:
    """Accept any string."""
    return value


def email(value: str, _origins: frozenset[str]) -> str:
    """Accept an email address."""
    if not _EMAIL.fullmatch(value):
        raise ValueError("must be a valid email address")
    return value


def moment(value: str, _origins: frozenset[str]) -> int:
    """Read a date-time into microseconds since 1970."""
    return times.parse(value)


def csv(value: str, _origins: frozenset[str]) -> list[str]:
    """Read comma-separated strings, case-folded for comparisons."""
    return [part.strip().casefold() for part in value.split(",") if part.strip()]


def boolean(value: str, _origins: frozenset[str]) -> bool:
    """Read true or false."""
    if value not in {"true", "false"}:
        raise ValueError("must be true or false")
    return value == "true"


@dataclass(frozen=True)
class IntegerReader:
    """Reads integers in an inclusive range."""

    minimum: int
    maximum: int

    def __call__(self, value: str, _origins: frozenset[str]) -> int:
        """Return the integer."""
        if not (value.isascii() and value.isdigit() and self.minimum <= int(value[:9]) <= self.maximum):
            raise ValueError(f"must be an integer between {self.minimum} and {self.maximum}")
        return int(value)


def integer(minimum: int, maximum: int) -> ParameterReader:
    """Return a reader of integers in an inclusive range."""
    return IntegerReader(minimum, maximum)


def choice(*choices: str) -> ParameterReader:
    """Return a reader that accepts one of several strings."""

    def read(value: str, _origins: frozenset[str]) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value

    return read


def uri(*collections: str) -> ParameterReader:
    """Return a reader that reads a resource URI into its last segment, the id.

    The URI may belong to any of the collections; `scheduled_events/invitees` has an id after each name.
    """

    def read(value: str, origins: frozenset[str]) -> str:
        for collection in collections:
            uuid = id_of(value, collection, origins)
            if uuid is not None:
                return uuid
        raise ValueError(f"must be a valid URI of {' or '.join(collections)}")

    return read


def sort(*fields: str, several: bool = False) -> ParameterReader:
    """Return a reader of `field:asc|desc` (comma-separated if several) into (field, is_descending) pairs."""

    def read(value: str, _origins: frozenset[str]) -> list[tuple[str, bool]]:
        parts = [part.strip().partition(":") for part in value.split(",")]
        known = all(field in fields and direction in {"asc", "desc"} for field, _, direction in parts)
        if not known or (len(parts) > 1 and not several):
            raise ValueError(f"must be {' or '.join(f'{field}:asc|desc' for field in fields)}")
        return [(field, direction == "desc") for field, _, direction in parts]

    return read


PAGING = (Parameter("count", integer(1, MAX_COUNT)), Parameter(TOKEN_PARAMETER, text))


def id_of(value: str, collection: str, origins: Iterable[str]) -> str | None:
    """Return the id in a URI of a collection on an accepted origin; None for any other string."""
    try:
        parts = urlsplit(value)
    except ValueError:  # not a URL
        return None
    path, names = parts.path.removeprefix("/").split("/"), collection.split("/")
    if f"{parts.scheme}://{parts.netloc}" not in origins or parts.query or parts.fragment:
        return None
    matches = path[::2] == names and len(path) == 2 * len(names) and all(path[1::2])
    return path[-1] if matches else None


def read_query(
    declared: Sequence[Parameter],
    pairs: Sequence[tuple[str, str]],
    origins: frozenset[str],
    *,
    strict: bool = False,
) -> tuple[dict[str, Any], list[Body]]:
    """Return the values of the declared parameters (None if absent), and the details of all problems.

    Unless `strict`, unknown parameters are ignored, as Calendly does. The last value of a repeated parameter
    wins, unless it has a `max_count`. `name[]` is read as `name`.
    """
    remaining: dict[str, list[str]] = {}
    for name, value in pairs:
        remaining.setdefault(name.removesuffix("[]"), []).append(value)
    values: dict[str, Any] = {}
    problems = []
    for parameter in declared:
        raw = remaining.pop(parameter.name, [])
        values[parameter.name] = None
        if not raw:
            if parameter.required:
                problems.append(detail("is required", parameter.name))
            continue
        try:
            values[parameter.name] = _read(parameter, raw, origins)
        except ValueError as error:
            problems.append(detail(str(error), parameter.name))
    if strict:
        problems += [detail("is unknown", name) for name in remaining]
    return values, problems


def _read(parameter: Parameter, raw: list[str], origins: frozenset[str]) -> Any:
    if not parameter.max_count:
        return parameter.read(raw[-1], origins)
    if len(raw) > parameter.max_count:
        raise ValueError(f"must not appear more than {parameter.max_count} times")
    return [parameter.read(value, origins) for value in raw]


def page_size(values: dict[str, Any]) -> int:
    """Return the requested number of rows per page."""
    count: int | None = values["count"]
    return DEFAULT_COUNT if count is None else count
