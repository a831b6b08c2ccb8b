"""Dotted paths into records and their schemas. A list on the way contributes each of its items. Pure."""

from collections.abc import Iterator
from typing import Any

from .json_schema import Schema, resolve


def values(record: Any, path: str) -> Iterator[Any]:
    """Yield the values at a path of a record; a path that ends at a list yields each of its items."""
    if isinstance(record, list):
        for item in record:
            yield from values(item, path)
    elif not path:
        yield record
    elif isinstance(record, dict):
        step, _, rest = path.partition(".")
        if step in record:
            yield from values(record[step], rest)


def rules(schema: Schema, path: str) -> list[Schema]:
    """Return the schemas of the values at a path, one for each alternative; empty if it isn't declared."""
    found = list(_alternatives(schema, schema))
    for step in path.split("."):
        declared = [rule["properties"][step] for rule in found if step in rule.get("properties", {})]
        found = [rule for each in declared for rule in _alternatives(each, schema)]
    return found


def properties(schema: Schema) -> dict[str, list[Schema]]:
    """Return the paths of a record's properties, and those of objects within, each with its schemas.

    Objects are replaced by their properties; lists and free-form objects are properties themselves.
    """
    return dict(_properties(list(_alternatives(schema, schema)), schema, ""))


def _properties(found: list[Schema], root: Schema, before: str) -> Iterator[tuple[str, list[Schema]]]:
    names = dict.fromkeys(name for rule in found for name in rule.get("properties", ()))
    for name in names:
        declared = [rule["properties"][name] for rule in found if name in rule.get("properties", {})]
        inner = [rule for each in declared for rule in _alternatives(each, root, lists=False)]
        nested = dict(_properties(inner, root, f"{before}{name}."))
        if nested:
            yield from nested.items()
        else:
            yield f"{before}{name}", inner


def _alternatives(rule: Schema, root: Schema, *, lists: bool = True) -> Iterator[Schema]:
    rule = resolve(rule, root)
    choices = rule.get("anyOf") or rule.get("oneOf")
    if choices and "properties" not in rule:
        for choice in choices:
            yield from _alternatives(choice, root, lists=lists)
    elif lists and "items" in rule:
        yield from _alternatives(rule["items"], root)
    else:
        yield rule
