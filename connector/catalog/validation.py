"""Validates inputs, records and events against their schemas, and describes what is wrong.

jsonschema-rs decides (a few microseconds per record); jsonschema is imported only to describe problems.
Messages never contain values, which may be secret or personal.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from ..errors import InvalidParams, Problem
from ..support import json_documents
from ..support.redaction import shortened

if TYPE_CHECKING:
    import jsonschema_rs
    from jsonschema.exceptions import ValidationError

    from ..contract import Event, Record
    from .models import Action, TriggerSpec

_FORMATS = {
    "uri": "must be a URL (https://…)",
    "date-time": "must be a time such as 2026-11-17T15:00:00Z",
    "date": "must be a date such as 2026-11-17",
    "email": "must be an e-mail address",
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
}
_NO_INPUT = "is not an input of this action"
_MAX_WARNINGS = 20
_MAX_PROBLEMS = 100  # per record
_LOGGER = logging.getLogger("calendly_connector.events.webhooks")
_INDEX = re.compile(r"\[[0-9]+\]")


def check_input(action: "Action", values: Mapping[str, Any], problems: list[Problem]) -> None:
    """Raise InvalidParams with all problems of the inputs, including the `problems` found earlier."""
    validator = _validator(action, "input")
    problems = [*problems, *not_json(values)]
    if not problems and validator.is_valid(values):
        return
    known = {problem.path for problem in problems}
    readable = {key: value for key, value in values.items() if str(key) not in known}
    found = [
        problem
        for problem in explain(action.sent, readable)
        # Rules about several inputs may fail only because an invalid one is left out.
        if problem.path not in known and (problem.path or not known)
    ]
    if everything := [*problems, *found]:
        fix = f"Run `calendly-connector describe {action.id}` for its inputs."
        if values.keys() - action.inputs.keys():
            fix = f"Its inputs are {', '.join(action.inputs)}. {fix}"
        raise InvalidParams(action.id, everything, fix=fix)


def not_json(values: Mapping[str, Any]) -> list[Problem]:
    """Return problems for values that can't be sent: not JSON, lone surrogates, or nested too deeply."""
    if _is_json(values):
        return []
    wrong = [str(name) for name, value in values.items() if not _is_json({name: value})]
    return [Problem(name, "must be a JSON value, such as text or a number") for name in wrong]


def _is_json(values: Mapping[str, Any]) -> bool:
    import json

    try:
        json.dumps(values, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return json_documents.is_writable(values)  # in contrast to `json`, it rejects keys that aren't text


class RecordCheck:
    """Compares records with their action's schema, and collects a warning per kind of mismatch."""

    def __init__(self, action: "Action", *, max_problems: int = _MAX_PROBLEMS) -> None:
        self._action = action
        self._max_problems = max_problems
        self._mismatches: dict[str, int] = {}
        self._more = 0

    def page(self, records: "list[Record]") -> None:
        """Compare one page of records."""
        if _validator(self._action, "page").is_valid(records):
            return
        one = _validator(self._action, "output")
        for record in records:
            if not one.is_valid(record):
                problems = explain(self._action.output, record, limit=self._max_problems)
                for key in dict.fromkeys(_INDEX.sub("[]", str(problem)) for problem in problems):
                    if key in self._mismatches or len(self._mismatches) < _MAX_WARNINGS:
                        self._mismatches[key] = self._mismatches.get(key, 0) + 1
                    else:
                        self._more += 1

    @property
    def warnings(self) -> tuple[str, ...]:
        """One sentence per kind of mismatch, with the number of records."""
        start = f"Doesn't match the schema of {self._action.id}:"
        found = [
            f"{start} {what} [{count} record(s), kept unchanged]" for what, count in self._mismatches.items()
        ]
        if self._more:
            found.append(f"{start} {self._more} more mismatches of other kinds")
        return tuple(found)


def with_warnings(event: "Event", *, log: bool = True) -> "Event":
    """Return an event with a warning per kind of mismatch between its payload and schema.

    Nothing is rejected, and unknown kinds have no schema. `log` also logs the mismatches.
    """
    from .manifest import manifest

    trigger = manifest().triggers.get(event.kind)
    if trigger is None or _payload_validator(trigger).is_valid(event.payload):
        return event
    problems = (
        _INDEX.sub("[]", str(problem))
        for problem in explain(trigger.payload, event.payload, limit=_MAX_PROBLEMS)
    )
    found = list(dict.fromkeys(problems))[:_MAX_WARNINGS]
    if log:
        _LOGGER.warning(
            "payload doesn't match its schema, kept unchanged: %s: %s", event.id, "; ".join(found)
        )
    warnings = (f"Doesn't match the schema of {event.kind}: {what} [kept unchanged]" for what in found)
    return replace(event, warnings=tuple(warnings))


def explain(schema: Mapping[str, Any], value: Any, *, limit: int | None = None) -> list[Problem]:
    """Return what is wrong with a value according to a schema; of the findings at most `limit`."""
    from jsonschema import Draft202012Validator, FormatChecker

    checker = FormatChecker(())
    for name in _FORMATS:
        checker.checks(name)(_format_test(name))
    errors = islice(Draft202012Validator(schema, format_checker=checker).iter_errors(value), limit)
    found = (problem for error in errors for problem in _problems(error))
    return list(dict.fromkeys(found))


@lru_cache(maxsize=256)
def _validator(action: "Action", part: str) -> "jsonschema_rs.Validator":
    import jsonschema_rs

    if part == "input":
        return jsonschema_rs.Draft202012Validator(dict(action.sent), validate_formats=True)
    output = dict(action.output)
    if part == "page":
        output = {"type": "array", "items": output, "$defs": output.pop("$defs", {})}
    return jsonschema_rs.Draft202012Validator(output, validate_formats=False)


@lru_cache(maxsize=64)
def _payload_validator(trigger: "TriggerSpec") -> "jsonschema_rs.Validator":
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(dict(trigger.payload), validate_formats=False)


def _format_test(name: str) -> Any:
    """Return a test for jsonschema that agrees with jsonschema-rs."""
    import jsonschema_rs

    schema = {"type": "string", "format": name}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    return lambda value: not isinstance(value, str) or validator.is_valid(value)


def _problems(error: "ValidationError") -> Iterator[Problem]:
    steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path]
    path = "".join(steps).removeprefix(".")
    keyword, wanted, value = (
        str(error.validator),
        cast("Any", error.validator_value),
        cast("Any", error.instance),
    )
    schema = cast("Mapping[str, Any]", error.schema)
    if keyword == "required":
        yield from (Problem(_join(path, name), "is missing") for name in wanted if name not in value)
    elif keyword == "dependentRequired":
        pairs = ((name, other) for name in wanted if name in value for other in wanted[name])
        yield from (
            Problem(_join(path, b), f"is required together with {a}") for a, b in pairs if b not in value
        )
    elif keyword == "additionalProperties":
        known = schema["properties"]
        unknown = (name for name in value if name not in known)
        words = f"is not a field of {path}; its fields are {', '.join(known)}" if path else _NO_INPUT
        yield from (Problem(_join(path, shortened(name)), words, _nearest(name, known)) for name in unknown)
    elif keyword in {"anyOf", "oneOf"}:
        yield Problem(path, _branches_message(wanted))
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


def _branches_message(branches: list[Any]) -> str:
    needed: list[list[str]] = [branch.get("required", []) for branch in branches]
    if all(needed):
        return "requires one of " + ", ".join(" + ".join(names) for names in needed)
    return f"matches none of the {len(branches)} allowed forms"


def _nearest(word: Any, choices: Iterable[Any]) -> str | None:
    if not isinstance(word, str):
        return None
    near = get_close_matches(word, [choice for choice in choices if isinstance(choice, str)], n=1, cutoff=0.5)
    return near[0] if near else None


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
