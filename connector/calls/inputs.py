"""From what a caller gives to what is sent: rows read, defaults added, names and functions resolved.

A call is checked whole before anything is fetched: functions stand in for themselves with examples of the
right form, names with a made-up URI.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..catalog import expressions, identifiers, json_schema, manifest, validation
from ..catalog.json_schema import Schema
from ..catalog.models import Action
from ..contract import Filter, Params
from ..errors import InvalidParams, Problem, UnexpectedAnswer, UsageError
from ..support.redaction import MASK
from .blanks import is_blank, takes, without_blanks
from .functions import Functions
from .pick_lists import Choices, is_name

Lookup = Callable[[str, Schema], str | None]

_NAME_RIGHT: Final = "Pass a URI, an id, or a name as it is spelled there."
_NOBODY: Final = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call that passed every check that needs no network; functions and names are still to be resolved."""

    action: Action
    written: Mapping[str, Any] = field(repr=False)
    plain: Mapping[str, Any] = field(repr=False)  # may hold a secret


class Inputs:
    """Prepares calls for one connection. The first of `origins` is the one that bare ids become URIs on."""

    def __init__(self, functions: Functions, choices: Choices, origins: tuple[str, ...]) -> None:
        self._functions = functions
        self._choices = choices
        self._origins = origins

    def prepare(self, name: str, params: Params | None, rows: Filter, limit: int | None) -> Prepared:
        """Find the action and check the call; raise all that is wrong with it at once."""
        plain = dict(params or {})
        rows = expressions.pairs(rows)
        named = frozenset(plain) | {key.removesuffix("[]") for key, _ in rows}
        action = manifest.find(name, named)
        if limit is not None and (limit < 1 or action.returns != "many"):
            raise UsageError(f"limit is how many records of a list to give, from 1; {action.id} got {limit}.")
        plain = without_blanks(action, plain)
        written, problems = expressions.gather(rows, action.input_types)
        filled_in = frozenset(key.removesuffix("[]") for key, value in rows if not is_blank(value))
        written = _without_blank_rows(action, written, filled_in)
        named = filled_in | written.keys()
        twice = sorted(plain.keys() & written)
        problems += [Problem(key, "was given twice, in params and in filter") for key in twice]
        plain = {**self._ids_within(action, {**plain, **written}), **plain}
        written |= _defaults(action, frozenset(plain) | named, limit)
        problems += self._functions.problems(written, {problem.path for problem in problems}, action.secrets)
        refused = {problem.path for problem in problems}
        readable = {key: value for key, value in written.items() if key not in refused}
        evaluated = expressions.evaluate(readable, self._functions.example)
        computed = {key: value for key, value in evaluated.items() if value != readable[key]}
        sketch = plain | {key: value for key, value in evaluated.items() if key not in computed}
        sketch = self._identified(action, sketch, problems, self._made_up)
        sketch |= self._identified(action, computed, problems, _no_name)
        validation.check_input(action, sketch, problems)
        if action.window and (problem := action.window.problem(sketch)):
            raise InvalidParams(action.id, [problem])
        return Prepared(action, written, plain)

    def resolve(self, prepared: Prepared) -> Iterator[dict[str, Any]]:
        """Give the inputs of each request that the call needs: one, or one per window of a long range."""
        evaluated = expressions.evaluate(prepared.written, self._functions.resolve)
        problems: list[Problem] = []
        values = self._identified(prepared.action, prepared.plain | evaluated, problems, self._choices.find)
        for problem in problems:
            if evaluated.get(problem.path) != prepared.written.get(
                problem.path
            ):  # a function's value, not theirs
                raise UnexpectedAnswer(
                    f"The reply to users.me holds something that cannot be used ({problem}).",
                    fix="Try again; if it happens again, report it.",
                )
        if problems:
            raise InvalidParams(prepared.action.id, problems, fix=_NAME_RIGHT)
        values = _spelled(prepared.action, values)
        if prepared.action.window:
            yield from prepared.action.window.split(values)
        else:
            yield values

    def shown(self, prepared: Prepared) -> dict[str, Any]:
        """Give the inputs as they were written, secrets masked."""
        action = prepared.action
        shown = {
            key: MASK if action.inputs[key].get("writeOnly") else value
            for key, value in {**prepared.plain, **prepared.written}.items()
        }
        return _spelled(action, self._identified(action, shown, [], lambda _text, _field: None))

    def _identified(
        self, action: Action, values: Mapping[str, Any], problems: list[Problem], lookup: Lookup
    ) -> dict[str, Any]:
        """Bring whatever names a resource into the form that Calendly wants, however deep it stands."""

        def walk(value: Any, field: Schema, path: str) -> Any:
            field = json_schema.resolve(field, action.sent)
            if isinstance(value, list):
                items = field.get("items", {})
                return [walk(item, items, f"{path}[{number}]") for number, item in enumerate(value)]
            if isinstance(value, dict):
                fields = field.get("properties", {})
                return {
                    name: walk(item, fields.get(name, {}), f"{path}.{name}") for name, item in value.items()
                }
            if "x-resource" not in field or not isinstance(value, str):
                return value
            try:
                return self._one(value, field, lookup)
            except ValueError as error:
                problems.append(Problem(path, str(error)))
                return value

        return {
            key: walk(value, action.inputs[key], key) if key in action.resource_inputs else value
            for key, value in values.items()
        }

    def _one(self, value: str, field: Schema, lookup: Lookup) -> str:
        if "~{" in value or value in field.get("x-literals", ()):
            return value
        if is_name(value, field):
            found = lookup(value, field)
            if found is None:
                return value
            value = found
        # What is sent as an address says so by its format; what is sent as a bare id has a pattern.
        form = identifiers.resource_uri if field.get("format") == "uri" else identifiers.resource_id
        return form(value, _forms(field), self._origins)

    def _ids_within(self, action: Action, values: Mapping[str, Any]) -> dict[str, str]:
        """Give the other ids of a path whose last id was given as a whole URI."""
        *others, last = action.path_ids or ("",)
        uri = values.get(last)
        if not others or not isinstance(uri, str) or "~{" in uri:
            return {}
        try:
            ids = identifiers.ids_within(uri, action.path, self._origins)
        except ValueError:
            return {}  # refused with its own words when the input itself is looked at
        return {name: ids[name] for name in others if name in ids and name not in values}

    def _made_up(self, _text: str, field: Schema) -> str:
        return self._origins[0] + next(iter(_forms(field).values())).replace("{uuid}", _NOBODY)


def _without_blank_rows(
    action: Action, written: Mapping[str, Any], filled_in: frozenset[str]
) -> dict[str, Any]:
    """Leave out rows without a value. Where the input takes an empty one, the row gives it."""
    return {
        name: value
        for name, value in written.items()
        if name in filled_in or name not in action.inputs or takes(action, action.inputs[name], value)
    }


def _no_name(text: str, _field: Schema) -> str:
    """Take what a function gives for no name: it is an address, or nothing that names a resource."""
    return text


def _spelled(action: Action, values: Mapping[str, Any]) -> dict[str, Any]:
    """Write a number as the text that Calendly documents, where callers may give either."""
    return {
        key: f"{value:g}" if action.inputs[key].get("x-sent-as") == "string" and _is_number(value) else value
        for key, value in values.items()
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _forms(field: Schema) -> dict[str, str]:
    """Give the kinds of resource that fit a field, with the path of their URIs: that of reading one."""
    kinds = field["x-resource"]
    catalog = manifest.catalog()
    return {
        kind: catalog[f"{kind}.get"].path if f"{kind}.get" in catalog else f"/{kind}/{{uuid}}"
        for kind in ([kinds] if isinstance(kinds, str) else kinds)
    }


def _defaults(action: Action, given: frozenset[str], limit: int | None) -> dict[str, Any]:
    """Give the declared values of what was not given, and the largest useful page."""
    defaults = {
        key: value
        for key, value in action.defaults.items()
        if key not in given and not action.alternatives(key) & given
    }
    if "page_token" in action.inputs and "count" not in given:
        most: int = action.inputs["count"]["maximum"]
        defaults["count"] = min(most, limit or most)
    return defaults
