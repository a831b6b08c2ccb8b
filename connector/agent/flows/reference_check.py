"""Checks references before a flow runs, by the shapes of what they can use. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...catalog import expressions
from ...catalog.expressions import Braced, ExpressionError
from ...support.redaction import shortened
from . import references, shapes
from .references import Reference
from .shapes import Shape, WrongPathError
from .values import MIXED

Known = Mapping[str, Shape]


def reference_findings(value: Any, known: Known, *, functions: bool) -> Iterator[tuple[str, str, str | None]]:
    """Yield message, fix and nearest name for each wrong reference or misplaced function in a value."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from reference_findings(inner, known, functions=functions)
    elif isinstance(value, str):
        yield from _text_findings(value, known, functions=functions)


def shape_of(reference: Reference, known: Known) -> Shape:
    """Return the shape of what a reference yields. Raises WrongPathError."""
    if reference.name not in known:
        near = shapes.nearest(reference.name, known)
        fix = "" if near else f"Use {shapes.listing(known)}."
        raise WrongPathError(f"nothing before it is named {reference.name!r}", fix, near)
    return shapes.follow(known, reference.name, reference.path)


def _text_findings(text: str, known: Known, *, functions: bool) -> Iterator[tuple[str, str, str | None]]:
    try:
        parts = references.parse(text)
        found = [part for part in parts if isinstance(part, Reference)]
        others = [part.text for part in parts if isinstance(part, Braced)]
        if not found and not known.keys() & others:
            expressions.parse(text)
    except ExpressionError as error:
        yield f"{shortened(text)} {error}", "", None
        return
    for reference in found:
        try:
            shape_of(reference, known)
        except WrongPathError as error:
            yield f"{reference} leads to nothing: {error.message}", error.fix, error.near
    for name in others:
        if name in known:
            fields = shapes.listing(known[name].fields)
            yield f"~{{{name}}}~ needs a path", f"It has {fields}." if fields else "", None
        elif found:
            yield f"~{{{shortened(name)}}}~ is a function, which can't stand beside a reference", MIXED, None
        elif not functions:
            yield (
                f"~{{{shortened(name)}}}~ is a function, which only works in a filter",
                "Use a reference.",
                None,
            )
