"""Drift: what an OpenAPI file of Calendly says and we do not, and the other way round."""

import copy
import json
from pathlib import Path

import pytest
import yaml
from calendly_connector import drift
from calendly_connector.catalog.manifest import catalog
from calendly_connector.cli import main
from calendly_connector.drift import Difference, Leniency
from locations import OPENAPI


@pytest.fixture(scope="module")
def reference():
    return yaml.load(OPENAPI.read_bytes(), yaml.CSafeLoader)


def _compare(spec, leniencies=()):
    return drift.compare(spec, catalog().values(), leniencies)[0]


@pytest.fixture(scope="module")
def known(reference):
    return {(one.where, one.facet) for one in _compare(reference)}


def _new(spec, known):
    return [one for one in _compare(spec) if (one.where, one.facet) not in known]


def test_nothing_differs_beyond_the_reviewed_leniencies(capsys):
    assert main(["drift", str(OPENAPI)]) == 0
    assert capsys.readouterr().out.startswith("0 difference(s)")


def _operation(spec, path, method="get"):
    return spec["paths"][path][method]


@pytest.mark.parametrize(
    ("change", "told"),
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
def test_each_kind_of_change_is_told(reference, known, change, told):
    spec = copy.deepcopy(reference)
    change(spec)
    assert _new(spec, known) == told


def test_an_enum_value_that_calendly_adds_is_told_where_it_stands(reference, known):
    spec = copy.deepcopy(reference)
    spec["components"]["schemas"]["WebhookEventType"]["enum"].append("invitee.moved")
    told = {one.where for one in _new(spec, known)}
    assert "POST /webhook_subscriptions input events" in told
    assert "GET /webhook_subscriptions output events" in told


def test_a_leniency_covers_its_place_and_no_other():
    entry = Leniency("GET /x output items[].*", "type", "why")
    assert entry.covers(Difference("GET /x output items[].amount", "type", ["string"], ["number"]))
    assert not entry.covers(Difference("GET /x output items[].amount", "format", "a", "b"))
    assert not entry.covers(Difference("GET /x output itemss.amount", "type", ["string"], ["number"]))


def test_a_leniency_of_nothing_is_told(reference):
    unused = Leniency("GET /nowhere *", "type", "why")
    assert drift.compare(reference, catalog().values(), [unused])[1] == [unused]


def test_every_leniency_has_its_reason():
    entries = yaml.safe_load((Path(drift.__file__).parent / "leniency.yaml").read_bytes())
    assert entries
    assert all(len(entry["reason"]) > 10 for entry in entries)
    assert len({(entry["where"], entry["facet"]) for entry in entries}) == len(entries)


def test_the_report_is_json_when_asked(tmp_path, capsys, reference):
    spec = copy.deepcopy(reference)
    del spec["paths"]["/teams"]
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec))
    assert main(["drift", str(path), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [one["where"] for one in told["differences"]] == ["GET /teams"]


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
def test_what_is_no_openapi_file_is_refused_in_one_line(tmp_path, capsys, name, text):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    assert main(["drift", str(path)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "Traceback" not in told


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/spec.yaml", "file:///etc/passwd", "ftp://x/y"])
def test_only_https_addresses_are_fetched(capsys, address):
    assert main(["drift", address]) == 2
    assert "https://" in capsys.readouterr().err


def test_an_address_that_gives_nothing_is_told(capsys, closed_port):
    assert main(["drift", f"https://127.0.0.1:{closed_port}/spec.yaml"]) == 1
    assert "could not be read" in capsys.readouterr().err


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
def test_a_schema_that_is_part_of_itself_or_of_the_wrong_type_is_refused_in_one_line(
    components, tmp_path, capsys
):
    schema = {"schema": {"$ref": "#/components/a"}}
    reply = {"responses": {"200": {"content": {"application/json": schema}}}}
    path = tmp_path / "spec.json"
    path.write_text(json.dumps({"paths": {"/users/me": {"get": reply}}, "components": components}))
    assert main(["drift", str(path)]) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert "refers to itself" in said.err


@pytest.mark.parametrize(
    "paths", ["{/users: 5}", "{/users: {get: [1]}}", "{5: {get: {}}}", "&a {/users: {get: *a}}"]
)
def test_paths_of_the_wrong_type_are_refused_in_one_line(paths, tmp_path, capsys):
    path = tmp_path / "spec.yaml"
    path.write_text(f"paths: {paths}")
    assert main(["drift", str(path)]) in {1, 2}
    assert capsys.readouterr().err.count("\n") <= 1
