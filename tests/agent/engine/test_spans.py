"""Spans and metrics of real runs."""

import json
from urllib.parse import urlsplit

import pytest
from calendly_connector.agent.engine.edge import Edge
from calendly_connector.agent.telemetry import public_id
from engine_waiting import wait_for, wait_until_ended
from exported_telemetry import Exported
from journal_connector import SIGNATURE
from small_flows import event, read, step, text

pytest_plugins = ["engine_fixtures"]

WEBHOOK = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SECRET = "kim@client.example"


@pytest.fixture
def exported():
    exported = Exported()
    yield exported
    exported.meters.shutdown()


@pytest.fixture
def engine(make_engine, exported):
    return make_engine(telemetry=exported.telemetry, base_url="https://agent.example")


def parts(exported, name):
    """Return the spans of a name, when the run's own has ended: it is the last."""
    wait_for(lambda: any(span.name.startswith("run ") for span in exported.all_spans()))
    return [span for span in exported.all_spans() if span.name == name]


def test_a_run_its_steps_and_their_calls_continue_the_trace_of_the_webhook(engine, exported):
    flow = text(step(), type="triggered", events=["entry.asked"])
    engine.deploy(flow, read(flow))
    path = urlsplit(engine.url("notes")).path
    headers = {SIGNATURE: "signed", "Traceparent": WEBHOOK}
    Edge(engine, engine.connections).receive(path, headers, json.dumps(event(text=SECRET)).encode())
    wait_until_ended(engine, "notes:event-1", "done")
    (run,), (one,) = parts(exported, "run notes"), parts(exported, "step write")
    (call,) = parts(exported, "journal entries.create")
    assert [f"{run.context.trace_id:032x}", f"{run.parent.span_id:016x}"] == WEBHOOK.split("-")[1:3]
    assert (one.parent.span_id, call.parent.span_id) == (run.context.span_id, one.context.span_id)
    assert run.attributes["flow.trigger.type"] == "triggered"
    assert run.attributes["flow.run.id"] == public_id("notes:event-1") == engine.list_runs()[0]["short_id"]
    assert run.attributes["flow.run.outcome"] == one.attributes["flow.step.outcome"] == "done"
    assert call.attributes["connector.call.requests"] == 1
    assert SECRET not in exported.text()


def test_items_in_parallel_are_steps_of_their_run(engine, exported, deploy):
    deploy(step(for_each="~{event.payload.list}~", text="~{item}~", at_once=3))
    wait_until_ended(engine, engine.start_run("notes", event(list=["a", "b", "c"])), "done")
    (run,), items = parts(exported, "run notes"), parts(exported, "step write")
    assert sorted(span.attributes["flow.step.item"] for span in items) == [0, 1, 2]
    assert {span.parent.span_id for span in items} == {run.context.span_id}


def test_a_failed_attempt_is_counted_as_a_retry_and_reported_by_its_code(engine, exported, deploy, journal):
    journal.dropping["Hello"] = 1
    deploy(step(action="entries.put", retry={"times": 1, "wait_s": 0.01}))
    wait_until_ended(engine, engine.start_run("notes", event()), "done")
    parts(exported, "run notes")
    ((retried, point),) = exported.points()["flow.step.retries"]
    assert (retried["error.type"], point["value"]) == ("no_answer", 1)
    outcomes = [span.attributes["flow.step.outcome"] for span in parts(exported, "step write")]
    assert outcomes == ["failed", "done"]


def test_a_failed_run_has_the_code_of_its_error(engine, exported, deploy):
    deploy(step(text="~{event.payload.missing}~"))
    wait_until_ended(engine, engine.start_run("notes", event()), "failed")
    (run,) = parts(exported, "run notes")
    assert run.attributes["error.type"] == "unresolved_reference"


def test_the_ages_of_the_oldest_runs_are_reported(engine, exported, deploy, journal):
    deploy(step())
    journal.gate = journal.began.__class__()
    run_id = engine.start_run("notes", event())
    assert journal.began.wait(60)
    ((attributes, point),) = exported.points()["flow.run.oldest_age"]
    assert attributes == {"flow.run.state": "pending"}
    assert point["value"] >= 0
    journal.gate.set()
    wait_until_ended(engine, run_id, "done")
