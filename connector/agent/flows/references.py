"""References such as `~{event.payload.email}~`: to the trigger, earlier steps, the item and the run. Pure.

Grammar, in the place of a function of `catalog/expressions`:
    reference ::= name ( "." key | "[" index "]" | "[" quoted "]" | "[]" )*
    name      ::= [A-Za-z] [A-Za-z0-9_-]*
    key       ::= letters, digits, "_" and "-"
    quoted    ::= a text in double quotes, as in JSON
A reference has a path, or one of the names that no function has. `[]` stands for each item of a list:
`hosts[].name` is the list of their names.
"""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ...catalog import expressions
from ...catalog.expressions import Braced, ExpressionError
from ...support.redaction import shortened

RESERVED: Final = ("event", "flow", "flows", "item", "run")
"""Names that always mean the same, so no step can have them as its id."""

_START: Final = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9_-]*)(?=[.\[]|$)")
_STEP: Final = re.compile(
    r"""\.(?P<key>[\w-]+)|\[(?P<index>[0-9]{1,9})\]|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]|(?P<each>\[\])"""
)


class Each:
    """The step `[]` of a path: each item of a list."""


EACH: Final = Each()

Path = tuple[str | int | Each, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference: the name that its value belongs to, the path inside of it, and the text as written."""

    name: str
    path: Path
    text: str

    def __str__(self) -> str:
        return f"~{{{shortened(self.text)}}}~"


@lru_cache(maxsize=1024)
def parse(text: str) -> tuple[str | Reference | Braced, ...]:
    """Split a value into literal texts, references, and functions, which stay unparsed.

    Raises ExpressionError for a ~{ without }~ and for an invalid path.
    """
    return tuple(_part(part) if isinstance(part, Braced) else part for part in expressions.split(text))


def shown(name: str, path: Path) -> str:
    """Return a path as it is written in a reference."""
    return name + "".join(map(_step, path))


def _part(braced: Braced) -> Reference | Braced:
    start = _START.match(braced.text)
    if start is None or (start.end() == len(braced.text) and start["name"] not in RESERVED):
        return braced
    path: list[str | int | Each] = []
    position = start.end()
    while position < len(braced.text):
        step = _STEP.match(braced.text, position)
        if step is None:
            rest = shortened(braced.text[position:], 30)
            raise ExpressionError(
                f"has an invalid reference ~{{{shortened(braced.text)}}}~ at {rest!r}; "
                'expected .name, [0], [] or ["any text"]'
            )
        position = step.end()
        path.append(_parsed(step))
    return Reference(start["name"], tuple(path), braced.text)


def _parsed(step: re.Match[str]) -> str | int | Each:
    if step["key"]:
        return step["key"]
    if step["index"]:
        return int(step["index"])
    if step["each"]:
        return EACH
    try:
        return str(json.loads(step["quoted"]))
    except ValueError:
        raise ExpressionError(f"has invalid text in a reference: {shortened(step['quoted'])}") from None


def _step(step: str | int | Each) -> str:
    if isinstance(step, str):
        return f".{step}" if re.fullmatch(r"[\w-]+", step) else f"[{json.dumps(step, ensure_ascii=False)}]"
    return f"[{step}]" if isinstance(step, int) else "[]"
