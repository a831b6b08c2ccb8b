"""Drift: the differences between an OpenAPI file of Calendly and the catalog."""

import copy
import json

import pytest
from calendly_connector.catalog.manifest import catalog
from click.testing import CliRunner

import drift
import openapi
from drift import Difference, Leniency
from openapi import REFERENCE


def call(*arguments):
    """Run `tools/drift.py`; return its exit code, output and errors."""
    result = CliRunner().invoke(drift.main, arguments, catch_exceptions=False)
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def reference():
    return openapi.load(str(REFERENCE))


def _compare(spec, leniencies=()):
    return drift.compare(spec, catalog().values(), leniencies)[0]


@pytest.fixture(scope="module")
def known(reference):
    return {(one.where, one.facet) for one in _compare(reference)}


def _new(spec, known):
    return [one for one in _compare(spec) if (one.where, one.facet) not in known]


def test_only_the_reviewed_leniencies_differ():
    code, out, _ = call(str(REFERENCE))
    assert (code, out.splitlines()[-1].partition(",")[0]) == (0, "0 difference(s)"), out


def _operation(spec, path, method="get"):
    return spec["paths"][path][method]


@pytest.mark.parametrize(
    ("change", "differences"),
    [
        (
            lambda spec: spec["paths"].update({"/moods": {"get": {"responses": {}}}}),
            [Difference("GET /moods", "operation", "GET /moods", None)],
        ),
        (
            lambda spec: spec["paths"].pop("/users/me"),
            [Difference("GET /users/me", "operation", None, "GET /users/me")],
        ),
        (
            lambda spec: _operation(spec, "/scheduled_events")["parameters"].append(
                {"name": "updated_since", "in": "query", "schema": {"type": "string", "format": "date-time"}}
            ),
            [
                Difference(
                    "GET /scheduled_events input updated_since",
                    "field",
                    "GET /scheduled_events input updated_since",
                    None,
                )
            ],
        ),
        (
            lambda spec: spec["components"]["schemas"]["CreateSchedulingLinkRequest"]["required"].remove(
                "owner"
            ),
            [Difference("POST /scheduling_links input owner", "required", None, True)],
        ),
        (
            lambda spec: _operation(spec, "/users/me").update({"x-required-scopes": ["users:write"]}),
            [Difference("GET /users/me", "scopes", ["users:write"], ["users:read"])],
        ),
        (
            lambda spec: spec["components"]["schemas"]["Note"]["properties"].pop("body"),
            [
                Difference(f"{call} output body", "field", None, f"{call} output body")
                for call in ("GET /notes", "GET /notes/{}", "POST /notes")
            ],
        ),
    ],
)
def test_each_kind_of_change_is_reported(reference, known, change, differences):
    spec = copy.deepcopy(reference)
    change(spec)
    assert _new(spec, known) == differences


def test_a_new_enum_value_is_reported_with_its_place(reference, known):
    spec = copy.deepcopy(reference)
    spec["components"]["schemas"]["WebhookEventType"]["enum"].append("invitee.moved")
    places = {one.where for one in _new(spec, known)}
    assert "POST /webhook_subscriptions input events" in places
    assert "GET /webhook_subscriptions output events" in places


def test_a_leniency_covers_only_its_place():
    entry = Leniency("GET /x output items[].*", "type", "why")
    assert entry.covers(Difference("GET /x output items[].amount", "type", ["string"], ["number"]))
    assert not entry.covers(Difference("GET /x output items[].amount", "format", "a", "b"))
    assert not entry.covers(Difference("GET /x output itemss.amount", "type", ["string"], ["number"]))


def test_an_unused_leniency_is_reported(reference):
    unused = Leniency("GET /nowhere *", "type", "why")
    assert drift.compare(reference, catalog().values(), [unused])[1] == [unused]


def test_every_leniency_has_a_reason():
    entries = openapi.parse(drift.LENIENCIES.read_bytes())
    assert entries
    assert all(len(entry["reason"]) > 10 for entry in entries)
    assert len({(entry["where"], entry["facet"]) for entry in entries}) == len(entries)


def assert_rejected(source, message):
    code, out, err = call(str(source))
    assert (code, out) == (2, "")
    assert message in err


def test_the_report_is_json_with_its_option(tmp_path, reference):
    spec = copy.deepcopy(reference)
    del spec["paths"]["/teams"]
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec))
    code, out, _ = call(str(path), "--json")
    assert code == 1
    assert [one["where"] for one in json.loads(out)["differences"]] == ["GET /teams"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("missing.yaml", None),
        ("words.yaml", "just words"),
        ("broken.yaml", "a: [1"),
        ("list.json", "[]"),
        ("odd.yaml", "paths: 7"),
    ],
)
def test_a_file_that_is_not_openapi_is_rejected_without_a_traceback(tmp_path, name, text):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    assert_rejected(path, "Error: ")


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/spec.yaml", "file:///etc/passwd", "ftp://x/y"])
def test_only_https_addresses_are_fetched(address):
    assert_rejected(address, "must start with https://")


def test_an_unreachable_address_is_an_error(closed_port):
    assert_rejected(f"https://127.0.0.1:{closed_port}/spec.yaml", "can't be read")


def test_references_in_a_circle_end(reference, known):
    spec = copy.deepcopy(reference)
    spec["components"]["schemas"]["Note"]["properties"]["again"] = {"$ref": "#/components/schemas/Note"}
    assert any(one.where == "GET /notes output again" for one in _new(spec, known))


IN_A_CIRCLE = {
    "allOf": {"a": {"allOf": [{"$ref": "#/components/a"}]}},
    "two": {"a": {"anyOf": [{"$ref": "#/components/b"}]}, "b": {"oneOf": [{"$ref": "#/components/a"}] * 9}},
    "items": {
        "a": {"properties": {"x": {"$ref": "#/components/b"}}},
        "b": {"items": {"$ref": "#/components/b"}},
    },
    "wrong types": {"a": {"allOf": 5}},
    "a list": {"a": []},
    "a name": {"a": {"properties": ["x"]}},
}


@pytest.mark.parametrize("components", IN_A_CIRCLE.values(), ids=IN_A_CIRCLE)
def test_a_schema_that_is_part_of_itself_or_of_the_wrong_type_is_rejected(components, tmp_path):
    schema = {"schema": {"$ref": "#/components/a"}}
    reply = {"responses": {"200": {"content": {"application/json": schema}}}}
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({"paths": {"/users/me": {"get": reply}}, "components": components}))
    assert_rejected(path, "refers to itself")


@pytest.mark.parametrize(
    "paths", ["{/users: 5}", "{/users: {get: [1]}}", "{5: {get: {}}}", "&a {/users: {get: *a}}"]
)
def test_paths_of_the_wrong_type_end_without_a_traceback(paths, tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(f"paths: {paths}")
    assert call(str(path))[0] in {1, 2}
