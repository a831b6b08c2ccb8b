"""`webhooks listen` without an address of its own, and its messages to Slack."""

import json
import signal
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from calendly_connector import cli
from calendly_connector.cli.event_handlers import read_template
from calendly_connector.errors import UsageError
from calendly_connector.events.inbox import open_inbox
from listeners import listening, own_account
from receivers import KEY, WAIT_S, event

SLACK_URL = ("--port", "0", "--slack", "https://x.example/SECRET")


@pytest.fixture
def place(tmp_path):
    return tmp_path / "inbox.db"


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    monkeypatch.setenv("CALENDLY_WEBHOOK_SECRET", KEY)
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")


@pytest.fixture
def account(make_sandbox, connect, monkeypatch, tmp_path):
    with own_account(make_sandbox, connect, monkeypatch, tmp_path) as opened:
        yield opened


class SlackTarget(BaseHTTPRequestHandler):
    """Answers 429 once, then 200, and keeps the texts."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.paths.append(self.path)
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if status == 200:
            self.server.texts.append(json.loads(body)["text"])
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.arrived.release()

    def log_message(self, *_words):
        pass


@pytest.fixture
def slack():
    with HTTPServer(("127.0.0.1", 0), SlackTarget) as server:
        server.texts, server.paths, server.statuses = [], [], []
        server.arrived = threading.Semaphore(0)
        server.url = f"http://127.0.0.1:{server.server_port}/services/SECRETPATH"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(WAIT_S)


def wait_for(slack, count):
    for _ in range(count):
        assert slack.arrived.acquire(timeout=WAIT_S)


@pytest.fixture
def call(capsys):
    def run(*arguments):
        code = cli.main(["webhooks", "listen", *arguments])
        return code, capsys.readouterr().err

    return run


def test_a_booking_becomes_a_message_and_none_is_lost(place, slack):
    slack.statuses[:] = [429, 500]
    with listening(place, "--slack", slack.url, "--tz", "Europe/Amsterdam") as listener:
        assert "SECRETPATH" not in listener.announced
        assert "and sent to Slack." in listener.announced
        assert listener.post(event(1)) == 200
        wait_for(slack, 3)
        code, _, err = listener.end()
    assert code == 0
    assert slack.texts[0].startswith("*Noor van Dijk* booked *Intro call*\n")
    assert "(Europe/Amsterdam)" in slack.texts[0]
    assert len(slack.texts) == 1
    assert "A message to Slack was answered with 429." in err
    assert "SECRETPATH" not in err
    assert set(slack.paths) == {"/services/SECRETPATH"}
    inbox = open_inbox(place)
    assert inbox.counts()["delivered"] == 1
    inbox.close()


def test_the_url_is_read_from_the_environment(place, slack, monkeypatch, tmp_path):
    monkeypatch.setenv("CALENDLY_SLACK_URL", slack.url)
    template = tmp_path / "new.txt"
    template.write_text("New: {name}, {email}\n", encoding="utf-8")
    with listening(place, "--template", f"invitee.created={template}") as listener:
        assert listener.post(event(1)) == 200
        wait_for(slack, 1)
        listener.end()
    assert slack.texts == ["New: Noor van Dijk, noor@client.example"]


def test_another_handler_is_chosen_in_spite_of_the_variable(place, slack, monkeypatch):
    monkeypatch.setenv("CALENDLY_SLACK_URL", slack.url)
    with listening(place, "--print") as listener:
        assert listener.post(event(1)) == 200
        assert listener.printed()["kind"] == "invitee.created"
        listener.end()
    assert slack.paths == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_polling_alone_needs_neither_an_address_nor_a_key(number, place, account, slack, monkeypatch):
    sandbox, _ = account
    monkeypatch.delenv("CALENDLY_WEBHOOK_SECRET")
    since = datetime.now(UTC).isoformat()  # the sandbox has the same clock
    sandbox.book(email="polled@client.example")
    options = ["--slack", slack.url, "--since", since]
    with listening(place, *options, mode=["--poll-only"]) as listener:
        assert listener.announced == (
            f"Events are saved to {place} and sent to Slack.\n"
            "Calendly is polled at startup and every 15 minutes.\nPress Ctrl-C to stop.\n"
        )
        wait_for(slack, 1)
        code, out, _ = listener.end(number)
    assert (code, out) == (0, "")
    (text,) = slack.texts
    assert "polled@client.example" in text
    assert "(Europe/Berlin)" in text  # the account's time zone


def test_a_reschedule_found_by_polling_is_one_event(place, account, monkeypatch):
    sandbox, _ = account
    monkeypatch.delenv("CALENDLY_WEBHOOK_SECRET")
    options = ["--print", "--events", "invitee.rescheduled", "--poll-every", "0.01"]
    with listening(place, *options, mode=["--poll-only"]) as listener:
        assert "caught up" in listener.line(listener.process.stderr)  # the first poll notes the current state
        booked = sandbox.book()["invitee"]["uri"]
        sandbox.reschedule(invitee=booked)
        assert listener.printed()["kind"] == "invitee.rescheduled"
        assert listener.end()[0] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--print"], "Missing option '--port'. Pass a port, or --poll-only"),
        (["--poll-only", "--port", "0", "--print"], "--poll-only and --port can't be used together."),
        (["--poll-only", "--print"], "--poll-only needs a credential. Run `calendly-connector login`"),
        (["--poll-only", "--poll-every", "0", "--print"], "--poll-only needs --poll-every"),
        (
            [*SLACK_URL, "--print"],
            "exactly one of --slack, --print",
        ),
        (
            ["--port", "0", "--slack", "http://x.example/SECRET"],
            "can't be sent to this URL.",
        ),
        (["--port", "0", "--slack", "SECRET"], "can't be sent to this URL."),
        (["--port", "0", "--print", "--template", "{name}"], "--template and --tz require --slack."),
        (["--port", "0", "--print", "--tz", "Europe/Berlin"], "--template and --tz require --slack."),
        ([*SLACK_URL, "--tz", "Mars"], "unknown time zone 'Mars'"),
        ([*SLACK_URL, "--tz", "../etc"], "unknown time zone"),
        (
            [*SLACK_URL, "--template", "{nmae}"],
            "Did you mean {name}?",
        ),
        (
            [*SLACK_URL, "--template", "no-such-file"],
            "can't read 'no-such",
        ),
    ],
)
def test_wrong_options_are_rejected_and_the_url_is_not_repeated(
    options, message, call, monkeypatch, tmp_path
):
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    code, err = call(*options)
    assert code == 2
    assert message in err
    assert "SECRET" not in err


def test_a_template_is_a_text_or_a_file_for_one_kind_or_all(tmp_path):
    file = tmp_path / "template.txt"
    file.write_text("{name}\n", encoding="utf-8")
    assert read_template("{name} = {email}")[0] == ""
    assert read_template(str(file))[0] == ""
    assert read_template(f"invitee.canceled={file}")[0] == "invitee.canceled"
    assert read_template("invitee.canceled={name}")[0] == "invitee.canceled"
    for wrong in ("invitee.dreamt={name", str(tmp_path), "invitee.created="):
        with pytest.raises(UsageError):
            read_template(wrong)
    file.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(UsageError, match="isn't a text file"):
        read_template(str(file))
