"""Flows of connectors that weren't made for these tests: Shelf in memory, and Calendly with its sandbox."""

import pytest
from another_connector import ShelfConnector
from calendly_connector.agent.engine.connections import Connections
from calendly_connector.agent.engine.engine import Engine
from calendly_connector.agent.flows.model import Call, Flow, FlowConnection, FlowTrigger, Step
from calendly_connector.plugin import connector as calendly
from engine_waiting import QUICK, wait_until_ended
from shelf_application import KEY, SIGNING_KEY, Shelf

pytest_plugins = ["engine_fixtures"]

SHELF = Flow(
    "lend",
    {"shelf": FlowConnection("shelf", "library")},
    FlowTrigger(),
    (
        Step("books", Call("shelf", "books.list", limit=2)),
        Step(
            "lend",
            Call(
                "shelf",
                "loans.create",
                (("book", "~{item.uri}~"), ("reader.email", "~{event.payload.email}~")),
            ),
            for_each="~{books.records}~",
        ),
    ),
)
CALENDLY = Flow(
    "look",
    {"calendly": FlowConnection("calendly", "work")},
    FlowTrigger(),
    (
        Step("me", Call("calendly", "users.me")),
        Step(
            "types",
            Call("calendly", "event_types.list", (("user", "~{me.record.uri}~"),), limit=1),
        ),
    ),
)


class Store(dict):
    """A store with the credentials of both."""

    def get(self, name):
        return dict(self[name])


@pytest.fixture
def make(database):
    running = []

    def make(flow, connector, credential, **options):
        store = Store({flow.connections[next(iter(flow.connections))].credential: credential})
        connections = Connections(lambda _name: connector, store, **options)
        engine = Engine(database, read=lambda _text: flow, connections=connections, settings=QUICK)
        running.append(engine)
        engine.start()
        engine.deploy("1", flow)
        return engine

    yield make
    for engine in running:
        engine.stop()


def test_a_lost_reply_of_another_application_is_looked_up(make):
    shelf = Shelf()
    credential = {"kind": "key", "key": KEY, "signing_key": SIGNING_KEY}
    engine = make(SHELF, ShelfConnector(shelf), credential)
    shelf.lose_reply()
    event = {"id": "1", "kind": "asked", "payload": {"email": "robin@shelf.example"}}
    shown = wait_until_ended(engine, engine.start_run("lend", event))
    assert shown["state"] == "done", shown["note"]
    assert shelf.writes == 2


def test_calendly_runs_in_the_engine(make, sandbox):
    credential = {"kind": "personal_access_token", "token": "sandbox-owner"}
    engine = make(CALENDLY, calendly, credential, origins={"calendly": sandbox.url})
    shown = wait_until_ended(engine, engine.start_run("look"))
    assert shown["state"] == "done", shown["note"]
    assert shown["calls"][1]["input"][0][1] == shown["calls"][0]["output"]["record"]["uri"]
