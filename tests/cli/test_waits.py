"""What a person sees of a wait for the rate limit, and how Ctrl-C ends it."""

import io
import json
import threading
from contextlib import redirect_stderr
from types import SimpleNamespace

import pytest
from calendly_connector.cli.waits import Waits
from calendly_connector.http.rate_limit import HeaderRateLimit
from hostile import Hostile, reply
from sandbox_client import Clock
from terminal import INTERRUPT, at_terminal, caller

LINE = "waiting {} s for Calendly's rate limit …"
ERASED = "\r\x1b[2K"
LIMITED = reply(429, {"message": "too many requests"}, {"Retry-After": "40"})


class Terminal(io.StringIO):
    """A standard error that is a terminal, or isn't."""

    is_terminal = True

    def isatty(self):
        return self.is_terminal


class Limited:
    """A connection that waits: `waits` as a connection reports them, and a clock that only sleeps move."""

    def __init__(self):
        self.now = 0.0
        self.until = 0.0
        self.terminal = Terminal()
        self._waits = Waits(self._waits_s, self._pause, lambda: self.now)

    @property
    def said(self):
        return self.terminal.getvalue()

    def sleep(self, seconds):
        with redirect_stderr(self.terminal):
            self._waits.sleep(seconds)

    def wait(self, seconds):
        self.until = self.now + seconds
        self.sleep(seconds)

    def _waits_s(self):
        return max(0.0, self.until - self.now), self.until

    def _pause(self, seconds):
        self.now += seconds


@pytest.fixture
def limited(monkeypatch):
    """Return a connection beside which no other thread writes to the terminal."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setenv("TERM", "xterm")
    return Limited()


def test_a_long_wait_is_shown_until_it_ends(limited):
    limited.wait(39.2)
    assert limited.said == LINE.format(40) + ERASED
    assert limited.now == 39.2


@pytest.mark.parametrize("seconds", [0.05, 1.9])
def test_a_short_wait_is_not_shown(seconds, limited):
    limited.wait(seconds)
    assert (limited.said, limited.now) == ("", seconds)


def test_a_pause_before_a_retry_is_no_wait_for_the_rate_limit(limited):
    limited.sleep(8.0)
    assert (limited.said, limited.now) == ("", 8.0)


def test_a_wait_in_several_parts_or_threads_is_shown_once(limited):
    limited.until = 40.0
    limited.sleep(20.0)
    limited.sleep(20.0)
    limited.wait(1.5)
    assert limited.said == LINE.format(40) + ERASED


def test_each_wait_is_shown(limited):
    limited.wait(40.0)
    limited.wait(60.0)
    assert limited.said == "".join(LINE.format(seconds) + ERASED for seconds in (40, 60))


@pytest.mark.parametrize(("threads", "term"), [(1, "dumb"), (2, "xterm")])
def test_the_line_stays_if_it_can_not_be_erased(threads, term, limited, monkeypatch):
    """Another thread may have written below it, and a simple terminal can't erase."""
    monkeypatch.setattr(threading, "active_count", lambda: threads)
    monkeypatch.setenv("TERM", term)
    limited.wait(40.0)
    assert limited.said == LINE.format(40) + "\n"


def test_nothing_is_shown_without_a_terminal(limited):
    limited.terminal.is_terminal = False
    limited.wait(40.0)
    assert (limited.said, limited.now) == ("", 40.0)


def test_a_command_in_a_script_waits_without_a_word(capsys, monkeypatch, sandbox):
    slept, waits = [], [40.0]
    # Not time.sleep itself: other threads sleep, too.
    monkeypatch.setattr("calendly_connector.cli.waits.time", SimpleNamespace(sleep=slept.append))
    monkeypatch.setattr(HeaderRateLimit, "wait_s", lambda _limit, _now: waits.pop() if waits else 0.0)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    monkeypatch.setenv("CALENDLY_API_URL", sandbox.url)
    code, out, err = caller(capsys, monkeypatch)("run", "users.me")
    assert (code, err, slept) == (0, "", [40.0])
    assert json.loads(out)["record"]["name"]


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    monkeypatch.setenv("TERM", "xterm-256color")
    return lambda server: monkeypatch.setenv("CALENDLY_API_URL", server.url)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_ctrl_c_ends_a_wait(options, environment):
    with Hostile(LIMITED) as server:
        environment(server)
        code, shown = at_terminal("run", "users.me", *options, answers=[(LINE.format(40), INTERRUPT)])
    assert code == 1
    assert "{}" not in shown
    assert "Interrupted." in shown.partition(ERASED)[2]


@pytest.mark.parametrize("options", [(), ("--output", "agenda.csv")])
def test_ctrl_c_ends_the_waits_of_all_threads(options, environment, make_sandbox, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with make_sandbox(rate_limit=2, clock=Clock()) as sandbox:  # the invitees are read in threads
        environment(sandbox)
        arguments = ("agenda", "--from", "2026-11-16", "--to", "2026-11-28", *options)
        code, shown = at_terminal(*arguments, answers=[("waiting 60 s for Calendly's", INTERRUPT)])
    assert code == 1
    assert shown.count("waiting") == 1
    assert "Interrupted." in shown
    assert not list(tmp_path.iterdir())


def test_a_bar_shows_the_wait_itself(environment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.csv").write_text("uuid\nA\n")
    with Hostile(LIMITED) as server:
        environment(server)
        _, shown = at_terminal(
            *("run", "users.get", "--each", "people.csv", "--output", "out.csv"),
            answers=[("waiting 40 s for the rate limit", INTERRUPT), ("Ctrl-C again", INTERRUPT)],
        )
    assert "Calendly's" not in shown
