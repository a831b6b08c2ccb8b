"""The connector in examples/foreign_connector in the agent, beside Calendly: the agent knows neither."""

import json
import os
import subprocess
import sys

import pytest
from calendly_connector.agent.flows.problems import InvalidFlow
from engine_waiting import wait_until_ended
from flow_agent import FlowAgent
from foreign_connector import install
from locations import TESTS
from noteboard_server import KEY, Noteboard
from stevedore import ExtensionManager

pytest_plugins = ["flow_fixtures"]

PIN = """\
name: pin-bookings
connections:
  calendly: {connector: calendly, credential: calendly}
  board: {connector: noteboard, credential: board}
trigger: {type: triggered, connection: calendly, events: [invitee.created], subscribe: true}
steps:
  - id: note
    connection: board
    action: notes.create
    filter: {text: "~{event.payload.name}~ booked", color: blue}
"""
LINKS = """\
name: links-on-the-board
connections:
  calendly: {connector: calendly, credential: calendly}
  board: {connector: noteboard, credential: board}
trigger:
  {type: polling, every: 5m, connection: board, events: [note.created], filters: {color: yellow}}
steps:
  - id: link
    connection: calendly
    action: links.create
    filter: {event_type: "~{event.payload.text}~"}
  - id: note
    connection: board
    action: notes.create
    filter: {text: "~{link.record.url}~", color: blue}
"""
COPY = """\
name: copy-notes
connections: {board: {connector: noteboard, credential: board}}
trigger: {type: manual}
steps:
  - {id: notes, connection: board, action: notes.list, filter: {}}
  - id: copy
    connection: board
    action: notes.create
    for_each: ~{notes.records}~
    filter: {text: "~{item.text}~!"}
"""
POLL_S = 300
KNOWN_TO_THE_AGENT = {"agent", "catalog", "contract", "errors", "storage", "support", "version"}


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Return a function that installs the foreign connector into this process, or takes it out again."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    install(folder)

    def installed(state):
        if state and str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
        elif not state and str(folder) in sys.path:
            sys.path.remove(str(folder))
        monkeypatch.setattr(ExtensionManager, "ENTRY_POINT_CACHE", {})  # as in a new process

    installed(True)
    yield installed
    installed(False)


@pytest.fixture
def board(packages, vault, clock):  # noqa: ARG001 - it is installed
    """Return the application that the connector is for."""
    vault.put("board", {"kind": "key", "key": KEY})
    with Noteboard(clock=clock) as running:
        yield running


@pytest.fixture
def start(database, vault, clock, calendly, board):
    """Return a function that starts an agent; it is stopped at the end."""
    running = []

    def start():
        running.append(FlowAgent(database, vault, clock, {"calendly": calendly.url, "noteboard": board.url}))
        return running[-1]

    yield start
    for agent in running:
        agent.close()


@pytest.fixture
def agent(start):
    return start()


def texts(board, color="blue"):
    return [note["text"] for note in board.notes if note["color"] == color]


def test_a_booking_at_calendly_is_a_note_on_the_board(agent, calendly, board):
    agent.deploy(PIN)
    calendly.book(name="Noor ~{Now}~ van Dijk", wait=True)
    agent.done()
    assert texts(board) == ["Noor ~{Now}~ van Dijk booked"]


def test_a_lost_reply_of_the_board_is_looked_up(agent, calendly, board):
    agent.deploy(PIN)
    board.losing = True
    calendly.book(name="Noor van Dijk", wait=True)
    agent.done()
    assert texts(board) == ["Noor van Dijk booked"]
    assert board.writes == 1


def test_a_note_on_the_board_starts_a_flow_that_calls_calendly(agent, calendly, board, clock):
    board.add("Intro call")  # before the flow was there
    agent.deploy(LINKS)
    agent.poll_once("links-on-the-board")
    board.add("Intro call")
    board.add("Sales demo", color="blue")
    clock.now += POLL_S
    (run,) = agent.poll("links-on-the-board", 1)
    assert run["event"]["id"] == "note.created:2"
    *_, link = texts(board)
    calendly.book(link=link)
    clock.now += POLL_S
    agent.poll_once("links-on-the-board")
    assert len(agent.done()) == 1


def test_a_key_that_is_revoked_pauses_until_it_is_replaced(agent, calendly, board, vault):
    agent.deploy(PIN)
    vault.put("board", {"kind": "key", "key": "nb_revoked"})
    calendly.book(name="Noor van Dijk", wait=True)
    (run,) = agent.runs()
    assert (run["state"], run["note"]["message"]) == ("paused", "Noteboard answered 401.")
    assert agent.engine.flows.get("pin-bookings").fix.startswith("Make a new key on https://")
    vault.put("board", {"kind": "key", "key": KEY})
    agent.engine.recheck()
    wait_until_ended(agent.engine, run["id"], "done")
    assert texts(board) == ["Noor van Dijk booked"]


def test_a_flow_of_a_connector_that_is_gone_waits_for_it(start, calendly, board, packages):
    first = start()
    first.deploy(PIN)
    first.engine.stop()
    packages(False)
    second = start()
    first.door.edge = second.door.edge  # the new process has the same address
    calendly.book(name="Noor van Dijk", wait=True)
    (run,) = second.runs()
    assert run["state"] == "paused"
    deployed = second.engine.flows.get("pin-bookings")
    assert deployed.reason == "The connector 'noteboard' isn't installed, or can't be loaded."
    assert deployed.fix == "Install the package that has it, then restart the agent."
    with pytest.raises(InvalidFlow, match="unknown connector 'noteboard'"):
        second.deploy(PIN.replace("blue", "yellow"))
    second.engine.recheck()
    assert second.engine.show(run["id"])["state"] == "paused"
    packages(True)
    second.engine.recheck()
    wait_until_ended(second.engine, run["id"], "done")
    assert texts(board) == ["Noor van Dijk booked"]


def test_an_agent_with_another_connector_loads_nothing_of_calendly(tmp_path, database, board):
    """In a process of its own, with the connector found on its path."""
    folder = tmp_path / "installed"
    folder.mkdir()
    path = os.pathsep.join((install(folder), str(TESTS / "support")))
    board.add("Water the plants")
    done = subprocess.run(
        [sys.executable, str(TESTS / "support" / "foreign_agent.py"), database, board.url, KEY],
        input=COPY,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["state"] == "done"
    assert board.notes[-1]["text"] == "Water the plants!"
    assert {name.split(".")[1] for name in found["modules"]} == KNOWN_TO_THE_AGENT
