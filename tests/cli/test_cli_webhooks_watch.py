"""`calendly-connector webhooks doctor --watch`: it prints what changes, and ends when one is broken."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from calendly_connector import cli
from calendly_connector.cli import webhooks_watch
from calendly_connector.errors import NoAnswer
from calendly_connector.plugin import connector
from calendly_connector.support.clock import Timing
from conftest import NOW_S, OWNER_TOKEN
from subscribing import EVENTS, change, lose

SCRIPT = str(Path(sys.executable).parent / "calendly-connector")
CALLBACK = "https://hooks.acme.example/calendly"


class Later:
    """A clock whose sleeps are the moments at which something happens."""

    def __init__(self, *moments):
        self.now, self.moments, self.slept = NOW_S, list(moments), []

    def sleep(self, seconds):
        self.now += seconds
        self.slept.append(seconds)
        if not self.moments:
            raise KeyboardInterrupt
        self.moments.pop(0)()

    @property
    def timing(self):
        return Timing(clock=lambda: self.now, sleep=self.sleep)


@pytest.fixture
def watched(fresh_sandbox, tmp_path, monkeypatch):
    """Return the sandbox and a subscription in it, for commands in this process."""
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    monkeypatch.setenv("CALENDLY_API_URL", fresh_sandbox.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", OWNER_TOKEN)
    with connector.connect({"kind": "personal_access_token", "token": OWNER_TOKEN}) as connection:
        (subscription,) = connection.subscribe(EVENTS, CALLBACK)
        yield fresh_sandbox, subscription, connection


@pytest.fixture
def doctor(monkeypatch, capsys):
    """Return a function that runs the command while things happen."""

    def run(*moments, arguments=("--watch", "--every", "30")):
        later = Later(*moments)
        monkeypatch.setattr(webhooks_watch, "Timing", lambda: later.timing)
        code = cli.main(["webhooks", "doctor", *arguments])
        return code, capsys.readouterr(), later

    return run


def test_it_ends_as_soon_as_one_is_disabled(watched, doctor):
    sandbox, subscription, _ = watched
    code, printed, later = doctor(
        lambda: None, lambda: change(sandbox, subscription.url, state="disabled"), pytest.fail
    )
    assert (code, later.slept) == (1, [30.0, 30.0])
    first, note, last = printed.out.splitlines()
    assert first == f"2026-11-18T11:06:40Z  active {subscription.id}"
    assert note.endswith("Watching 1 of your subscriptions. Press Ctrl-C to stop.")
    assert last.startswith(f"2026-11-18T11:07:40Z  disabled {subscription.id}: Calendly disabled it")


def test_it_ends_when_one_vanished_with_a_line_of_json_per_change(watched, doctor):
    sandbox, subscription, _ = watched
    code, printed, _ = doctor(lambda: lose(sandbox, subscription.url), arguments=("--watch", "--json"))
    lines = [json.loads(line) for line in printed.out.splitlines()]
    assert code == 1
    assert [line["what"] for line in lines] == ["active", "vanished"]
    assert lines[1]["subscription"]["id"] == subscription.id
    assert OWNER_TOKEN not in printed.out


def test_one_that_is_broken_already_ends_it_at_once(watched, doctor):
    sandbox, subscription, _ = watched
    change(sandbox, subscription.url, state="disabled")
    code, _, later = doctor()
    assert (code, later.slept) == (1, [])


def test_a_deleted_one_is_printed_and_ctrl_c_ends_it_well(watched, doctor):
    _, subscription, connection = watched
    code, printed, _ = doctor(lambda: connection.unsubscribe(subscription.id), lambda: None)
    assert code == 0
    assert printed.out.splitlines()[-1].endswith(f"deleted {subscription.id}")


def test_a_look_that_fails_is_printed_once_and_so_is_the_next_that_works(monkeypatch):
    states, lines = [[], None, None, []], []

    def look():
        found = states.pop(0)
        if found is None:
            raise NoAnswer("No reply.", reason="broken", may_have_happened=False)
        return found

    monkeypatch.setattr(webhooks_watch.click, "echo", lines.append)
    timing = Later(*[lambda: None] * 3).timing
    with pytest.raises(KeyboardInterrupt):
        webhooks_watch.watch(look, every_s=1, timing=timing, as_json=False)
    assert [line[22:] for line in lines[1:]] == ["can't look: No reply.", "Looking works again."]


@pytest.mark.usefixtures("watched")
def test_a_first_look_that_fails_is_an_error(doctor, monkeypatch):
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-revoked")
    code, printed, _ = doctor()
    assert (code, printed.out) == (1, "")
    assert "token" in printed.err


@pytest.mark.usefixtures("watched")
def test_an_url_cant_be_watched(doctor):
    code, printed, _ = doctor(arguments=("--watch", CALLBACK))
    assert code == 2
    assert "Leave the URL out" in printed.err


@pytest.mark.usefixtures("watched")
def test_ctrl_c_ends_the_process_with_code_0():
    with subprocess.Popen(
        [SCRIPT, "webhooks", "doctor", "--watch"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        lines = [process.stdout.readline() for _ in range(2)]
        assert b"Watching 1" in lines[1]
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
