"""Every example of `flow` and `agent` on the page of the command line, run beside an agent."""

import json
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest
from agent_process import agent
from calendly_connector.agent import templates
from calendly_connector.auth.vault import open_vault
from calendly_connector.sandbox.server import Sandbox
from doc_examples import PROGRAM, arguments, command_lines, unused, way_of
from engine_waiting import wait_for
from locations import DOCS
from served import serving
from terminal import caller
from webhook_receiver import CLOSE, Receiver, receiving

LINES = list(dict.fromkeys(command_lines(__file__, DOCS / "reference/cli/process-flows.md")))
SAMPLE_RUN = "5f0c1d2e"
EVENT = {
    "id": "booking",
    "kind": "invitee.created",
    "created_at": "2026-11-30T08:00:00Z",
    "payload": {"name": "Noor van Dijk", "email": "noor@client.example"},
}
# Booked people are announced to a chat. A chat can't be asked whether a message arrived.
CHAT = """\
name: booking-to-chat
connections:
  calendly: {connector: calendly, credential: calendly}
  chat: {connector: http, credential: chat}
trigger: {type: triggered, connection: calendly, events: [invitee.created]}
steps:
  - {id: me, connection: calendly, action: users.me}
  - {id: message, connection: chat, action: http.send, filter: {json.text: "New: ~{event.payload.name}~"}}
"""
VERSIONS = [CHAT.replace("New", word) for word in ("Booked", "Another", "New")]


class World(NamedTuple):
    account: Sandbox
    chat: Receiver
    settings: dict


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Yield a sandbox, a chat, and the settings of an agent that runs beside them."""
    folder = tmp_path_factory.mktemp("flows")
    with pytest.MonkeyPatch.context() as patch, receiving() as chat, Sandbox(events=2) as account:
        settings = {
            "CALENDLY_API_URL": account.url,
            "CALENDLY_API_TOKEN": "sandbox-owner",
            "CALENDLY_CONNECTOR_VAULT": str(folder / "vault.json"),
            "CALENDLY_AGENT_DATABASE": str(folder / "agent.db"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }
        for name, value in settings.items():
            patch.setenv(name, value)
        vault = open_vault()
        vault.put("calendly", {"kind": "personal_access_token", "token": "sandbox-owner"})
        vault.put("chat", {"kind": "webhook", "url": chat.url, "private_network": "allowed"})
        vault.put("files", {"kind": "folder", "path": str(folder)})
        with agent(folder / "agent.db"):
            yield World(account, chat, settings)


class Stage:
    """Where an example runs: an empty folder beside the agent."""

    def __init__(self, call, world):
        self.call, self.world = call, world

    def run(self, line, **replaced):
        """Run a line with words replaced, and patterns of files expanded as by a shell. Return its output."""
        words = [replaced.get("run", word) if word == SAMPLE_RUN else word for word in arguments(line)]
        words = [
            one for word in words for one in (sorted(map(str, Path().glob(word))) if "*" in word else [word])
        ]
        code, out, err = self.call(*words, stdin="")
        assert code == 0, err
        return out

    def json(self, line):
        return json.loads(self.run(f"{PROGRAM} {line} --json"))

    def deploy(self, *texts):
        """Deploy flows, each text as a version."""
        for number, text in enumerate(texts):
            Path(f"deployed-{number}.yaml").write_text(text, encoding="utf-8")
            self.run(f"{PROGRAM} flow deploy deployed-{number}.yaml")

    def ended_run(self, state="done"):
        """Return a run of booking-to-chat that has ended in a state."""
        self.world.chat.answer = {"done": 200, "needs_person": CLOSE}[state]
        Path("given.json").write_text(json.dumps(EVENT | {"id": str(uuid4())}), encoding="utf-8")
        run_id = self.json("flow run booking-to-chat --event given.json")["short_id"]
        wait_for(lambda: self.json(f"flow show {run_id}")["state"] == state)
        self.world.chat.answer = 200
        return run_id


@pytest.fixture
def stage(world, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, value in world.settings.items():
        monkeypatch.setenv(name, value)
    return Stage(caller(capsys, monkeypatch), world)


def deployed(*texts):
    """Return how a line runs after flows were deployed."""

    def run(stage, line):
        stage.deploy(*texts)
        stage.run(line)

    return run


def in_its_own_database(stage, line):
    """Run a line after which the flow is gone, which other examples need."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CALENDLY_AGENT_DATABASE", "own.db")
        stage.deploy(CHAT)
        stage.run(line)


def with_files(stage, line):
    Path("flows").mkdir()
    for name in ("booking.yaml", "flows/booking.yaml"):
        Path(name).write_text(CHAT, encoding="utf-8")
    stage.run(line)


def with_event(stage, line):
    stage.deploy(CHAT)
    Path("event.json").write_text(json.dumps(EVENT), encoding="utf-8")
    stage.run(line)


def with_run(state):
    """Return how a line runs that names a run, which has ended in a state."""

    def run(stage, line):
        stage.deploy(*(VERSIONS if "--version" in line else [CHAT]))
        stage.run(line, run=stage.ended_run(state))

    return run


def beside_others(_stage, line):
    """Start the agent on free ports of this machine, with a database of its own."""
    words = [_here(word) for word in arguments(line)]
    environment = {"CALENDLY_AGENT_DATABASE": "own.db", "CALENDLY_AGENT_ACCESS_TOKEN": "a-token-of-this-test"}
    if "--url" not in words:
        del environment["CALENDLY_AGENT_ACCESS_TOKEN"]
    with serving(*words, "--port", "0", until="Press Ctrl-C to stop", environment=environment):
        pass


def _here(word):
    other = {"8081": "0", "0.0.0.0": "127.0.0.1"}.get(word, word)  # noqa: S104 - what the page says
    return "own.db" if "://db." in word else other


DAILY = templates.read("daily-meetings-to-file")
OLD = CHAT.replace("name: booking-to-chat", "name: old-flow")
# How a line runs that needs more than an agent; by its beginning.
HOW = {
    "agent": beside_others,
    "flow decide": with_run("needs_person"),
    "flow deploy": with_files,
    "flow export": deployed(*VERSIONS),
    "flow pause": deployed(CHAT),
    "flow remove booking-to-chat": in_its_own_database,
    "flow remove old-flow": deployed(OLD),
    "flow replay": with_run("done"),
    "flow resume": deployed(CHAT),
    "flow run booking-to-chat": with_event,
    "flow run daily-meetings-to-file": deployed(DAILY),
    "flow runs": deployed(CHAT),
    "flow show booking-to-chat": deployed(CHAT),
    "flow show 5f0c1d2e": with_run("done"),
    "flow validate": with_files,
}


@pytest.mark.parametrize("line", LINES)
def test_an_example_of_flows_works(line, stage):
    way_of(line, HOW, Stage.run)(stage, line)
    if "pause" in line:
        stage.run(line.replace("pause", "resume"))


def test_every_way_to_run_an_example_of_flows_is_used():
    assert unused(HOW, LINES) == []
