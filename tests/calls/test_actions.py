"""The standard suite: rules that every action that is one request must follow."""

import json
import re

import pytest
import yaml
from calendly_connector.calls.inputs import paths_of
from calendly_connector.catalog.identifiers import is_name
from calendly_connector.catalog.manifest import catalog
from calendly_connector.errors import CalendlyError, InvalidParams, PermissionDenied, UnexpectedAnswer
from calendly_connector.support.redaction import MASK
from hostile import Hostile, one, page, reply
from jsonschema import Draft202012Validator
from locations import CASSETTES

from record import recorder

PUBLIC = "https://api.calendly.com"
RECORDED_HEADERS = {"accept", "content-type"}
REPLIED_HEADERS = {"content-type", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}
ONCE = 1
ALL_ATTEMPTS = 5
ALWAYS = 1000

WRITES = {"POST", "PATCH"}
ACTIONS = [action for action in catalog().values() if action.request]
each_action = pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
each_required_input = pytest.mark.parametrize(
    ("action", "name"),
    [(action, name) for action in ACTIONS for name in action.input.get("required", ())],
    ids=lambda value: getattr(value, "id", value),
)
each_resource_input = pytest.mark.parametrize(
    ("action", "name"),
    [
        (action, name)
        for action in ACTIONS
        for name, schema in action.inputs.items()
        if "x-resource" in schema and name in action.examples[0]["input"]
    ],
    ids=lambda value: getattr(value, "id", value),
)


def example(action):
    return dict(action.examples[0]["input"])


def path_ids(form):
    return [step[1:-1] for step in form.split("/") if step.startswith("{")]


def good_reply(action):
    """Return a reply with the action's example output."""
    if action.returns == "none":
        return reply(204)
    record = action.examples[0]["output"]
    if action.bare:
        return reply(body=record)
    return page([record]) if action.returns == "many" else one(record)


def records_of(action, result):
    assert result.action == action.id
    if action.returns == "many":
        assert result.record is None
        return result.records
    assert result.records == []
    if action.returns == "none":
        assert result.record is None
        return []
    return [result.record]


def assert_fits(action, result):
    """Check that a result has the right kind, and validate its records with another library."""
    records = records_of(action, result)
    if action.returns != "many":  # a list may be empty
        assert len(records) == (action.returns == "one")
    validator = Draft202012Validator(action.output)
    assert [error.message for record in records for error in validator.iter_errors(record)] == []
    assert result.warnings == ()


@pytest.fixture
def suitable_sandbox(request, action):
    """Return a sandbox that the action may change, or the shared one for reads."""
    return request.getfixturevalue("sandbox" if action.effect == "read" else "fresh_sandbox")


# The example


@each_action
def test_the_example_runs_and_every_record_passes_the_schema(action, suitable_sandbox, connect):
    result = connect(suitable_sandbox).run(action.id, example(action))
    assert_fits(action, result)
    assert result.complete
    assert result.calls == 1


@each_action
def test_every_name_of_an_action_runs_it(action, suitable_sandbox, connect):
    inputs = example(action)
    for alias in action.aliases:
        assert connect(suitable_sandbox).preview(alias, inputs)["action"] == action.id


# The recording


def recording(action):
    return CASSETTES / f"{action.id}.yaml"


@each_action
def test_the_recording_replays_without_a_network(action, connect):
    with recorder("none").use_cassette(str(recording(action))) as cassette:
        result = connect("http://127.0.0.1", token="another-token").run(action.id, example(action))
    assert_fits(action, result)
    assert cassette.all_played


@each_action
def test_the_recording_contains_no_secrets_no_people_and_only_allowed_headers(action):
    text = recording(action).read_text(encoding="utf-8")
    for exchange in yaml.safe_load(text)["interactions"]:
        request, response = exchange["request"], exchange["response"]
        assert re.match(r"http://127\.0\.0\.1/|https://api\.calendly\.com/", request["uri"])
        assert {name.lower() for name in request["headers"]} <= RECORDED_HEADERS
        assert {name.lower() for name in response["headers"]} <= REPLIED_HEADERS
        assert response["status"]["code"] < 300
    assert not re.search(r"authorization|bearer|sandbox-|eyJ", text, re.IGNORECASE)
    mails = re.findall(r"[\w.+-]+(?:@|%40)[\w.-]+", text)
    assert all(re.split("@|%40", mail)[1] == "recorded.example" for mail in mails)


def test_every_action_has_a_recording_and_every_recording_an_action():
    assert {path.name for path in CASSETTES.iterdir()} == {f"{action_id}.yaml" for action_id in catalog()}


# Rejected before the network


@each_action
def test_an_unknown_input_is_rejected_before_the_network(action, unvisited, connect):
    with pytest.raises(InvalidParams) as caught:
        connect(unvisited).run(action.id, {**example(action), "no_such_input": "x"})
    assert [problem.path for problem in caught.value.problems] == ["no_such_input"]
    assert "describe" in caught.value.fix


@each_required_input
def test_a_missing_required_input_is_rejected_before_the_network(action, name, unvisited, connect):
    inputs = example(action)
    del inputs[name]
    with pytest.raises(InvalidParams) as caught:
        connect(unvisited).run(action.id, inputs)
    assert name in {problem.path for problem in caught.value.problems}


@each_resource_input
@pytest.mark.parametrize(
    "bad_value",
    [
        "https://api.calendly.com.evil.example/{collection}/a-b-c",
        "https://evil.example/{collection}/a-b-c",
        "http://api.calendly.com/{collection}/a-b-c",
        "https://user@api.calendly.com/{collection}/a-b-c",
        "https://api.calendly.com/wrong_collection/a-b-c",
        "https://api.calendly.com/{collection}/a-b-c?x=y",
        "https://api.calendly.com/{collection}/",
        "../../users/me",
        "a/b",
        "a%2Fb",
        "a\nb",
        " ",
    ],
)
def test_a_value_that_is_not_a_uri_or_id_of_the_resource_is_never_sent(
    action, name, bad_value, unvisited, sandbox, connect
):
    field = action.inputs[name]
    value = bad_value.format(collection=field["x-resource"])
    # A value that may be a name is looked up in the pick list first.
    server = sandbox if is_name(value, field) else unvisited
    with pytest.raises(InvalidParams) as caught:
        connect(server).run(action.id, {**example(action), name: value})
    assert {problem.path for problem in caught.value.problems} == {name}


# Error replies


def attempt_count(server):
    return len(server.requests()["requests"])


ERROR_STATUSES = [  # status, error code, attempts of a retryable call, attempts of a write
    (400, "rejected", ONCE, ONCE),
    (401, "unauthenticated", ONCE, ONCE),
    (403, "permission_denied", ONCE, ONCE),
    (404, "not_found", ONCE, ONCE),
    (409, "rejected", ONCE, ONCE),
    (422, "rejected", ONCE, ONCE),
    (424, "rejected", ONCE, ONCE),
    (429, "rate_limited", 4, 4),  # each wait is a minute, and the deadline is three
    (500, "calendly_down", ALL_ATTEMPTS, ONCE),
    (503, "calendly_down", ALL_ATTEMPTS, ONCE),
]


def error_of(connection, action, status):
    """Return the error of a call that gets this status."""
    with pytest.raises(CalendlyError) as caught:
        connection.run(action.id, example(action))
    assert caught.value.status == status
    return caught.value


@each_action
def test_each_error_status_has_its_own_error_and_is_retried_only_if_safe(action, faulty_sandbox, connect):
    write = action.method in WRITES
    before = 0
    for status, kind, if_repeatable, if_write in ERROR_STATUSES:
        allowed = if_write if write else if_repeatable
        faulty_sandbox.fault("status", status=status, times=allowed, headers={"X-RateLimit-Reset": "60"})
        error = error_of(connect(faulty_sandbox), action, status)
        assert (status, error.code) == (status, kind)
        assert (status, attempt_count(faulty_sandbox) - before) == (status, allowed)
        before += allowed
        assert error.request_id, status
        if kind == "calendly_down":
            assert (status, error.may_have_happened, error.retryable) == (status, write, not write)
            assert ("Check before retrying" in error.fix) == write, status
        else:
            assert (status, error.retryable) == (status, kind == "rate_limited")
        assert error.fix, status


@each_action
def test_a_missing_scope_is_named_in_the_error(action, sandbox, connect):
    with pytest.raises(PermissionDenied) as caught:
        connect(sandbox, token="sandbox-no-scopes").run(action.id, example(action))
    assert caught.value.reason == "scope"
    assert set(action.scopes) <= set(caught.value.required_scopes)
    assert all(scope in str(caught.value) for scope in action.scopes)


@each_action
def test_a_429_is_retried_after_the_wait_that_calendly_requests(action, suitable_sandbox, connect, timer):
    suitable_sandbox.control("DELETE", "/faults")
    suitable_sandbox.fault("status", status=429, headers={"Retry-After": "7"})
    result = connect(suitable_sandbox).run(action.id, example(action))
    assert_fits(action, result)
    assert timer.sleeps == [7.0]
    assert result.calls == 2


@each_action
@pytest.mark.parametrize("kind", ["not_json", "html"])
def test_a_reply_that_is_not_json_is_unexpected(action, kind, faulty_sandbox, connect):
    faulty_sandbox.fault(kind, status=200, times=ALWAYS)
    with pytest.raises(UnexpectedAnswer) as caught:
        connect(faulty_sandbox).run(action.id, example(action))
    assert attempt_count(faulty_sandbox) == ONCE
    assert ("Check before retrying" in caught.value.fix) == (action.method in WRITES)


@each_action
def test_an_empty_reply_is_unexpected_unless_the_action_returns_nothing(action, faulty_sandbox, connect):
    faulty_sandbox.fault("empty", status=200, times=ALWAYS)
    if action.returns == "none":
        assert_fits(action, connect(faulty_sandbox).run(action.id, example(action)))
    else:
        with pytest.raises(UnexpectedAnswer) as caught:
            connect(faulty_sandbox).run(action.id, example(action))
        assert ("Check before retrying" in caught.value.fix) == (action.method in WRITES)
    assert attempt_count(faulty_sandbox) == ONCE


# Requests


def masked(action, body):
    secret = [name for name, schema in action.inputs.items() if schema.get("writeOnly")]
    return body and {name: MASK if name in secret else value for name, value in json.loads(body).items()}


@each_action
def test_the_preview_equals_the_request_with_secrets_masked(action, connect):
    with Hostile(good_reply(action)) as server:
        connection = connect(server)
        shown = connection.preview(action.id, example(action))
        assert server.asked == []
        connection.run(action.id, example(action))
    [request] = server.asked
    assert shown["action"] == action.id
    assert shown["method"] == request.method
    assert shown["url"] == server.url + request.path
    assert shown["query"] == [list(pair) for pair in request.query]
    assert shown["body"] == (masked(action, request.body) or None)
    assert request.headers["authorization"] == "Bearer sandbox-owner"


@each_action
def test_reads_send_a_query_and_writes_send_a_body(action, connect):
    with Hostile(good_reply(action)) as server:
        connect(server).run(action.id, example(action))
    [request] = server.asked
    assert (request.query == []) or (request.body == b"") or action.query
    assert bool(request.body) == (action.method in WRITES)
    assert ("content-type" in request.headers) == bool(request.body)


@each_resource_input
def test_a_resource_can_be_passed_as_a_uri_of_either_origin_or_as_an_id(action, name, connect):
    inputs = example(action)
    last = inputs[name].rpartition("/")[2]
    [form] = paths_of(action.inputs[name]).values()
    ids = {other: inputs.get(other, "A") for other in path_ids(form)[:-1]}
    path = form.format(**ids, uuid=last)
    whole_uri_only = len(path_ids(form)) > 1 and name not in action.path_ids
    with Hostile(good_reply(action)) as server:
        for value in (f"{PUBLIC}{path}", f"{server.url}{path}", *([] if whole_uri_only else [last])):
            connect(server).run(action.id, inputs | {name: value})
    by_uri, by_own_uri, *by_id = ((request.target, request.body) for request in server.asked)
    assert by_id in ([], [by_uri])
    if name in action.path_ids:
        assert by_own_uri == by_uri
        assert f"/{last}" in by_uri[0]


@pytest.mark.parametrize(
    "action", [action for action in ACTIONS if len(action.path_ids) > 1], ids=lambda action: action.id
)
def test_a_full_uri_replaces_all_ids_of_a_path(action, connect):
    inputs = example(action)
    rest = {name: value for name, value in inputs.items() if name not in action.path_ids}
    with Hostile(good_reply(action)) as server:
        connect(server).run(action.id, inputs)
        connect(server).run(action.id, rest | {"uuid": PUBLIC + action.path.format(**inputs)})
    one, other = (request.target for request in server.asked)
    assert one == other
