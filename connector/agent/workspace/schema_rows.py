"""A JSON Schema as rows of a table, for people. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_DEEPEST: Final = 6
_SHOWN_CHOICES: Final = 12


@dataclass(frozen=True, slots=True)
class SchemaRow:
    """A value of a schema: its dotted path, its type and what it means."""

    path: str
    title: str
    type: str
    required: bool
    description: str


def schema_rows(schema: Mapping[str, Any]) -> list[SchemaRow]:
    """Return the values of an object's schema, in its order. Parts that aren't written out are left out."""
    return list(_rows(_resolved(schema, schema), "", schema, 0))


def _rows(schema: Mapping[str, Any], prefix: str, root: Mapping[str, Any], depth: int) -> Iterator[SchemaRow]:
    if depth > _DEEPEST:
        return
    required = schema.get("required", ())
    properties = schema.get("properties", {})
    for name, raw in properties.items() if isinstance(properties, Mapping) else ():
        part = _resolved(raw, root)
        path = f"{prefix}{name}"
        yield SchemaRow(
            path, str(part.get("title", "")), _type(part, root), name in required, _description(part)
        )
        inside = _resolved(part.get("items", {}), root) if "items" in part else part
        yield from _rows(inside, f"{path}[]." if "items" in part else f"{path}.", root, depth + 1)


def _resolved(part: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a part of a schema, without its reference into the schema and without the null in `anyOf`."""
    for _ in range(_DEEPEST):
        if not isinstance(part, Mapping):
            return {}
        reference = part.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/"):
            found: Any = root
            for step in reference[2:].split("/"):
                found = found.get(step, {}) if isinstance(found, Mapping) else {}
            part = {**found, **{key: value for key, value in part.items() if key != "$ref"}}
            continue
        options = [
            one for one in part.get("anyOf", ()) if isinstance(one, Mapping) and one.get("type") != "null"
        ]
        if len(options) != 1:
            return part
        part = {**options[0], **{key: value for key, value in part.items() if key != "anyOf"}}
    return {}


def _type(part: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    kind = part.get("x-type") or part.get("format") or part.get("type", "any")
    kinds = kind if isinstance(kind, (list, tuple)) else [kind]
    text = " or ".join(str(one) for one in kinds if one != "null")
    if text == "array":
        return f"list of {_type(_resolved(part.get('items', {}), root), root)}"
    return text


def _description(part: Mapping[str, Any]) -> str:
    text = str(part.get("description", ""))
    choices = [str(one) for one in part.get("enum", ()) if one is not None]
    if choices:
        more = ", …" if len(choices) > _SHOWN_CHOICES else ""
        text = f"{text} One of: {', '.join(choices[:_SHOWN_CHOICES])}{more}.".strip()
    if part.get("default") is not None:
        text = f"{text} Default: {part['default']}.".strip()
    return text
