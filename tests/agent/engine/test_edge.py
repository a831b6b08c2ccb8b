"""Posts to Process Flow URLs."""

import json
from urllib.parse import urlsplit

import pytest
from calendly_connector.agent.engine.edge import LARGEST_BODY, Edge
from engine_waiting import wait_until_ended
from journal_connector import SIGNATURE
from small_flows import event, read, step, text

pytest_plugins = ["engine_fixtures"]

SIGNED = {SIGNATURE: "signed"}
BODY = json.dumps(event()).encode()


@pytest.fixture
def engine(make_engine):
    engine = make_engine(base_url="https://agent.example/")
    flow = text(step(), type="triggered", events=["entry.asked"], filters=[["wanted", True]])
    engine.deploy(flow, read(flow))
    return engine


@pytest.fixture
def edge(engine):
    return Edge(engine, engine.connections)


@pytest.fixture
def path(engine):
    return urlsplit(engine.url("notes")).path


def body(number=1, **payload):
    return json.dumps(event(number, **{"wanted": True} | payload)).encode()


def test_a_url_is_that_of_the_agent_with_a_secret_part(engine):
    assert engine.url("notes").startswith("https://agent.example/flows/notes/")
    assert len(engine.url("notes").rpartition("/")[2]) >= 32


def test_a_verified_event_is_a_run_when_it_is_answered(edge, engine, path, journal):
    assert edge.receive(path, SIGNED, body()) == (200, "ok")
    assert engine.list_runs()[0]["id"] == "notes:event-1"
    wait_until_ended(engine, "notes:event-1", "done")
    assert journal.texts() == ["Hello"]


def test_an_event_that_is_delivered_twice_is_one_run(edge, engine, path, journal):
    for _ in range(3):
        assert edge.receive(path, SIGNED, body())[0] == 200
    wait_until_ended(engine, "notes:event-1", "done")
    assert journal.texts() == ["Hello"]


def test_an_event_that_the_trigger_does_not_want_is_filtered(edge, engine, path, journal):
    edge.receive(path, SIGNED, body(wanted=False))
    assert wait_until_ended(engine, "notes:event-1")["state"] == "filtered"
    assert journal.texts() == []


def test_an_event_that_leads_to_another_is_a_run_of_that_one(edge, engine, path, journal, connector):
    from dataclasses import replace

    from journal_connector import JournalTrigger

    class Joining(JournalTrigger):
        def match(self, one):
            return (replace(one, id="joined"),)

    connection = type(connector.connect({}))
    original = connection.trigger
    connection.trigger = lambda self, events, _filters: Joining(self.connector, tuple(events), {})
    try:
        for number in (1, 2):
            edge.receive(path, SIGNED, body(number))
        for number in (1, 2):
            wait_until_ended(engine, f"notes:event-{number}", "filtered")
        wait_until_ended(engine, "notes:joined", "done")
    finally:
        connection.trigger = original
    assert journal.texts() == ["Hello"]


@pytest.mark.parametrize(
    "wrong", ["/flows/notes", "/flows/notes/wrong", "/flows/other/x", "/", "/hooks/notes/x"]
)
def test_an_unknown_url_is_404(edge, wrong):
    assert edge.receive(wrong, SIGNED, BODY)[0] == 404


def test_a_flow_that_is_not_triggered_has_no_url(edge, engine, path):
    flow = text(step(), type="manual")
    engine.deploy(flow, read(flow))
    assert edge.receive(path, SIGNED, BODY)[0] == 404


def test_an_unsigned_event_is_401_and_no_run(edge, engine, path):
    assert edge.receive(path, {}, BODY)[0] == 401
    assert engine.list_runs() == []


def test_what_is_no_event_is_400(edge, path):
    assert edge.receive(path, SIGNED, b"{}")[0] == 400


def test_a_large_body_is_413_before_it_is_read(edge, path):
    assert edge.receive(path, {}, b"x" * (LARGEST_BODY + 1))[0] == 413


def test_a_paused_flow_accepts_its_events(edge, engine, path, journal):
    engine.pause("notes")
    assert edge.receive(path, SIGNED, body())[0] == 200
    wait_until_ended(engine, "notes:event-1", "paused")
    engine.resume("notes")
    wait_until_ended(engine, "notes:event-1", "done")
    assert journal.texts() == ["Hello"]


def test_an_event_that_cannot_be_verified_now_is_503(edge, path, connector):
    connector.credentials = {}
    assert edge.receive(path, SIGNED, BODY)[0] == 503


def test_an_event_that_cannot_be_stored_is_503(edge, path, engine, monkeypatch):
    from calendly_connector.errors import AgentDatabaseError

    def down(*_, **__):
        raise AgentDatabaseError("The database is down.")

    monkeypatch.setattr(engine.runs, "add", down)
    assert edge.receive(path, SIGNED, body())[0] == 503
