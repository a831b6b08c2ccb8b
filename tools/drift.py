"""Compare an OpenAPI file of Calendly with the declarations in `actions/` and `schemas/`.

Both sides are flattened to facts, field by field: `GET /users/{} output email` has a type, a format, an
enum, limits. Intentional differences are listed in `leniency.yaml`, each with its reason.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import click
from calendly_connector.catalog.manifest import catalog
from calendly_connector.catalog.models import Action
from calendly_connector.cli.terminal import printable

import openapi
from openapi import OpenApiError, follow, unnamed

Facts = dict[str, dict[str, Any]]
"""Facts about each field of each operation: `where` → facet → value."""

LENIENCIES: Final = Path(__file__).parent / "leniency.yaml"

_LIMITS: Final = (
    "format",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
)
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
            return f"{self.where}: {self.facet} {_shown(self.ours)} isn't in the file"
        if self.ours is None:
            return f"{self.where}: {self.facet} {_shown(self.theirs)} isn't declared"
        return (
            f"{self.where}: {self.facet} is {_shown(self.theirs)} in the file, {_shown(self.ours)} declared"
        )


@dataclass(frozen=True, slots=True)
class Leniency:
    """An intentional difference: a place (`*` matches any text), a facet, and the reason."""

    where: str
    facet: str
    reason: str

    def covers(self, difference: Difference) -> bool:
        """Check whether a difference is this one."""
        pattern = re.escape(self.where).replace(r"\*", ".*")
        return self.facet == difference.facet and re.fullmatch(pattern, difference.where) is not None


def compare(
    spec: Mapping[str, Any], catalog: Iterable[Action], leniencies: Sequence[Leniency] = ()
) -> tuple[list[Difference], list[Leniency]]:
    """Return the differences that no leniency covers, and the leniencies that cover nothing.

    Raises OpenApiError if a part of the file isn't OpenAPI.
    """
    try:
        theirs = _of_spec(spec)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        # Any part of the file may have another type than OpenAPI allows there.
        raise OpenApiError(
            "The file has paths, but isn't OpenAPI: a part has the wrong type or refers to itself. "
            "Download it again from https://developer.calendly.com."
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
            continue  # the whole operation is reported
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
        where = f"{action.method} {unnamed(action.path)}"
        facts[where] = {"scopes": sorted(action.scopes)}
        inputs = flattened(action.sent, action.sent)
        ids = set(action.path_ids)
        facts.update({f"{where} input {path}": about for path, about in inputs.items() if path not in ids})
        if action.returns != "none":
            outputs = flattened(action.output, action.output)
            facts.update({f"{where} output {path}": about for path, about in outputs.items()})
    return facts


def _of_spec(spec: Mapping[str, Any]) -> Facts:
    facts: Facts = {}
    for operation in openapi.operations(spec):
        facts[operation.line] = {"scopes": sorted(operation.entry.get("x-required-scopes", []))}
        for name, about in _spec_inputs(spec, operation).items():
            facts[f"{operation.line} input {name}"] = about
        _, envelope = openapi.reply(operation, spec)
        for name, about in flattened(openapi.record(envelope), spec).items():
            facts[f"{operation.line} output {name}"] = about
    return facts


def _spec_inputs(spec: Mapping[str, Any], operation: openapi.Operation) -> Facts:
    inputs: Facts = {}
    for parameter in openapi.parameters(operation, spec, "query"):
        schema = {"properties": {parameter["name"]: parameter.get("schema", {})}}
        required = {"required": [parameter["name"]]} if parameter.get("required") else {}
        inputs.update(flattened({**schema, **required}, spec))
    inputs.update(flattened(openapi.body(operation, spec), spec))
    return inputs


def flattened(schema: Mapping[str, Any], root: Mapping[str, Any], at: str = "", depth: int = 0) -> Facts:
    """Return the facts about each property below a schema, by path: `a.b[].c`."""
    facts: Facts = {}
    if depth > _DEEPEST:
        return facts
    for branch in _branches(schema, root):
        for name, property_ in branch.get("properties", {}).items():
            path = f"{at}.{name}" if at else name
            about = _facts(property_, root)
            if name in branch.get("required", []):
                about["required"] = True
            facts[path] = _joined(facts[path], about) if path in facts else about
            for inner, more in flattened(property_, root, path, depth + 1).items():
                facts[inner] = _joined(facts[inner], more) if inner in facts else more
        if "items" in branch:
            facts.update(flattened(branch["items"], root, f"{at}[]", depth + 1))
    return facts


def _facts(schema: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts about one property, its alternatives combined."""
    about: dict[str, Any] = {}
    for branch in _branches(schema, root):
        item = {name: branch[name] for name in _LIMITS if name in branch}
        declared = branch.get("type", [])
        item["type"] = sorted([declared] if isinstance(declared, str) else declared)
        values = branch.get("enum", [branch["const"]] if "const" in branch else None)
        if values is not None:
            item["type"] = item["type"] or sorted({_TYPE_OF.get(type(value), "") for value in values})
            item["enum"] = sorted({str(value) for value in values if value is not None})
        if "items" in branch:
            item |= {f"item {name}": value for name, value in _facts(branch["items"], root).items()}
        about = _joined(about, item) if about else item
    return {name: value for name, value in about.items() if value not in ([], None)}


def _joined(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Combine the facts of two alternatives: lists are merged, other facts come from either."""
    joined = {**other, **one}
    for name in one.keys() & other.keys():
        if isinstance(one[name], list) and isinstance(other[name], list):
            joined[name] = sorted({*one[name], *other[name]})
    return joined


def _branches(
    schema: Mapping[str, Any], root: Mapping[str, Any], within: frozenset[str] = frozenset()
) -> list[Mapping[str, Any]]:
    """Return a schema and its alternatives; a schema that only has conditions has none."""
    reference = schema.get("$ref")
    if reference in within:
        raise ValueError(f"{reference} is an alternative of itself.")
    within = within | {reference} if reference else within
    schema = follow(schema, root)
    choices = [*schema.get("oneOf", []), *schema.get("anyOf", []), *schema.get("allOf", [])]
    inner = [branch for choice in choices if "if" not in choice for branch in _branches(choice, root, within)]
    own = {name: value for name, value in schema.items() if name not in {"oneOf", "anyOf", "allOf"}}
    return [own, *inner] if own else inner


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@click.command()
@click.argument("spec")
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
def main(spec: str, *, as_json: bool) -> None:
    """Compare SPEC, the path or https address of an OpenAPI file of Calendly, with the declarations."""
    leniencies = [Leniency(**entry) for entry in openapi.parse(LENIENCIES.read_bytes())]
    try:
        operations = [action for action in catalog().values() if action.request]
        differences, unused = compare(openapi.load(spec), operations, leniencies)
    except OpenApiError as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        report = {
            "differences": [asdict(one) for one in differences],
            "unused": [asdict(one) for one in unused],
        }
        click.echo(json.dumps(report, indent=2))
    else:
        for one in differences:
            click.echo(printable(str(one)))
        for entry in unused:
            click.echo(f"unused leniency: {entry.where}: {entry.facet}")
        click.echo(f"{len(differences)} difference(s), {len(leniencies) - len(unused)} leniencies used")
    sys.exit(1 if differences or unused else 0)


if __name__ == "__main__":
    main()
