"""Removing flows, while nothing and while something is under way."""

import threading
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from calendly_connector.agent.engine import tables
from calendly_connector.agent.engine.connections import Connections
from calendly_connector.agent.engine.edge import Edge
from calendly_connector.agent.engine.engine import Engine
from calendly_connector.agent.engine.flow_store import FlowChanged, UnknownFlow
from calendly_connector.agent.engine.removal import StillSubscribed
from calendly_connector.errors import Unauthenticated, UsageError
from engine_waiting import QUICK, wait_for, wait_until_ended
from journal_connector import SIGNATURE, JournalConnection
from small_flows import event, read, step, text
from sqlalchemy import select

pytest_plugins = ["engine_fixtures"]

REMOVED = "flow_removed"
LATER = {"times": 3, "wait_s": 3600.0}


@pytest.fixture
def subscribed(monkeypatch):
    """Return the ids of the journal's subscriptions, and whether its token is refused."""
    state = SimpleNamespace(ids=[], refuses=False)

    def subscribe(_connection, _events, url, **_scope):
        state.ids = [f"id-of-{urlsplit(url).path}"]
        return [SimpleNamespace(id=one) for one in state.ids]

    def unsubscribe(_connection, one):
        if state.refuses:
            raise Unauthenticated("The token was revoked.", fix="Make a new one.", status=401)
        known = one in state.ids
        state.ids = [other for other in state.ids if other != one]
        return known

    monkeypatch.setattr(JournalConnection, "subscribe", subscribe, raising=False)
    monkeypatch.setattr(JournalConnection, "unsubscribe", unsubscribe, raising=False)
    return state


@pytest.fixture
def deploy_subscribed(make_engine):
    """Return a function that deploys a flow that subscribes to its events, and its engine."""
    engine = make_engine(base_url="https://agent.example")
    flow = text(type="triggered", events=["entry.asked"], subscribe=True)

    def deploy():
        return engine.deploy(flow, read(flow))

    return engine, deploy


def removed_note(shown):
    return (shown["state"], shown["note"].get("code"))


def test_a_removed_flow_is_gone_with_its_versions_and_keeps_its_runs(engine, deploy, ended):
    deploy()
    deploy(step(), step("again"))
    run_id = engine.start_run("notes", event())
    ended(run_id)
    engine.remove("notes")
    assert engine.list_flows() == []
    assert engine.flows.versions("notes") == []
    assert [run["state"] for run in engine.list_runs("notes")] == ["done"]
    assert engine.show(run_id)["state"] == "done"
    for call in (
        lambda: engine.start_run("notes", event(2)),
        lambda: engine.replay(run_id),
        lambda: engine.remove("notes"),
        lambda: engine.pause("notes"),
        lambda: engine.show_flow("notes"),
    ):
        with pytest.raises(UnknownFlow):
            call()


def test_another_process_knows_at_once_that_a_flow_is_gone(engine, deploy, ended, database, connector):
    deploy()
    ended(engine.start_run("notes", event()))
    other = Engine(database, read=read, connections=Connections(lambda _name: connector))
    other.start(works=False)
    try:
        other.remove("notes")
    finally:
        other.database.close()
    with pytest.raises(UnknownFlow):
        engine.start_run("notes", event(2))


def test_flows_are_removed_on_postgresql_too(postgres_url, connector, journal):
    engine = Engine(postgres_url, read=read, connections=Connections(lambda _name: connector), settings=QUICK)
    flow = text(step(retry=LATER))
    journal.refusing["Later"] = 1
    with engine:
        engine.deploy(flow, read(flow))
        assert wait_until_ended(engine, engine.start_run("notes", event()))["state"] == "done"
        later = engine.start_run("notes", event(2, "Later"))
        assert engine.start_run("notes", event(2, "Later")) == later
        wait_for(lambda: engine.runs.get(later).state == "delayed")
        assert engine.remove("notes").ended_runs == 1
        assert removed_note(engine.show(later)) == ("failed", REMOVED)
        with pytest.raises(UnknownFlow):
            engine.start_run("notes", event(3))
        assert engine.deploy(flow, read(flow)).version == 2
        assert engine.remove("notes").ended_runs == 0
        assert engine.deploy(flow, read(flow)).version == 3


def test_the_subscription_goes_with_the_flow(deploy_subscribed, subscribed):
    engine, deploy = deploy_subscribed
    deploy()
    deploy()  # an equal subscription is kept
    assert engine.remove("notes").unsubscribed == 1
    assert subscribed.ids == []


def test_a_flow_whose_subscription_cannot_be_deleted_stays_unless_it_is_forced(deploy_subscribed, subscribed):
    engine, deploy = deploy_subscribed
    deploy()
    subscribed.refuses = True
    with pytest.raises(StillSubscribed, match=r"The token was revoked.*--force"):
        engine.remove("notes")
    assert engine.flows.get("notes").state == "active"
    forced = engine.remove("notes", force=True)
    assert (forced.unsubscribed, forced.left_behind) == (0, ("The token was revoked. Make a new one.",))
    assert engine.list_flows() == []


@pytest.mark.usefixtures("subscribed")
def test_a_flow_deployed_again_has_another_url_and_goes_on_counting(deploy_subscribed):
    engine, deploy = deploy_subscribed
    first = deploy()
    path = urlsplit(engine.url("notes")).path
    edge = Edge(engine, engine.connections)
    engine.remove("notes")
    assert edge.receive(path, {SIGNATURE: "signed"}, b"{}")[0] == 404
    second = deploy()
    assert (first.version, second.version) == (1, 2)
    assert first.secret != second.secret
    assert edge.receive(path, {SIGNATURE: "signed"}, b"{}")[0] == 404


def test_a_run_under_way_ends(engine, deploy, ended, journal):
    journal.gate = threading.Event()
    deploy()
    run_id = engine.start_run("notes", event())
    assert journal.began.wait(30)
    engine.remove("notes")
    assert engine.show(run_id)["state"] == "running"
    journal.gate.set()
    assert ended(run_id)["state"] == "done"
    assert journal.texts() == ["Hello"]


def test_a_run_in_the_queue_fails_when_its_turn_comes_though_the_flow_is_deployed_again(make_engine, journal):
    engine = make_engine(works=False)
    flow = text()
    engine.deploy(flow, read(flow))
    run_id = engine.start_run("notes", event())
    engine.remove("notes")
    engine.deploy(flow, read(flow))
    engine.stop()
    engine = make_engine()
    shown = wait_for(lambda: (one := engine.show(run_id))["state"] == "failed" and one)
    assert removed_note(shown) == ("failed", REMOVED)
    assert journal.texts() == []
    with pytest.raises(UsageError, match="was removed"):
        engine.replay(run_id)


def test_a_run_that_waits_for_its_next_attempt_fails(engine, deploy, ended, journal):
    journal.refusing["Hello"] = 1
    deploy(step(retry=LATER))
    run_id = engine.start_run("notes", event())
    ended(run_id, "delayed")
    wait_for(lambda: engine.runs.get(run_id).state == "delayed")
    assert engine.remove("notes").ended_runs == 1
    assert removed_note(engine.show(run_id)) == ("failed", REMOVED)


def test_a_run_that_would_wait_for_its_next_attempt_fails_at_once(engine, deploy, journal):
    journal.gate = threading.Event()
    journal.refusing["Hello"] = 1
    deploy(step(retry=LATER))
    run_id = engine.start_run("notes", event())
    assert journal.began.wait(30)
    engine.remove("notes")
    journal.gate.set()
    shown = wait_for(lambda: (one := engine.show(run_id))["state"] == "failed" and one)
    assert removed_note(shown) == ("failed", REMOVED)


def test_runs_that_are_paused_fail_and_a_new_flow_does_not_take_them_up(engine, deploy, ended, journal):
    deploy()
    engine.pause("notes")
    run_id = engine.start_run("notes", event())
    ended(run_id, "paused")
    assert engine.remove("notes").ended_runs == 1
    deploy()
    engine.go_on_after_repairs()
    assert removed_note(engine.show(run_id)) == ("failed", REMOVED)
    assert journal.texts() == []


def test_a_run_that_another_process_goes_on_with_fails_if_its_flow_is_gone(
    engine, deploy, ended, monkeypatch
):
    deploy()

    def gone(name, version):
        raise UnknownFlow(f"{name} {version}")

    monkeypatch.setattr(engine.flows, "flow", gone)  # what a process finds that has not read it before
    shown = ended(engine.start_run("notes", event()))
    assert removed_note(shown) == ("failed", REMOVED)
    assert "under way" in shown["note"]["message"]


def test_polling_stops_even_for_a_flow_that_was_removed_while_it_was_deployed(engine, deploy):
    deploy(type="polling", events=["entry.asked"], schedule={"every_s": 60.0})
    with engine.database.transaction() as connection:
        row = connection.execute(select(tables.POLLS)).one()
    engine.remove("notes")
    with engine.database.transaction() as connection:
        assert connection.execute(select(tables.POLLS)).all() == []
        connection.execute(tables.POLLS.insert().values(**dict(row._mapping) | {"due_at": 0.0}))
    assert engine._schedules.poll(engine.executor) == 0
    with engine.database.transaction() as connection:
        assert connection.execute(select(tables.POLLS)).all() == []


def test_only_the_version_that_was_read_is_replaced(engine):
    def deploy(words, expected):
        flow = text(step(text=words))
        return engine.deploy(flow, read(flow), expected_version=expected).version

    with pytest.raises(FlowChanged, match="removed meanwhile"):
        deploy("a", 1)
    assert deploy("a", None) == 1
    with pytest.raises(FlowChanged, match="exists already") as caught:
        deploy("a", None)
    assert caught.value.version == 1
    assert deploy("b", 1) == 2
    with pytest.raises(FlowChanged, match="deployed version 2 of notes after you opened version 1") as caught:
        deploy("c", 1)
    assert caught.value.version == 2
    assert deploy("b", 1) == 2  # both wrote the same
    assert deploy("c", 2) == 3
