"""From the inputs of a caller to the values that are sent: defaults added, names and functions resolved.

A call is checked completely before anything is fetched. In that check functions are replaced by example
values of the right form, and names by a placeholder URI.

See docs/decisions/params-and-filter.md.
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
from .blanks import accepts, is_blank, without_blanks, without_blanks_within
from .functions import Functions

Lookup = Callable[[str, Schema], str | None]
"""Returns the URI that a name in a field stands for; None leaves the name as written."""

_FIX_NAME: Final = "Pass a URI, an id, or a name exactly as it is listed there."
_PLACEHOLDER_UUID: Final = "00000000-0000-4000-8000-000000000000"


def _leave(_text: str, _field: Schema) -> None:
    return None


@dataclass(frozen=True, slots=True)
class CheckedInputs:
    """Inputs that passed every check that needs no network; functions and names are not resolved yet.

    `filter` contains the values that a flow's author wrote and the defaults; `params` are sent unchanged.
    """

    action: Action
    filter: Mapping[str, Any] = field(repr=False)
    params: Mapping[str, Any] = field(repr=False)  # may hold a secret


@dataclass(frozen=True, slots=True)
class Inputs:
    """Checks and resolves inputs for one connection. A bare id becomes a URI on the first of `origins`."""

    functions: Functions
    origins: tuple[str, ...]
    lookup: Lookup = _leave

    def check(
        self,
        name: str,
        params: Params | None = None,
        *,
        filter: Filter = (),  # noqa: A002 - the host platform's word for these rows
        limit: int | None = None,
    ) -> CheckedInputs:
        """Find the action and check its inputs. Raises InvalidParams with all problems, or UsageError."""
        plain = dict(params or {})
        rows = expressions.pairs(filter)
        action = manifest.find(name, frozenset([*plain, *(key.removesuffix("[]") for key, _ in rows)]))
        filled_in = {expressions.input_name(key, action.inputs) for key, value in rows if not is_blank(value)}
        if limit is not None and (limit < 1 or action.returns != "many"):
            raise UsageError(
                f"Invalid limit {limit} for {action.id}: only lists have a limit, and it must be at least 1."
            )
        plain = without_blanks(action, plain)
        written, problems = expressions.gather(rows, action.inputs, action.sent)
        written = {
            key: without_blanks_within(action, value, action.inputs.get(key, {}))
            for key, value in written.items()
        }
        for key in (written.keys() & action.inputs) - filled_in:
            if not accepts(action, action.inputs[key], written[key]):
                del written[key]
        passed_twice = sorted(plain.keys() & written)
        problems += [Problem(key, "is in both params and filter") for key in passed_twice]
        plain = {**self._parent_ids(action, {**plain, **written}), **plain}
        written |= _defaults(action, filled_in.union(plain, written), limit)
        self._check_values(action, plain, written, problems)
        return CheckedInputs(action, written, plain)

    def resolve(self, checked: CheckedInputs) -> Iterator[dict[str, Any]]:
        """Yield the values of each request that the call needs: one, or one per window of a long range."""
        action = checked.action
        evaluated = expressions.evaluate(checked.filter, self.functions.resolve)
        problems: list[Problem] = []
        values = self._with_uris(action, {**checked.params, **evaluated}, problems, self.lookup)
        for problem in problems:
            if evaluated.get(problem.path) != checked.filter.get(problem.path):  # a function's value
                raise UnexpectedAnswer(
                    f"The reply to users.me contains a value that can't be used ({problem}).",
                    fix="Try again. If it happens again, report it.",
                )
        if problems:
            raise InvalidParams(action.id, problems, fix=_FIX_NAME)
        values = _spelled(action, values)
        if action.window:
            if disorder := action.window.problem(values):
                raise InvalidParams(action.id, [disorder])
            yield from action.window.split(values)
        else:
            yield values

    def shown(self, checked: CheckedInputs) -> dict[str, Any]:
        """Return the inputs as written, with secrets masked."""
        action = checked.action
        values = self.masked(action, {**checked.params, **checked.filter})
        return _spelled(action, self._with_uris(action, values, [], _leave))

    def uri_of(self, value: object, field: Schema) -> str:
        """Return the URI of the resource that a field's value means. Raises ValueError with the reason."""
        if not isinstance(value, str):
            raise ValueError("must be text")  # noqa: TRY004 - as for all other values that aren't valid
        if value in field.get("x-literals", ()):
            return value
        if identifiers.is_name(value, field):
            value = self.lookup(value, field) or value
        return identifiers.resource_uri(value, paths_of(field), self.origins)

    @staticmethod
    def masked(action: Action, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values with secrets masked."""
        return {key: MASK if key in action.secrets else value for key, value in values.items()}

    def _check_values(
        self, action: Action, plain: Mapping[str, Any], written: Mapping[str, Any], problems: list[Problem]
    ) -> None:
        rejected = {problem.path for problem in problems}
        values, computed = dict(plain), dict[str, Any]()
        for key, value in written.items():
            if key in rejected:
                continue
            is_secret = action.inputs.get(key, {}).get("writeOnly", False)
            if wrong := list(self.functions.problems(key, value, is_secret=is_secret)):
                problems += wrong
                continue
            example = expressions.evaluate(value, self.functions.example)
            (values if example == value else computed)[key] = example
        values = self._with_uris(action, values, problems, self._placeholder)
        # The value of a function is never a name: it is a URI, or it doesn't fit.
        values |= self._with_uris(action, computed, problems, lambda text, _field: text)
        validation.check_input(action, values, problems)
        if action.window and (problem := action.window.problem(values)):
            times = [written.get(action.window.start), written.get(action.window.end)]
            if not self.functions.depends_on_user(times):  # their order is known when they are resolved
                raise InvalidParams(action.id, [problem])

    def _with_uris(
        self, action: Action, values: dict[str, Any], problems: list[Problem], lookup: Lookup
    ) -> dict[str, Any]:
        """Convert every value that names a resource, at any depth, to the form that Calendly expects."""

        def walk(value: Any, field: Schema, path: str) -> Any:
            field = json_schema.resolve(field, action.sent)
            if isinstance(value, list) and "items" in field:
                return [walk(item, field["items"], f"{path}[{index}]") for index, item in enumerate(value)]
            if isinstance(value, dict) and "properties" in field:
                fields = field["properties"]
                return {
                    name: walk(item, fields.get(name, {}), f"{path}.{name}".removeprefix("."))
                    for name, item in value.items()
                }
            if "x-resource" not in field or not isinstance(value, str):
                return value
            try:
                return self._uri_or_id(value, field, lookup)
            except ValueError as error:
                problems.append(Problem(path, str(error)))
                return value

        converted: dict[str, Any] = walk(values, action.sent, "")
        return converted

    def _uri_or_id(self, value: str, field: Schema, lookup: Lookup) -> str:
        if "~{" in value or value in field.get("x-literals", ()):
            return value
        if identifiers.is_name(value, field):
            found = lookup(value, field)
            if found is None:
                return value
            value = found
        # An input that is sent as a URI has that format; one that is sent as an id has a pattern.
        form = identifiers.resource_uri if field.get("format") == "uri" else identifiers.resource_id
        return form(value, paths_of(field), self.origins)

    def _parent_ids(self, action: Action, values: Mapping[str, Any]) -> dict[str, str]:
        """Return the other ids of the path if the last one was passed as a whole URI."""
        *others, last = action.path_ids or ("",)
        uri = values.get(last)
        if not others or not isinstance(uri, str) or "~{" in uri:
            return {}
        try:
            ids = identifiers.ids_within(uri, action.path, self.origins)
        except ValueError:
            return {}  # the check of the input itself rejects it, with a better message
        return {name: ids[name] for name in others if name in ids and name not in values}

    def _placeholder(self, _text: str, field: Schema) -> str:
        path = next(iter(paths_of(field).values()))
        return self.origins[0] + path.replace("{uuid}", _PLACEHOLDER_UUID)


def paths_of(field: Schema) -> dict[str, str]:
    """Return the kinds of resource that a field accepts, each with the path of its URIs."""
    kinds = field["x-resource"]
    paths: dict[str, str] = {}
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        get = manifest.lookup(f"{kind}.get")
        paths[kind] = get.path if get else f"/{kind}/{{uuid}}"
    return paths


def _spelled(action: Action, values: Mapping[str, Any]) -> dict[str, Any]:
    """Write a number as text if Calendly documents text there; callers may pass either."""
    spelled = dict(values)
    for key, value in values.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and action.inputs[key].get("x-sent-as") == "string":
            spelled[key] = f"{value:g}"
    return spelled


def _defaults(action: Action, passed: set[str], limit: int | None) -> dict[str, Any]:
    """Return the declared defaults of inputs that were not passed, and the largest useful page size."""
    defaults = dict(action.defaults)
    for key in action.defaults:
        if key in passed or action.alternatives(key) & passed:
            del defaults[key]
    if "page_token" in action.inputs and "count" not in passed:
        most: int = action.inputs["count"]["maximum"]
        defaults["count"] = min(most, limit or most)
    return defaults
