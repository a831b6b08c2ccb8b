"""`calendly-connector agent` as a process, and the commands that follow its runs."""

import base64
import json
import os
import signal
import socket
import subprocess
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from agent_process import agent, chat
from calendly_connector.agent import templates
from calendly_connector.auth.vault import open_vault
from calendly_connector.sandbox.server import Sandbox
from engine_waiting import UNDER_WAY, wait_for
from listeners import SCRIPT
from terminal import caller

HAND = """\
name: by-hand
connections: {calendly: {connector: calendly, credential: calendly}}
trigger: {type: manual}
steps:
  - {id: me, connection: calendly, action: users.me}
  - {id: nobody, connection: calendly, action: users.get, filter: {uuid: "~{me.record.resource_type}~"}}
"""
RIGHT = HAND.replace("~{me.record.resource_type}~", "~{me.record.uri}~")


@pytest.fixture
def call(capsys, monkeypatch):
    return caller(capsys, monkeypatch)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Yield a sandbox on the real clock, a chat, an agent, and the environment that has them."""
    folder = tmp_path_factory.mktemp("agent")
    with pytest.MonkeyPatch.context() as patch, chat() as messages, Sandbox() as account:
        settings = {
            "CALENDLY_API_URL": account.url,
            "CALENDLY_CONNECTOR_VAULT": str(folder / "vault.json"),
            "CALENDLY_CONNECTOR_KEY": base64.b64encode(bytes(32)).decode(),
            "PYTHONUNBUFFERED": "1",
        }
        for name, value in settings.items():
            patch.setenv(name, value)
        vault = open_vault()
        vault.put("calendly", {"kind": "personal_access_token", "token": "sandbox-owner"})
        vault.put("chat", {"kind": "webhook", "url": messages.url, "private_network": "allowed"})
        with agent(folder / "agent.db") as running:
            yield World(account, messages, running, folder / "agent.db", settings)


class World(NamedTuple):
    account: Sandbox
    chat: object
    agent: object
    database: Path
    settings: dict


@pytest.fixture(autouse=True)
def _settings(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in world.settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CALENDLY_AGENT_DATABASE", str(world.database))


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Return a database of its own, which no agent works on yet."""
    monkeypatch.setenv("CALENDLY_AGENT_DATABASE", str(tmp_path / "agent.db"))
    return tmp_path / "agent.db"


def deploy(call, text, name="flow.yaml"):
    Path(name).write_text(text, encoding="utf-8")
    code, _, err = call("flow", "deploy", name)
    assert code == 0, err


def ask(url, method, path, body=None):
    connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_a_deployed_flow_answers_a_booking(call, own, world):
    with agent(own) as running:
        deploy(call, templates.read("booking-to-chat"))
        world.account.book(name="Noor van Dijk", email="noor@client.example")
        (message,) = wait_for(lambda: world.chat.messages)
        (one,) = wait_for(lambda: done(call))
        code, out, err = running.end()
    assert (code, out) == (0, "")
    assert f"run {one['short_id']} of booking-to-chat: done" in err
    assert "noor" not in err.lower()
    assert "Noor van Dijk (noor@client.example) booked" in json.dumps(message)
    code, out, _ = call("flow", "show", one["short_id"])
    assert code == 0
    assert out.startswith(f"Run {one['short_id'][:8]} of booking-to-chat version 1: done\n")
    assert ": http.send: ok, " in out
    listed = call("flow", "runs", "booking-to-chat")[1].splitlines()
    assert listed[1].split()[:2] == [one["short_id"][:8], "booking-to-chat"]


def done(call, name="booking-to-chat"):
    """Return the runs of a flow if there are some and all are done."""
    runs = json.loads(call("flow", "runs", name, "--json")[1])
    return runs if runs and all(one["state"] == "done" for one in runs) else None


def test_a_failed_run_is_a_dead_letter_and_is_replayed_with_a_new_version(call):
    deploy(call, HAND)
    code, out, _ = call("flow", "run", "by-hand", "--wait", "--json")
    failed = json.loads(out)
    assert (code, failed["state"], failed["note"]["code"]) == (1, "failed", "invalid_params")
    (letter,) = json.loads(call("flow", "runs", "by-hand", "--dead-letters", "--json")[1])
    assert letter["id"] == failed["id"]
    deploy(call, RIGHT)
    short_id = failed["short_id"]
    assert call("flow", "replay", short_id) == (0, f"Run {short_id} is replayed.\n", "")
    (one,) = wait_for(lambda: done(call, "by-hand"))
    assert one["version"] == 2
    calls = json.loads(call("flow", "show", short_id, "--json")[1])["calls"]
    assert [call["step"] for call in calls] == ["me", "nobody", "nobody"], (
        "the step that succeeded isn't repeated"
    )


def test_what_cannot_be_replayed_is_named_and_the_others_are(call):
    deploy(call, RIGHT.replace("by-hand", "good"))
    run = json.loads(call("flow", "run", "good", "--wait", "--json")[1])
    _, out, _ = call("flow", "replay", "nothing", run["id"], "--from", "nowhere", "--json")
    assert [one["error"]["code"] for one in json.loads(out)] == ["usage_error"] * 2
    code, out, err = call("flow", "replay", "nothing", run["id"], "--from", "me")
    assert code == 1
    assert out == f"Run {run['id']} is replayed.\n"
    assert "There is no run 'nothing'." in err
    code, _, err = call("flow", "decide", run["short_id"], "--happened")
    assert code == 2


def test_an_event_is_passed_by_hand_and_starts_one_run(call):
    deploy(call, templates.read("booking-to-chat").replace("subscribe: true", "subscribe: false"))
    code, _, err = call("flow", "run", "booking-to-chat")
    assert (code, "Events start the flow booking-to-chat." in err) == (2, True)
    code, _, err = call("flow", "run", "booking-to-chat", "--event", "-", stdin="{}")
    assert code == 2
    event = json.dumps({"id": "1", "kind": "invitee.created", "payload": {"email": "a@client.example"}})
    Path("event.json").write_text(event, encoding="utf-8")
    ids = {call("flow", "run", "booking-to-chat", "--event", "event.json")[1] for _ in range(2)}
    assert len(ids) == 1


def test_waiting_without_an_agent_says_so(call, own):
    deploy(call, RIGHT)
    script = ["flow", "run", "by-hand", "--wait"]

    with subprocess.Popen([SCRIPT, *script], stderr=subprocess.PIPE, stdout=subprocess.PIPE) as waiting:
        assert (
            waiting.stderr.readline() == b"note: no agent is running. Start one: calendly-connector agent\n"
        )
        with agent(own):
            out, _ = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, out


def test_its_health_is_served(world):
    status, text = ask(world.agent.url, "GET", "/health")
    health = json.loads(text)
    assert (status, health["status"], health["processes"]) == (200, "ok", 1)
    assert health["oldest_waiting_s"] is health["oldest_pending_s"] is None


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/flows/by-hand/guessed", b"{}", 404),
        ("POST", "/flows/nothing/guessed", b"{}", 404),
        ("POST", "/flows/..%2f..%2fetc/passwd", b"{}", 401),
        ("GET", "/flows/by-hand/guessed", None, 401),
        ("POST", "/health", b"", 404),
        ("GET", "/", None, 401),
        ("POST", "/flows/by-hand/guessed", b"x" * 2_000_000, 413),
    ],
)
def test_other_requests_are_rejected(method, path, body, status, world):
    assert ask(world.agent.url, method, path, body)[0] == status


def test_the_address_stays_when_it_restarts_without_the_option(own):
    with agent(own, "--public-url", "https://flows.acme.example/agent/") as first:
        assert "Process Flow URLs begin with https://flows.acme.example/agent/flows/.\n" in first.announced
        first.end()
    with agent(own) as second:
        assert "begin with https://flows.acme.example/agent/flows/.\n" in second.announced
        second.end()


@pytest.mark.parametrize(
    "url", ["flows.acme.example", "ftp://flows.acme.example", "https://a:b@acme.example"]
)
def test_an_invalid_address_is_rejected(url, call):
    code, _, err = call("agent", "--public-url", url)
    assert code == 2
    assert "--public-url" in err


@pytest.mark.usefixtures("own")
def test_a_taken_port_is_named(call):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, err = call("agent", "--port", str(taken.getsockname()[1]))
    assert code == 1
    assert "in use" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(number, own):
    with agent(own) as running:
        assert running.end(number) == (0, "", "")


def test_a_killed_agent_leaves_its_runs_to_the_next_one(call, own, world):
    before = len(world.chat.messages)
    with agent(own) as first:
        deploy(call, templates.read("booking-to-chat"))
        world.account.book(name="Noor van Dijk", email="noor@client.example")
        wait_for(lambda: json.loads(call("flow", "runs", "--json")[1]))
        os.kill(first.process.pid, signal.SIGKILL)
    with agent(own):
        (one,) = wait_for(lambda: ended(call))
    # A chat can't be asked whether a message arrived, so a kill while it was sent needs a person.
    assert one["state"] in {"done", "needs_person"}
    assert len(world.chat.messages) - before <= 1
    assert one["state"] == "needs_person" or len(world.chat.messages) == before + 1


def ended(call):
    """Return the runs if none is under way."""
    runs = json.loads(call("flow", "runs", "--json")[1])
    return None if {one["state"] for one in runs} & UNDER_WAY else runs
