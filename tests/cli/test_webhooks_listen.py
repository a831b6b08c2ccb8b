"""`calendly-connector webhooks listen` as a process: started, posted to and stopped."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import pytest
from calendly_connector import cli
from calendly_connector.cli.webhooks_listen import poll_loop
from calendly_connector.events.inbox import Entry, open_inbox
from hostile import Hostile, one, page, reply
from listeners import SCRIPT, listening, own_account
from locations import PAYLOADS
from receivers import KEY, WAIT_S, Post, event, exchange, signed

CANCELED = (PAYLOADS / "webhooks" / "invitee.canceled.json").read_bytes()


@pytest.fixture
def place(tmp_path):
    return tmp_path / "inbox.db"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("CALENDLY_WEBHOOK_SECRET", KEY)
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    monkeypatch.setenv("PYTHONFAULTHANDLER", "1")


def test_events_are_printed_once_as_json_lines(place):
    with listening(place, "--print") as listener:
        assert listener.announced == (
            f"Listening on {listener.url}\nEvents are saved to {place} and printed.\nPress Ctrl-C to stop.\n"
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
    assert err.splitlines().count("rejected (401): mismatch") == 1
    assert f"delivered: {first['id']}" in err.splitlines()
    assert KEY not in err
    assert "noor" not in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(number, place):
    with listening(place, "--print") as listener:
        code, out, err = listener.end(number)
    assert (code, out, err) == (0, "", "")
    assert [path.name for path in place.parent.iterdir()] == ["inbox.db"]  # closed, without leftover files


def test_only_selected_events_are_handled(place):
    with listening(place, "--print", "--events", "invitee.canceled, invitee_no_show.created") as listener:
        assert listener.post(event(1)) == 200
        assert listener.post(CANCELED) == 200
        assert listener.printed()["kind"] == "invitee.canceled"
        listener.end()
    inbox = open_inbox(place)
    assert (inbox.counts()["delivered"], inbox.counts()["filtered"]) == (1, 1)
    inbox.close()


def test_a_program_gets_the_event_and_a_failed_one_is_retried(place, tmp_path):
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
    assert f"{event_id}: {sys.executable} exited with code 3.\n" in err


class Target(BaseHTTPRequestHandler):
    """Answers with the given statuses, and records requests."""

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


def test_events_are_forwarded_until_the_target_accepts_them(
    place, target, tmp_path, monkeypatch, closed_port
):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password SECRET\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("CALENDLY_API_TOKEN", "SECRET")
    monkeypatch.setenv("CALENDLY_API_URL", f"http://127.0.0.1:{closed_port}")
    target.answers[:] = [302, 204]
    with listening(place, "--forward", target.url) as listener:
        assert listener.post(event(1)) == 200
        assert target.done.wait(WAIT_S)
        code, _, err = listener.end()
    assert code == 0
    assert "A forwarded event was answered with 302." in err
    (first, body), (second, again) = target.got  # the redirect was not followed
    assert body == again
    assert json.loads(body) == json.loads(event(1))
    assert first["Calendly-Connector-Event-Id"] == second["Calendly-Connector-Event-Id"]
    assert first["Content-Type"] == "application/json"
    assert "Authorization" not in first
    inbox = open_inbox(place)
    assert inbox.counts()["delivered"] == 1
    inbox.close()


def test_a_warning_is_forwarded_in_a_header(place, target):
    target.answers[:] = [204, 204]
    bare = json.loads(event(1))
    del bare["payload"]["status"]
    with listening(place, "--forward", target.url) as listener:
        for body in (event(2), json.dumps(bare).encode()):
            assert listener.post(body) == 200
        assert target.done.wait(WAIT_S)
        listener.end()
    warnings = [headers.get("Calendly-Connector-Event-Warnings") for headers, _ in target.got]
    assert sorted(filter(None, warnings)) == [
        "Doesn't match the schema of invitee.created: status: is missing [kept unchanged]"
    ]


def test_if_the_target_is_down_the_event_waits(place, closed_port):
    with listening(place, "--forward", f"http://127.0.0.1:{closed_port}/") as listener:
        assert listener.post(event(1)) == 200
        assert "kept" in listener.line(listener.process.stderr)
        assert "No answer to a forwarded event: ConnectionError." in listener.line(listener.process.stderr)
        assert listener.end()[0] == 0
    inbox = open_inbox(place)
    assert inbox.counts()["waiting"] == 1
    inbox.close()


def test_if_the_output_is_closed_it_stops_and_keeps_the_events(place):
    # A socket, because a pipe stays open as long as any process, forked meanwhile, has a copy of its end.
    ours, output = socket.socketpair()
    with ours, output, listening(place, "--print", stdout=output) as listener:
        ours.shutdown(socket.SHUT_RDWR)
        assert listener.post(event(1)) == 200
        assert listener.code() == 1
    inbox = open_inbox(place)
    assert inbox.counts()["waiting"] == 1
    inbox.close()


def test_silent_connections_do_not_keep_webhooks_out(place):
    """1,100 of them, or as many as this machine lets one process open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = 4096 if hard == resource.RLIM_INFINITY else min(4096, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, limit), hard))
    try:
        with listening(place, "--print") as listener, ExitStack() as silent:
            address = urlsplit(listener.url)
            for _ in range(min(1100, max(soft, limit) - 200)):
                client = silent.enter_context(
                    socket.create_connection((address.hostname, address.port), WAIT_S)
                )
                client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nX-a: ")
            for number in range(3):
                assert listener.post(event(number)) == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_kill_after_the_reply_loses_no_event(place):
    with listening(place, "--exec", "false") as listener:
        for number in range(20):
            assert listener.post(event(number)) == 200
        listener.process.kill()
        listener.process.wait(WAIT_S)
    inbox = open_inbox(place)
    after_the_lease = time.time() + 3600
    assert len(inbox.claim(now=after_the_lease)) == 20
    inbox.close()


# With a credential


@pytest.fixture
def account(make_sandbox, connect, monkeypatch, tmp_path):
    with own_account(make_sandbox, connect, monkeypatch, tmp_path) as opened:
        yield opened


def printed_until(listener, kind):
    events = [listener.printed()]
    while events[-1]["kind"] != kind:
        events.append(listener.printed())
    return [one["kind"] for one in events]


def test_webhooks_are_verified_with_the_vaults_keys_and_a_reschedule_is_one_event(
    place, account, monkeypatch
):
    sandbox, connection = account
    with listening(place, "--print", "--poll-every", "0") as listener:
        (subscription,) = connection.subscribe(["invitee.rescheduled"], listener.url)
        booked = sandbox.book(wait=True)["invitee"]["uri"]
        sandbox.reschedule(invitee=booked, wait=True)
        sandbox.settle()
        assert printed_until(listener, "invitee.rescheduled") == ["invitee.created", "invitee.rescheduled"]
        listener.end()
    monkeypatch.delenv("CALENDLY_WEBHOOK_SECRET")  # from now on, only the vault has keys
    with listening(place, "--print", "--events", "invitee.canceled", "--poll-every", "0") as again:
        (key,) = connection.signing_keys(subscription.id)
        for used, status in [(key, 200), (KEY, 401)]:
            post = Post(
                CANCELED, (signed(CANCELED, used, int(time.time())),), query=f"subscription={subscription.id}"
            )
            assert exchange(again.url, post.head() + CANCELED)[0] == status
        again.end()


def test_missed_events_are_caught_up_at_startup(place, account):
    sandbox, connection = account
    since = "2026-11-01T00:00:00Z"
    options = ["--print", "--events", "invitee.created", "--filter", "first_time=true", "--since", since]
    sandbox.book(email="missed@client.example")
    assert connection is not None
    with listening(place, *options) as listener:
        assert "every 15 minutes" in listener.announced
        event = listener.printed()
        while event["payload"]["email"] != "missed@client.example":
            event = listener.printed()
        code, _, err = listener.end()
    assert code == 0
    assert "caught up: " in err


ODD_REPLIES = {
    "no uri": {"collection": [{"name": "x"}], "pagination": {}},
    "a number": {"collection": [{"uri": 5}], "pagination": {}},
    "no id": {"collection": [{"uri": "https://api.calendly.com/scheduled_events/a b"}], "pagination": {}},
    "another kind": {"collection": [{"uri": "https://api.calendly.com/users/AAAA"}], "pagination": {}},
    "no list": [1, {}],
    "no user": {"resource": {"uri": "a b", "current_organization": 5}},
}


@pytest.mark.parametrize("document", ODD_REPLIES.values(), ids=ODD_REPLIES)
def test_a_failed_poll_is_retried_while_webhooks_are_still_accepted(document, place, monkeypatch):
    me = {
        "uri": "https://api.calendly.com/users/AAAA",
        "current_organization": "https://api.calendly.com/organizations/BBBB",
    }
    steps = [one(me), page([]), reply(200, document)]
    with Hostile(*steps) as calendly:
        monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
        monkeypatch.setenv("CALENDLY_API_URL", calendly.url)
        options = ["--print", "--poll-every", "0.001", "--since", "2026-11-17T00:00:00Z"]
        with listening(place, *options) as listener:
            failed = [listener.line(listener.process.stderr) for _ in range(2)]
            assert listener.post(event(1)) == 200
            assert listener.printed()["kind"] == "invitee.created"
            code, _, err = listener.end()
    assert all(line.startswith("check for missed events failed: ") for line in failed)
    assert "Traceback" not in err
    assert code == 0


def test_a_bug_while_polling_does_not_stop_the_receiver(place, account, monkeypatch, caplog):
    _, connection = account
    inbox = open_inbox(place)
    stop = threading.Event()
    monkeypatch.setattr(stop, "wait", lambda _s: stop.set())
    poll = poll_loop(connection, (), inbox, every_s=60, since=None, on_new=lambda: None)
    monkeypatch.setattr(connection, "trigger", lambda *_, **__: {}["uri"])
    poll(stop)
    inbox.close()
    assert "check for missed events failed: KeyError (this is a bug)" in caplog.text


def test_an_invalid_since_is_rejected_at_startup(place, account, capsys):
    assert account
    options = ["--since", "yesterday", "--inbox", str(place)]
    assert cli.main(["webhooks", "listen", "--port", "0", "--print", *options]) == 2
    assert "since: must be a UTC time" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options", [["--filter", "host=ada"], ["--events", "invitee.rescheduled"]], ids=["filter", "join"]
)
def test_filters_and_joined_events_need_a_credential(options, place):
    code = cli.main(["webhooks", "listen", "--port", "0", "--print", "--inbox", str(place), *options])
    assert code == 2
    assert not place.exists()


def test_it_stops_immediately_while_a_poll_is_waiting(place, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
        monkeypatch.setenv("CALENDLY_API_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with listening(place, "--print") as listener:
            request, _ = silent.accept()
            began = time.monotonic()
            code, out, _ = listener.end()
            request.close()
    assert (code, out) == (0, "")
    assert time.monotonic() - began < 20  # the poll itself times out after 30 s


def test_an_unknown_filter_is_rejected_at_startup(place, account, capsys):
    assert account
    options = ["--events", "invitee.created", "--filter", "colour=blue", "--inbox", str(place)]
    assert cli.main(["webhooks", "listen", "--port", "0", "--print", *options]) == 2
    assert "isn't a filter of invitee.created" in capsys.readouterr().err


# The inbox


def test_the_inbox_command_counts_events_and_revives_failed_ones(place, capsys):
    inbox = open_inbox(place)
    one, other = (Entry(name, "invitee.created", "2026-11-18T00:00:00Z", b"{}") for name in "ab")
    inbox.put([one, other])
    inbox.bury("a", "it was too much")
    inbox.complete("b", "delivered", now=1.0)
    inbox.close()
    assert cli.main(["webhooks", "inbox", "--inbox", str(place)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert "       1  dead       failed too many times; --revive retries them" in shown
    options = ["--revive", "--forget-days", "30", "--json"]
    assert cli.main(["webhooks", "inbox", "--inbox", str(place), *options]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "revived": 1,
        "forgotten": 1,
        "waiting": 1,
        "dead": 0,
        "delivered": 0,
        "filtered": 0,
        "merged": 0,
    }


# Rejected at startup


@pytest.fixture
def call(capsys):
    def run(*arguments):
        code = cli.main(["webhooks", "listen", *arguments])
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1
        assert captured.out == ""
        return code, captured.err

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
    ("options", "message"),
    [
        ([], "--print, --forward and --exec"),
        (["--print", "--exec", "true"], "--print, --forward and --exec"),
        (["--print", "--events", "invitee.dreamt"], "Unknown event 'invitee.dreamt'"),
        (["--exec", "'"], "Invalid --exec command"),
        (["--exec", ""], "command '' not found"),
        (["--exec", "no-such-program-anywhere"], "not found"),
        (["--forward", "http://example.com/"], "https://host/path"),
        (["--forward", "https://user:SECRET@example.com/"], "https://host/path"),
        (["--forward", "ftp://127.0.0.1/"], "https://host/path"),
        (["--forward", "https://[::1/"], "https://host/path"),
        (["--forward", ""], "https://host/path"),
        (["--print", "--inbox", "postgresql://user:SECRET@host/db"], "--inbox contains a password"),
    ],
)
def test_wrong_options_are_rejected(options, message, call):
    code, err = call("--port", "0", *options)
    assert code == 2
    assert message in err
    assert "SECRET" not in err


def test_a_port_in_use_is_reported(call, closed_port, place):
    code, err = call("--port", str(closed_port), "--print", "--inbox", str(place))
    assert code == 1
    assert f"Port {closed_port} is in use" in err


def test_an_inbox_that_cannot_be_opened_is_reported(call, tmp_path):
    code, err = call("--port", "0", "--print", "--inbox", str(tmp_path))
    assert code == 1
    assert "Can't open the inbox" in err


def test_the_default_inbox_is_in_the_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with subprocess.Popen(
        [SCRIPT, "webhooks", "listen", "--port", "0", "--print"], stderr=subprocess.PIPE, env=os.environ
    ) as process:
        announced = "".join(process.stderr.readline().decode() for _ in range(2))
        process.terminate()
        process.communicate(timeout=WAIT_S)
    assert "calendly-connector" in announced
    assert str(tmp_path) in announced
    assert [path.name for path in tmp_path.rglob("inbox.db")] == ["inbox.db"]
