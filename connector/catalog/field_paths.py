"""Paths of the fields in a schema of inputs or filters, such as `questions_and_answers[].answer`. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .json_schema import Schema, resolve

_STEP: Final = re.compile(r"(?P<name>[^\[\].]+)(?P<item>\[(?P<index>\d{0,6})\])?(?:\.|$)")


@dataclass(frozen=True, slots=True)
class FoundField:
    """A field of a schema. `indexes` are the positions in lists that the path names, by the list's path.

    `key` is the last part of the path if it is a key of a free-form object.
    """

    rule: Schema
    indexes: Mapping[str, int] = field(default_factory=dict)
    key: str = ""


def find(root: Schema, path: str) -> FoundField | None:
    """Return the field at a path, None if the schema has none. A list may be named with or without `[]`."""
    rule, indexes, seen, at = root, dict[str, int](), "", 0
    while at < len(path):
        step = _STEP.match(path, at)
        properties = rule.get("properties", {})
        if step is None or step["name"] not in properties:
            free = rule.get("additionalProperties")
            return FoundField(resolve(free, root), indexes, path[at:]) if isinstance(free, Mapping) else None
        rule = resolve(properties[step["name"]], root)
        seen = f"{seen}.{step['name']}".removeprefix(".")
        if step["item"]:
            if "items" not in rule:
                return None
            rule, seen = resolve(rule["items"], root), f"{seen}[]"
            if step["index"]:
                indexes[seen] = int(step["index"])
        at = step.end()
    return FoundField(rule, indexes) if path and not path.endswith(".") else None


def paths(root: Schema) -> Iterator[str]:
    """Yield the paths of all fields, those of an object after the object itself."""
    yield from _paths(root, root, "")


def _paths(rule: Schema, root: Schema, before: str) -> Iterator[str]:
    for name, declared in rule.get("properties", {}).items():
        inner, path = resolve(declared, root), f"{before}{name}"
        yield path
        items = resolve(inner.get("items", {}), root)
        yield from (
            _paths(items, root, f"{path}[].") if "properties" in items else _paths(inner, root, f"{path}.")
        )


def value_at(values: Mapping[str, Any], path: str, indexes: Mapping[str, int]) -> Any:
    """Return the value of a field, None if it has none.

    `values` are nested as they are sent, or have paths as keys. Of a list, the item in `indexes` counts, or
    its only one.
    """
    if path in values:
        return values[path]
    value: Any = values
    seen = ""
    for step in path.split("."):
        seen = f"{seen}.{step}".removeprefix(".")
        value = value.get(step.removesuffix("[]")) if isinstance(value, Mapping) else None
        if step.endswith("[]"):
            items = value if isinstance(value, list) else []
            index = indexes.get(seen, 0 if len(items) == 1 else len(items))
            value = items[index] if index < len(items) else None
    return value
