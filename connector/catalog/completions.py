"""What an editor offers while a person writes a `~{…}~` function: names, time zones, weekdays, units. Pure.

It works with the functions of any connector.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from ..contract import Field, FunctionInfo
from ..support import time_zones
from .expressions import UNITS, WEEKDAYS

_MOST: Final = 100
_OPENING: Final = re.compile(r"~~\{|~\{")
_NAME: Final = re.compile(r"\s*(?P<part>[A-Za-z0-9]*)")
_ARGUMENT: Final = re.compile(r"\s*(?P<name>[A-Za-z0-9]+)\((?P<others>(?:[^(),]*,)*)\s*(?P<part>[^(),]*)")
_UNIT: Final = re.compile(r"\s*(?P<name>[A-Za-z0-9]+)(?:\([^()]*\))?[+-][0-9]{1,5}(?P<part>[a-z]*)")
_CLOSED: Final = re.compile(r"(?P<rest>[A-Za-z0-9_/]*)(?P<others>[^{}~]*)\}~")


@dataclass(frozen=True, slots=True)
class Completion:
    """One thing to offer: `insert` replaces `text[start:end]`, then the cursor belongs at `cursor`.

    `detail` is the signature of a function, or what another label means. `description`, `example` and
    `example_value` are those of a function.
    """

    label: str
    insert: str
    start: int
    end: int
    cursor: int
    detail: str = ""
    description: str = ""
    example: str = ""
    example_value: str = ""


def completions(
    text: str, cursor: int, functions: Mapping[str, FunctionInfo], field: Field | None = None
) -> tuple[Completion, ...]:
    """Return what fits at the cursor, the nearest first; nothing outside of a function.

    Of the functions, only those whose value fits the field are offered. Without a field, all but secrets are.
    """
    opened = _opened(text, cursor)
    if opened is None:
        return ()
    written = text[opened:cursor]
    if match := _NAME.fullmatch(written):
        place = _Place(text, opened + match.start("part"), cursor)
        fitting = {name: function for name, function in functions.items() if _fits(function, field)}
        return tuple(place.function(fitting[name]) for name in _matching(fitting, match["part"]))
    match = _ARGUMENT.fullmatch(written) or _UNIT.fullmatch(written)
    function = functions.get(match["name"]) if match else None
    if match is None or function is None:
        return ()
    place = _Place(text, opened + match.start("part"), cursor)
    if match.re is _UNIT:
        units = _matching(UNITS, match["part"]) if function.takes_offset else ()
        return tuple(place.unit(unit) for unit in units)
    missing = _missing(function, match["others"].split(",")[:-1])
    return tuple(place.argument(name, missing[name]) for name in _matching(missing, match["part"]))


def signature(function: FunctionInfo) -> str:
    """Return a function's name with what may follow it, such as `StartOfDay(time zone)±offset`."""
    arguments = f"({', '.join(function.arguments)})" if function.arguments else ""
    return f"{function.name}{arguments}{'±offset' if function.takes_offset else ''}"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a completion goes: `start` is the start of the word at the cursor."""

    text: str
    start: int
    cursor: int

    def function(self, function: FunctionInfo) -> Completion:
        """Offer a function; the cursor stays inside if anything may follow its name."""
        takes_more = bool(function.arguments) or function.takes_offset
        end, close = self._rest()
        return Completion(
            function.name,
            function.name + close,
            self.start,
            end,
            self.start + len(function.name) + (0 if takes_more else len("}~")),
            signature(function),
            function.description,
            function.example,
            function.example_value,
        )

    def argument(self, name: str, kind: str) -> Completion:
        """Offer an argument; the cursor goes behind the parenthesis."""
        end, close = self._rest()
        parenthesis = "" if self.text[end:].lstrip(" ").startswith((")", ",")) else ")"
        cursor = self.start + len(name) + 1
        return Completion(name, name + parenthesis + close, self.start, end, cursor, kind)

    def unit(self, unit: str) -> Completion:
        """Offer a unit, which ends the function."""
        end, close = self._rest()
        cursor = self.start + len(unit) + len("}~")
        return Completion(unit, unit + close, self.start, end, cursor, UNITS[unit])

    def _rest(self) -> tuple[int, str]:
        """Return the end of the word at the cursor, and what closes the function if nothing does."""
        closed = _CLOSED.match(self.text, self.cursor)
        return (closed.end("rest"), "") if closed else (self.cursor, "}~")


def _opened(text: str, cursor: int) -> int | None:
    """Return where the function around the cursor begins, None if it isn't in one."""
    position = 0
    while opening := _OPENING.search(text, position, cursor):
        position = opening.end()
        if opening[0] == "~~{":
            continue
        end = text.find("}~", position, cursor)
        if end < 0:
            return text.rfind("~{", opening.start(), cursor) + len("~{")
        position = end + len("}~")
    return None


def _fits(function: FunctionInfo, field: Field | None) -> bool:
    if function.secret:
        return field is not None and field.secret
    return field is None or field.type in {"text", "object", function.type}


def _missing(function: FunctionInfo, written: Iterable[str]) -> dict[str, str]:
    """Return the arguments that a function still accepts, each with its kind."""
    kinds = {"weekday" if argument.strip() in WEEKDAYS else "time zone" for argument in written}
    known = {"weekday": WEEKDAYS, "time zone": time_zones.names()}
    return {
        name: kind
        for kind, names in known.items()
        if kind in function.arguments and kind not in kinds
        for name in names
    }


def _matching(names: Iterable[str], part: str) -> Iterator[str]:
    """Yield the names that contain a text in any case, 100 at most: first those that begin with it.

    Then come time zones whose city does.
    """
    wanted = "_".join(part.split()).casefold()
    folded = {name: name.casefold() for name in names}
    found = [name for name, text in folded.items() if wanted in text]
    found.sort(key=lambda name: (not folded[name].startswith(wanted), f"/{wanted}" not in folded[name]))
    return islice(found, _MOST)
