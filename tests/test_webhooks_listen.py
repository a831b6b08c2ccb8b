"""`calendly-connector webhooks listen`: as it is started, posted to and ended on a terminal."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from calendly_connector import cli
from calendly_connector.inbox import open_inbox
from receivers import KEY, WAIT_S, Post, event, exchange, signed

SCRIPT = str(Path(sys.executable).with_name("calendly-connector"))
CANCELED = (
    Path(__file__).parent / "reference" / "payloads" / "webhooks" / "invitee.canceled.json"
).read_bytes()


@pytest.fixture
def place(tmp_path):
    return tmp_path / "inbox.db"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("CALENDLY_WEBHOOK_SECRET", KEY)
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")


class Listener:
    """A running `webhooks listen`."""

    def __init__(self, process):
        self.process = process
        self.announced = self.line(process.stderr)
        self.url = self.announced.split()[2]

    def line(self, stream):
        assert select.select([stream], [], [], WAIT_S)[0]
        return stream.readline().decode()

    def printed(self):
        return json.loads(self.line(self.process.stdout))

    def post(self, body, key=KEY):
        post = Post(body, signature=(signed(body, key, int(time.time())),))
        return exchange(self.url, post.head() + body)[0]

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        rest = self.process.communicate(timeout=WAIT_S)
        return self.process.returncode, *(text.decode() for text in rest)


@contextmanager
def listening(place, *words):
    command = [SCRIPT, "webhooks", "listen", "--port", "0", "--inbox", str(place), *words]
    # Unbuffered, so that `select` sees what a read would find.
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
        try:
            yield Listener(process)
        finally:
            process.kill()


def test_events_are_printed_once_as_json_lines(place):
    with listening(place, "--print") as listener:
        assert listener.announced == (
            f"Webhooks to {listener.url} are kept in {place}, and printed. Press Ctrl-C to stop.\n"
        )
        assert listener.post(event(1)) == 200
        assert listener.post(event(1)) == 200
        assert listener.post(event(2), "guessed") == 401
        assert listener.post(event(3)) == 200
        first, third = listener.printed(), listener.printed()
        code, out, err = listener.end()
    assert (code, out) == (0, "")
    assert first["payload"] == json.loads(event(1))["payload"]
    assert sorted(first) == ["created_at", "created_by", "id", "kind", "payload"]
    assert third["id"].endswith("-3")
    assert err.splitlines().count("refused (401): mismatch") == 1
    assert f"given: {first['id']}" in err.splitlines()
    assert KEY not in err
    assert "noor" not in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(number, place):
    with listening(place, "--print") as listener:
        code, out, err = listener.end(number)
    assert (code, out, err) == (0, "", "")
    assert [path.name for path in place.parent.iterdir()] == ["inbox.db"]  # closed, and nothing else left


def test_only_events_that_are_wanted_are_given(place):
    with listening(place, "--print", "--events", "invitee.canceled, invitee_no_show.created") as listener:
        assert listener.post(event(1)) == 200
        assert listener.post(CANCELED) == 200
        assert listener.printed()["kind"] == "invitee.canceled"
        listener.end()
    inbox = open_inbox(place)
    assert (inbox.counts()["given"], inbox.counts()["unwanted"]) == (1, 1)
    inbox.close()


def test_a_program_gets_the_event_and_what_it_refuses_comes_again(place, tmp_path):
    script = tmp_path / "take.py"
    script.write_text(
        "import os, sys\n"
        "seen = os.path.exists(sys.argv[1])\n"
        "open(sys.argv[1], 'a').close()\n"
        "if not seen: sys.exit(3)\n"
        "print(os.environ['CALENDLY_EVENT_ID'], os.environ['CALENDLY_EVENT_KIND'], "
        "'CALENDLY_WEBHOOK_SECRET' in os.environ, sys.stdin.read(), flush=True)\n"
    )
    with listening(place, "--exec", f"{sys.executable} {script} '{tmp_path / 'a file'}'") as listener:
        assert listener.post(event(1)) == 200
        event_id, kind, has_secret, body = listener.line(listener.process.stdout).split(" ", 3)
        code, _, err = listener.end()
    assert code == 0
    assert event_id.startswith("invitee.created:")
    assert (kind, has_secret) == ("invitee.created", "False")
    assert json.loads(body) == json.loads(event(1))
    assert f"{event_id}: {sys.executable} ended with exit code 3.\n" in err


class Target(BaseHTTPRequestHandler):
    """Answers what the test says, and keeps what it got."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        status = self.server.answers.pop(0)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()
        if not self.server.answers:
            self.server.done.set()

    def log_message(self, *_words):
        pass


@pytest.fixture
def target():
    with HTTPServer(("127.0.0.1", 0), Target) as server:
        server.got, server.answers, server.done = [], [], threading.Event()
        server.url = f"http://127.0.0.1:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(WAIT_S)


def test_events_are_forwarded_until_they_are_taken(place, target, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password SECRET\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("CALENDLY_API_TOKEN", "SECRET")
    target.answers[:] = [302, 204]
    with listening(place, "--forward", target.url) as listener:
        assert listener.post(event(1)) == 200
        assert target.done.wait(WAIT_S)
        code, _, err = listener.end()
    assert code == 0
    assert "The event that was forwarded was answered 302." in err
    (first, body), (second, again) = target.got  # the redirect was not followed
    assert body == again
    assert json.loads(body) == json.loads(event(1))
    assert first["Calendly-Connector-Event-Id"] == second["Calendly-Connector-Event-Id"]
    assert first["Content-Type"] == "application/json"
    assert "Authorization" not in first
    inbox = open_inbox(place)
    assert inbox.counts()["given"] == 1
    inbox.close()


def test_where_nobody_answers_the_event_waits(place, closed_port):
    with listening(place, "--forward", f"http://127.0.0.1:{closed_port}/") as listener:
        assert listener.post(event(1)) == 200
        assert "kept" in listener.line(listener.process.stderr)
        assert "No answer to the event that was forwarded: ConnectionError." in listener.line(
            listener.process.stderr
        )
        assert listener.end()[0] == 0
    inbox = open_inbox(place)
    assert inbox.counts()["waiting"] == 1
    inbox.close()


def test_where_nobody_reads_the_events_it_ends_and_keeps_them(place):
    with listening(place, "--print") as listener:
        listener.process.stdout.close()
        assert listener.post(event(1)) == 200
        assert listener.process.wait(WAIT_S) == 1
    inbox = open_inbox(place)
    assert inbox.counts()["waiting"] == 1
    inbox.close()


def test_a_kill_after_the_answer_loses_nothing(place):
    with listening(place, "--exec", "false") as listener:
        for number in range(20):
            assert listener.post(event(number)) == 200
        listener.process.kill()
        listener.process.wait(WAIT_S)
    inbox = open_inbox(place)
    after_the_lease = time.time() + 3600
    assert len(inbox.claim(now=after_the_lease)) == 20
    inbox.close()


# What is refused before anything listens


@pytest.fixture
def call(capsys):
    def run(*words):
        code = cli.main(["webhooks", "listen", *words])
        said = capsys.readouterr()
        assert said.err.count("\n") == 1
        assert said.out == ""
        return code, said.err

    return run


@pytest.mark.parametrize("secret", [None, "", "  "])
def test_without_a_key_it_does_not_start(secret, call, monkeypatch, place):
    monkeypatch.delenv("CALENDLY_WEBHOOK_SECRET")
    if secret is not None:
        monkeypatch.setenv("CALENDLY_WEBHOOK_SECRET", secret)
    code, err = call("--port", "0", "--print", "--inbox", str(place))
    assert code == 1
    assert "Set CALENDLY_WEBHOOK_SECRET" in err
    assert not place.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--print, --forward and --exec"),
        (["--print", "--exec", "true"], "--print, --forward and --exec"),
        (["--print", "--events", "invitee.dreamt"], "no event 'invitee.dreamt'"),
        (["--exec", "'"], "cannot be read"),
        (["--exec", ""], "no program ''"),
        (["--exec", "no-such-program-anywhere"], "no program"),
        (["--forward", "http://example.com/"], "https://host/path"),
        (["--forward", "https://user:SECRET@example.com/"], "https://host/path"),
        (["--forward", "ftp://127.0.0.1/"], "https://host/path"),
        (["--forward", "https://[::1/"], "https://host/path"),
        (["--forward", ""], "https://host/path"),
        (["--print", "--inbox", "postgresql://user:SECRET@host/db"], "--inbox holds a password"),
    ],
)
def test_what_is_called_wrongly_is_refused(words, said, call):
    code, err = call("--port", "0", *words)
    assert code == 2
    assert said in err
    assert "SECRET" not in err


def test_a_port_that_is_taken_is_told_of(call, closed_port, place):
    code, err = call("--port", str(closed_port), "--print", "--inbox", str(place))
    assert code == 1
    assert f"Port {closed_port} of 127.0.0.1 cannot be listened on" in err


def test_an_inbox_that_cannot_be_opened_is_told_of(call, tmp_path):
    code, err = call("--port", "0", "--print", "--inbox", str(tmp_path))
    assert code == 1
    assert "cannot be opened" in err


def test_the_own_inbox_is_in_the_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with subprocess.Popen(
        [SCRIPT, "webhooks", "listen", "--port", "0", "--print"], stderr=subprocess.PIPE, env=os.environ
    ) as process:
        announced = process.stderr.readline().decode()
        process.terminate()
        process.communicate(timeout=WAIT_S)
    assert "calendly-connector" in announced
    assert str(tmp_path) in announced
    assert [path.name for path in tmp_path.rglob("inbox.db")] == ["inbox.db"]
