"""`calendly-connector sync`: what it prints, where, and with which exit code."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from calendly_connector import cli
from calendly_connector.cli.sync_progress import TimeLeft, duration, seconds_left
from calendly_connector.contract import RateLimit
from calendly_connector.sync import SyncProgress
from destinations import count_internal, tables

SCRIPT = str(Path(sys.executable).parent / "calendly-connector")
TIMEOUT_S = 60


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    """Return a function that runs a command in a new folder and returns exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")

    def run(*arguments, server=None):
        if server is not None:
            monkeypatch.setenv("CALENDLY_API_URL", server.url)
        code = cli.main(["sync", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def lines(out):
    return {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.strip()}


def test_a_sync_writes_a_file_and_prints_a_summary(call, fresh_sandbox):
    code, out, err = call(server=fresh_sandbox)
    assert (code, err) == (0, "")
    assert Path("calendly.db").is_file()
    assert lines(out)["TABLE"] == ["READ", "NEW", "CHANGED", "MISSING", "REQUESTS"]
    assert lines(out)["scheduled_events"][:4] == ["250", "250", "0", "0"]
    assert "Synced the whole organization with " in out


def test_json_prints_the_summary_as_json(call, fresh_sandbox):
    code, out, _ = call("--to", "x.db", "--streams", "users, contacts", "--json", server=fresh_sandbox)
    summary = json.loads(out)
    assert code == 0
    assert summary["outcome"] == "done"
    assert summary["streams"]["contacts"] == {"read": 16, "new": 16, "changed": 0, "missing": 0, "calls": 1}


def test_format_csv_writes_files_to_a_folder(call, fresh_sandbox):
    code, _, _ = call("--to", "out", "--format", "csv", "--streams", "users", server=fresh_sandbox)
    assert code == 0
    assert Path("out/users.csv").read_text().startswith("uri,name,")


def test_a_dry_run_writes_nothing(call, fresh_sandbox):
    code, out, err = call("--dry-run", server=fresh_sandbox)
    assert (code, err) == (0, "")
    assert not list(Path().iterdir())
    assert lines(out)["scheduled_events"][0] in {"about", "3"}
    assert " requests (" in out
    code, out, _ = call("--dry-run", "--json", server=fresh_sandbox)
    assert json.loads(out)["calls"] > 200


def test_only_marked_reads_only_marked_records(call, fresh_sandbox):
    call(server=fresh_sandbox)
    booked = fresh_sandbox.book()
    body = {
        "event": "invitee.created",
        "created_at": "2026-11-18T11:00:00Z",
        "created_by": None,
        "payload": booked["invitee"],
    }
    Path("one.json").write_text(json.dumps(body))
    assert call("mark", "one.json") == (0, "Marked 1 record for the next sync.\n", "")
    assert count_internal("sqlite:///calendly.db", "marks") == 1
    code, out, _ = call("--only-marked", server=fresh_sandbox)
    assert code == 0
    assert lines(out)["scheduled_events"][:2] == ["1", "1"]
    assert booked["invitee"]["uri"] in tables("sqlite:///calendly.db")["invitees"]


def test_a_webhook_body_with_an_invitee_needs_no_call(call, fresh_sandbox):
    call(server=fresh_sandbox)
    booked = fresh_sandbox.book()
    payload = {**booked["invitee"], "scheduled_event": booked["event"]}
    body = {"event": "invitee.created", "created_at": "2026-11-18T11:00:00Z", "payload": payload}
    Path("one.json").write_text(json.dumps(body))
    assert call("mark", "one.json")[0] == 0
    fresh_sandbox.control("DELETE", "/requests")
    code, out, err = call("--only-marked", server=fresh_sandbox)
    assert (code, err) == (0, "")
    assert "Took 1 invitee from webhooks, without a request." in out
    assert fresh_sandbox.requests()["counts"] == {"GET /users/me": 1, "GET /organization_memberships": 1}
    assert booked["invitee"]["uri"] in tables("sqlite:///calendly.db")["invitees"]


@pytest.mark.parametrize("form", ["list", "lines", "events"])
def test_events_are_marked_in_any_usual_form(call, form):
    uri = "https://api.calendly.com/scheduled_events/1"
    body = {"event": "invitee.created", "payload": {"event": uri}}
    text = {
        "list": json.dumps([body, body]),
        "lines": f"{json.dumps(body)}\n\n{json.dumps(body)}\n",
        "events": json.dumps({"id": "1", "kind": "invitee.created", "payload": {"event": uri}}),
    }[form]
    Path("events").write_text(text)
    assert call("mark", "events")[:2] == (0, "Marked 1 record for the next sync.\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "aren't valid JSON"),
        ("[1]", "Invalid webhook event"),
        ('{"event": 1, "payload": {}}', "Invalid webhook event"),
    ],
)
def test_mark_rejects_input_that_is_not_an_event(call, text, message):
    Path("events").write_text(text)
    code, _, err = call("mark", "events")
    assert code == 2
    assert message in err


def test_mark_reports_a_missing_file(call):
    code, _, err = call("mark", "nowhere")
    assert code == 2
    assert "Can't read nowhere" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--streams", "nonsense"], "Unknown stream"),
        (["--threads", "0"], "threads"),
        (["--to", "x.db", "mark"], "after mark"),
        (["--window-days", "0"], "window"),
        (["--format", "xml"], "xml"),
        (["--to", "postgresql://me:opensesame@db.example/x"], "CALENDLY_SYNC_TO"),
        (["mark", "--to", "postgresql://me:opensesame@db.example/x"], "CALENDLY_SYNC_TO"),
    ],
)
def test_invalid_arguments_are_rejected_without_network(call, arguments, message, unvisited):
    code, _, err = call(*arguments, server=unvisited)
    assert code == 2
    assert message in err
    assert "opensesame" not in err
    assert not list(Path().iterdir())


def test_the_destination_can_come_from_the_environment(call, fresh_sandbox, monkeypatch):
    monkeypatch.setenv("CALENDLY_SYNC_TO", "there.db")
    assert call("--streams", "users", server=fresh_sandbox)[0] == 0
    assert Path("there.db").is_file()


def test_a_rejected_token_prints_one_line(call, fresh_sandbox, monkeypatch):
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-no-scopes")
    code, out, err = call("--to", "x.db", server=fresh_sandbox)
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert "users:read" in err


def test_without_sqlalchemy_the_command_says_what_to_install(call, monkeypatch, unvisited):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    code, _, err = call(server=unvisited)
    assert code == 2
    assert "calendly-connector[sync]" in err


def environment(sandbox):
    return os.environ | {"CALENDLY_API_URL": sandbox.url, "CALENDLY_API_TOKEN": "sandbox-owner"}


def test_ctrl_c_stops_after_the_page_and_the_next_run_resumes(make_sandbox, tmp_path):
    with make_sandbox(events=200) as sandbox:
        # slow enough not to be done before the signal
        sandbox.fault("latency", path="/scheduled_events/", latency_s=0.05, times=1000)
        command = [SCRIPT, "sync", "--to", "x.db", "--json"]
        with subprocess.Popen(
            command, cwd=tmp_path, env=environment(sandbox), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            while not sandbox.requests()["counts"].get("GET /scheduled_events/{uuid}/invitees"):
                assert process.poll() is None
                time.sleep(0.02)  # leaves the sandbox time for the sync
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 1
        assert json.loads(out)["outcome"] == "stopped"
        assert b"Run the same command to resume" in err
        assert b"Traceback" not in err
        sandbox.control("DELETE", "/faults")
        done = subprocess.run(
            command, cwd=tmp_path, env=environment(sandbox), capture_output=True, check=True
        )
        assert json.loads(done.stdout)["resumed"]
    assert len(tables(f"sqlite:///{tmp_path / 'x.db'}")["scheduled_events"]) == 200


def read_until(terminal, text, shown=b""):
    """Read a terminal until it shows a text; return all output."""
    while text not in shown:
        piece = os.read(terminal, 65536)
        assert piece, shown
        shown += piece
    return shown


def test_a_second_ctrl_c_stops_immediately_even_during_a_wait_for_the_limit(make_sandbox, tmp_path):
    with make_sandbox(events=60) as sandbox:
        sandbox.fault("status", path="/scheduled_events/", status=429, headers={"Retry-After": "150"})
        controller, terminal = pty.openpty()
        settings = environment(sandbox) | {"TERM": "xterm"}
        command = [SCRIPT, "sync", "--to", "x.db"]
        with subprocess.Popen(
            command, cwd=tmp_path, env=settings, stdout=subprocess.DEVNULL, stderr=terminal
        ) as process:
            os.close(terminal)
            try:
                shown = read_until(controller, b"s for the rate limit")
                process.send_signal(signal.SIGINT)
                shown = read_until(controller, b"Press Ctrl-C again", shown)
                process.send_signal(signal.SIGINT)
                assert process.wait(TIMEOUT_S) == -signal.SIGINT  # well before the 150 s are over
            finally:
                process.kill()
                os.close(controller)
        assert b"\x1b[?25h" in shown  # the cursor is visible again
        sandbox.control("DELETE", "/faults")
        done = subprocess.run(
            [*command, "--json"], cwd=tmp_path, env=environment(sandbox), capture_output=True, check=True
        )
        assert json.loads(done.stdout)["resumed"]
    assert len(tables(f"sqlite:///{tmp_path / 'x.db'}")["scheduled_events"]) == 60


@pytest.mark.parametrize(
    ("calls", "work_s", "limit", "expected"),
    [
        (100, 20, None, 20),
        (100, 20, RateLimit(500, 100, 30), 20),  # all fit into this minute
        (150, 15, RateLimit(500, 100, 30), 30 + 5),  # 50 of them come after it
        (1100, 11, RateLimit(500, 100, 30), 30 + 60 + 5),
        (1100, 900, RateLimit(500, 100, 30), 900),  # slower than the limit
        (501, 0, RateLimit(500, 0, None), 120),
        (10, 5, RateLimit(0, 0, 60), 5),
    ],
)
def test_the_time_left_respects_the_limit(calls, work_s, limit, expected):
    assert seconds_left(calls, work_s, limit) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (21.4, "21 s"), (119, "119 s"), (120, "2 min"), (600, "10 min")]
)
def test_durations_are_seconds_below_two_minutes(seconds, text):
    assert duration(seconds) == text


def test_the_time_left_counts_down_while_waiting_for_the_rate_limit():
    now, waits = [0.0], [(0.0, 0.0)]
    left = TimeLeft(lambda: now[0], lambda: waits[0])
    assert str(left) == ""
    left.update(SyncProgress("contacts", 0, 5, None, None))
    assert str(left) == ""
    left.update(SyncProgress("scheduled_events", 0, 10, 0.0, RateLimit(100, 90, 50)))
    assert str(left) == ", 90 of 100 left this minute"
    now[0] = 10.0
    left.update(SyncProgress("scheduled_events", 100, 100, 0.5, RateLimit(100, 0, 40)))
    assert str(left) == ", 0 of 100 left this minute, about 50 s left"
    waits[0] = (39.5, 39.5)
    assert str(left) == ", waiting 40 s for the rate limit, about 50 s left"
    now[0], waits[0] = 30.0, (19.5, 39.5)
    assert str(left) == ", waiting 20 s for the rate limit, about 30 s left"
    now[0], waits[0] = 52.0, (0.0, 40.0)  # it worked for 12 of the 52 s
    left.update(SyncProgress("scheduled_events", 120, 120, 0.6, RateLimit(100, 80, 58)))
    assert str(left) == ", 80 of 100 left this minute, about 8 s left"


def test_waiting_for_the_limit_is_counted_once_for_all_threads(make_sandbox, connect, timer):
    with make_sandbox(clock=timer, rate_limit=3) as sandbox:
        connection = connect(sandbox)
        for _ in range(4):
            connection.run("users.me")
    assert connection.waits == (0.0, pytest.approx(sum(timer.sleeps)))
    assert sum(timer.sleeps) > 1


def test_a_terminal_shows_progress(make_sandbox, tmp_path):
    with make_sandbox(rate_limit=100_000) as sandbox:
        controller, terminal = pty.openpty()
        with subprocess.Popen(
            [SCRIPT, "sync"],
            cwd=tmp_path,
            env=environment(sandbox),
            stdout=subprocess.DEVNULL,
            stderr=terminal,
        ) as process:
            os.close(terminal)
            shown = b""
            try:
                while piece := os.read(controller, 65536):
                    shown += piece
            except OSError:  # the other end was closed
                pass
            os.close(controller)
            assert process.wait(TIMEOUT_S) == 0
    assert b"records, " in shown
    assert b"left this minute" in shown
