"""What a step works with: its rows, its list and its conditions, from what is known so far. Pure.

`known` are JSON values by name: `event`, `flow`, `flows`, `run`, `item`, and the output of every earlier step
by its id. What a reference yields is a value: nothing in it is evaluated.
"""

import json
from collections.abc import Container, Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any, Final

from ...catalog.expressions import Braced, ExpressionError
from ...contract import Plain
from ...support import timestamps
from ...support.redaction import shortened
from . import references
from .model import Condition, Row, Step
from .problems import UnresolvedReference
from .references import EACH, Path, Reference

Known = Mapping[str, Any]

FLOWS: Final = "flows"  # the deployed flows, by their names

_SHOWN: Final = 12
_MISSING: Final = object()


def rows(step: Step, known: Known) -> list[Row]:
    """Return the rows of a step's filter: what references yield is `Plain`, all else as its author wrote it.

    Raises UnresolvedReference, with a message that names what exists.
    """
    return [(key, _row_value(value, known)) for key, value in step.call.rows]


def resolve(value: Any, known: Known) -> Any:
    """Return a value with its references resolved. One that is a single reference keeps its type.

    Raises UnresolvedReference, also for a function, which only a connection can evaluate.
    """
    if isinstance(value, str):
        parts = _parts(value)
        for part in parts:
            if isinstance(part, Braced):
                raise UnresolvedReference(
                    f"~{{{shortened(part.text)}}}~ is a function, which only works in a filter.",
                    fix="Use a reference, such as ~{event.payload.email}~.",
                )
        found = [_follow(part, known) if isinstance(part, Reference) else part for part in parts]
        is_reference = len(parts) == 1 and isinstance(parts[0], Reference)
        return found[0] if is_reference else "".join(map(as_text, found))
    if isinstance(value, dict):
        return {name: resolve(item, known) for name, item in value.items()}
    return [resolve(item, known) for item in value] if isinstance(value, list) else value


def items(for_each: str, known: Known) -> list[Any]:
    """Return the list that a step runs for. Null counts as an empty list."""
    found = resolve(for_each, known)
    if found is None:
        return []
    if not isinstance(found, list):
        raise UnresolvedReference(
            f"for_each: {shortened(for_each)} is {_kind(found)}, not a list.",
            fix="Refer to a list, such as the records of an earlier step.",
        )
    return found


def refers_to(steps: Iterable[Step], names: Container[str]) -> bool:
    """Return whether a value of these steps, or of their undo, refers to one of these names."""
    return any(name in names for step in steps for text in _texts(_values(step)) for name in _names(text))


def holds(conditions: Iterable[Condition], known: Known) -> bool:
    """Check that all conditions hold. Only `exists` accepts a path that leads to nothing."""
    return all(_holds(condition, known) for condition in conditions)


def _holds(condition: Condition, known: Known) -> bool:
    if condition.operator == "exists":
        return _exists(condition.value, known) is condition.operand
    value, operand = resolve(condition.value, known), resolve(condition.operand, known)
    match condition.operator:
        case "is":
            return same(value, operand)
        case "is_not":
            return not same(value, operand)
        case "in":
            return _contains(operand, value)
        case "not_in":
            return not _contains(operand, value)
        case "contains":
            return _contains(value, operand)
        case "greater_than":
            return _order(value, operand) > 0
        case "less_than":
            return _order(value, operand) < 0


def as_text(value: Any) -> str:
    """Return a value as it stands in a longer text.

    Null is "", a list of texts or numbers is `a, b`, and a mapping of them has a line `key: value` for each.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return ", ".join(map(as_text, value))
    if isinstance(value, dict) and not any(_is_deep(item) for item in value.values()):
        return "\n".join(f"{name}: {as_text(item)}" for name, item in value.items())
    return json.dumps(value, ensure_ascii=False)


def same(value: Any, other: Any) -> bool:
    """Compare two values. A text equals a number, true or false that is written the same way."""
    if isinstance(value, str) != isinstance(other, str):
        value, other = (_word(each) for each in (value, other))
    if isinstance(value, bool) != isinstance(other, bool):
        return False
    return bool(value == other)


def _row_value(value: Any, known: Known) -> Any:
    if isinstance(value, str):
        parts = _parts(value)
        if not any(isinstance(part, Reference) for part in parts):
            return value
        if any(isinstance(part, Braced) for part in parts):
            raise UnresolvedReference(f"{shortened(value)} mixes references and functions.", fix=MIXED)
        return Plain(resolve(value, known))
    if isinstance(value, dict):
        return {name: _row_value(item, known) for name, item in value.items()}
    return [_row_value(item, known) for item in value] if isinstance(value, list) else value


def _values(step: Step) -> Iterator[Any]:
    yield step.for_each
    for condition in step.conditions:
        yield from (condition.value, condition.operand)
    for call in filter(None, (step.call, step.undo)):
        yield from (value for _, value in call.rows)


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            yield from _texts(value.values() if isinstance(value, dict) else value)


def _names(text: str) -> list[str]:
    try:
        return [part.name for part in references.parse(text) if isinstance(part, Reference)]
    except ExpressionError:
        return []  # it fails when its step runs


MIXED: Final = "Use either: a text with references, or one with functions."


def _parts(text: str) -> tuple[str | Reference | Braced, ...]:
    try:
        return references.parse(text)
    except ExpressionError as error:
        raise UnresolvedReference(f"{shortened(text)} {error}.") from None


def _exists(value: Any, known: Known) -> bool:
    try:
        return resolve(value, known) not in (None, [])
    except _MissingPathError:
        return False


class _MissingPathError(UnresolvedReference):
    """A path leads to nothing."""


def _follow(reference: Reference, known: Known) -> Any:
    if reference.name not in known:
        raise _missing(reference, f"nothing is named {reference.name!r}", reference.name, known)
    return _inside(reference, known[reference.name], reference.path, 0)


def _inside(reference: Reference, value: Any, path: Path, depth: int) -> Any:
    """Follow a path from a depth on. What is inside of null is null."""
    for number, step in enumerate(path[depth:], start=depth):
        if value is None:
            return None
        place = references.shown(reference.name, path[:number])
        if step is EACH:
            if not isinstance(value, list):
                raise _missing(reference, f"{place} is {_kind(value)}, not a list")
            return [_inside(reference, item, path, number + 1) for item in value]
        found = _step(value, step)
        if found is _MISSING:
            message = _absent(value, step, place)
            raise _missing(reference, message, step, value if isinstance(value, dict) else ())
        value = found
    return value


def _step(value: Any, step: Any) -> Any:
    if isinstance(value, dict) and isinstance(step, str):
        return value.get(step, _MISSING)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return _MISSING


def _absent(value: Any, step: Any, place: str) -> str:
    """Say that a value has no such step."""
    if isinstance(value, dict):
        return f"{place} has no {step!r}" if isinstance(step, str) else f"{place} isn't a list"
    if isinstance(value, list) and isinstance(step, int):
        count = f"{len(value)} item(s)" if value else "nothing"
        return f"{place} contains {count}, so there is no [{step}]"
    if isinstance(value, list):
        return f"{place} is a list: write {place}[0].{step} or {place}[].{step}"
    return f"{place} is {_kind(value)}, which has nothing inside"


def _missing(
    reference: Reference, message: str, wanted: Any = "", existing: Iterable[Any] = ()
) -> _MissingPathError:
    names = [name for name in existing if isinstance(name, str)]
    near = get_close_matches(str(wanted), names, n=1)
    listed = ", ".join(shortened(name, 30) for name in islice(names, _SHOWN))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    fixes = [f"Did you mean {near[0]!r}?" if near else "", f"It has {listed}{more}." if names else ""]
    if reference.name == FLOWS and reference.path[:1] == (wanted,):
        fixes.insert(0, "Deploy that flow first.")
    return _MissingPathError(f"{reference} leads to nothing: {message}.", fix=" ".join(filter(None, fixes)))


def _contains(value: Any, wanted: Any) -> bool:
    if isinstance(value, str):
        return isinstance(wanted, str) and wanted in value
    if isinstance(value, list):
        return any(same(item, wanted) for item in value)
    return isinstance(value, dict) and isinstance(wanted, str) and wanted in value


def _order(value: Any, other: Any) -> int:
    """Compare two numbers or two times. Raises UnresolvedReference for anything else."""
    for read in (_number, timestamps.read_or_none):
        first, second = read(value), read(other)
        if first is not None and second is not None:
            return int(first > second) - int(first < second)  # type: ignore[operator]
    raise UnresolvedReference(
        f"Only two numbers or two times can be compared, not {_kind(value)} and {_kind(other)}.",
        fix="Check with `exists` first if the value may be missing.",
    )


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _word(value: Any) -> Any:
    """Return a number, true or false as text, others unchanged."""
    return json.dumps(value) if isinstance(value, int | float) else value


def _is_deep(value: Any) -> bool:
    is_list_of_values = isinstance(value, list) and not any(isinstance(item, list | dict) for item in value)
    return isinstance(value, list | dict) and not is_list_of_values


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    kinds = {bool: "true or false", str: "text", int: "a number", float: "a number", list: "a list"}
    return kinds.get(type(value), "a mapping")
