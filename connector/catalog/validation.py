"""Inputs and records against their schemas: a fast yes or no, and words for what is wrong.

jsonschema-rs says yes or no (a few microseconds a record); jsonschema is imported only to find the
words. No sentence repeats a value, since it may be a secret or a person's.
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
    "uri": "must be a full address (https://…)",
    "date-time": "must be a UTC time such as 2026-11-17T15:00:00Z",
    "date": "must be a day such as 2026-11-17",
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
    "uniqueItems": "holds the same item twice",
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}",
    "minLength": "must have at least {} character(s)",
    "maxLength": "must have at most {} characters",
    "minItems": "needs at least {} item(s)",
    "maxItems": "takes at most {} items",
}
_NO_INPUT = "is not an input of this action"
_MANY_WARNINGS = 20
_MOST_MISFITS = 100  # of one record
_LOGGER = logging.getLogger("calendly_connector.events.webhooks")
_ANY_ITEM = re.compile(r"\[[0-9]+\]")


def check_input(action: "Action", values: Mapping[str, Any], problems: list[Problem]) -> None:
    """Refuse inputs that do not fit, with `problems` found earlier; all of them at once."""
    validator = _validator(action, "input")
    problems = [*problems, *not_json(values)]
    if not problems and validator.is_valid(values):
        return
    already = {problem.path for problem in problems}
    readable = {key: value for key, value in values.items() if str(key) not in already}
    found = [
        problem
        for problem in explain(action.sent, readable)
        # What was refused is not in `values`, so that rules over several inputs may miss it.
        if problem.path not in already and (problem.path or not already)
    ]
    if everything := [*problems, *found]:
        fix = f"`calendly-connector describe {action.id}` shows what it takes."
        if values.keys() - action.inputs.keys():
            fix = f"It takes {', '.join(action.inputs)}. {fix}"
        raise InvalidParams(action.id, everything, fix=fix)


def not_json(values: Mapping[str, Any]) -> list[Problem]:
    """Find what cannot be sent: what JSON does not have, lone surrogates, and what is nested too deep."""
    if _is_json(values):
        return []
    wrong = [str(name) for name, value in values.items() if not _is_json({name: value})]
    return [Problem(name, "must be a value that JSON has, such as text or a number") for name in wrong]


def _is_json(values: Mapping[str, Any]) -> bool:
    import json

    try:
        json.dumps(values, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return json_documents.is_writable(values) and all(isinstance(name, str) for name in values)


class RecordCheck:
    """Compares records with their action's schema. Keeps them all; collects a warning per kind of misfit."""

    def __init__(self, action: "Action") -> None:
        self._action = action
        self._misfits: dict[str, int] = {}
        self._untold = 0

    def page(self, records: "list[Record]") -> None:
        """Compare one page of records."""
        if _validator(self._action, "page").is_valid(records):
            return
        one = _validator(self._action, "output")
        for record in records:
            if not one.is_valid(record):
                told = explain(self._action.output, record, most=_MOST_MISFITS)
                for key in dict.fromkeys(_ANY_ITEM.sub("[]", str(problem)) for problem in told):
                    if key in self._misfits or len(self._misfits) < _MANY_WARNINGS:
                        self._misfits[key] = self._misfits.get(key, 0) + 1
                    else:
                        self._untold += 1

    @property
    def warnings(self) -> tuple[str, ...]:
        """One sentence per kind of misfit, with the number of records."""
        told = [f"{what} [in {count} record(s), kept as they came]" for what, count in self._misfits.items()]
        if self._untold:
            told.append(f"{self._untold} more misfits of other kinds, not told one by one")
        return tuple(f"Outside the schema of {self._action.id}: {sentence}" for sentence in told)


def with_warnings(event: "Event", *, log: bool = True) -> "Event":
    """Compare an event's payload with the schema of its kind; return it with a warning per kind of misfit.

    Nothing is refused, and an unknown kind has no schema. `log` is for the first look at an event.
    """
    from .manifest import manifest

    trigger = manifest().triggers.get(event.kind)
    if trigger is None or _payload_validator(trigger).is_valid(event.payload):
        return event
    problems = (
        _ANY_ITEM.sub("[]", str(problem))
        for problem in explain(trigger.payload, event.payload, most=_MOST_MISFITS)
    )
    told = list(dict.fromkeys(problems))[:_MANY_WARNINGS]
    if log:
        _LOGGER.warning("outside its schema, kept as it came: %s: %s", event.id, "; ".join(told))
    warnings = (f"Outside the schema of {event.kind}: {what} [kept as it came]" for what in told)
    return replace(event, warnings=tuple(warnings))


def explain(schema: Mapping[str, Any], value: Any, *, most: int | None = None) -> list[Problem]:
    """Say in words how a value misses its schema, in `most` ways at most."""
    from jsonschema import Draft202012Validator, FormatChecker

    checker = FormatChecker(())
    for name in _FORMATS:
        checker.checks(name)(_format_test(name))
    errors = islice(Draft202012Validator(schema, format_checker=checker).iter_errors(value), most)
    found = (problem for error in errors for problem in _word(error))
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
    """Let both validators mean the same by a format."""
    import jsonschema_rs

    schema = {"type": "string", "format": name}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    return lambda value: not isinstance(value, str) or validator.is_valid(value)


def _word(error: "ValidationError") -> Iterator[Problem]:
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
            Problem(_join(path, b), f"is missing, and {a} needs it") for a, b in pairs if b not in value
        )
    elif keyword == "additionalProperties":
        known = schema["properties"]
        unknown = (name for name in value if name not in known)
        words = f"is not a field of {path}, which takes {', '.join(known)}" if path else _NO_INPUT
        yield from (Problem(_join(path, shortened(name)), words, _nearest(name, known)) for name in unknown)
    elif keyword in {"anyOf", "oneOf"}:
        yield Problem(path, _word_choice(wanted))
    else:
        nearest = _nearest(value, wanted) if keyword == "enum" and not schema.get("writeOnly") else None
        yield Problem(path, _word_value(keyword, wanted, schema), nearest)


def _word_value(keyword: str, wanted: Any, schema: Mapping[str, Any]) -> str:
    if keyword == "type":
        return "must be " + " or ".join(
            _TYPES[name] for name in ([wanted] if isinstance(wanted, str) else wanted)
        )
    if keyword == "format":
        return _FORMATS.get(wanted, f"must be of the form {wanted}")
    if "x-expected" in schema:
        return f"must be {schema['x-expected']}"
    choices = wanted if isinstance(wanted, list) else [wanted]
    words = (
        "null" if choice is None else str(choice).lower() if isinstance(choice, bool) else str(choice)
        for choice in choices
    )
    shown = ", ".join(dict.fromkeys(words))
    return _SENTENCES.get(keyword, f"does not fit the schema's {keyword} {{}}").format(shown)


def _word_choice(branches: list[Any]) -> str:
    needed: list[list[str]] = [branch.get("required", []) for branch in branches]
    if all(needed):
        return "give one of " + ", ".join(" + ".join(names) for names in needed)
    return f"fits none of the {len(branches)} forms it may have"


def _nearest(word: Any, choices: Iterable[Any]) -> str | None:
    if not isinstance(word, str):
        return None
    near = get_close_matches(word, [choice for choice in choices if isinstance(choice, str)], n=1, cutoff=0.5)
    return near[0] if near else None


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
