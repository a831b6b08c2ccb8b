"""Polling flows: when they are due, and events that are looked for."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from calendly_connector.agent.engine.schedules import next_due
from calendly_connector.agent.engine.tables import POLLS
from calendly_connector.agent.flows.model import Schedule
from calendly_connector.errors import NoAnswer
from calendly_connector.support.clock import Timing
from conftest import NOW_S
from engine_waiting import wait_for, wait_until_ended
from small_flows import event, read, step, text
from sqlalchemy import select

pytest_plugins = ["engine_fixtures"]

BERLIN = ZoneInfo("Europe/Berlin")
EVENTS = {"type": "polling", "schedule": {"every_s": 300}, "events": ["entry.asked"]}
DAILY = {"type": "polling", "schedule": {"cron": "0 8 * * *", "time_zone": "Europe/Berlin"}}


def due(cron, *after, zone="Europe/Berlin"):
    moment = datetime(*after, tzinfo=BERLIN).timestamp()
    return datetime.fromtimestamp(next_due(Schedule(cron=cron, time_zone=zone), moment), BERLIN).isoformat()


class Clock:
    def __init__(self):
        self.now = NOW_S

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make(make_engine, clock):
    """Return a function that starts an engine whose schedules are polled by the test alone."""

    def make(**trigger):
        engine = make_engine(timing=Timing(clock=clock), works=False)
        flow = text(step(text=trigger.pop("text", "~{event.payload.text}~")), **trigger)
        engine.deploy(flow, read(flow))
        return engine

    return make


def poll(engine):
    return engine._schedules.poll(engine.executor)


def test_a_cron_time_is_that_of_the_time_zone_on_both_sides_of_a_clock_change():
    assert due("0 8 * * *", 2026, 10, 24, 12) == "2026-10-25T08:00:00+01:00"
    assert due("0 8 * * *", 2027, 3, 27, 12) == "2027-03-28T08:00:00+02:00"


def test_a_cron_time_that_a_clock_change_skips_is_due_right_after_it():
    assert due("30 2 * * *", 2027, 3, 27, 12) == "2027-03-28T03:00:00+02:00"


def test_a_cron_time_that_comes_twice_is_due_once():
    assert due("30 2 * * *", 2026, 10, 25, 0) == "2026-10-25T02:30:00+02:00"
    after = datetime.fromisoformat("2026-10-25T02:30:00+02:00").timestamp()
    again = next_due(Schedule(cron="30 2 * * *", time_zone="Europe/Berlin"), after)
    assert datetime.fromtimestamp(again, BERLIN).isoformat() == "2026-10-26T02:30:00+01:00"


def test_an_hourly_schedule_is_due_in_each_of_the_hours_that_come_twice():
    after = datetime.fromisoformat("2026-10-25T02:30:00+02:00").timestamp()
    again = next_due(Schedule(cron="30 * * * *", time_zone="Europe/Berlin"), after)
    assert datetime.fromtimestamp(again, BERLIN).isoformat() == "2026-10-25T02:30:00+01:00"


def test_weekdays_are_those_of_the_time_zone():
    assert due("0 8 * * 1-5", 2026, 11, 20, 9) == "2026-11-23T08:00:00+01:00"


def test_the_first_poll_only_sets_the_baseline(make, journal, clock):
    journal.events.append(event(1))
    engine = make(**EVENTS)
    assert poll(engine) == 1
    assert engine.list_runs() == []
    journal.events.append(event(2))
    assert poll(engine) == 0, "it isn't due yet"
    clock.now += 300
    assert poll(engine) == 1
    assert [one["id"] for one in engine.list_runs()] == ["notes:event-2"]


def test_filters_are_those_of_the_trigger(make, journal, clock):
    engine = make(**EVENTS, filters=[["text", "Wanted"]])
    poll(engine)
    journal.events += [event(1), event(2, "Wanted")]
    clock.now += 300
    poll(engine)
    assert [one["id"] for one in engine.list_runs()] == ["notes:event-2"]


def test_an_event_that_is_found_twice_is_one_run(make, journal, clock, monkeypatch):
    engine = make(**EVENTS)
    poll(engine)
    journal.events += [event(1), event(2)]
    clock.now += 300
    with monkeypatch.context() as patch:
        patch.setattr(engine._schedules, "_finish", lambda *_: None)  # the process dies before it
        poll(engine)
    poll(engine)
    assert sorted(one["id"] for one in engine.list_runs()) == ["notes:event-1", "notes:event-2"]


def test_a_schedule_without_events_starts_one_run_each_time(make, clock):
    engine = make(**DAILY, text="Good morning")
    assert poll(engine) == 0
    clock.now += 86_400
    assert poll(engine) == 1
    (run,) = engine.list_runs()
    assert run["event"] is None
    assert run["id"].startswith("notes:2026-11-")


def test_a_schedule_missed_while_the_agent_was_down_is_made_up_for_once(make, clock):
    engine = make(**DAILY, text="Good morning")
    clock.now += 10 * 86_400
    poll(engine)
    poll(engine)
    assert len(engine.list_runs()) == 1


def test_a_paused_flow_finds_its_events_later(make, journal, clock):
    engine = make(**EVENTS)
    poll(engine)
    engine.pause("notes")
    journal.events.append(event(1))
    clock.now += 300
    assert poll(engine) == 0
    engine.resume("notes")
    assert poll(engine) == 1
    assert [one["id"] for one in engine.list_runs()] == ["notes:event-1"]


def test_a_poll_that_fails_is_repeated_from_the_same_cursor(make, journal, connector, clock):
    engine = make(**EVENTS)
    poll(engine)
    journal.events.append(event(1))
    working = connector.send

    def failing(_request):
        raise NoAnswer("The journal is down.", reason="refused")

    connector.send = failing
    clock.now += 300
    poll(engine)
    assert engine.flows.get("notes").state == "active"
    connector.send = working
    clock.now += 300
    poll(engine)
    assert len(engine.list_runs()) == 1


def test_an_unknown_credential_pauses_a_polling_flow(make, connector):
    engine = make(**EVENTS)
    connector.credentials = {}
    poll(engine)
    assert engine.flows.get("notes").reason == "No credential 'main'."


def test_a_flow_that_another_process_polls_is_left_alone_until_that_is_dead(make, clock):
    engine = make(**EVENTS)
    engine._executors.join("another", NOW_S)
    assert engine._schedules._claim("notes", clock.now, "another") == ""
    assert poll(engine) == 0
    engine._executors.leave("another")
    assert poll(engine) == 1


def test_a_flow_that_polls_no_more_is_planned_no_more(make, clock):
    engine = make(**EVENTS)
    flow = text(step(), type="triggered")
    engine.deploy(flow, read(flow))
    clock.now += 300
    assert poll(engine) == 0


def cursor(engine):
    with engine.database.transaction() as connection:
        return connection.scalar(select(POLLS.c.cursor))


def test_polling_starts_by_itself(make_engine, journal):
    engine = make_engine()
    flow = text(step(), **EVENTS | {"schedule": {"every_s": 0.05}})
    engine.deploy(flow, read(flow))
    wait_for(lambda: cursor(engine) == "0")
    journal.events.append(event(1))
    wait_for(engine.list_runs)
    wait_until_ended(engine, "notes:event-1", "done")
