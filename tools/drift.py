"""What differs between an OpenAPI file of Calendly and our declarations. Pure.

Both sides are flattened to facts, field by field: `GET /users/{} output email` has a type, a format, an
enum, limits. Where our side is wider on purpose, `leniency.yaml` says so and why.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .declarations import Action
from .errors import UsageError

Facts = dict[str, dict[str, Any]]
"""Facts of each field of each operation: `where` → facet → value."""

_LIMITS: Final = (
    "format",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
)
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_TYPE_OF: Final = {str: "string", bool: "boolean"}
_DEEPEST: Final = 8


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: `theirs` is in the file, `ours` is declared; `facet` is field, type, enum and so on."""

    where: str
    facet: str
    theirs: Any
    ours: Any

    def __str__(self) -> str:
        if self.theirs is None:
            return f"{self.where}: {self.facet} {_shown(self.ours)} is not in the file"
        if self.ours is None:
            return f"{self.where}: {self.facet} {_shown(self.theirs)} is not declared"
        return (
            f"{self.where}: {self.facet} is {_shown(self.theirs)} in the file, {_shown(self.ours)} declared"
        )


@dataclass(frozen=True, slots=True)
class Leniency:
    """A reviewed difference: a place (`*` stands for any text), a facet, and the reason."""

    where: str
    facet: str
    reason: str

    def covers(self, difference: Difference) -> bool:
        """Whether a difference is meant."""
        pattern = re.escape(self.where).replace(r"\*", ".*")
        return self.facet == difference.facet and re.fullmatch(pattern, difference.where) is not None


def compare(
    spec: Mapping[str, Any], catalog: Iterable[Action], leniencies: Sequence[Leniency] = ()
) -> tuple[list[Difference], list[Leniency]]:
    """Return the differences that no leniency covers, and the leniencies that cover nothing.

    Raises UsageError for a file that is not OpenAPI.
    """
    try:
        theirs = _of_spec(spec)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        # Any part of the file may be of another kind than OpenAPI has there.
        raise UsageError(
            "The file has paths, but is not OpenAPI: a part is of the wrong type, or refers to itself.",
            fix="Download it again from https://developer.calendly.com.",
        ) from None
    ours = _of_catalog(catalog)
    found = list(_differences(theirs, ours))
    unused = [entry for entry in leniencies if not any(map(entry.covers, found))]
    return [one for one in found if not any(entry.covers(one) for entry in leniencies)], unused


def _differences(theirs: Facts, ours: Facts) -> Iterator[Difference]:
    for where in sorted(theirs.keys() | ours.keys()):
        parents = where.split(" ")
        known = [" ".join(parents[:end]) for end in range(2, len(parents))]
        if any((parent in theirs) != (parent in ours) for parent in known):
            continue  # the whole operation is told of already
        if where not in ours or where not in theirs:
            kind = "operation" if len(parents) == 2 else "field"  # noqa: PLR2004 - method and path
            there = where in theirs
            yield Difference(where, kind, where if there else None, None if there else where)
            continue
        for facet in sorted(theirs[where].keys() | ours[where].keys()):
            one, other = theirs[where].get(facet), ours[where].get(facet)
            if one != other:
                yield Difference(where, facet, one, other)


def _of_catalog(catalog: Iterable[Action]) -> Facts:
    facts: Facts = {}
    for action in catalog:
        where = f"{action.method} {_normal(action.path)}"
        facts[where] = {"scopes": sorted(action.scopes)}
        inputs = _flat(action.sent, action.sent)
        ids = set(action.path_ids)
        facts.update({f"{where} input {path}": told for path, told in inputs.items() if path not in ids})
        if action.returns != "none":
            facts.update(
                {f"{where} output {path}": told for path, told in _flat(action.output, action.output).items()}
            )
    return facts


def _of_spec(spec: Mapping[str, Any]) -> Facts:
    facts: Facts = {}
    for path, methods in spec.get("paths", {}).items():
        if path.startswith("/oauth/"):
            continue  # another host
        for method, operation in methods.items():
            if method not in _METHODS:
                continue
            where = f"{method.upper()} {_normal(path)}"
            facts[where] = {"scopes": sorted(operation.get("x-required-scopes", []))}
            for name, told in _spec_inputs(spec, methods, operation).items():
                facts[f"{where} input {name}"] = told
            for name, told in _spec_outputs(spec, operation).items():
                facts[f"{where} output {name}"] = told
    return facts


def _spec_inputs(spec: Mapping[str, Any], methods: Mapping[str, Any], operation: Mapping[str, Any]) -> Any:
    inputs: dict[str, dict[str, Any]] = {}
    for reference in (*methods.get("parameters", []), *operation.get("parameters", [])):
        parameter = _follow(reference, spec)
        if parameter.get("in") != "query":
            continue
        schema = {"properties": {parameter["name"]: parameter.get("schema", {})}}
        required = {"required": [parameter["name"]]} if parameter.get("required") else {}
        inputs.update(_flat({**schema, **required}, spec))
    body = _follow(operation.get("requestBody", {}), spec)
    inputs.update(_flat(_json_schema(body), spec))
    return inputs


def _spec_outputs(spec: Mapping[str, Any], operation: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    for status, reference in operation.get("responses", {}).items():
        if not str(status).startswith("2"):
            continue
        schema = _follow(_json_schema(_follow(reference, spec)), spec)
        properties = schema.get("properties", {})
        if "collection" in properties:
            schema = properties["collection"].get("items", {})
        return _flat(properties.get("resource", schema), spec)
    return {}


def _json_schema(content: Mapping[str, Any]) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = content.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _flat(schema: Mapping[str, Any], root: Mapping[str, Any], at: str = "", depth: int = 0) -> Facts:
    """Give the facts of each property below a schema, as `a.b[].c`."""
    facts: Facts = {}
    if depth > _DEEPEST:
        return facts
    for branch in _branches(schema, root):
        for name, property_ in branch.get("properties", {}).items():
            path = f"{at}.{name}" if at else name
            told = _told(property_, root)
            if name in branch.get("required", []):
                told["required"] = True
            facts[path] = _joined(facts[path], told) if path in facts else told
            for inner, more in _flat(property_, root, path, depth + 1).items():
                facts[inner] = _joined(facts[inner], more) if inner in facts else more
        if "items" in branch:
            facts.update(_flat(branch["items"], root, f"{at}[]", depth + 1))
    return facts


def _told(schema: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    """Give the facts of one property, its alternatives joined."""
    told: dict[str, Any] = {}
    for branch in _branches(schema, root):
        item = {name: branch[name] for name in _LIMITS if name in branch}
        declared = branch.get("type", [])
        item["type"] = sorted([declared] if isinstance(declared, str) else declared)
        values = branch.get("enum", [branch["const"]] if "const" in branch else None)
        if values is not None:
            item["type"] = item["type"] or sorted({_TYPE_OF.get(type(value), "") for value in values})
            item["enum"] = sorted({str(value) for value in values if value is not None})
        if "items" in branch:
            item |= {f"item {name}": value for name, value in _told(branch["items"], root).items()}
        told = _joined(told, item) if told else item
    return {name: value for name, value in told.items() if value not in ([], None)}


def _joined(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Give what holds for either of two alternatives: lists together, other facts from whichever has them."""
    joined = {**other, **one}
    for name in one.keys() & other.keys():
        if isinstance(one[name], list) and isinstance(other[name], list):
            joined[name] = sorted({*one[name], *other[name]})
    return joined


def _branches(
    schema: Mapping[str, Any], root: Mapping[str, Any], within: frozenset[str] = frozenset()
) -> list[Mapping[str, Any]]:
    """Give a schema and every alternative it offers; a schema of conditions alone offers none."""
    reference = schema.get("$ref")
    if reference in within:
        raise ValueError(f"{reference} is an alternative of itself.")
    within = within | {reference} if reference else within
    schema = _follow(schema, root)
    choices = [*schema.get("oneOf", []), *schema.get("anyOf", []), *schema.get("allOf", [])]
    inner = [branch for choice in choices if "if" not in choice for branch in _branches(choice, root, within)]
    own = {name: value for name, value in schema.items() if name not in {"oneOf", "anyOf", "allOf"}}
    return [own, *inner] if own else inner


def _follow(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    seen: set[str] = set()
    while isinstance(schema.get("$ref"), str) and schema["$ref"] not in seen:
        seen.add(schema["$ref"])
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target.get(step, {}) if isinstance(target, dict) else {}
        schema = {**target, **{name: value for name, value in schema.items() if name != "$ref"}}
    return schema


def _normal(path: str) -> str:
    return "/".join("{}" if step.startswith("{") else step for step in path.split("/"))


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
