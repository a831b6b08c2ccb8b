"""Raw requests to paths that aren't in the catalog; the same rules apply."""

import json
from io import StringIO

import pytest
from calendly_connector.cli import main
from calendly_connector.errors import CalendlyDown, InvalidParams, NotFound, UnexpectedAnswer, UsageError
from hostile import Hostile, reply
from odd_replies import install


def test_a_read_sends_its_values_as_query_and_returns_the_whole_reply(connect, sandbox):
    document = connect(sandbox).request("get", "/users/me")
    assert document["resource"]["name"] == "Ada Okafor"


def test_a_write_sends_its_values_as_body(connect):
    with Hostile(reply(body={"resource": {"a": 1}})) as server:
        document = connect(server).request("POST", "/moods", {"mood": "fine", "since": [1, None]})
    assert document == {"resource": {"a": 1}}
    [request] = server.asked
    assert (request.method, request.target) == ("POST", "/moods")
    assert json.loads(request.body) == {"mood": "fine", "since": [1, None]}
    assert request.headers["authorization"] == "Bearer sandbox-owner"


@pytest.mark.parametrize(
    "path",
    [
        "users/me",
        "",
        "/",
        "//evil.example/users",
        "https://evil.example/users/me",
        "/users/../oauth/token",
        "/users/./me",
        "/users//me",
        "/users/me?x=1",
        "/users/me#x",
        "/users/a%2e%2e",
        "/users/me\r\nX: y",
        "/users/@evil",
        "/us ers",
    ],
)
def test_an_unsafe_path_is_rejected_before_the_network(connect, unvisited, path):
    with pytest.raises(UsageError, match="expected a path such as /users/me"):
        connect(unvisited.url).request("GET", path)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "G ET", "", "get\r\n"])
def test_other_methods_are_rejected(connect, unvisited, method):
    with pytest.raises(UsageError, match="Unknown HTTP method"):
        connect(unvisited.url).request(method, "/users/me")


def test_errors_are_the_same_as_for_an_action(connect, sandbox):
    with pytest.raises(NotFound):
        connect(sandbox).request("GET", "/moods")


def test_a_read_is_retried_and_a_write_is_not(connect, faulty_sandbox):
    for method, tries in (("GET", 5), ("PATCH", 1)):
        faulty_sandbox.control("DELETE", "/requests")
        faulty_sandbox.fault("status", status=503, times=tries)
        with pytest.raises(CalendlyDown):
            connect(faulty_sandbox).request(method, "/event_types")
        assert len(faulty_sandbox.requests()["requests"]) == tries


def test_a_redirect_is_not_followed(connect, unvisited):
    with (
        Hostile(reply(302, headers={"Location": f"{unvisited.url}/users/me"})) as server,
        pytest.raises(UnexpectedAnswer),
    ):
        connect(server).request("GET", "/users/me")


@pytest.fixture
def signed_in(monkeypatch, sandbox):
    monkeypatch.setenv("CALENDLY_API_URL", sandbox.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")


@pytest.mark.usefixtures("signed_in")
def test_the_command_prints_the_reply(capsys):
    assert main(["request", "GET", "/event_types", "count=1", "sort=name:desc", f"user={_me()}"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["collection"]) == 1


def _me():
    return "https://api.calendly.com/users/18649498-cd5c-5187-84af-2c34745bb890"


@pytest.mark.usefixtures("signed_in")
def test_a_path_may_leave_out_its_first_slash(capsys):
    assert main(["request", "GET", "users/me"]) == 0
    assert json.loads(capsys.readouterr().out)["resource"]["uri"] == _me()


@pytest.mark.usefixtures("signed_in")
def test_repeated_rows_become_a_list(capsys):
    contact = "https://api.calendly.com/contacts/29b523a1-1175-5029-b697-3e81b12d0acc"
    assert main(["request", "GET", "/notes", f"contact[]={contact}", f"contact[]={contact}"]) == 0
    assert json.loads(capsys.readouterr().out)["collection"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["GET", "/users/me", "a=1", "a=2"],
        ["GET", "/users/me", "novalue"],
        ["GET", "/../x"],
        ["GET", "../x"],
        ["GET", "//evil.example/x"],
        ["GET", "https://evil.example/x"],
        ["GET", ""],
    ],
)
def test_a_wrong_command_is_one_line_and_exit_code_2(capsys, monkeypatch, unvisited, arguments):
    monkeypatch.setenv("CALENDLY_API_URL", unvisited.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    assert main(["request", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_totals_are_returned_with_the_records(connect, sandbox):
    result = connect(sandbox).run("activity_log_entries.list")
    assert result.extra["total_count"] >= len(result.records) > 0
    assert set(result.extra) >= {"last_event_time", "exceeds_max_total_count"}


@pytest.mark.usefixtures("signed_in")
def test_the_command_line_prints_the_totals(capsys):
    assert main(["run", "activity_log", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["extra"]["total_count"] > 0


def test_a_retried_delete_that_gets_a_404_succeeds(connect, timer):
    with Hostile(reply(503), reply(404, body={"title": "x", "message": "y"})) as server:
        result = connect(server).run("webhook_subscriptions.delete", {"uuid": "A" * 16})
    assert result.calls == 2
    assert len(timer.sleeps) == 1


def test_a_delete_of_an_unknown_resource_is_not_found(connect):
    with Hostile(reply(404, body={"title": "x", "message": "y"})) as server, pytest.raises(NotFound):
        connect(server).run("webhook_subscriptions.delete", {"uuid": "A" * 16})


UNSENDABLE = {
    "a lone surrogate": "\udcff",
    "another one": "\ud800",
    "a list": ["x", "\ud800"],
    "300 levels": json.loads("[" * 300 + "]" * 300),
    "a huge number": 2**64,
    "bytes": b"x",
    "no number": float("nan"),
}


@pytest.mark.parametrize("value", UNSENDABLE.values(), ids=UNSENDABLE)
@pytest.mark.parametrize("method", ["GET", "post"])
def test_values_that_are_not_json_are_rejected_by_name_before_the_network(method, value, connect, unvisited):
    with pytest.raises(InvalidParams) as caught:
        connect(unvisited.url).request(method, "/contacts", {"name": value, "other": "x"})
    assert [problem.path for problem in caught.value.problems] == ["name"]
    assert "must be a JSON value" in str(caught.value)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("deep", [False, True])
def test_the_command_line_rejects_values_that_are_not_json_in_one_line(
    method, deep, capsys, monkeypatch, unvisited
):
    monkeypatch.setenv("CALENDLY_API_URL", unvisited.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    monkeypatch.setattr(
        "sys.stdin", StringIO('{"name": ' + "[" * 600 + "]" * 600 + "}" if deep else '{"name": "\\ud800"}')
    )
    assert main(["request", method, "/contacts", "--input", "-"]) == 2
    assert main(["request", method, "/contacts", "a=\udcff"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 2
    assert "name: must be a JSON value" in err
    assert "a: must be a JSON value" in err


@pytest.mark.parametrize("levels", [101, 300])
@pytest.mark.parametrize(
    "arguments",
    [
        ["request", "GET", "/scheduled_events"],
        ["run", "scheduled_events", "--format", "json"],
        ["run", "scheduled_events", "--format", "jsonl"],
        ["run", "scheduled_events", "--format", "csv"],
        ["run", "scheduled_events", "--format", "table"],
        ["--debug", "run", "scheduled_events", "--format", "json"],
    ],
    ids=" ".join,
)
def test_a_reply_that_is_nested_too_deeply_ends_a_command_in_one_line(arguments, levels, capsys, monkeypatch):
    calendly = install(monkeypatch)
    calendly.change = lambda action, document: (
        {"collection": [{"deep": json.loads("[" * levels + "]" * levels)}], "pagination": {}}
        if action == "scheduled_events.list"
        else document
    )
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert "JSON nested more than 100 levels deep" in captured.err.splitlines()[-1]
    assert "Traceback" not in captured.err
    assert captured.out == ""
