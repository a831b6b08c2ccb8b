"""Reads the JSON Schema files, makes schemas self-contained, answers questions about them."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

Schema = Mapping[str, Any]

_PACKAGE = (__package__ or "calendly_connector.catalog").partition(".")[0]


@cache
def read(name: str) -> Any:
    """Return the content of a file in `schemas/`."""
    import json

    return json.loads(files(f"{_PACKAGE}.schemas").joinpath(name).read_bytes())


def bundle(schema: Schema) -> Schema:
    """Return a self-contained schema.

    Shapes that it references become `#/$defs/<shape>`. Fields with a pick list, named by `x-pick-list` or
    else by their resource, get it as `x-options` (see `pick_lists.PickList`). A list that needs other fields
    is only for those that depend on them.
    """
    definitions: dict[str, Any] = {}

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, dict):
            return node
        whole = {name: walk(item) for name, item in node.items()}
        reference, chosen_from = node.get("$ref"), node.get("x-pick-list", node.get("x-resource"))
        if isinstance(reference, str):
            name = reference.removeprefix("shapes/").removesuffix(".json")
            if name not in definitions:
                definitions[name] = {}  # set first, so a shape can reference itself
                shape = dict(read(f"shapes/{name}.json"))
                shape.pop("$schema", None)
                definitions[name] = walk(shape)
            whole["$ref"] = f"#/$defs/{name}"
        source = read("pick_lists.json").get(chosen_from) if isinstance(chosen_from, str) else None
        if source and ("needs" not in source or "x-depends-on" in node):
            whole["x-options"] = source
        return whole

    whole: dict[str, Any] = walk(schema)
    return {**whole, "$defs": definitions} if definitions else whole


def resolve(schema: Schema, root: Schema) -> Schema:
    """Replace a schema's reference into `root` by its target; the schema's own keywords take precedence."""
    while "$ref" in schema:
        target = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def contains(schema: Any, keyword: str, root: Schema) -> bool:
    """Return whether a schema contains a keyword at any depth, references included."""
    pending, seen = [schema], set[str]()
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending += node
        elif isinstance(node, dict):
            if keyword in node:
                return True
            pending += node.values()
            name = str(node.get("$ref", "")).removeprefix("#/$defs/")
            if name and name not in seen:
                seen.add(name)
                pending.append(root["$defs"][name])
    return False


def types(schema: Schema) -> frozenset[str]:
    """Return the JSON types that a schema accepts."""
    declared = schema.get("type", [])
    return frozenset([declared] if isinstance(declared, str) else declared)
