"""References in a flow's rows, conditions and lists: `~{event.payload.email}~` is looked up in what is known.

A value that is one reference keeps its type; within a longer text it becomes text. Functions, whose names
have no dot, stay as they are: the connection evaluates them.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ...errors import UsageError
from ..flows.model import Condition, Row, Step

Known = Mapping[str, Any]

_REFERENCE: Final = re.compile(r"~\{([A-Za-z_][\w-]*[.\[][^{}]*|item)\}~")
_PART: Final = re.compile(r"\.?([\w-]+)|\[(\d+)\]|\[\"([^\"]*)\"\]")


def rows(step: Step, known: Known) -> list[Row]:
    """Return the rows of a step's action filter, with their references replaced."""
    return [(key, _resolved(value, known)) for key, value in step.call.rows]


def items(for_each: str, known: Known) -> list[Any]:
    """Return the list that a step runs for. Raises UsageError if the reference isn't to a list."""
    found = _resolved(for_each, known)
    if not isinstance(found, list):
        raise UsageError(f"{for_each} isn't a list.", fix="Refer to a list, such as ~{meetings.records}~.")
    return found


def holds(conditions: Sequence[Condition], known: Known) -> bool:
    """Return whether all conditions hold."""
    return all(_holds(one, known) for one in conditions)


def _holds(condition: Condition, known: Known) -> bool:
    value, operand = _resolved(condition.value, known), _resolved(condition.operand, known)
    match condition.operator:
        case "is":
            return bool(value == operand)
        case "is_not":
            return bool(value != operand)
        case "in":
            return bool(value in operand)
        case "contains":
            return value is not None and bool(operand in value)
        case "exists":
            return (value is not None) == bool(operand)
        case "greater_than":
            return value is not None and bool(value > operand)
        case "less_than":
            return value is not None and bool(value < operand)


def _resolved(value: Any, known: Known) -> Any:
    if isinstance(value, list):
        return [_resolved(one, known) for one in value]
    if not isinstance(value, str):
        return value
    if whole := _REFERENCE.fullmatch(value):
        return _at(whole[1], known)
    return _REFERENCE.sub(lambda found: _text(_at(found[1], known)), value)


def _at(path: str, known: Known) -> Any:
    value: Any = known
    for name, index, key in _PART.findall(path):
        if index:
            value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else None
        else:
            value = value.get(name or key) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
