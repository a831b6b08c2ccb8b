"""Dotted paths into records and schemas."""

import pytest
from calendly_connector.catalog import json_schema, paths
from calendly_connector.catalog.manifest import catalog

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "place": {"anyOf": [{"$ref": "#/$defs/place"}, {"type": "null"}]},
        "people": {"type": "array", "items": {"properties": {"mail": {"type": "string", "format": "email"}}}},
        "data": {"type": "object"},
    },
    "$defs": {
        "place": {
            "oneOf": [
                {"properties": {"kind": {"const": "a"}, "url": {"type": "string"}}},
                {"properties": {"kind": {"const": "b"}, "deep": {"properties": {"er": {"type": "null"}}}}},
            ]
        }
    },
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("name", ["Ada"]),
        ("people.mail", ["a@b.example", None]),
        ("tags", ["x", "y"]),
        ("place", [{"kind": "a"}]),
        ("place.kind", ["a"]),
        ("place.kind.more", []),
        ("missing.at.all", []),
        ("null.below", []),
    ],
)
def test_values_at_a_path(path, expected):
    record = {
        "name": "Ada",
        "people": [{"mail": "a@b.example"}, {"mail": None}, {}, 5],
        "tags": ["x", "y"],
        "place": {"kind": "a"},
        "null": None,
    }
    assert list(paths.values(record, path)) == expected


def test_rules_are_those_of_every_alternative():
    assert paths.rules(SCHEMA, "place.kind") == [{"const": "a"}, {"const": "b"}]
    assert paths.rules(SCHEMA, "people.mail") == [{"type": "string", "format": "email"}]
    assert paths.rules(SCHEMA, "place.deep.er") == [{"type": "null"}]
    assert paths.rules(SCHEMA, "place.other") == []
    assert paths.rules(SCHEMA, "") == []


def test_properties_replace_objects_by_what_is_in_them():
    assert list(paths.properties(SCHEMA)) == [
        "name",
        "place.kind",
        "place.url",
        "place.deep.er",
        "people",
        "data",
    ]


@pytest.mark.parametrize("name", list(catalog()))
def test_every_property_of_every_action_has_a_rule(name):
    output = catalog()[name].output
    found = paths.properties(output)
    assert all(paths.rules(output, path) for path in found)
    tops = {path.partition(".")[0] for path in found}
    assert set(json_schema.resolve(output, output).get("properties", {})) <= tops or not found
