"""Every example of the pages of the command line, run on a sandbox on a Monday; flows have their own test."""

import json
import subprocess
import threading
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
import time_machine
from agent_process import chat
from brief import brief_sandbox
from calendly_connector.sandbox.world import fixtures
from doc_examples import arguments, command_lines, unused, way_of
from listeners import SCRIPT
from locations import DOCS
from people import meet
from served import WAIT_S, serving
from terminal import at_terminal, caller
from webhook_receiver import Receiver

LINES = list(dict.fromkeys(command_lines(__file__, *(DOCS / "reference/cli").glob("*.md"))))
NOW = datetime(2026, 11, 30, 10, 30, tzinfo=UTC)
TODAY = date(2026, 11, 30)
TOKEN = "sandbox-owner"
API = "https://api.calendly.com"
NOOR = {"name": "Noor van Dijk", "email": "noor@client.example"}


@pytest.fixture(scope="module", autouse=True)
def _on_that_day():
    with time_machine.travel(NOW.timestamp(), tick=True):
        yield


@pytest.fixture(scope="module")
def few_meetings(_on_that_day):
    """Return a sandbox for examples that change nothing in it."""
    with brief_sandbox(now=NOW, events=2, rate_limit=0) as running:
        yield running


class Stage:
    """Where an example runs: an empty folder, an account, and its token in the vault as `work`."""

    def __init__(self, call, account, folder, monkeypatch):
        self.call, self.account, self.folder, self.monkeypatch = call, account, folder, monkeypatch

    def run(self, line, stdin="", **replaced):
        """Run a line with words replaced; a file after `<` is its standard input. Return its output."""
        line, _, file = line.partition(" < ")
        words = [_replaced(word, replaced) for word in arguments(line)]
        stdin = (self.folder / file).read_text("utf-8") if file else stdin
        code, out, err = self.call(*words, stdin=stdin)
        assert code == 0, err
        return out

    def write(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")

    def set(self, name, value):
        self.monkeypatch.setenv(name, value)


def _replaced(word, replaced):
    for text, other in replaced.items():
        word = word.replace(text, other)
    return word


@pytest.fixture
def stage(line, few_meetings, tmp_path, monkeypatch, capsys):
    """Return the stage for a line: with an account of its own if the line may change it."""
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        account = few_meetings
        if arguments(line)[0] in CHANGING:
            account = stack.enter_context(brief_sandbox(now=NOW, events=2, rate_limit=0))
        settings = {
            "CALENDLY_API_URL": account.url,
            "CALENDLY_AUTH_URL": account.url,
            "CALENDLY_CONNECTOR_VAULT": str(tmp_path / "vault" / "vault.json"),
            "CALENDLY_CONNECTOR_INBOX": str(tmp_path / "inbox.db"),
            "HOME": str(tmp_path / "home"),
            "XDG_DATA_HOME": str(tmp_path / "home" / "data"),
            "SHELL": "/bin/bash",
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        stage = Stage(caller(capsys, monkeypatch), account, tmp_path, monkeypatch)
        stage.run("calendly-connector login work --with-token", stdin=TOKEN)
        yield stage


def with_meeting(days, clock, **more):
    """Return how a line runs if there is one meeting with Noor."""

    def run(stage, line):
        meet(stage.account, TODAY + timedelta(days=days), clock, **NOOR, **more)
        stage.run(line)

    return run


def with_file(name, text, *, before=()):
    """Return how a line runs if there is a file, after other commands."""

    def run(stage, line):
        stage.write(name, text)
        for command in before:
            stage.run(command)
        stage.run(line)

    return run


def after(*commands, stdin=""):
    """Return how a line runs after other commands, with this standard input."""

    def run(stage, line):
        for command in commands:
            stage.run(command)
        stage.run(line, stdin=stdin)

    return run


def replacing(**replaced):
    """Return how a line runs with words replaced."""
    return lambda stage, line: stage.run(line, **replaced)


def unmarked(stage, line):
    meet(stage.account, TODAY, "09:00", **NOOR)
    stage.run("calendly-connector no-show noor")
    stage.run(line)


def with_subscription(stage, line):
    stage.run(SUBSCRIBE)
    listed = json.loads(stage.run("calendly-connector webhooks list --json"))["subscriptions"]
    (ours,) = (one["id"] for one in listed if one["url"].startswith(HOOK) and one["id"])
    stage.run(line, ID=ours)


def with_receiver(stage, line):
    with closing(Receiver()) as receiver:
        receiver.answer = 401
        code, out, err = stage.call(*arguments(line.replace(HOOK, receiver.url)), stdin="")
    assert receiver.received
    assert (code, err) == (0, ""), out


def listening(stage, line):
    """Serve on a free port. What is posted to Slack goes to a chat on this machine."""
    stage.set("CALENDLY_WEBHOOK_SECRET", "a-signing-key-of-a-test")
    stage.write("notify.sh", "#!/bin/sh\n")
    (stage.folder / "notify.sh").chmod(0o755)
    with chat() as slack:
        words = arguments(line.replace("--port 8000", "--port 0"))
        words = [slack.url if word == "URL" or word.startswith("https://") else word for word in words]
        with serving(*words, until="Press Ctrl-C to stop"):
            pass


def watching(stage, line):
    stage.run(SUBSCRIBE)
    with serving(*arguments(line), until="subscription"):
        pass


def serving_until(text, **environment):
    """Return how a line runs that serves, on a free port, until it shows a text."""

    def run(_stage, line):
        words = arguments(line.replace(" --port 8800", "").replace(" --port 0", ""))
        free = ["--port", "0"] if words != ["mcp"] else []
        with serving(*words, *free, until=text, environment=environment):
            pass

    return run


def over_pipes(_stage, line):
    """End the MCP server as a client does: by closing its standard input."""
    subprocess.run([SCRIPT, *arguments(line)], stdin=subprocess.DEVNULL, check=True, timeout=WAIT_S)


def typing_a_token(_stage, line):
    answers = [("Your choice", "1"), ("Token (hidden)", TOKEN)]
    code, screen = at_terminal(*arguments(line), answers=answers)
    assert code == 0, screen


def signed_in_with_oauth(stage, line):
    in_a_browser(stage, "calendly-connector login work --client-id ID --for users.me")
    stage.run(line)


def in_a_browser(stage, line):
    """Sign in with the sandbox's native app, in a browser that follows the consent page's redirect."""
    stage.account.control("POST", "/consent", {"answer": "allow"})
    stage.monkeypatch.setattr("webbrowser.open", _follow)
    stage.run("calendly-connector vault remove work")
    stage.run(line, ID="sandbox-native")


def _follow(address):
    threading.Thread(target=lambda: httpx.get(address, follow_redirects=True, trust_env=False)).start()
    return True


def in_a_process(_stage, line):
    """Run a line that starts processes of its own, at the machine's time like those."""
    subprocess.run([SCRIPT, *arguments(line)], check=True, capture_output=True, timeout=WAIT_S)


HOOK = "https://hooks.acme.example/calendly"
SUBSCRIBE = f"calendly-connector webhooks subscribe invitee.created --to {HOOK}"
PEOPLE = "name,email\nLena Marsh,lena@client.example\n"
EVENT = json.dumps(
    {"event": "invitee.created", "payload": {"event": f"{API}/scheduled_events/{fixtures.ACTIVE_EVENT}"}}
)
CHANGING = {"book", "cancel", "reschedule", "no-show", "links", "login", "logout", "webhooks", "run"}
# How a line runs that needs more than an account; by its beginning.
HOW = {
    "cancel 'mon 14:00'": with_meeting(0, "14:00"),
    "cancel --tomorrow": with_meeting(1, "10:00"),
    "reschedule 'tomorrow 14:00'": with_meeting(1, "14:00", answers=["Pricing"]),
    "no-show noor --undo": unmarked,
    "no-show noor@client.example": with_meeting(0, "09:00"),
    "no-show 'today 9:00'": with_meeting(0, "09:00"),
    "links intro --each": with_file("candidates.csv", PEOPLE),
    "run links.create --each": with_file("people.csv", PEOPLE),
    "run cancel_event": replacing(EVENT=fixtures.ACTIVE_EVENT),
    "report --from 2026-01-01": after("calendly-connector sync"),
    "request GET /event_types": replacing(ID=fixtures.OWNER),
    "sync mark": with_file("events.jsonl", EVENT, before=["calendly-connector sync"]),
    "webhooks rotate": with_subscription,
    "webhooks unsubscribe": with_subscription,
    "webhooks doctor https": with_receiver,
    "webhooks doctor --watch": watching,
    "webhooks listen": listening,
    "login --with-token": with_file("token.txt", TOKEN),
    "login work": in_a_browser,
    "login": typing_a_token,
    "logout work": signed_in_with_oauth,
    "logout": after("calendly-connector use work"),
    "vault add work --replace": with_file("token.txt", TOKEN),
    "vault add work": after("calendly-connector vault remove work", stdin=TOKEN),
    "vault add chat": after(stdin=json.dumps({"url": "https://chat.acme.example/hook"})),
    "demo": in_a_process,
    "mcp --http": serving_until("Listening on", CALENDLY_MCP_TOKEN="a-long-token-of-a-test-0123456789"),
    "mcp": over_pipes,
    "sandbox": serving_until("http://127.0.0.1:"),
}


@pytest.mark.parametrize("line", LINES)
def test_an_example_works(line, stage):
    way_of(line, HOW, Stage.run)(stage, line)


def test_every_way_to_run_an_example_is_used():
    assert unused(HOW, LINES) == []
