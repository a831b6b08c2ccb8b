"""Writes whose reply was lost, and processes that died while they wrote."""

import json
import threading

import pytest
from calendly_connector.agent.engine.moves import Settling, next_move
from calendly_connector.agent.flows.model import Retry
from calendly_connector.errors import UsageError
from engine_waiting import wait_for, wait_until_ended
from small_flows import event, read, step, text

pytest_plugins = ["engine_fixtures"]


def test_a_write_that_happened_is_not_repeated(engine, deploy, ended, journal):
    journal.losing["Hello"] = 1
    deploy(step(), step("second", text="~{write.record.id}~"))
    assert ended(engine.start_run("notes", event()))["state"] == "done"
    assert journal.texts() == ["Hello", "entry-1"]


def test_a_write_that_did_not_happen_is_sent_again(engine, deploy, ended, journal):
    journal.dropping["Hello"] = 2
    deploy(step(retry={"wait_s": 0.01}))
    assert ended(engine.start_run("notes", event()))["state"] == "done"
    assert journal.texts() == ["Hello"]


def test_a_write_that_never_arrives_fails_at_last(engine, deploy, ended, journal):
    journal.dropping["Hello"] = 99
    deploy(step(retry={"wait_s": 0.01}))
    assert ended(engine.start_run("notes", event()))["note"]["code"] == "no_answer"
    assert journal.texts() == []


def test_a_write_that_nothing_shows_needs_a_person(engine, deploy, ended, journal):
    journal.losing["Hello"] = 1
    deploy(step(action="entries.post"), step("second", text="Second"))
    shown = ended(engine.start_run("notes", event()))
    assert shown["state"] == "needs_person"
    assert shown["note"]["fix"] == "Look into the journal."
    assert journal.texts() == ["Hello"]


@pytest.mark.parametrize(
    ("happened", "texts"), [(True, ["Hello", "Second"]), (False, ["Hello", "Hello", "Second"])]
)
def test_a_person_decides_whether_it_happened(engine, deploy, ended, journal, happened, texts):
    journal.losing["Hello"] = 1
    deploy(step(action="entries.post"), step("second", text="Second"))
    run_id = engine.start_run("notes", event())
    ended(run_id, "needs_person")
    engine.decide(run_id, happened=happened)
    assert ended(run_id, "done")["calls"][-1]["step"] == "second"
    assert journal.texts() == texts


def test_a_run_that_needs_a_person_is_not_replayed_before_a_decision(engine, deploy, ended, journal):
    journal.losing["Hello"] = 1
    deploy(step(action="entries.post"))
    run_id = engine.start_run("notes", event())
    ended(run_id, "needs_person")
    for from_step in (None, "write"):
        with pytest.raises(UsageError, match="happened"):
            engine.replay(run_id, from_step=from_step)
    assert ended(run_id)["state"] == "needs_person"
    assert journal.texts() == ["Hello"]


def test_only_a_run_that_needs_a_person_is_decided(engine, deploy, ended):
    deploy()
    run_id = ended(engine.start_run("notes", event()))["id"]
    with pytest.raises(UsageError, match="doesn't need a decision"):
        engine.decide(run_id, happened=True)


def test_a_look_up_that_fails_is_made_again(engine, deploy, ended, journal):
    journal.losing["Hello"] = 1
    journal.blind = True
    deploy()
    run_id = engine.start_run("notes", event())
    wait_for(lambda: journal.reads >= 2)
    journal.blind = False
    assert ended(run_id)["state"] == "done"
    assert journal.texts() == ["Hello"]


def test_look_ups_end_after_a_time(make_engine, journal):
    journal.losing["Hello"] = 1
    journal.blind = True
    engine = make_engine(settling=Settling(grace_s=0.05, most_s=0.5))
    flow = text(step())
    engine.deploy(flow, read(flow))
    assert wait_until_ended(engine, engine.start_run("notes", event()))["state"] == "needs_person"


def test_a_write_that_is_safe_to_repeat_is_repeated(engine, deploy, ended, journal):
    journal.losing["Hello"] = 1
    deploy(step(action="entries.put", retry={"times": 1, "wait_s": 0.01}))
    assert ended(engine.start_run("notes", event()))["state"] == "done"
    assert journal.texts() == ["Hello"]


def test_a_write_under_way_when_the_process_stopped_is_looked_up(make_engine, journal):
    flow = text(step(), step("second", text="Second"))
    first = make_engine()
    first.deploy(flow, read(flow))
    journal.gate = threading.Event()
    run_id = first.start_run("notes", event())
    assert journal.began.wait(20)
    first.stop()
    journal.gate.set()
    wait_for(journal.texts)
    second = make_engine()
    assert wait_until_ended(second, run_id)["state"] == "done"
    assert journal.texts() == ["Hello", "Second"]


def test_no_credential_is_recorded(engine, deploy, ended, connector, journal, tmp_path):
    connector.credentials["main"] = journal.token = "token-that-must-not-be-kept"
    deploy()
    ended(engine.start_run("notes", event()))
    assert not any(b"token-that-must-not" in path.read_bytes() for path in tmp_path.iterdir())
    assert "token-that-must-not" not in json.dumps(engine.list_runs())


def test_the_waits_between_look_ups_grow_to_a_limit():
    settling = Settling(grace_s=10, most_wait_s=300)
    assert [settling.wait_s(looks) for looks in (0, 1, 2, 9)] == [10, 20, 40, 300]


def test_the_waits_between_attempts_grow_to_a_limit():
    retry = Retry(times=9, wait_s=10, factor=2, most_wait_s=50)
    failed = {"state": "failed", "retryable": True, "retry_after_s": None}
    waits = [next_move(failed | {"attempt": attempt}, retry).wait_s for attempt in (1, 2, 3, 4)]
    assert waits == [10, 20, 40, 50]
    assert next_move(failed | {"attempt": 10}, retry) is None


def test_a_server_that_names_a_wait_is_not_asked_before():
    failed = {"state": "failed", "retryable": True, "retry_after_s": 70.0, "attempt": 1}
    assert next_move(failed, Retry(times=1, wait_s=1)).wait_s == 70
