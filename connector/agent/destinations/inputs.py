"""Checks the inputs of an action: `params` are sent unchanged, `filter` holds the rows of a flow's author."""

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ...catalog import explanations, expressions, validation
from ...contract import Filter, Params
from ...errors import InvalidParams, Problem
from .declarations import DeclaredAction

if TYPE_CHECKING:
    import jsonschema_rs


def checked(action: DeclaredAction, params: Params, rows: Filter) -> dict[str, Any]:
    """Return the inputs of a call. Raises InvalidParams with all problems, or UsageError."""
    schemas = action.input["properties"]
    written, problems = expressions.gather(rows, schemas, action.input)
    for name, value in written.items():
        # A destination has no functions: a text that contains one is a mistake, not a value.
        calls = expressions.calls(value)
        problems += [Problem(name, f"has an unknown function ~{{{call.name}}}~") for call in calls]
    problems += [Problem(name, "is in both params and filter") for name in sorted(params.keys() & written)]
    if problems:
        raise InvalidParams(action.id, problems, fix=_fix(action))
    values = {**params, **expressions.evaluate(written, str)}  # no functions are left, but ~~{ is
    inputs = {name: value for name, value in values.items() if not _is_missing(value, schemas.get(name))}
    problems = validation.not_json(inputs)
    if not problems and not _validator(action).is_valid(inputs):
        problems = explanations.explain(action.input, inputs)
    if problems:
        raise InvalidParams(action.id, problems, fix=_fix(action))
    return {**_defaults(schemas), **inputs}


@lru_cache(maxsize=64)
def _validator(action: DeclaredAction) -> "jsonschema_rs.Validator":
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(dict(action.input), validate_formats=True)


def _is_missing(value: Any, schema: Mapping[str, Any] | None) -> bool:
    """Check whether a value is null or an empty text that its schema doesn't accept."""
    if value not in (None, "") or schema is None:
        return False
    import jsonschema_rs

    return not jsonschema_rs.Draft202012Validator(dict(schema)).is_valid(value)


def _defaults(schemas: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: schema["default"] for name, schema in schemas.items() if "default" in schema}


def _fix(action: DeclaredAction) -> str:
    return f"Its inputs are {', '.join(action.input['properties'])}."
