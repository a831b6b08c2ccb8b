"""Flows that pause: their events wait, and go on after the repair."""

import pytest
from calendly_connector.agent.engine.outcomes import ConnectorMissing
from calendly_connector.errors import UsageError
from engine_waiting import wait_until_ended
from small_flows import event, read, step, text

pytest_plugins = ["engine_fixtures"]


def test_a_paused_flow_keeps_its_events(engine, deploy, ended, journal):
    deploy()
    engine.pause("notes")
    runs = [engine.start_run("notes", event(number, f"Text {number}")) for number in range(3)]
    for run_id in runs:
        ended(run_id, "paused")
    assert journal.texts() == []
    engine.resume("notes")
    for run_id in runs:
        ended(run_id, "done")
    assert sorted(journal.texts()) == ["Text 0", "Text 1", "Text 2"]


def test_a_revoked_credential_pauses_the_flow_with_the_reason(engine, deploy, ended, journal):
    deploy(step("first", action="entries.list", text=None), step())
    journal.token = "another"
    run_id = engine.start_run("notes", event())
    ended(run_id, "paused")
    deployed = engine.flows.get("notes")
    assert (deployed.state, deployed.reason, deployed.fix) == (
        "paused",
        "The token was revoked.",
        "Make a new one.",
    )


def test_it_goes_on_where_it_was_after_the_repair(engine, deploy, ended, journal, connector):
    deploy(step("first", text="First"), step())
    connector.credentials = {}
    run_id = engine.start_run("notes", event())
    ended(run_id, "paused")
    engine.recheck()
    assert engine.flows.get("notes").state == "paused"
    connector.credentials = {"main": "good"}
    engine.recheck()
    assert ended(run_id, "done")
    assert journal.texts() == ["First", "Hello"]


def test_a_credential_revoked_midway_repeats_no_finished_step(engine, deploy, ended, journal):
    each = step(for_each="~{event.payload.list}~", text="~{item}~", at_once=1)
    deploy(step("first", text="First"), each)
    original = journal.handle

    def revoking(request):
        if len(journal.entries) == 3:
            journal.token = "another"
        return original(request)

    journal.handle = revoking
    run_id = engine.start_run("notes", event(list=["1", "2", "3", "4"]))
    ended(run_id, "paused")
    assert journal.texts() == ["First", "1", "2"]
    journal.handle = original
    journal.token = "good"
    engine.recheck()
    ended(run_id, "done")
    assert journal.texts() == ["First", "1", "2", "3", "4"]


def test_a_flow_that_a_person_paused_is_not_resumed_by_itself(engine, deploy):
    deploy()
    engine.pause("notes")
    engine.recheck()
    assert engine.flows.get("notes").state == "paused"


def test_a_repaired_flow_goes_on_with_its_new_version(engine, deploy, ended, journal, connector):
    deploy()
    connector.credentials = {}
    run_id = engine.start_run("notes", event())
    ended(run_id, "paused")
    deploy(step(text="New: ~{event.payload.text}~"))
    connector.credentials = {"main": "good"}
    engine.recheck()
    assert ended(run_id, "done")["version"] == 2
    assert journal.texts() == ["New: Hello"]


def test_a_missing_connector_pauses_the_flow(make_engine, connector, journal):
    there = []

    def load(name):
        if not there:
            raise ConnectorMissing(f"The connector {name!r} isn't installed.", fix="Install it.")
        return connector

    engine = make_engine(load=load)
    flow = text(step())
    engine.deploy(flow, read(flow))
    run_id = engine.start_run("notes", event())
    wait_until_ended(engine, run_id, "paused")
    assert "isn't installed" in engine.flows.get("notes").reason
    there.append(True)
    engine.recheck()
    wait_until_ended(engine, run_id, "done")
    assert journal.texts() == ["Hello"]


def test_a_lost_reply_is_still_looked_up_after_a_pause(engine, deploy, ended, journal, connector):
    journal.losing["Hello"] = 1
    deploy()
    original = journal.handle

    def revoking(request):
        reply = original(request)
        connector.credentials = {}
        return reply

    journal.handle = revoking
    run_id = engine.start_run("notes", event())
    ended(run_id, "paused")
    journal.handle = original
    connector.credentials = {"main": "good"}
    engine.recheck()
    ended(run_id, "done")
    assert journal.texts() == ["Hello"]


def test_an_unknown_flow_is_an_error(engine):
    for act in (engine.pause, engine.resume, engine.start_run, engine.url):
        with pytest.raises(UsageError, match="No flow named 'none'"):
            act("none")


def test_the_same_text_again_is_no_new_version(engine, deploy):
    deploy()
    deploy()
    assert engine.flows.get("notes").version == 1
    deploy(step("other"))
    assert engine.flows.get("notes").version == 2


def test_the_url_of_a_flow_stays_the_same(engine, deploy):
    deploy()
    url = engine.url("notes")
    deploy(step("other"))
    assert engine.url("notes") == url
