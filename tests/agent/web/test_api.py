"""The REST API: what it answers."""

import json

import pytest
from calendly_connector.agent import api
from engine_waiting import UNDER_WAY, wait_for
from starlette.testclient import TestClient

pytest_plugins = ["agent_workspace"]

BY_HAND = """\
name: by-hand
connections: {calendly: {connector: calendly, credential: calendly}}
trigger: {type: manual}
steps:
  - {id: me, connection: calendly, action: users.me}
"""
CREATED = """\
name: created
connections: {calendly: {connector: calendly, credential: calendly}}
trigger: {type: triggered, connection: calendly, events: [invitee.created]}
steps:
  - {id: me, connection: calendly, action: users.me}
"""


@pytest.fixture(scope="module")
def application(workspace):
    return api.application(workspace)


@pytest.fixture(scope="module")
def call(application):
    """Return a function that sends a request, and returns the status and the reply."""
    with TestClient(application, raise_server_exceptions=False) as client:

        def call(method, path, body=None, **options):
            if method != "GET" and "content" not in options:
                options["json"] = body if body is not None else {}
            reply = client.request(method, path, **options)
            return reply.status_code, reply.json()

        yield call


@pytest.fixture(scope="module")
def run(call):
    """Return the id of a run that ended."""
    assert call("POST", "/flows", {"text": BY_HAND})[0] == 200
    _, started = call("POST", "/flows/by-hand/runs")
    wait_until_ended(call, started["id"])
    return started["id"]


def wait_until_ended(call, run_id):
    wait_for(lambda: call("GET", f"/runs/{run_id}")[1]["state"] not in UNDER_WAY)


def test_apps_show_what_they_can_do(call):
    _, apps = call("GET", "/apps")
    assert {one["app"] for one in apps} >= {"calendly", "file", "http", "sql"}
    _, app = call("GET", "/apps/calendly")
    assert [field["path"] for field in app["credentials"][0]["fields"]][:1] == ["token"]
    _, actions = call("GET", "/apps/calendly/actions")
    assert {one["id"]: one["effect"] for one in actions}["users.me"] == "read"
    _, action = call("GET", "/apps/calendly/actions/scheduled_events.list")
    assert action["input"]["type"] == "object"
    assert action["examples"]
    _, trigger = call("GET", "/apps/calendly/triggers/invitee.created")
    assert trigger["payload"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/apps/nothing", 404, "usage_error"),
        ("GET", "/apps/calendly/actions/nothing", 404, "unknown_action"),
        ("GET", "/apps/calendly/triggers/nothing", 404, "unknown_action"),
        ("GET", "/flows/nothing", 404, "unknown_flow"),
        ("GET", "/flows/nothing/text", 404, "unknown_flow"),
        ("POST", "/flows/nothing/pause", 404, "unknown_flow"),
        ("GET", "/runs/nothing", 404, "usage_error"),
        ("POST", "/runs/nothing/replay", 404, "usage_error"),
        ("GET", "/nowhere", 404, "not_found"),
        ("DELETE", "/apps", 405, "method_not_allowed"),
        ("GET", "/runs?limit=100000", 422, "invalid_request"),
        ("GET", "/runs?limit=0", 422, "invalid_request"),
        ("GET", "/flows/a%00b", 422, "invalid_request"),
    ],
)
def test_what_is_wrong_is_said_with_a_code_and_a_fix(method, path, status, code, call):
    found, error = call(method, path)
    assert (found, error["code"]) == (status, code)
    assert error["fix"]


def test_a_read_runs_and_a_write_wants_to_be_confirmed(call):
    own = {"app": "calendly", "credential": "calendly"}
    status, reply = call("POST", "/calls/run", {**own, "action": "users.me"})
    assert (status, reply["result"]["record"]["timezone"]) == (200, "Europe/Berlin")
    of = {**own, "of": "scheduling_links.create", "field": "owner"}
    _, choices = call("POST", "/options", of)
    inputs = {"owner": choices["choices"]["options"][0]["value"], "max_event_count": 1}
    write = {**own, "action": "scheduling_links.create", "inputs": inputs}
    assert call("POST", "/calls/run", write)[0] == 409
    status, reply = call("POST", "/calls/run", {**write, "confirmed": True})
    assert (status, "booking_url" in reply["result"]["record"]) == (200, True)
    status, reply = call("POST", "/calls/preview", {**own, "action": "users.me"})
    assert (status, reply["request"]["method"]) == (200, "GET")
    assert call("POST", "/calls/run", {**own, "action": "nothing"})[0] == 404
    assert call("POST", "/calls/run", {**own, "credential": "nothing", "action": "users.me"})[0] == 404
    assert call("POST", "/calls/run", {**own, "app": "nothing", "action": "users.me"})[0] == 404


def test_the_choices_of_a_field_are_listed(call):
    of = {
        "app": "calendly",
        "credential": "calendly",
        "of": "scheduling_links.create",
        "field": "owner",
    }
    status, reply = call("POST", "/options", of)
    assert status == 200, reply
    assert reply["choices"]["options"]


def test_a_flow_is_checked_deployed_paused_and_run(call, run):
    _, found = call("POST", "/flows/check", {"text": "name: Bad Name"})
    assert {one["severity"] for one in found["problems"]} >= {"error"}
    status, error = call("POST", "/flows", {"text": "name: Bad Name"})
    assert (status, error["code"]) == (422, "invalid_flow")
    assert call("GET", "/flows/by-hand/text")[1]["text"] == BY_HAND
    assert call("GET", "/flows/by-hand/text?version=9")[0] == 404
    assert call("POST", "/flows/by-hand/pause")[1]["state"] == "paused"
    assert call("POST", "/flows/by-hand/resume")[1]["state"] == "active"
    assert "by-hand" in {one["name"] for one in call("GET", "/flows")[1]}
    _, shown = call("GET", f"/runs/{run}")
    assert (shown["state"], [one["step"] for one in shown["calls"]]) == ("done", ["me"])


def test_runs_are_listed_by_pages_and_filters(call, run):
    for _ in range(4):
        wait_until_ended(call, call("POST", "/flows/by-hand/runs")[1]["id"])
    _, first = call("GET", "/runs?flow=by-hand&limit=3")
    _, rest = call("GET", f"/runs?flow=by-hand&limit=3&cursor={first['next_cursor']}")
    ids = [one["id"] for one in first["runs"] + rest["runs"]]
    assert (len(ids), len(set(ids)), ids[-1], rest["next_cursor"]) == (5, 5, run, None)
    assert len(call("GET", "/runs?state=done&state=failed&by=manual&within=1h&limit=200")[1]["runs"]) >= 5
    assert call("GET", "/runs?flow=nothing")[1] == {"runs": [], "next_cursor": None}
    for wrong in ("cursor=x", "cursor=WyJhIl0", "state=strange", "within=2h", "limit=201", "strange=1"):
        assert call("GET", f"/runs?{wrong}")[0] == 422


def test_a_run_by_hand_needs_a_whole_event_if_events_start_the_flow(call):
    assert call("POST", "/flows", {"text": CREATED.replace("name: created", "name: by-event")})[0] == 200
    assert call("POST", "/flows/by-event/runs")[0] == 422
    assert call("POST", "/flows/by-event/runs", {"event": {"a": 1}})[0] == 422
    event = {"id": "7", "kind": "invitee.created", "payload": {"email": "noor@client.example"}}
    assert call("POST", "/flows/by-event/runs", {"event": event})[0] == 200


def test_a_run_that_needs_no_decision_is_a_conflict(call, run):
    assert call("POST", f"/runs/{run}/decide", {"happened": True})[0] == 409


def test_a_body_that_is_not_declared_as_json_is_rejected(call):
    form = {"content": "text=x", "headers": {"content-type": "application/x-www-form-urlencoded"}}
    assert call("POST", "/flows", **form)[0] == 415
    assert call("POST", "/flows", content="{}", headers={"content-type": "text/plain"})[0] == 415


@pytest.mark.parametrize(
    "text",
    [
        '{"event": {"id": "1", "kind": "k", "payload": {"a": "\\ud800"}}}',
        '{"event": {"a": NaN}}',
        '{"event": {"a": "\\u0000"}}',
        "{",
        "[]",
        "9" * 5000,
        '{"event": ' + '{"a":' * 200 + "1" + "}" * 200 + "}",
    ],
)
@pytest.mark.usefixtures("run")
def test_json_that_no_database_can_keep_is_rejected(text, call):
    status, _ = call(
        "POST", "/flows/by-hand/runs", content=text, headers={"content-type": "application/json"}
    )
    assert status in {400, 422}


def test_an_error_does_not_repeat_what_was_sent(call):
    status, error = call("POST", "/calls/run", {"app": "calendly", "token": "SECRET", "action": 3})
    assert status == 422
    assert "SECRET" not in json.dumps(error)


def test_a_credential_is_checked_saved_renamed_and_deleted_and_never_shown(call):
    form = {"app": "calendly", "kind": "personal_access_token", "fields": {"token": "sandbox-owner"}}
    _, report = call("POST", "/credentials/check", form)
    assert report["ok"]
    bad = {**form, "fields": {"token": "a-token-that-nobody-knows-at-all"}}
    assert not call("POST", "/credentials/check", bad)[1]["ok"]
    assert call("POST", "/credentials/second", bad)[0] == 422
    status, saved = call("POST", "/credentials/second", form)
    assert (status, saved["name"], saved["state"]) == (200, "second", "ok")
    assert call("POST", "/credentials/second", form)[0] == 409
    assert call("PUT", "/credentials/second", form)[0] == 200
    assert call("PUT", "/credentials/nothing", form)[0] == 404
    assert call("POST", "/credentials/second/check")[1]["ok"]
    assert call("POST", "/credentials/second/rename", {"name": "third"})[1]["name"] == "third"
    assert call("POST", "/credentials/third/rename", {"name": "calendly"})[0] == 409
    everything = json.dumps([call("GET", "/credentials"), call("GET", "/credentials/third"), saved, report])
    assert "sandbox-owner" not in everything
    assert call("DELETE", "/credentials/third") == (200, {"deleted": "third"})
    assert call("DELETE", "/credentials/third")[0] == 404
    unknown = {**form, "fields": {"tokn": "SECRET"}}
    status, error = call("POST", "/credentials/check", unknown)
    assert (status, "SECRET" in json.dumps(error)) == (422, False)


def test_of_two_people_who_deploy_a_flow_the_second_is_told(call):
    assert call("POST", "/flows", {"text": CREATED, "expected_version": 0})[0] == 200
    assert call("POST", "/flows", {"text": CREATED + "#\n", "expected_version": 0})[0] == 409
    assert call("POST", "/flows", {"text": CREATED + "#\n", "expected_version": 1})[1]["version"] == 2
    status, error = call("POST", "/flows", {"text": CREATED + "##\n", "expected_version": 1})
    assert (status, error["code"], error["version"]) == (409, "flow_changed", 2)
    assert call("DELETE", "/flows/created")[0] == 200
    assert call("GET", "/flows/created")[0] == 404


def test_webhooks_are_listed_and_only_our_own_are_diagnosed_repaired_or_deleted(call):
    status, found = call("GET", "/webhooks")
    assert (status, {one["subscription"]["state"] for one in found["webhooks"]}) == (200, {"foreign"})
    foreign = {"app": "calendly", "key": found["webhooks"][0]["key"]}
    for path in ("doctor", "repair", "delete"):
        assert call("POST", f"/webhooks/{path}", {"app": "calendly", "key": "nothing"})[0] == 404
        assert call("POST", f"/webhooks/{path}", foreign)[0] == 409


def test_the_health_and_what_needs_attention_are_shown(call):
    assert call("GET", "/health")[1]["processes"] == 1
    assert call("GET", "/notices")[0] == 200
