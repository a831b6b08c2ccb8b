"""Describes what is wrong with a value according to a JSON Schema (2020-12), in words for people.

Messages never contain values, which may be secret or personal. jsonschema is imported only when it is needed.
"""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from ..errors import Problem
from ..support.redaction import shortened

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_FORMATS = {
    "uri": "must be a URL (https://…)",
    "date-time": "must be a time such as 2026-11-17T15:00:00Z",
    "date": "must be a date such as 2026-11-17",
    "email": "must be an email address",
}
_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_SENTENCES = {
    "enum": "must be one of {}",
    "const": "must be {}",
    "uniqueItems": "has duplicate items",
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}",
    "minLength": "must have at least {} character(s)",
    "maxLength": "must have at most {} characters",
    "minItems": "needs at least {} item(s)",
    "maxItems": "accepts at most {} items",
    "minProperties": "needs at least {} field(s)",
    "maxProperties": "accepts at most {} fields",
}
_NO_INPUT = "is not an input of this action"


def explain(
    schema: Mapping[str, Any], value: Any, *, limit: int | None = None, unknown: str = _NO_INPUT
) -> list[Problem]:
    """Return what is wrong with a value according to a schema; of the findings at most `limit`.

    `unknown` is the message for an unknown name in the outermost object.
    """
    from jsonschema import Draft202012Validator, FormatChecker

    checker = FormatChecker(())
    for name in _FORMATS:
        checker.checks(name)(_format_test(name))
    errors = islice(Draft202012Validator(schema, format_checker=checker).iter_errors(value), limit)
    found = (problem for error in errors for problem in _problems(error, unknown))
    return list(dict.fromkeys(found))


def _format_test(name: str) -> Any:
    """Return a test for jsonschema that agrees with jsonschema-rs."""
    import jsonschema_rs

    schema = {"type": "string", "format": name}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    return lambda value: not isinstance(value, str) or validator.is_valid(value)


def _problems(error: "ValidationError", unknown: str) -> Iterator[Problem]:
    path = _path(error)
    keyword, wanted, value = (
        str(error.validator),
        cast("Any", error.validator_value),
        cast("Any", error.instance),
    )
    schema = cast("Mapping[str, Any]", error.schema)
    if "propertyNames" in error.relative_schema_path:
        path = _join(path, shortened(value))
    if keyword == "required":
        yield from (Problem(_join(path, name), "is missing") for name in wanted if name not in value)
    elif keyword == "dependentRequired":
        pairs = ((name, other) for name in wanted if name in value for other in wanted[name])
        yield from (
            Problem(_join(path, b), f"is required together with {a}") for a, b in pairs if b not in value
        )
    elif keyword == "additionalProperties":
        known = schema["properties"]
        words = f"is not a field of {path}; its fields are {', '.join(known)}" if path else unknown
        others = (name for name in value if name not in known)
        yield from (Problem(_join(path, shortened(name)), words, _nearest(name, known)) for name in others)
    elif keyword in {"anyOf", "oneOf"}:
        yield from _branch_problems(error, unknown) or [Problem(path, _branches_message(error))]
    else:
        nearest = _nearest(value, wanted) if keyword == "enum" and not schema.get("writeOnly") else None
        yield Problem(path, _message(keyword, wanted, schema), nearest)


def _message(keyword: str, wanted: Any, schema: Mapping[str, Any]) -> str:
    if keyword == "type":
        return "must be " + " or ".join(
            _TYPES[name] for name in ([wanted] if isinstance(wanted, str) else wanted)
        )
    if keyword == "format":
        return _FORMATS.get(wanted, f"must have the format {wanted}")
    if "x-expected" in schema:
        return f"must be {schema['x-expected']}"
    choices = wanted if isinstance(wanted, list) else [wanted]
    words = (
        "null" if choice is None else str(choice).lower() if isinstance(choice, bool) else str(choice)
        for choice in choices
    )
    shown = ", ".join(dict.fromkeys(words))
    return _SENTENCES.get(keyword, f"doesn't match the schema's {keyword} {{}}").format(shown)


def _branch_problems(error: "ValidationError", unknown: str) -> list[Problem]:
    """Return what is wrong by the branch that a value is meant for, judged by its type or by a constant.

    If that is unclear, return what all branches say, and [] if they agree on nothing.
    """
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.relative_schema_path[0], []).append(inner)
    fitting = [found for found in branches.values() if not any(map(_excludes, found))]
    constants = [inner for found in branches.values() for inner in found if _is_constant(inner)]
    if constants and len(constants) == len(branches):
        choices = [inner.validator_value for inner in constants]
        return [
            Problem(
                _path(constants[0]), _message("enum", choices, {}), _nearest(constants[0].instance, choices)
            )
        ]
    explained = [
        [problem for inner in found for problem in _problems(inner, unknown)]
        for found in (fitting or branches.values())
    ]
    return (
        [problem for problem in explained[0] if all(problem in each for each in explained)]
        if explained
        else []
    )


def _excludes(error: "ValidationError") -> bool:
    """Check whether an error says that a value isn't meant for a branch."""
    return (error.validator == "type" and not error.relative_path) or _is_constant(error)


def _is_constant(error: "ValidationError") -> bool:
    return error.validator == "const" and len(error.relative_path) == 1


def _path(error: "ValidationError") -> str:
    steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path]
    return "".join(steps).removeprefix(".")


def _branches_message(error: "ValidationError") -> str:
    branches = cast("list[Any]", error.validator_value)
    needed: list[list[str]] = [branch.get("required", []) for branch in branches]
    if all(needed):
        start = "requires one of " if error.context else "accepts only one of "
        return start + ", ".join(" + ".join(names) for names in needed)
    return f"matches none of the {len(branches)} allowed forms"


def _nearest(word: Any, choices: Iterable[Any]) -> str | None:
    if not isinstance(word, str):
        return None
    near = get_close_matches(word, [choice for choice in choices if isinstance(choice, str)], n=1, cutoff=0.5)
    return near[0] if near else None


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
