"""Answers questions about a JSON Schema: its properties, its types, the values that it allows. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_BRANCHES = ("allOf", "anyOf", "oneOf")
_CONDITIONAL = ("then", "else")


def variants(schema: Schema, root: Schema) -> Iterator[Schema]:
    """Yield a schema with its reference resolved, then the branches that it consists of."""
    while reference := schema.get("$ref"):
        target = root["$defs"][reference.removeprefix("#/$defs/")]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    yield schema
    for keyword in _BRANCHES:
        for branch in schema.get(keyword, ()):
            yield from variants(branch, root)
    for keyword in _CONDITIONAL:
        if keyword in schema:
            yield from variants(schema[keyword], root)


def properties(schema: Schema, root: Schema) -> dict[str, Schema]:
    """Return the schema of each property of an object; the first branch that has one wins."""
    found: dict[str, Schema] = {}
    for variant in variants(schema, root):
        for name, rule in variant.get("properties", {}).items():
            found.setdefault(name, rule)
    return found


def item(schema: Schema, root: Schema) -> Schema | None:
    """Return the schema of a list's items; None if it isn't a list's schema."""
    return next((variant["items"] for variant in variants(schema, root) if "items" in variant), None)


def at(path: str, schema: Schema, root: Schema) -> Schema | None:
    """Return the schema of the values at a path such as `a.b[].c`; None if there is none."""
    for part in path.split("."):
        rule = properties(schema, root).get(part.removesuffix("[]"))
        if rule is not None and part.endswith("[]"):
            rule = item(rule, root)
        if rule is None:
            return None
        schema = rule
    return schema


def allowed_values(schema: Schema, root: Schema) -> list[Any] | None:
    """Return the values that a schema lists, without null; None if it lists none."""
    resolved = next(variants(schema, root))
    if "enum" in resolved or "const" in resolved:
        listed = resolved.get("enum", [resolved.get("const")])
    else:
        branches = [branch for keyword in ("anyOf", "oneOf") for branch in resolved.get(keyword, ())]
        lists = [allowed_values(branch, root) for branch in branches if branch.get("type") != "null"]
        if not lists or None in lists:
            return None
        listed = [value for values in lists for value in values or ()]
    return [value for value in listed if value is not None]


def field_types(schema: Schema, root: Schema) -> set[str]:
    """Return the types of fields that values of a schema can have; none if it doesn't say.

    A text without a format may be of any kind: the connector may check it by itself.
    """
    found: set[str] = set()
    for variant in variants(schema, root):
        declared = variant.get("type", [])
        for name in [declared] if isinstance(declared, str) else declared:
            if name == "string":
                written = variant.get("format")
                found |= {written} if written in _FORMATS else {"text", "time-zone", *_FORMATS}
            elif name not in {"array", "null"}:
                found.add(name)
    return found | {"integer"} if "number" in found else found


_FORMATS = frozenset({"email", "uri", "date", "date-time"})
