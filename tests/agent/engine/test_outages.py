"""A database that can't be reached at a bad moment fails no run."""

import pytest
from calendly_connector.errors import AgentDatabaseError
from engine_waiting import wait_until_ended
from small_flows import event, read, step, text

pytest_plugins = ["engine_fixtures"]


@pytest.fixture
def outage(monkeypatch):
    """Return a function that lets a method fail the first two times, as in a short outage."""

    def plan(owner, name):
        original = getattr(owner, name)
        calls = []

        def failing(*arguments, **options):
            calls.append(arguments)
            if len(calls) <= 2:
                raise AgentDatabaseError("The database is restarting.")
            return original(*arguments, **options)

        monkeypatch.setattr(owner, name, failing)
        return calls

    return plan


@pytest.mark.parametrize(
    ("part", "method"),
    [
        ("_runner", "sure"),
        ("_executors", "claim"),
        ("flows", "text"),
        ("flows", "get"),
        ("flows", "all"),
        ("flows", "base_url"),
        ("runs", "turn_ended"),
    ],
)
def test_a_short_outage_fails_no_run(part, method, make_engine, outage, journal):
    engine = make_engine()
    flow = text(step(), step("second", text="~{flow.url}~"))
    engine.deploy(flow, read(flow))
    run_id = "notes:event-1"
    engine.flows._flows.clear()
    engine.runs.add(run_id, "notes", trigger(), 0.0)
    calls = outage(getattr(engine, part), method)
    engine._control.enqueue("notes", run_id, 0, trigger(), {})
    shown = wait_until_ended(engine, run_id)
    assert shown["state"] == "done", shown["note"]
    assert len(calls) > 2
    assert journal.texts()[0] == "Hello"


def trigger():
    return {"by": "triggered", "event": event(), "matched": True, "traceparent": ""}
