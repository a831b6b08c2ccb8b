"""The fields of a form, and the values that a record offers to later steps, from their JSON Schemas. Pure.

Titles, groups, placeholders and labels are declared in `schemas/`; docs/architecture.md lists the keywords.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any, Final, cast

from ..contract import Field, FieldType, Option, OutputField
from . import json_schema, paths
from .fixed_choices import fixed_choices
from .json_schema import Schema

_FORMATS: Final = frozenset({"email", "uri", "date", "date-time"})
_TYPES: Final[Mapping[frozenset[str], FieldType]] = {
    frozenset({"integer"}): "integer",
    frozenset({"number"}): "number",
    frozenset({"integer", "number"}): "number",
    frozenset({"boolean"}): "boolean",
    frozenset({"object"}): "object",
}
_STRUCTURE: Final = frozenset({"$ref", "$defs", "allOf", "anyOf", "oneOf", "properties", "required", "items"})

_Place = tuple[Any, frozenset[str]]
"""A schema, and the shapes that it is in: a shape that contains itself ends there."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """A schema with its reference and alternatives merged into it."""

    keywords: Schema
    properties: Mapping[str, _Place]
    required: frozenset[str]
    items: _Place | None

    @property
    def types(self) -> frozenset[str]:
        return json_schema.types(self.keywords) - {"null"}

    @property
    def is_list(self) -> bool:
        return self.types == {"array"} or (not self.types and self.items is not None)


def form_fields(schema: Schema, *, defaults: Mapping[str, Any] | None = None) -> tuple[Field, ...]:
    """Return the properties of a self-contained schema as fields, in their order, without secrets.

    `defaults` are values by name that take precedence over the schema's.
    """
    return tuple(_fields(_merged((schema, frozenset()), schema), schema, "", defaults or {}))


def output_fields(schema: Schema, example: Any = None) -> tuple[OutputField, ...]:
    """Return the values in a record: those of its objects and lists, down to texts, numbers and the like.

    An object whose fields aren't declared, or that is inside itself, is one value.
    """
    return tuple(_outputs(_merged((schema, frozenset()), schema), schema, "", example))


def _fields(rule: _Rule, root: Schema, before: str, defaults: Mapping[str, Any]) -> Iterator[Field]:
    for name, place in rule.properties.items():
        field = _merged(place, root)
        if field.keywords.get("writeOnly"):
            continue
        one = _merged(field.items, root) if field.is_list and field.items else field
        said = {**one.keywords, **field.keywords}
        path = f"{before}{name}"
        inner = f"{path}[]." if field.is_list else f"{path}."
        yield Field(
            path=path,
            title=field.keywords.get("title", ""),
            type=_type(one),
            description=field.keywords.get("description", ""),
            required=name in rule.required,
            group=said.get("x-group", "main"),
            placeholder=said.get("x-placeholder", ""),
            default=defaults.get(name, field.keywords.get("default")),
            # A resource's pattern is that of its id; the field also accepts a URI or a name.
            pattern="" if "x-resource" in said else said.get("pattern", ""),
            expected=said.get("x-expected", ""),
            choices=_choices(one, said),
            has_options="x-options" in said,
            depends_on=tuple(said.get("x-depends-on", ())),
            multiline=said.get("x-multiline", False),
            is_list=field.is_list,
            fields=tuple(_fields(one, root, inner, {})),
        )


def _outputs(rule: _Rule, root: Schema, before: str, example: Any) -> Iterator[OutputField]:
    for name, place in rule.properties.items():
        path, value = f"{before}{name}", _merged(place, root)
        title = value.keywords.get("title", "")
        while value.is_list:
            path, value = f"{path}[]", _merged(value.items or ({}, frozenset()), root)
        if not value.properties or value.types - {"object"}:
            examples = paths.values(example, path.replace("[]", ""))
            yield OutputField(
                path, title, _type(value), next((one for one in examples if one is not None), None)
            )
        yield from _outputs(value, root, f"{path}.", example)


def _type(rule: _Rule) -> FieldType:
    """Return the type of a value; text if it can have several."""
    declared = rule.keywords.get("x-type")
    if declared:
        return cast("FieldType", declared)
    types = rule.types
    if types == {"string"}:
        # A field for a resource accepts more than its URI: an id, and usually a name.
        kind = "" if "x-resource" in rule.keywords else rule.keywords.get("format", "")
        return cast("FieldType", kind) if kind in _FORMATS else "text"
    return "object" if not types and rule.properties else _TYPES.get(types, "text")


def _choices(rule: _Rule, said: Schema) -> tuple[Option, ...]:
    """Return all valid values; none if they depend on other fields, since then the connection lists them."""
    return () if "x-options" in said or rule.types == {"boolean"} else fixed_choices(said)


def _merged(place: _Place, root: Schema) -> _Rule:
    """Merge what a schema refers to and combines into it; its own keywords take precedence.

    Rules that apply under a condition add nothing.
    """
    schema, within = place
    if not isinstance(schema, Mapping):  # true and false are schemas, too
        schema = {}
    parts = []
    if reference := schema.get("$ref"):
        target = root["$defs"][reference.removeprefix("#/$defs/")]
        if reference in within:
            target = {"type": target.get("type", "object")}
        parts.append(_merged((target, within | {reference}), root))
    parts += [_merged((branch, within), root) for branch in _branches(schema, "allOf")]
    for keyword in ("anyOf", "oneOf"):
        choices = [_merged((branch, within), root) for branch in _branches(schema, keyword)]
        parts += [_either(choices)] if choices else []
    own = _Rule(
        {keyword: value for keyword, value in schema.items() if keyword not in _STRUCTURE},
        {name: (rule, within) for name, rule in schema.get("properties", {}).items()},
        frozenset(schema.get("required", ())),
        (schema["items"], within) if "items" in schema else None,
    )
    return reduce(_both, [*parts, own])


def _branches(schema: Schema, keyword: str) -> Iterator[Schema]:
    """Yield the branches of allOf, anyOf or oneOf, except conditions and null."""
    for branch in schema.get(keyword, ()):
        if isinstance(branch, Mapping) and "if" not in branch and branch.get("type") != "null":
            yield branch


def _both(one: _Rule, other: _Rule) -> _Rule:
    """Combine two rules that both apply; the second takes precedence."""
    return _Rule(
        {**one.keywords, **other.keywords},
        {**one.properties, **other.properties},
        one.required | other.required,
        other.items or one.items,
    )


def _either(choices: Sequence[_Rule]) -> _Rule:
    """Combine rules of which one applies: what all of them say, and the properties of each."""
    first, *others = choices
    same = {
        keyword: value
        for keyword, value in first.keywords.items()
        if all(keyword in other.keywords and other.keywords[keyword] == value for other in others)
    }
    types = reduce(or_, (choice.types for choice in choices))
    properties: dict[str, _Place] = {}
    for choice in choices:
        properties |= {name: at for name, at in choice.properties.items() if name not in properties}
    return _Rule(
        {**same, "type": sorted(types)} if types else same,
        properties,
        reduce(and_, (choice.required for choice in choices)),
        first.items,
    )
