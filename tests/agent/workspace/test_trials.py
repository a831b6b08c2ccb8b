"""Tests of one step with sample data."""

import json

import pytest
from calendly_connector.agent.flows import file
from calendly_connector.agent.workspace import trials
from calendly_connector.agent.workspace.trials import Samples
from calendly_connector.errors import ConnectorError

pytest_plugins = ["workspace_fixtures"]

FLOW = """
name: look
connections:
  calendly: {connector: calendly, credential: work}
  files: {connector: file, credential: files}
trigger: {type: triggered, connection: calendly, events: [invitee.created]}
steps:
  - {id: me, connection: calendly, action: users/me}
  - {id: types, connection: calendly, action: event_types.list, filter: {user: "~{me.record.uri}~"}}
  - id: line
    connection: files
    action: file.append
    when: [{value: "~{event.payload.email}~", is: nobody}]
    filter: {path: out.jsonl, record.email: "~{event.payload.email}~", record.url: "~{flow.url}~"}
  - {id: each, connection: files, action: file.append, for_each: "~{types.records}~",
     filter: {path: each.jsonl, record.name: "~{item.name}~"}}
"""


@pytest.fixture
def flow():
    return file.parse(FLOW)


def test_a_read_runs_with_the_results_of_the_steps_before_it(online, flow):
    samples = Samples()
    me = trials.run(online, flow, 0, samples)
    assert me.summary == "Done."
    prepared = trials.prepare(online, flow, 1, samples)
    assert prepared.is_read
    assert prepared.rows == [["user", me.result["record"]["uri"]]]
    assert "record" in trials.run(online, flow, 1, samples).summary


def test_without_results_the_declared_examples_stand_in(workspace, flow):
    prepared = trials.prepare(workspace, flow, 1, Samples())
    assert prepared.rows[0][1].startswith("https://api.calendly.com/users/")


def test_a_write_shows_its_request_and_sends_nothing(workspace, flow, tmp_path):
    prepared = trials.prepare(workspace, flow, 2, Samples())
    assert not prepared.is_read
    assert prepared.is_skipped
    assert "http://agent.example/flows/look/" in json.dumps(prepared.requests)
    assert not (tmp_path / "out.jsonl").exists()
    trials.run(workspace, flow, 2, Samples())
    assert "@" in (tmp_path / "out.jsonl").read_text()


def test_the_first_item_stands_for_all(workspace, flow, tmp_path):
    samples = Samples()
    trials.run(workspace, flow, 3, samples)
    assert len((tmp_path / "each.jsonl").read_text().splitlines()) == 1
    assert samples.results["each"]["items"][0]["item"]["name"]
    samples.results["types"] = {"record": None, "records": [], "extra": {}}
    with pytest.raises(ConnectorError, match="is empty"):
        trials.prepare(workspace, flow, 3, samples)


def test_the_event_is_the_applications_own_sample(online, flow):
    samples = Samples()
    trials.load_event(online, flow, samples)
    assert samples.event["kind"] == "invitee.created"
    assert samples.event["payload"]["email"]


def test_what_a_run_would_reject_is_an_error_here(workspace):
    text = FLOW.replace("~{me.record.uri}~", "~{me.record.nothing}~")
    with pytest.raises(ConnectorError, match="nothing"):
        trials.prepare(workspace, file.parse(text), 1, Samples())
    with pytest.raises(ConnectorError, match="application"):
        trials.prepare(workspace, file.read("name: x\nsteps: [{id: a}]").flow, 0, Samples())


def test_a_connector_that_raises_is_an_error_with_words(workspace, flow, monkeypatch):
    def fail(*_):
        raise RuntimeError("boom")

    monkeypatch.setattr(workspace.engine.connections, "open", fail)
    with pytest.raises(ConnectorError, match="The connector failed with RuntimeError"):
        trials.prepare(workspace, flow, 0, Samples())


def test_long_results_are_cut():
    assert len(trials.as_text({"a": "x" * 100_000})) < trials.LONGEST + 100
