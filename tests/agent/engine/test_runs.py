"""Runs of flows: steps, references, conditions, lists, retries, compensation."""

import json
import re
import threading
from contextlib import contextmanager
from datetime import UTC, datetime

import sqlalchemy as sa
from engine_waiting import wait_for, wait_until_ended
from small_flows import event, read, step, text

pytest_plugins = ["engine_fixtures"]

MANY = [{"text": f"Text {number}"} for number in range(8)]
AGAIN = {"times": 2, "wait_s": 0.01}


def run(engine, ended, one_event=None, **options):
    return ended(engine.start_run("notes", one_event or event(), **options))


def test_the_steps_of_a_run_see_its_event_and_each_other(engine, deploy, ended, journal):
    deploy(step(), step("again", text="Re: ~{write.record.text}~"))
    assert run(engine, ended)["state"] == "done"
    assert journal.texts() == ["Hello", "Re: Hello"]


@contextmanager
def statements():
    """Yield the statements of runs on the agent's own tables, without those of its loops."""
    seen = []

    def see(_connection, _cursor, statement, *_):
        found = re.match(r"(\w+) .*?\b(agent_\w+)", statement, re.DOTALL)
        if found and not threading.current_thread().name.startswith("agent-"):
            seen.append(" ".join(found.groups()))

    sa.event.listen(sa.Engine, "before_cursor_execute", see)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", see)


def test_a_run_writes_its_row_twice_a_note_for_each_write_and_its_api_calls_once(engine, deploy, ended):
    deploy(step(), step("look", action="entries.list", text=None))
    run(engine, ended)
    with statements() as seen:
        run(engine, ended, event(2))
    assert [one for one in seen if one != "SELECT agent_runs"] == [  # those wait until it has ended
        "INSERT agent_runs",
        "SELECT agent_flows",
        "INSERT agent_sent",
        "SELECT agent_executors",
        "UPDATE agent_runs",
        "DELETE agent_calls",  # a turn may end twice, after a crash
        "INSERT agent_calls",
    ]


def test_an_event_becomes_one_run_however_often_it_arrives(engine, deploy, ended, journal):
    deploy()
    ids = {engine.start_run("notes", event()) for _ in range(3)}
    assert ended(*ids)["state"] == "done"
    engine.start_run("notes", event())
    ended(engine.start_run("notes", event(2, "Other")))
    assert journal.texts() == ["Hello", "Other"]


def test_a_step_can_refer_to_the_url_of_any_flow(engine, deploy, ended, journal):
    deploy(step(text="~{flow.url}~ ~{flows.other.url}~"))
    deploy(name="other")
    assert run(engine, ended)["state"] == "done"
    assert journal.texts() == [f"{engine.url('notes')} {engine.url('other')}"]


def test_runs_without_an_event_are_runs_of_their_own(engine, deploy, ended, journal):
    deploy(step(text="~{flow.name}~"))
    for _ in range(2):
        ended(engine.start_run("notes"))
    assert journal.texts() == ["notes", "notes"]


def test_a_step_whose_condition_does_not_hold_is_skipped(engine, deploy, ended, journal):
    never = [{"value": "~{event.payload.text}~", "operator": "is", "operand": "Bye"}]
    deploy(step("first", when=never), step("second", text="~{first.record.text}~!"))
    assert run(engine, ended)["state"] == "done"
    assert journal.texts() == ["!"]


def test_what_comes_from_outside_is_never_a_reference(engine, deploy, ended, journal):
    deploy(step(), step("again", text="~{write.record.text}~"))
    run(engine, ended, event(text="~{run.id}~"))
    assert journal.texts() == ["~{run.id}~"] * 2


def test_a_step_runs_for_each_item_with_a_bound(engine, deploy, ended, journal, connector):
    connector.slow_s = 0.01
    each = {"for_each": "~{event.payload.list}~", "text": "~{item.text}~"}
    deploy(step(**each, at_once=3), step("sum", text="~{write.items[7].item.text}~ was last"))
    run(engine, ended, event(list=MANY))
    assert sorted(journal.texts()[:8]) == [one["text"] for one in MANY]
    assert journal.texts()[8] == "Text 7 was last"
    assert journal.most_at_once <= 3


def test_an_empty_list_is_no_call(engine, deploy, ended, journal):
    deploy(step(for_each="~{event.payload.list}~", text="~{item.text}~"))
    assert run(engine, ended, event(list=[]))["state"] == "done"
    assert journal.texts() == []


def test_a_reference_to_no_list_fails_with_a_fix(engine, deploy, ended):
    deploy(step(for_each="~{event.payload.text}~"))
    shown = run(engine, ended)
    assert shown["state"] == "failed"
    assert shown["note"]["step"] == "write"
    assert shown["note"]["fix"]


def test_a_failed_call_is_tried_again(engine, deploy, ended, journal):
    journal.refusing["Hello"] = 2
    deploy(step(retry=AGAIN))
    shown = run(engine, ended)
    assert shown["state"] == "done"
    assert [(call["attempt"], call["state"]) for call in shown["calls"]] == [
        (1, "failed"),
        (2, "failed"),
        (3, "ok"),
    ]


def test_an_error_that_stays_is_not_tried_again(engine, deploy, ended, journal):
    journal.forbidden.add("Hello")
    deploy(step(retry=AGAIN))
    shown = run(engine, ended)
    assert [(call["attempt"], call["state"]) for call in shown["calls"]] == [(1, "failed")]


def test_only_the_failed_items_are_tried_again(engine, deploy, ended, journal):
    journal.refusing["Text 3"] = 1
    deploy(step(for_each="~{event.payload.list}~", text="~{item.text}~", retry=AGAIN, at_once=4))
    assert run(engine, ended, event(list=MANY))["state"] == "done"
    assert sorted(journal.texts()) == [one["text"] for one in MANY]


def test_a_long_wait_holds_no_place_and_goes_on_where_it_was(make_engine, journal):
    engine = make_engine(at_once=1)
    flow = text(step("first", text="First"), step(retry={"times": 1, "wait_s": 2.5}))
    engine.deploy(flow, read(flow))
    journal.refusing["Hello"] = 1
    slow = engine.start_run("notes", event())
    wait_until_ended(engine, slow, "delayed")
    quick = engine.start_run("notes", event(2, "Quick"))
    assert wait_until_ended(engine, quick)["state"] == "done"
    assert wait_until_ended(engine, slow)["state"] == "done"
    assert journal.texts() == ["First", "First", "Quick", "Hello"]


def test_a_run_stops_at_an_error(engine, deploy, ended, journal):
    journal.refusing["Hello"] = 1
    deploy(step(), step("second", text="Second"))
    shown = run(engine, ended)
    assert shown["state"] == "failed"
    assert shown["note"]["message"] == "The journal refuses it."
    assert journal.texts() == []


def test_a_run_continues_after_an_error_if_the_step_says_so(engine, deploy, ended, journal):
    journal.refusing["Hello"] = 1
    deploy(step(then="continue"), step("second", text="because ~{write.error.message}~"))
    assert run(engine, ended)["state"] == "done"
    assert journal.texts() == ["because The journal refuses it."]


def test_a_run_compensates_the_last_step_first(engine, deploy, ended, journal):
    undo = {"action": "entries.put"}
    journal.refusing["Hello"] = 1
    deploy(
        step("one", text="One", undo=undo | {"rows": [["text", "undo ~{one.record.text}~"]]}),
        step(
            "each",
            for_each="~{event.payload.list}~",
            text="~{item.text}~",
            undo=undo | {"rows": [["text", "undo ~{item.text}~ (~{each.record.id}~)"]]},
        ),
        step(then="compensate"),
        step("never", text="Never"),
    )
    shown = run(engine, ended, event(list=MANY[:2]))
    assert shown["state"] == "failed"
    assert journal.texts()[3:] == ["undo Text 1 (entry-3)", "undo Text 0 (entry-2)", "undo One"]


def test_what_could_not_be_undone_is_said(engine, deploy, ended, journal):
    journal.refusing.update({"Hello": 1, "undo": 1})
    deploy(
        step("one", text="One", undo={"action": "entries.put", "rows": [["text", "undo"]]}),
        step(then="compensate"),
    )
    assert run(engine, ended)["note"]["not_undone"][0]["step"] == "one"


def test_a_poisoned_event_is_a_dead_letter_and_blocks_no_other(engine, deploy, ended):
    deploy()
    poisoned = engine.start_run("notes", event(1, ""))
    good = engine.start_run("notes", event(2))
    assert ended(good)["state"] == "done"
    assert ended(poisoned)["state"] == "failed"
    assert [letter["id"] for letter in engine.dead_letters()] == [poisoned]


def test_a_fault_of_a_connector_fails_the_step_alone(engine, deploy, ended, connector):
    deploy(step(action="entries.list", text=None))
    connector.send = None
    assert run(engine, ended)["note"]["code"] == "connector_fault"


def test_a_read_that_takes_too_long_fails(engine, deploy, ended, connector):
    connector.slow_s = 0.5
    deploy(step(action="entries.list", text=None, timeout_s=0.05))
    assert run(engine, ended)["note"]["code"] == "no_answer"


def test_a_write_that_takes_too_long_is_looked_up_when_it_has_ended(
    engine, deploy, ended, connector, journal
):
    connector.slow_s = 0.3
    deploy(step(timeout_s=0.05))
    assert run(engine, ended)["state"] == "done"
    assert journal.texts() == ["Hello"]


def test_secret_inputs_are_masked_in_the_record(engine, deploy, ended):
    deploy(step(rows=[["secret", "the-secret-text"]]))
    shown = run(engine, ended)
    assert ["secret", "(secret)"] in shown["calls"][0]["input"]
    assert "the-secret-text" not in json.dumps(shown)


def test_a_shown_run_says_what_was_sent_what_came_back_and_how_long_it_took(engine, deploy, ended):
    deploy()
    shown = run(engine, ended)
    (call,) = shown["calls"]
    assert call["input"] == [["text", "Hello"]]
    assert call["output"]["record"]["text"] == "Hello"
    assert call["duration_s"] >= 0
    assert shown["trigger"]["event"] == event()
    assert engine.list_runs("notes")[0]["id"] == shown["id"]


def test_a_replay_goes_on_with_the_first_step_that_failed(engine, deploy, ended, journal):
    deploy(step("first", text="First"), step())
    journal.refusing["Hello"] = 1
    failed = run(engine, ended)
    engine.replay(failed["id"])
    assert ended(failed["id"], "done")["calls"][-1]["turn"] == 1
    assert journal.texts() == ["First", "Hello"]
    assert engine.dead_letters() == []


def test_a_replay_from_a_step_with_a_new_version(engine, deploy, ended, journal):
    deploy(step("first", text="First"), step())
    done = run(engine, ended)
    deploy(step("first", text="Never"), step(text="New ~{first.record.text}~"))
    engine.replay(done["id"], from_step="write", version=2)
    assert ended(done["id"], "done")["version"] == 2
    assert journal.texts() == ["First", "Hello", "New First"]


def test_a_run_under_way_is_finished_with_its_version(engine, deploy, ended, journal):
    journal.gate = threading.Event()
    deploy(step(), step("second", text="Second"))
    started = engine.start_run("notes", event())
    assert journal.began.wait(20)
    deploy(step(), step("second", text="Other"))
    journal.gate.set()
    assert ended(started)["version"] == 1
    assert journal.texts() == ["Hello", "Second"]


def test_old_runs_are_deleted_but_not_those_that_need_a_person(make_engine, journal):
    engine = make_engine(retention_s=-1)
    flow = text(step(action="entries.post"))
    engine.deploy(flow, read(flow))
    journal.losing["Unclear"] = 1
    clear = engine.start_run("notes", event())
    unclear = engine.start_run("notes", event(2, "Unclear"))
    wait_until_ended(engine, clear)
    wait_until_ended(engine, unclear)
    assert engine.clean_up() == 1
    assert [one["id"] for one in engine.list_runs()] == [unclear]


def test_health_says_how_old_the_oldest_runs_are(engine, deploy, ended, journal):
    journal.gate = threading.Event()
    deploy()
    started = engine.start_run("notes", event())
    assert journal.began.wait(20)
    health = engine.health()
    assert health["processes"] == 1
    assert health["oldest_pending_s"] >= 0
    assert health["oldest_waiting_s"] is None
    journal.gate.set()
    ended(started)
    wait_for(lambda: engine.health()["oldest_pending_s"] is None)  # DBOS notes the end last


def test_a_run_whose_process_died_before_it_was_queued_is_queued_later(make_engine, journal):
    engine = make_engine()
    flow = text(step())
    engine.deploy(flow, read(flow))
    trigger = {"by": "triggered", "event": event(), "matched": True, "traceparent": ""}
    engine.runs.add("stray", "notes", trigger, 0.0)
    engine.look_for_strays()
    assert wait_until_ended(engine, "stray", "done")
    assert journal.texts() == ["Hello"]


def test_a_value_that_json_does_not_know_is_recorded_as_text(engine, deploy, ended, journal):
    deploy(step(), step("second", text="~{write.record.at}~"))
    original = journal.handle
    journal.handle = lambda request: original(request) | {"at": datetime(2026, 11, 18, tzinfo=UTC)}
    assert run(engine, ended)["state"] == "done"
    assert journal.texts()[1].startswith("2026-11-18")


def test_deploying_subscribes_to_the_events_if_the_trigger_says_so(make_engine, connector):
    subscribed = []
    connection = type(connector.connect({}))
    connection.subscribe = lambda _self, events, url: subscribed.append((events, url))
    engine = make_engine(base_url="https://agent.example")
    flow = text(step(), type="triggered", events=["entry.asked"], subscribe=True)
    engine.deploy(flow, read(flow))
    del connection.subscribe
    assert subscribed == [(("entry.asked",), engine.url("notes"))]
