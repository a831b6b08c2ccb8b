"""What is known about values before a flow runs, from the outputs that a connector declares. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from typing import Any, Final

from ...contract import OutputField
from .references import EACH, Path, shown

_SHOWN: Final = 12
_JSON_TYPES: Final = {"integer": "integer", "number": "number", "boolean": "boolean", "object": "object"}
_WORDS: Final = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
    "string": "text",
}


@dataclass
class Shape:
    """A value: its JSON type ("" if unknown), the fields of a mapping, the items of a list.

    A mapping whose fields aren't declared is `open`: any field may exist.
    """

    type: str = ""
    fields: dict[str, "Shape"] = field(default_factory=dict)
    items: "Shape | None" = None
    open: bool = False
    example: Any = None

    def __str__(self) -> str:
        return _WORDS.get(self.type, "unknown")


ANY: Final = Shape(open=True)
TEXT: Final = Shape("string")


class WrongPathError(Exception):
    """A path leads to nothing, or to a place inside of a text or number."""

    def __init__(self, message: str, fix: str = "", near: str | None = None) -> None:
        super().__init__(message)
        self.message, self.fix, self.near = message, fix, near


def mapping(**fields: Shape) -> Shape:
    """Return the shape of a mapping with these fields."""
    return Shape("object", fields)


def listed(items: Shape) -> Shape:
    """Return the shape of a list of such items."""
    return Shape("array", items=items)


def of_outputs(outputs: Iterable[OutputField]) -> Shape:
    """Return the shape of a record. Without declared outputs, anything may be in it."""
    root = Shape("object")
    for output in outputs:
        place = root
        for part in output.path.split("."):
            name = part.removesuffix("[]")
            place.type = place.type or "object"
            place = place.fields.setdefault(name, Shape())
            if part != name:
                place.type = "array"
                place.items = place.items or Shape()
                place = place.items
        place.type = place.type or _JSON_TYPES.get(output.type, "string")
        place.example = output.example
    _open(root)
    return root


def follow(known: Mapping[str, Shape], name: str, path: Path) -> Shape:
    """Return the shape of what a path leads to. Raises WrongPathError."""
    return _inside(known[name], name, path, 0)


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name most like an unknown one, in any case."""
    folded = {known.casefold(): known for known in names}
    near = get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    return folded[near[0]] if near else None


def listing(names: Iterable[str]) -> str:
    """Return the first names of a list as text."""
    every = list(names)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(islice(every, _SHOWN)) + more


def _inside(shape: Shape, name: str, path: Path, depth: int) -> Shape:
    for number, step in enumerate(path[depth:], start=depth):
        if shape.open or not shape.type:
            return ANY
        place = shown(name, path[:number])
        if step is EACH:
            if shape.type != "array":
                raise WrongPathError(f"{place} is {shape}, so it has no items")
            return listed(_inside(shape.items or ANY, name, path, number + 1))
        if isinstance(step, int):
            if shape.type != "array":
                raise WrongPathError(f"{place} is {shape}, so it has no [{step}]")
            shape = shape.items or ANY
            continue
        if shape.type == "array":
            fix = f"Write {place}[0].{step} for the first, {place}[].{step} for all, or use for_each."
            raise WrongPathError(f"{place} is a list, so it has no {step!r}", fix)
        if shape.type != "object":
            raise WrongPathError(f"{place} is {shape}, so it has no {step!r}")
        if step not in shape.fields:
            near = nearest(str(step), shape.fields)
            fix = f"It has {listing(shape.fields)}." if shape.fields and not near else ""
            raise WrongPathError(f"{place} has no {step!r}", fix, near)
        shape = shape.fields[str(step)]
    return shape


def _open(shape: Shape) -> None:
    """Mark mappings without declared fields as open, at any depth."""
    shape.open = shape.type == "object" and not shape.fields
    for inner in (*shape.fields.values(), *([shape.items] if shape.items else [])):
        _open(inner)
