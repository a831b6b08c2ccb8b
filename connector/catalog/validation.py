"""Validates inputs, records and events against their schemas.

jsonschema-rs decides (a few microseconds per record); what is wrong is described by `explanations`.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..errors import InvalidParams, Problem
from ..support import json_documents
from .explanations import explain

if TYPE_CHECKING:
    import jsonschema_rs

    from ..contract import Event, Record
    from .models import Action, TriggerSpec

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
