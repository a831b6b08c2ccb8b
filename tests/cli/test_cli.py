"""The command line: its output and exit codes."""

import csv
import io
import json
import math
import os
import pty
import re
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
from calendly_connector import __version__, cli
from calendly_connector.catalog.manifest import catalog, manifest
from calendly_connector.cli import describe
from calendly_connector.pagination import prefetch
from calendly_connector.sandbox.operations.routes import SCOPES
from calendly_connector.sandbox.world import fixtures
from hostile import Hostile, one, page, reply

SCRIPT = str(Path(sys.executable).parent / "calendly-connector")
COMMANDS = ["check", "actions", "describe", "run", "sync", "sandbox", "mcp", "demo"]
ORGANIZATION = f"organization=https://api.calendly.com/organizations/{fixtures.ORGANIZATION}"
ALL_EVENTS = ("run", "scheduled_events.list", ORGANIZATION)
MANY_EVENTS = 250  # in the sandbox
OWNER, SECRET = "sandbox-owner", "made-up-secret"
EVENT = catalog()["scheduled_events.list"].examples[0]["output"]
ME = catalog()["users.me"].examples[0]["output"]
TIMEOUT_S = 30  # timeout for a process


@pytest.fixture
def call(capsys, monkeypatch):
    """Return a function that runs a command in this process: exit code, output, errors."""

    def run(*arguments, server=None, token=OWNER):
        if server is not None:
            monkeypatch.setenv("CALENDLY_API_URL", server.url)
        monkeypatch.setenv("CALENDLY_API_TOKEN", token)
        code = cli.main(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def process(monkeypatch):
    """Return a function that starts the command in its own process."""
    started = []

    def start(*arguments, server=None, token=OWNER, **more):
        if server is not None:
            monkeypatch.setenv("CALENDLY_API_URL", server.url)
        monkeypatch.setenv("CALENDLY_API_TOKEN", token)
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
        child = subprocess.Popen([SCRIPT, *arguments], **pipes)
        started.append(child)
        return child

    yield start
    for child in started:
        child.kill()
        child.communicate()


def wait_until(holds):
    """Wait until a condition holds, set by another process or thread."""
    give_up_at = time.monotonic() + TIMEOUT_S
    while not holds():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def request_count(sandbox):
    return len(sandbox.requests()["requests"])


def assert_one_line(err, *parts):
    assert err.startswith("calendly-connector: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    for part in parts:
        assert part in err


# All commands


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_has_help(command, option, call, unvisited):
    code, out, err = call(command, option, server=unvisited)
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: calendly-connector {command}")


def test_the_help_lists_every_command(call):
    code, out, err = call("--help")
    assert (code, err) == (0, "")
    assert all(f"\n  {command} " in out for command in COMMANDS)


def test_the_version_is_printed(call):
    assert call("--version") == (0, f"calendly-connector, version {__version__}\n", "")


def test_without_a_command_the_help_is_printed_with_exit_code_2(call):
    code, out, _ = call()
    assert code == 2
    assert "Usage:" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "No such command"),
        (["check", "--nonsense"], "--nonsense"),
        (["describe"], "ACTION"),
        (["describe", "scheduled_event.list"], "scheduled_events.list"),
        (["describe", "evil\x1b[31m\ncommand"], "Unknown action"),
        (["run"], "ACTION"),
        (["run", "nonsense"], "Unknown action"),
        (["run", "scheduled_events.list", "statsu=active"], "did you mean 'status'?"),
        (["run", "scheduled_events.list", "status"], "KEY=VALUE"),
        (["run", "scheduled_events.list", "=active"], "KEY=VALUE"),
        (["run", "scheduled_events.list", ""], "KEY=VALUE"),
        (["run", "scheduled_events.list", "count=many"], "count: must be a whole number"),
        (["run", "scheduled_events.list", "status=active", "status=canceled"], "accepts only one value"),
        (["run", "scheduled_events.list", "page_token=\udcff"], "page_token"),
        (["run", "scheduled_events.list", "--all", "--limit", "3"], "can't be used together"),
        (["run", "scheduled_events.list", "--limit", "0"], "--limit"),
        (["run", "users.me", "--limit", "3"], "limit"),
        (["run", "users.me", "--format", "xml"], "--format"),
        (["run", "users.get"], "uuid: is missing"),
        (["run", "users.get", "uuid=https://evil.example/users/a-b"], "on a host other than"),
        (["run", "webhook_subscriptions.create"], "url: is missing"),
        (["run", "users.me", "--input", "no-such-file.json"], "can't read"),
        (["sandbox", "--port", "70000"], "--port"),
        (["sandbox", "--events", "1"], "events must be between"),
        (["sandbox", "--users", "1"], "users must be between"),
        (["sandbox", "--event-types", "-1"], "event_types must be between"),
        (["sandbox", "--anchor", "yesterday"], "--anchor"),
        (["sandbox", "--rate-limit", "-1"], "rate_limit"),
        (["sandbox", "--rate-mode", "never"], "rate_mode must be one of fixed, sliding"),
        (["sandbox", "--page-token-life", "0"], "page_token_life_s"),
        (["sandbox", "--latency", "-1"], "latency_s"),
    ],
)
def test_wrong_usage_is_one_line_with_exit_code_2_and_no_network(arguments, message, call, unvisited):
    code, out, err = call(*arguments, server=unvisited)
    assert (code, out) == (2, "")
    assert_one_line(err, message)
    assert "\x1b" not in err


@pytest.mark.parametrize(
    "origin", ["ftp://x.example", "http://api.calendly.com", "https://a.example/v2", "http://[::1"]
)
def test_an_invalid_api_url_is_wrong_usage(origin, call, monkeypatch):
    monkeypatch.setenv("CALENDLY_API_URL", origin)
    code, _, err = call("run", "users.me")
    assert code == 2
    assert_one_line(err, "CALENDLY_API_URL")


@pytest.mark.parametrize("variable", ["CALENDLY_API_TOKEN", "CALENDLY_API_KEY", "calendly_api_token"])
def test_the_token_is_read_from_any_of_its_variables(variable, sandbox, monkeypatch, capsys):
    monkeypatch.setenv(variable, "sandbox-admin")
    monkeypatch.setenv("CALENDLY_API_URL", sandbox.url)
    assert cli.main(["run", "users.me"]) == 0
    assert fixtures.ADMIN_NAME in capsys.readouterr().out


def test_a_missing_token_is_wrong_usage(call, unvisited):
    code, _, err = call("run", "users.me", server=unvisited, token="")
    assert code == 2
    assert_one_line(err, "CALENDLY_API_TOKEN")


@pytest.mark.parametrize(
    ("step", "word"),
    [
        (reply(401, {"message": f"what is {SECRET}?"}), "401"),
        (reply(403, {"message": "Please upgrade"}), "plan"),
        (reply(404, {"message": "\x1b[2Jnot\nhere"}), "404"),
        (reply(400, {"message": f"\x1b[2J\r\nbad {SECRET}\x07"}), "bad"),
        (reply(200, b"<html>"), "isn't JSON"),
        (reply(302, b"", {"Location": "https://evil.example"}), "redirect"),
        (reply(429, b"", {"Retry-After": "999"}), "429"),
    ],
)
def test_an_api_error_is_one_line_with_exit_code_1_without_the_token(step, word, call):
    with Hostile(step) as server:
        code, out, err = call("run", "users.me", server=server, token=SECRET)
    assert (code, out) == (1, "")
    assert_one_line(err, word)
    assert SECRET not in err
    assert err.removesuffix("\n").isprintable()


def test_an_error_with_json_is_json(call):
    with Hostile(reply(403, {"message": "no", "required_scopes": ["users:read"]})) as server:
        code, out, err = call("run", "users.me", "--json", server=server, token=SECRET)
    assert (code, out) == (1, "")
    error = json.loads(err)["error"]
    assert error["code"] == "permission_denied"
    assert error["reason"] == "scope"
    assert error["required_scopes"] == ["users:read"]
    assert error["retryable"] is False
    assert "users:read" in error["fix"]
    assert SECRET not in err


def test_wrong_usage_with_json_lists_the_problems(call, unvisited):
    code, _, err = call("run", "users.get", "uid=x", "--json", server=unvisited)
    assert code == 2
    problems = {problem["path"]: problem for problem in json.loads(err)["error"]["problems"]}
    assert problems.keys() == {"uuid", "uid"}
    assert problems["uid"]["nearest"] == "uuid"


# check


@pytest.mark.parametrize(
    "arguments",
    [
        ("users.get", f"uuid={'a' * 100_000}"),
        ("users.get", f"uuid=https://api.calendly.com/users/{'a' * 100_000}"),
        ("scheduled_events.get", f"uuid={'a' * 100_000}"),
        ("a" * 100_000,),
        ("users.me", "a" * 100_000),
        ("users.me", f"{'a' * 100_000}=1"),
        ("event_types.list", f"user=~{{{'a' * 100_000}}}~"),
    ],
)
def test_a_huge_input_is_shortened_in_its_error(arguments, call, sandbox):
    code, out, err = call("run", *arguments, server=sandbox)
    assert code in {1, 2}
    assert not out
    assert len(err) < 1_000


def test_the_advice_for_a_rejected_token_names_its_variable(call, sandbox):
    _, _, err = call("run", "users.me", server=sandbox, token="made-up")
    assert err.endswith("(401). Create a new token in Calendly and put it in CALENDLY_API_TOKEN.\n")


def test_check_shows_the_owner_of_a_token(call, sandbox):
    code, out, err = call("check", server=sandbox)
    assert (code, err) == (0, "")
    first, *others = out.splitlines()
    assert first == f"ok: Signed in as {fixtures.OWNER_NAME} ({fixtures.OWNER_EMAIL})."
    labels = [line[2:14].strip() for line in others]
    assert labels[:4] == ["user", "organization", "scopes", "actions"]
    assert "role owner" in out
    assert re.search(r"granted: organizations:read, users:read; \d+ not checked\n", out)
    assert " not checked (try --deep)\n" in out


def test_check_shows_the_rate_limit_and_the_results_of_a_deep_check(call, make_sandbox):
    with make_sandbox(rate_limit=100) as limited:
        code, out, _ = call("check", "--deep", server=limited, token="sandbox-users-only")
    assert code == 0
    assert " of 100 requests left this minute (resets in " in out
    assert "granted: users:read; not granted: " in out
    reads = sum(action.scopes == ("users:read",) for action in catalog().values())
    unpaired = {scope for scope in SCOPES if scope.replace("write", "read") not in SCOPES}
    scopes = [set(action.scopes) for action in catalog().values()]
    unknown = sum(bool(unpaired & needed) and needed <= {*unpaired, "users:read"} for needed in scopes)
    unavailable = len(catalog()) - reads - unknown
    assert f"actions       {reads} available, {unavailable} unavailable, {unknown} not checked" in out
    assert "note          the role is unknown" in out


@pytest.mark.parametrize(
    ("token", "outcome"),
    [
        ("", "missing_token"),
        ("a b", "malformed_token"),
        ("nobody", "invalid_token"),
        ("sandbox-no-scopes", "missing_scope"),
    ],
)
def test_check_says_how_to_fix_a_bad_token(token, outcome, call, sandbox):
    code, out, err = call("check", server=sandbox, token=token)
    assert (code, err) == (1, "")
    assert out.startswith(f"{outcome}: ")
    assert "\n  fix           " in out


@pytest.mark.parametrize(("token", "expected"), [("sandbox-owner", 0), ("nobody", 1)])
def test_check_as_json_is_the_whole_report(token, expected, call, sandbox):
    code, out, err = call("check", "--json", server=sandbox, token=token)
    assert (code, err) == (expected, "")
    report = json.loads(out)
    assert report["ok"] is (expected == 0)
    assert report["actions"].keys() == catalog().keys()


def test_check_replaces_control_characters_in_names(call):
    with Hostile(one({**ME, "name": "Ada\x1b[2J\nokafor\u202e"}), page([])) as server:
        code, out, _ = call("check", server=server)
    assert code == 0
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert out.splitlines()[0].startswith("ok: Signed in as Ada\N{REPLACEMENT CHARACTER}[2J")


# actions, describe


def test_actions_are_listed_by_group_and_as_json(call):
    code, out, _ = call("actions")
    assert code == 0
    table, *sections = out.split("\n\n")
    assert table.split()[:3] == ["ACTION", "EFFECT", "REQUEST"]
    for group, section in zip(manifest().groups, sections, strict=True):
        title, *rows = section.splitlines()
        assert title == group.title
        assert tuple(row.split()[0] for row in rows) == group.actions
    code, out, _ = call("actions", "--json")
    assert code == 0
    listed = json.loads(out)
    assert [entry["id"] for entry in listed] == list(catalog())
    assert all(
        entry["input"]["type"] == "object" and entry["output"] and entry["examples"] for entry in listed
    )


@pytest.mark.parametrize("name", list(catalog()))
def test_every_action_is_described(name, call):
    action = catalog()[name]
    code, out, err = call("describe", name)
    assert (code, err) == (0, "")
    assert out.startswith(f"{name}: {action.title}\n")
    assert all(f"\n    {field}" in out for field in action.inputs)
    assert all(scope in out for scope in action.scopes)
    assert action.docs in out


@pytest.mark.parametrize(
    ("today", "moved"),
    [("2026-11-01", "2026-11-25"), ("2026-11-17", "2026-11-25"), ("2026-11-18", "2026-12-02")],
)
def test_the_dates_of_an_example_are_moved_by_whole_weeks(today, moved):
    example = {"at": "2026-11-25T08:00:00Z", "days": ["2026-11-25", {"id": "2026"}], "count": 1}
    shown = describe.upcoming(example, date.fromisoformat(today))
    assert shown == {"at": f"{moved}T08:00:00Z", "days": [moved, {"id": "2026"}], "count": 1}


@pytest.mark.parametrize("action", ["event_type_available_times.list", "user_busy_times.list"])
def test_a_described_example_works_today(action, call, make_sandbox):
    _, out, _ = call("describe", action)
    example = json.loads(out.partition("  example\n")[2])
    rows = [f"{name}={value}" for name, value in example.items()]
    with make_sandbox(anchor=None, now=None) as sandbox:
        code, out, err = call("run", action, *rows, "--json", server=sandbox)
    assert (code, err) == (0, "")
    assert json.loads(out)["complete"]


def test_describe_prints_both_schemas_as_json(call):
    code, out, _ = call("describe", "users/me", "--json")
    assert code == 0
    document = json.loads(out)
    assert document["id"] == "users.me"
    assert document["input"]["type"] == "object"
    assert "timezone" in json.dumps(document["output"])


def test_a_name_that_two_actions_share_shows_both(call):
    code, out, _ = call("describe", "users")
    assert code == 0
    assert "'users' is short for users.me, users.get" in out
    _, out, _ = call("describe", "users", "--json")
    assert [entry["id"] for entry in json.loads(out)] == ["users.me", "users.get"]


# run


def test_run_writes_json_with_a_summary(call, sandbox, monkeypatch):
    monkeypatch.setattr(prefetch, "SLOW_S", math.inf)  # reading ahead from a slow server costs a request
    code, out, err = call(*ALL_EVENTS, "--all", "--json", server=sandbox)
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert len(document["records"]) == MANY_EVENTS
    assert document | {"records": None} == {
        "records": None,
        "action": "scheduled_events.list",
        "complete": True,
        "calls": 3,
        "warnings": [],
    }


def test_run_writes_json_without_a_terminal(call, sandbox):
    assert json.loads(call("run", "users.me", server=sandbox)[1])["record"]["name"] == fixtures.OWNER_NAME


def test_run_writes_a_line_per_record(call, sandbox):
    code, out, _ = call(*ALL_EVENTS, "--limit", "150", "--format", "jsonl", server=sandbox)
    assert code == 0
    assert len({json.loads(line)["uri"] for line in out.splitlines()}) == 150


def test_run_writes_a_table(call, sandbox):
    code, out, _ = call(*ALL_EVENTS, "--format", "table", "--all", server=sandbox)
    assert code == 0
    heading, *rows = out.splitlines()
    assert heading.split() == ["START", "(Berlin)", "NAME", "STATUS", "HOST", "INVITEES", "LOCATION", "ID"]
    assert len(rows) == MANY_EVENTS
    assert len({row.split()[-1] for row in rows}) == MANY_EVENTS


def test_run_writes_one_record_as_a_table(call, sandbox):
    code, out, _ = call("run", "users.me", "--format", "table", server=sandbox)
    assert code == 0
    assert f"name                  {fixtures.OWNER_NAME}\n" in out
    assert "avatar_url            -\n" in out


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("table", "no scheduled events\n"),
        ("jsonl", ""),
        (
            "json",
            '{"records":[\n],"action":"scheduled_events.list","complete":true,"calls":1,"warnings":[]}\n',
        ),
    ],
)
@pytest.mark.parametrize("all_pages", [[], ["--all"]])
def test_run_writes_an_empty_list(form, written, all_pages, call):
    with Hostile(page([])) as server:
        assert call(*ALL_EVENTS, "--format", form, *all_pages, server=server) == (0, written, "")


def test_an_empty_list_as_csv_has_a_header(call):
    with Hostile(page([])) as server:
        _, out, _ = call(*ALL_EVENTS, "--format", "csv", server=server)
    [heading] = csv.reader(io.StringIO(out))
    assert heading[:3] == ["uri", "name", "meeting_notes_plain"]
    assert {"location.type", "invitees_counter.total", "event_memberships"} <= set(heading)


@pytest.mark.parametrize(("form", "written"), [("json", '"record":null'), ("jsonl", ""), ("table", "")])
def test_run_writes_an_action_without_a_result(form, written, call, fresh_sandbox):
    arguments = ("run", "webhook_subscriptions.delete", f"uuid={fixtures.ACTIVE_WEBHOOK}", "--format", form)
    code, out, err = call(*arguments, server=fresh_sandbox)
    assert (code, err) == (0, "")
    assert out.startswith("{" + written) if written else out == ""


def test_csv_has_a_column_per_value_in_any_record(call):
    odd = {**EVENT, "uri": f"{EVENT['uri']}b", "name": 'with, comma\nand "quotes"'}
    odd |= {"mood": "good", "depth": [1, {"a": True}]}
    with Hostile(page([EVENT, odd], "t1"), page([{"uri": "u", "status": True}])) as server:
        code, out, err = call(*ALL_EVENTS, "--all", "--format", "csv", server=server)
    assert code == 0
    plain, other, bare = csv.DictReader(io.StringIO(out))
    assert (plain["mood"], plain["depth"]) == ("", "")
    assert plain["name"] == EVENT["name"]
    assert json.loads(plain["event_memberships"]) == EVENT["event_memberships"]
    assert plain["location.type"] == EVENT["location"]["type"]
    assert plain["cancellation.reason"] == ""
    assert other["name"] == odd["name"]
    assert (other["mood"], json.loads(other["depth"])) == ("good", [1, {"a": True}])
    assert (bare["uri"], bare["status"], bare["start_time"]) == ("u", "true", "")
    assert "warning: Doesn't match the schema of scheduled_events.list" in err


@pytest.mark.parametrize("action", ["users.me", "scheduled_events.list"])
def test_control_characters_in_records_never_reach_the_terminal(action, call):
    evil = "\x1b]0;title\x07\x1b[31mred\r\nnext\u202e\x9b"
    record = {
        **EVENT,
        **ME,
        "name": evil,
        "uri": f"https://a.example/{evil}",
        "status": evil,
        "locale": {"a": evil},
    }
    answer = page([record]) if action.endswith("list") else one(record)
    with Hostile(*([one(ME)] if action.endswith("list") else []), answer) as server:
        code, out, err = call("run", action, "--format", "table", server=server)
    assert code == 0
    assert all(letter.isprintable() or letter == "\n" for letter in out + err)
    assert "next" in out


def test_a_page_of_a_longer_list_prints_a_note_on_stderr(call, sandbox):
    code, out, err = call(*ALL_EVENTS, server=sandbox)
    assert code == 0
    assert json.loads(out)["complete"] is False
    assert err == "note: showing the first 100 records. Use --all or --limit N for more.\n"


def test_run_reads_inputs_from_a_file(call, sandbox, tmp_path):
    path = tmp_path / "in.json"
    path.write_text(json.dumps({"uuid": fixtures.ADMIN}))
    code, out, _ = call("run", "users.get", "--input", str(path), server=sandbox)
    assert code == 0
    assert json.loads(out)["record"]["name"] == fixtures.ADMIN_NAME


def test_run_reads_inputs_from_stdin(process, sandbox):
    child = process("run", "users.get", "--input", "-", server=sandbox, stdin=subprocess.PIPE)
    out, err = child.communicate(json.dumps({"uuid": fixtures.ADMIN}).encode(), timeout=TIMEOUT_S)
    assert (child.returncode, err) == (0, b"")
    assert json.loads(out)["record"]["name"] == fixtures.ADMIN_NAME


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "isn't valid JSON"),
        (b"{", "isn't valid JSON"),
        (b"\xff\xfe", "isn't valid JSON"),
        (b"[" * 100_000, "isn't valid JSON"),
        (b"[]", "must contain a JSON object"),
        (b'"text"', "must contain a JSON object"),
        (b'{"uuid": NaN}', "uuid"),
        (b'{"uuid": {"a": [[[[]]]]}}', "uuid: must be text"),
        (b'{"uuid": "~{GetUserUrl}~"}', "uuid"),
    ],
)
def test_invalid_inputs_are_rejected(content, message, call, unvisited, tmp_path):
    path = tmp_path / "in.json"
    path.write_bytes(content)
    code, _, err = call("run", "users.get", "--input", str(path), server=unvisited)
    assert code == 2
    assert_one_line(err, message)


def test_a_directory_as_input_is_rejected(call, unvisited, tmp_path):
    code, _, err = call("run", "users.get", "--input", str(tmp_path), server=unvisited)
    assert code == 2
    assert_one_line(err, "can't read")


def test_a_dry_run_shows_the_request_and_sends_nothing(call, unvisited, tmp_path):
    output = tmp_path / "out.json"
    options = ("--limit", "7", "--dry-run", "--output", str(output))
    code, out, err = call(*ALL_EVENTS, "status=active", *options, server=unvisited)
    assert (code, err) == (0, "")
    shown = json.loads(out)
    assert shown["method"] == "GET"
    assert shown["url"] == f"{unvisited.url}/scheduled_events"
    assert ["status", "active"] in shown["query"]
    assert ["count", "7"] in shown["query"]
    assert "sandbox-owner" not in out
    assert not output.exists()


# Output files


def test_output_replaces_the_contents_of_a_file(call, sandbox, tmp_path):
    path = tmp_path / "out.json"
    path.write_text("x" * 1_000_000)
    code, out, err = call("run", "users.me", "--output", str(path), server=sandbox)
    assert (code, out, err) == (0, "", "")
    assert json.loads(path.read_bytes())["record"]["name"] == fixtures.OWNER_NAME


@pytest.mark.parametrize("place", ["", "missing/out.json", "file/out.json"])
def test_an_unwritable_output_fails_before_the_first_request(place, call, unvisited, tmp_path):
    (tmp_path / "file").write_text("in the way")
    code, out, err = call("run", "users.me", "--output", str(tmp_path / place), server=unvisited)
    assert (code, out) == (2, "")
    assert_one_line(err, "--output", "No request was sent")


@pytest.mark.parametrize("all_pages", [[], ["--all"]])
def test_a_failed_call_keeps_an_existing_file_and_creates_no_new_one(all_pages, call, tmp_path):
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text("what was there")
    with Hostile(reply(401)) as server:
        for path in (old, new):
            arguments = (*ALL_EVENTS, "--format", "jsonl", *all_pages, "--output", str(path))
            assert call(*arguments, server=server)[0] == 1
    assert old.read_text() == "what was there"
    assert not new.exists()


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="no such device on this system")
def test_a_device_can_be_the_output(call, sandbox):
    assert call("run", "users.me", "--output", "/dev/null", server=sandbox) == (0, "", "")


def test_a_pipe_can_be_the_output(process, sandbox, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    child = process("run", "users.me", "--output", str(pipe), server=sandbox)
    assert json.loads(pipe.read_bytes())["record"]["name"] == fixtures.OWNER_NAME
    assert child.wait(TIMEOUT_S) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device on this system")
@pytest.mark.parametrize("options", [["--output", "/dev/full"], []])
def test_a_full_disk_is_one_line(options, process, sandbox):
    with Path("/dev/full").open("wb") as full:
        child = process("run", "users.me", *options, server=sandbox, stdout=full)
        _, err = child.communicate(timeout=TIMEOUT_S)
    assert child.returncode == 1
    assert_one_line(err.decode(), "No space left")


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_output_written_before_a_failure_is_valid_and_reported_as_incomplete(form, call, tmp_path):
    path = tmp_path / "out"
    records = [EVENT, {**EVENT, "uri": f"{EVENT['uri']}b"}]
    with Hostile(page(records, "t1"), reply(403, {"message": "no more"})) as server:
        arguments = (*ALL_EVENTS, "--all", "--format", form, "--output", str(path))
        code, out, err = call(*arguments, server=server)
    assert (code, out) == (1, "")
    assert err.startswith("incomplete: wrote 2 records before this error:\ncalendly-connector: ")
    text = path.read_text()
    if form == "json":
        document = json.loads(text)
        assert document["complete"] is False
        assert document["records"] == records
    else:
        assert len(list(csv.reader(io.StringIO(text)))) == (3 if form == "csv" else 2)


# Interruptions


def _interrupted(process, sandbox, *options, **more):
    """Start reading a list, and interrupt it while its second page is under way."""
    sandbox.fault("latency", path="/scheduled_events", latency_s=0.0)  # the first page, without delay
    sandbox.fault("latency", path="/scheduled_events", latency_s=60.0)
    child = process(*ALL_EVENTS, "--all", *options, server=sandbox, **more)
    wait_until(lambda: request_count(sandbox) == 2)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=TIMEOUT_S)
    assert child.returncode == 1
    assert b"Traceback" not in err
    return err.decode()


def test_an_interrupted_file_is_valid_and_marked_as_incomplete(process, fresh_sandbox, tmp_path):
    path = tmp_path / "out.json"
    err = _interrupted(process, fresh_sandbox, "--output", str(path))
    document = json.loads(path.read_bytes())
    assert document["complete"] is False
    assert len(document["records"]) == 100
    assert err.startswith("incomplete: wrote 100 records")
    assert "Interrupted." in err


def test_an_interrupted_stream_of_lines_ends_after_a_whole_line(process, fresh_sandbox, tmp_path):
    path = tmp_path / "out.jsonl"
    with path.open("wb") as file:
        err = _interrupted(process, fresh_sandbox, "--format", "jsonl", stdout=file)
    out = path.read_bytes()
    assert out.endswith(b"}\n")
    assert len([json.loads(line) for line in out.splitlines()]) == 100
    assert "incomplete" in err


def test_an_interrupted_single_call_writes_nothing(process, fresh_sandbox, tmp_path):
    path = tmp_path / "out.json"
    fresh_sandbox.fault("latency", latency_s=60.0)
    child = process("run", "users.me", "--output", str(path), server=fresh_sandbox)
    wait_until(lambda: request_count(fresh_sandbox) == 1)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=TIMEOUT_S)
    assert child.returncode == 1
    assert_one_line(err.decode().removeprefix("\n"), "Interrupted.")  # a new line after the terminal's ^C
    assert not path.exists()


@pytest.mark.parametrize("arguments", [[*ALL_EVENTS, "--all", "--format", "jsonl"], ["actions", "--json"]])
def test_a_closed_pipe_causes_no_traceback(arguments, process, sandbox):
    child = process(*arguments, server=sandbox)
    assert child.stdout.readline()
    child.stdout.close()
    err = child.stderr.read()
    child.stderr.close()
    assert child.wait(TIMEOUT_S) in {0, 1}  # a short output may fit into the pipe
    assert err == b""


def test_a_closed_stdout_causes_no_traceback(process, sandbox):
    child = process("run", "users.me", server=sandbox, stdout=None, preexec_fn=lambda: os.close(1))
    _, err = child.communicate(timeout=TIMEOUT_S)
    assert (child.returncode, err) == (0, b"")


def test_a_progress_bar_goes_to_the_terminal_and_the_pipe_stays_clean(process, sandbox):
    terminal, its_end = pty.openpty()
    try:
        child = process(*ALL_EVENTS, "--all", "--format", "jsonl", server=sandbox, stderr=its_end)
        os.close(its_end)
        out, _ = child.communicate(timeout=TIMEOUT_S)
        shown = _read_all(terminal)
    finally:
        os.close(terminal)
    assert child.returncode == 0
    assert len([json.loads(line) for line in out.splitlines()]) == MANY_EVENTS
    assert b"\x1b" not in out
    assert re.search(rf"{MANY_EVENTS} records, \d requests".encode(), shown)


def test_without_a_terminal_there_is_no_progress_bar(process, sandbox):
    child = process(*ALL_EVENTS, "--all", "--format", "jsonl", server=sandbox)
    _, err = child.communicate(timeout=TIMEOUT_S)
    assert (child.returncode, err) == (0, b"")


def _read_all(terminal):
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux raises it at the end of a terminal's output
            return shown
        if not piece:
            return shown
        shown += piece


# sandbox


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_prints_its_url_and_stops_on_a_signal(number, process, call):
    child = process("sandbox", "--port", "0", "--json", "--events", "20")
    url = json.loads(child.stdout.readline())["url"]
    served = type("Served", (), {"url": url})
    code, out, _ = call("run", "users.me", server=served)
    assert code == 0
    assert json.loads(out)["record"]["uri"].startswith(url)
    child.send_signal(number)
    out, err = child.communicate(timeout=TIMEOUT_S)
    assert (child.returncode, out, err) == (0, b"", b"")


def test_the_sandbox_prints_how_to_use_it(process):
    child = process("sandbox", "--port", "0")
    lines = [child.stdout.readline().decode() for _ in range(6)]
    child.send_signal(signal.SIGINT)
    assert child.wait(TIMEOUT_S) == 0
    assert lines[0].startswith("Mock Calendly is running at http://127.0.0.1:")
    assert "export CALENDLY_API_URL=http://127.0.0.1:" in "".join(lines)
    assert "CALENDLY_API_TOKEN=sandbox-owner" in "".join(lines)


def test_a_port_in_use_is_one_line(call, unvisited):
    code, _, err = call("sandbox", "--port", str(unvisited.port))
    assert code == 1
    assert_one_line(err, "in use")


def test_a_missing_sandbox_says_what_to_install(call, monkeypatch):
    monkeypatch.setitem(sys.modules, "calendly_connector.sandbox.server", None)
    code, _, err = call("sandbox")
    assert code == 2
    assert err.count("\n") == 1
    assert "pip install 'calendly-connector[sandbox]'" in err


def test_a_run_with_a_personal_token_never_imports_pydantic(sandbox):
    code = (
        "import sys; from calendly_connector.cli import main; "
        "main(['run', 'scheduled_events', '--limit', '3', '--json']); print('pydantic' in sys.modules)"
    )
    environment = {**os.environ, "CALENDLY_API_URL": sandbox.url, "CALENDLY_API_TOKEN": "sandbox-owner"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    *lines, imported = done.stdout.splitlines()
    assert json.loads("".join(lines))["complete"] is False
    assert imported == "False"
