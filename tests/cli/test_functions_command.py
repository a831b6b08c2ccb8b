"""`calendly-connector functions`: a table that fits, and JSON."""

import json

import pytest
from calendly_connector.catalog.manifest import manifest
from terminal import caller


@pytest.fixture
def call(capsys, monkeypatch):
    return caller(capsys, monkeypatch)


@pytest.mark.parametrize("columns", [80, 100])
def test_the_tables_fit_the_terminal(columns, call, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, err = call("functions")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= columns


def test_every_function_is_listed_with_its_example(call):
    out = call("functions")[1]
    for name, function in manifest().functions.items():
        assert f"\n{name}" in out
        assert f"\n{function.example} " in out
        assert function.example_value in out


def test_the_json_has_what_an_editor_needs(call):
    found = {each["name"]: each for each in json.loads(call("functions", "--json")[1])}
    assert list(found) == list(manifest().functions)
    assert found["StartOfWeek"] == {
        "name": "StartOfWeek",
        "description": "The start of this week, which begins on Monday or on another weekday.",
        "type": "date-time",
        "arguments": ["time zone", "weekday"],
        "takes_offset": True,
        "secret": False,
        "example": "~{StartOfWeek(Sunday)}~",
        "example_value": "2026-11-14T23:00:00Z",
    }
    assert found["GetSigningKey"]["secret"]
