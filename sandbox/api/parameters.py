"""What a query parameter may be, declared once and read strictly. Pure."""

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
"""Makes a value of a text, given the origins whose URIs are known; ValueError says what the text must be."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


@dataclass(frozen=True)
class Parameter:
    """One query parameter."""

    name: str
    read: ParameterReader
    required: bool = False
    max_count: int = 0  # how often it may be given; its value is a list then


def text(value: str, _origins: frozenset[str]) -> str:
    """Read any text."""
    return value


def email(value: str, _origins: frozenset[str]) -> str:
    """Read a mail address."""
    if not _EMAIL.fullmatch(value):
        raise ValueError("must be a valid email address")
    return value


def moment(value: str, _origins: frozenset[str]) -> int:
    """Read a date-time into microseconds since 1970."""
    return times.parse(value)


def csv(value: str, _origins: frozenset[str]) -> list[str]:
    """Read comma-separated texts, folded for comparing."""
    return [part.strip().casefold() for part in value.split(",") if part.strip()]


def boolean(value: str, _origins: frozenset[str]) -> bool:
    """Read true or false."""
    if value not in {"true", "false"}:
        raise ValueError("must be true or false")
    return value == "true"


@dataclass(frozen=True)
class IntegerReader:
    """A reader of whole numbers in a range, both ends allowed."""

    minimum: int
    maximum: int

    def __call__(self, value: str, _origins: frozenset[str]) -> int:
        """Read digits."""
        if not (value.isascii() and value.isdigit() and self.minimum <= int(value[:9]) <= self.maximum):
            raise ValueError(f"must be an integer between {self.minimum} and {self.maximum}")
        return int(value)


def integer(minimum: int, maximum: int) -> ParameterReader:
    """Make a reader of whole numbers in a range, both ends allowed."""
    return IntegerReader(minimum, maximum)


def choice(*choices: str) -> ParameterReader:
    """Make a reader of one of some words."""

    def read(value: str, _origins: frozenset[str]) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value

    return read


def uri(*collections: str) -> ParameterReader:
    """Make a reader of a resource URI into its last segment, the id.

    The URI may be of any of the collections; `scheduled_events/invitees` has an id after each of the words.
    """

    def read(value: str, origins: frozenset[str]) -> str:
        for collection in collections:
            uuid = id_of(value, collection, origins)
            if uuid is not None:
                return uuid
        raise ValueError(f"must be a valid URI of {' or '.join(collections)}")

    return read


def sort(*fields: str, several: bool = False) -> ParameterReader:
    """Make a reader of `field:asc|desc` (comma-separated if several) into (field, descending) pairs."""

    def read(value: str, _origins: frozenset[str]) -> list[tuple[str, bool]]:
        parts = [part.strip().partition(":") for part in value.split(",")]
        known = all(field in fields and direction in {"asc", "desc"} for field, _, direction in parts)
        if not known or (len(parts) > 1 and not several):
            raise ValueError(f"must be {' or '.join(f'{field}:asc|desc' for field in fields)}")
        return [(field, direction == "desc") for field, _, direction in parts]

    return read


PAGING = (Parameter("count", integer(1, MAX_COUNT)), Parameter(TOKEN_PARAMETER, text))


def id_of(value: str, collection: str, origins: Iterable[str]) -> str | None:
    """Give the id at the end of a URI of a collection on a known origin, None for any other text."""
    try:
        parts = urlsplit(value)
    except ValueError:  # an address that is none
        return None
    path, words = parts.path.removeprefix("/").split("/"), collection.split("/")
    if f"{parts.scheme}://{parts.netloc}" not in origins or parts.query or parts.fragment:
        return None
    fits = path[::2] == words and len(path) == 2 * len(words) and all(path[1::2])
    return path[-1] if fits else None


def read_query(
    declared: Sequence[Parameter],
    pairs: Sequence[tuple[str, str]],
    origins: frozenset[str],
    *,
    strict: bool = False,
) -> tuple[dict[str, Any], list[Body]]:
    """Give the values of the declared parameters (absent ones are None), and details of all that is wrong.

    Unknown parameters are ignored, as Calendly does, unless `strict`; of a repeated one the last counts,
    unless it may be given often. `name[]` is read as `name`.
    """
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name.removesuffix("[]"), []).append(value)
    values: dict[str, Any] = {}
    problems = []
    for parameter in declared:
        raw = given.pop(parameter.name, [])
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
        problems += [detail("is not known", name) for name in given]
    return values, problems


def _read(parameter: Parameter, raw: list[str], origins: frozenset[str]) -> Any:
    if not parameter.max_count:
        return parameter.read(raw[-1], origins)
    if len(raw) > parameter.max_count:
        raise ValueError(f"may be given {parameter.max_count} times at most")
    return [parameter.read(value, origins) for value in raw]


def page_size(values: dict[str, Any]) -> int:
    """Give the rows wanted on a page."""
    count: int | None = values["count"]
    return DEFAULT_COUNT if count is None else count
