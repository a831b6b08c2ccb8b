"""A write is sent at most once, even if worker or scheduler dies before its answer arrives."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from brief import brief_sandbox
from calendly_connector.catalog.manifest import catalog
from calendly_connector.connection import CalendlyConnection
from calendly_connector.contract import Settled
from calendly_connector.hosts.airflow.operators import CalendlyActionOperator
from calendly_connector.http import rate_limit
from calendly_connector.sandbox.operations.routes import SCOPES
from installation import TOKEN, Installation
from standalone import Standalone, TaskOfRun

ANSWERS_AFTER_S = 60
WITHIN_S = 120
LINK = ("scheduling_links.create", {"owner": "intro"})
LOST = "It may have happened, so it was not sent again. Look for its result in Calendly"
NOTE = ("notes.create", {"contact": "Noor van Dijk", "body": "Call back"})
AN_HOUR = timedelta(hours=1)


def write(action=LINK[0], params=LINK[1]):
    return CalendlyActionOperator(task_id="task", action=action, action_params=params)


def sent(server, method="POST"):
    return [one for one in server.requests()["requests"] if one["method"] == method]


def dies(*_):
    """Stand in for a worker that is killed at this point."""
    raise KeyboardInterrupt


@pytest.fixture
def died(fresh_sandbox, give_connection, context, monkeypatch):
    """Return a function that runs a write whose worker dies with the answer; it returns the sandbox."""

    def make(task):
        give_connection(fresh_sandbox)
        with monkeypatch.context() as patch:
            patch.setattr("calendly_connector.hosts.airflow.operators.check_size", dies)
            with pytest.raises(KeyboardInterrupt):
                task.execute(context)
        assert len(sent(fresh_sandbox)) == 1
        return fresh_sandbox

    return make


def test_after_a_workers_death_the_write_is_not_sent_again(died, context):
    server = died(write())
    for _ in range(2):
        with pytest.raises(AirflowFailException, match=LOST):
            write().execute(context)
    assert len(sent(server)) == 1


def test_clearing_the_task_after_the_failure_sends_the_write_again(died, context):
    server = died(write())
    with pytest.raises(AirflowFailException, match=LOST):
        write().execute(context)
    context["ti"].max_tries += 3  # as clearing does
    assert write().execute(context)["booking_url"]
    assert len(sent(server)) == 2


def test_a_write_that_can_be_looked_up_is_found_after_a_workers_death(died, context):
    server = died(write(*NOTE))
    found = write(*NOTE).execute(context)
    assert found["body"] == "Call back"
    assert context["task_state_store"]["calendly_write"]["state"] == "done"
    assert write(*NOTE).execute(context) == found
    assert len(sent(server)) == 1


def test_what_a_look_up_finds_is_written_to_the_output_path(died, context, tmp_path):
    path = tmp_path / "note.jsonl"
    task = CalendlyActionOperator(
        task_id="task", action=NOTE[0], action_params=NOTE[1], output_path=str(path)
    )
    died(write(*NOTE))
    assert task.execute(context)["records"] == 1
    assert json.loads(path.read_text())["body"] == "Call back"


def sent_earlier(context, ago):
    at = (datetime.now(UTC) - ago).isoformat(timespec="seconds")
    context["task_state_store"].set("calendly_write", {"state": "sent", "tries": 2, "at": at})


def test_a_write_that_a_look_up_does_not_find_is_sent(fresh_sandbox, give_connection, context):
    give_connection(fresh_sandbox)
    sent_earlier(context, AN_HOUR)
    assert write(*NOTE).execute(context)["body"] == "Call back"
    assert len(sent(fresh_sandbox)) == 1


def test_a_write_that_may_still_be_under_way_is_not_sent(fresh_sandbox, give_connection, context):
    give_connection(fresh_sandbox)
    sent_earlier(context, timedelta())
    with pytest.raises(AirflowFailException, match=r"it may still be under way\. It may have happened"):
        write(*NOTE).execute(context)
    assert sent(fresh_sandbox) == []


def test_a_look_up_that_fails_fails_the_task(fresh_sandbox, give_connection, context):
    give_connection(fresh_sandbox)
    sent_earlier(context, AN_HOUR)
    fresh_sandbox.fault("status", status=403, path="/notes", method="GET")
    with pytest.raises(AirflowFailException, match=r"The look-up of notes\.create failed"):
        write(*NOTE).execute(context)
    assert sent(fresh_sandbox) == []


@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_a_write_whose_answer_is_lost_is_found_by_the_same_try(fresh_sandbox, give_connection, context, kind):
    give_connection(fresh_sandbox)
    fresh_sandbox.fault(kind, method="POST", path="/notes")
    assert write(*NOTE).execute(context)["body"] == "Call back"
    assert len(sent(fresh_sandbox)) == 1


def test_clearing_the_task_before_the_failure_was_shown_fails_once(died, context):
    server = died(write())
    context["ti"].max_tries += 3
    with pytest.raises(AirflowFailException, match=LOST):
        write().execute(context)
    assert len(sent(server)) == 1


def test_the_next_try_returns_the_stored_result_until_the_task_is_cleared(
    fresh_sandbox, give_connection, context
):
    give_connection(fresh_sandbox)
    first = write().execute(context)
    assert write().execute(context) == first
    assert len(sent(fresh_sandbox)) == 1
    context["ti"].max_tries += 3
    assert write().execute(context) != first
    assert len(sent(fresh_sandbox)) == 2


def test_a_rate_limited_write_is_sent_by_the_next_try(fresh_sandbox, give_connection, context):
    give_connection(fresh_sandbox)
    late = {"status": 429, "headers": {"Retry-After": "600"}}
    fresh_sandbox.fault("status", method="POST", path="/scheduling_links", times=1, **late)
    with pytest.raises(AirflowException, match="too many requests") as caught:
        write().execute(context)
    assert not isinstance(caught.value, AirflowFailException)
    rate_limit.reset()  # as in another process
    assert write().execute(context)["booking_url"]


def test_a_write_that_could_not_connect_is_sent_by_the_next_try(
    fresh_sandbox, closed_port, give_connection, context
):
    give_connection(f"http://127.0.0.1:{closed_port}")
    link = {"owner": "https://api.calendly.com/event_types/00000000-0000-4000-8000-000000000000"}
    with pytest.raises(AirflowException, match="refused the connection") as caught:
        write(params=link).execute(context)
    assert not isinstance(caught.value, AirflowFailException)
    give_connection(fresh_sandbox)
    assert write().execute(context)["booking_url"]


def test_a_write_whose_answer_was_lost_is_sent_again_after_clearing(fresh_sandbox, give_connection, context):
    give_connection(fresh_sandbox)
    fresh_sandbox.fault("reset", method="POST", path="/scheduling_links", times=1)
    with pytest.raises(AirflowFailException, match="may have succeeded"):
        write().execute(context)
    context["ti"].max_tries += 3
    assert write().execute(context)["booking_url"]


@pytest.mark.parametrize("name", [name for name, one in catalog().items() if one.effect != "read"])
def test_every_write_that_is_not_idempotent_is_recorded(
    unvisited, give_connection, context, monkeypatch, name
):
    give_connection(unvisited)
    action = catalog()[name]
    monkeypatch.setattr(CalendlyActionOperator, "_run", dies)
    monkeypatch.setattr(CalendlyConnection, "settle", lambda *_, **__: Settled("unknown", "Not asked."))
    params = {key: value for key, value in action.examples[0]["input"].items() if key not in action.secrets}
    with pytest.raises(KeyboardInterrupt):
        write(name, params).execute(context)
    expected = KeyboardInterrupt if action.safe_to_repeat else AirflowFailException
    with pytest.raises(expected):
        write(name, params).execute(context)
    assert bool(context["task_state_store"]) != action.safe_to_repeat


def test_a_read_is_not_recorded(fresh_sandbox, give_connection, context):
    give_connection(fresh_sandbox)
    assert write("users.me", {}).execute(context)
    assert context["task_state_store"] == {}


# Killed scheduler and workers


@pytest.fixture(scope="module")
def killable(tmp_path_factory):
    """Yield a sandbox and an Airflow whose scheduler can be killed and is soon replaced."""
    with brief_sandbox(rate_limit=0) as server:
        server.control("POST", "/tokens", {"name": TOKEN, "scopes": sorted(SCOPES)})
        installation = Installation(tmp_path_factory.mktemp("killable"), server.url)
        soon = {
            "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
        }
        with Standalone(installation, apart=True, **soon) as airflow:
            yield server, airflow


def test_a_write_is_not_sent_again_after_scheduler_and_workers_are_killed(killable):
    server, airflow = killable
    server.fault("latency", method="POST", path="/scheduling_links", latency_s=ANSWERS_AFTER_S, times=2)
    tasks = [TaskOfRun(airflow, f"once_{retries}", "link", dated=False) for retries in (2, 0)]
    airflow.wait_for(lambda: len(sent(server)) == 2, WITHIN_S)
    airflow.kill_latest()
    airflow.start("scheduler")
    for task in tasks:
        assert task.ended() == "failed"
        assert task.details()["try_number"] == 2
        assert LOST in task.errors()
    assert [one["status"] for one in sent(server)] == [201, 201]
    tasks[0].clear()
    assert tasks[0].ended() == "success"
    assert len(sent(server)) == 3
