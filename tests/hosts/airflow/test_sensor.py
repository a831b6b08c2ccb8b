"""The sensor and its trigger: what happened is told once, whichever way it waits."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred
from calendly_connector.hosts.airflow.sensors import CalendlyEventSensor
from calendly_connector.hosts.airflow.triggers import CalendlyTrigger

WAIT_S = 60


def sensor(**arguments):
    given = {"events": ["invitee.created"], "poke_interval": 0.05, "timeout": WAIT_S, **arguments}
    return CalendlyEventSensor(task_id="booked", **given)


def deferred(waiting, context):
    """Let a sensor defer; give its trigger as the triggerer makes it: from what it is written down as."""
    with pytest.raises(TaskDeferred) as caught:
        waiting.execute(context)
    assert caught.value.method_name == "resume"
    return revived(caught.value.trigger)


def revived(trigger):
    path, kwargs = trigger.serialize()
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)(**json.loads(json.dumps(kwargs)))


async def fired(trigger):
    events = [event.payload async for event in trigger.run()]
    assert len(events) == 1
    return json.loads(json.dumps(events[0]))


async def looking(trigger):
    """Give a running trigger that has looked once, and found nothing."""
    began, waiting = trigger.cursor, asyncio.ensure_future(fired(trigger))
    async with asyncio.timeout(WAIT_S):
        while trigger.cursor == began:
            await asyncio.sleep(0.01)
            assert not waiting.done()
    return waiting


async def fired_after(trigger, happen):
    """Give what a trigger fires when something happens while it looks."""
    waiting = await looking(trigger)
    await asyncio.to_thread(happen)
    return await asyncio.wait_for(waiting, WAIT_S)


def uris(events):
    return [event["payload"]["uri"] for event in events]


# When the DAG is parsed


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"events": ["invitee.creatd"]}, "invitee.creat"),
        ({"events": []}, "event"),
        ({"filters": {"hosst": "Ada"}}, "hosst: isn't a filter of invitee.created"),
        ({"filters": {"hosst": "{{ x }}"}}, "hosst: isn't a filter of invitee.created"),
        ({"filters": {"invitee": "both", "host": "{{ x }}"}}, "invitee: must be one of"),
        ({"filters": "host"}, "filters holds names and values, and is str"),
        ({"since": "yesterday"}, "since: must be a UTC time"),
        ({"scope": "everybody"}, "scope: must be organization, user or group"),
        ({"scope": "user", "group": "sales"}, "group: can't be used with scope user"),
        ({"limit": 0}, "The limit is 0. Set it to 1 or more."),
    ],
)
def test_wrong_events_and_filters_are_refused(arguments, told):
    with pytest.raises(AirflowFailException) as caught:
        sensor(**arguments)
    assert told in str(caught.value)


@pytest.mark.parametrize("filters", [{"host": "Ada Okafor"}, {"event_type": "{{ params.type }}"}, {}])
def test_names_in_filters_cost_nothing_when_the_dag_is_parsed(filters):
    sensor(filters=filters)


@pytest.mark.parametrize(
    "arguments",
    [
        {"filters": "{{ params.filters }}"},
        {"since": "{{ params.since }}"},
        {"scope": "{{ params.scope }}", "group": "sales"},
        {"scope": "group", "group": "{{ params.group }}"},
    ],
)
def test_what_is_known_at_the_run_alone_is_left_out_of_the_check(arguments):
    sensor(**arguments)


def test_filters_that_a_template_made_no_object_are_refused_with_what_to_do(context):
    waiting = sensor(filters="{{ params.filters }}")
    waiting.filters = "{'host': 'Ada'}"
    with pytest.raises(AirflowFailException, match="render_template_as_native_obj"):
        waiting.poke(context)


# Waiting here


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_the_first_run_tells_what_happened_since_it_began(fresh_sandbox, give_connection, context, mode):
    give_connection(fresh_sandbox)
    early = fresh_sandbox.book()["invitee"]["uri"]
    time.sleep(0.01)
    context["dag_run"].start_date = datetime.now(UTC)
    assert not sensor(mode=mode).poke(context)
    booked = fresh_sandbox.book()["invitee"]["uri"]
    told = sensor(mode=mode).poke(context).xcom_value
    assert uris(told) == [booked] != [early]
    assert context["ti"].pushed["cursor"]


def test_no_event_comes_twice_and_none_is_missed_between_runs(
    fresh_sandbox, give_connection, context, next_run
):
    give_connection(fresh_sandbox)
    first = fresh_sandbox.book()["invitee"]["uri"]
    assert uris(sensor().execute(context)) == [first]
    between = [fresh_sandbox.book()["invitee"]["uri"] for _ in range(2)]
    context = next_run(context)
    assert sorted(uris(sensor().execute(context))) == sorted(between)
    third = fresh_sandbox.book()["invitee"]["uri"]
    context = next_run(context)
    assert uris(sensor().execute(context)) == [third]
    assert not sensor().poke(next_run(context))


def test_a_run_that_is_tried_again_finds_the_same(fresh_sandbox, give_connection, context, next_run):
    give_connection(fresh_sandbox)
    fresh_sandbox.book()
    assert sensor().execute(context)
    fresh_sandbox.book()
    context = next_run(context)
    told = sensor().execute(context)
    context["ti"].pushed = {}  # Airflow clears what a task pushed before it tries it again
    assert sensor().execute(context) == told


@pytest.mark.parametrize("state", ["failed", "running", "skipped"])
def test_what_a_run_that_did_not_succeed_had_found_comes_again(
    fresh_sandbox, give_connection, context, next_run, state
):
    give_connection(fresh_sandbox)
    booked = [fresh_sandbox.book()["invitee"]["uri"]]
    assert uris(sensor().execute(context)) == booked
    for _ in range(2):
        context = next_run(context, state)
        booked.append(fresh_sandbox.book()["invitee"]["uri"])
        assert uris(sensor().execute(context)) == booked
    context = next_run(context)
    assert not sensor().poke(context)


def test_what_happened_between_a_run_that_failed_and_the_next_is_found(
    fresh_sandbox, give_connection, context, next_run
):
    give_connection(fresh_sandbox)
    assert not sensor().poke(context)
    booked = fresh_sandbox.book()["invitee"]["uri"]
    time.sleep(0.01)
    assert uris(sensor().execute(next_run(context, "failed"))) == [booked]


def test_a_failed_sensor_that_a_person_marks_as_success_loses_nothing_that_it_did_not_find(
    fresh_sandbox, give_connection, context, next_run
):
    give_connection(fresh_sandbox)
    assert not sensor().poke(context)
    booked = fresh_sandbox.book()["invitee"]["uri"]
    assert uris(sensor().execute(next_run(context, "success"))) == [booked]


def test_the_first_run_asks_for_no_xcom_since_airflow_logs_an_error_for_it(
    fresh_sandbox, give_connection, context, monkeypatch
):
    give_connection(fresh_sandbox)
    asked = []
    monkeypatch.setattr(context["ti"], "xcom_pull", lambda **call: asked.append(call))
    assert not sensor().poke(context)
    assert asked == []


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_run_hands_on_no_more_events_than_its_limit_and_the_next_one_the_rest(
    fresh_sandbox, give_connection, context, next_run, deferrable
):
    give_connection(fresh_sandbox)
    booked = [fresh_sandbox.book()["invitee"]["uri"] for _ in range(5)]
    told = []
    for count in (2, 2, 1):
        found = uris(sensor(limit=2, deferrable=deferrable).execute(context))
        assert len(found) == count
        told += found
        context = next_run(context)
    assert sorted(told) == sorted(booked)
    assert not sensor(limit=2).poke(context)


def test_what_is_left_for_the_next_run_comes_before_what_is_new_and_after_a_failure_again(
    fresh_sandbox, give_connection, context, next_run
):
    give_connection(fresh_sandbox)
    first = {fresh_sandbox.book()["invitee"]["uri"] for _ in range(3)}
    told = uris(sensor(limit=2).execute(context))
    context = next_run(context)
    new = fresh_sandbox.book()["invitee"]["uri"]
    left = uris(sensor(limit=2).execute(context))
    assert left == [*(first - {*told}), new]
    assert uris(sensor(limit=2).execute(next_run(context, "failed"))) == left


def test_a_run_hands_on_no_more_than_fits_into_an_xcom(fresh_sandbox, give_connection, context, next_run):
    give_connection(fresh_sandbox)
    booked = {fresh_sandbox.book()["invitee"]["uri"] for _ in range(3)}
    whole = len(json.dumps(sensor().execute(context)))
    context = next_run(context, "failed")
    most = whole * 3 // 4
    first = sensor(most_xcom_bytes=most).execute(context)
    assert len(first) == 2
    second = sensor(most_xcom_bytes=most).execute(next_run(context))
    assert {*uris(first), *uris(second)} == booked


def test_an_event_too_large_for_an_xcom_is_refused_with_what_to_do(fresh_sandbox, give_connection, context):
    give_connection(fresh_sandbox)
    fresh_sandbox.book()
    with pytest.raises(AirflowFailException, match="Raise most_xcom_bytes="):
        sensor(most_xcom_bytes=100).execute(context)
    assert "cursor" not in context["ti"].pushed


def test_the_limit_is_the_number_of_tasks_that_airflow_maps():
    assert sensor().limit == 1024


def test_since_and_cursor_set_another_beginning(fresh_sandbox, give_connection, context, next_run):
    give_connection(fresh_sandbox)
    began = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    booked = fresh_sandbox.book()["invitee"]["uri"]
    context["dag_run"].start_date = datetime.now(UTC)
    assert uris(sensor(since=began).execute(context)) == [booked]
    cursor = context["ti"].pushed["cursor"]
    assert not sensor(cursor=cursor).poke(next_run(context, "failed"))


def test_filters_are_kept_to(fresh_sandbox, give_connection, context, next_run):
    give_connection(fresh_sandbox)
    booked = fresh_sandbox.book(email="visitor@elsewhere.example")["invitee"]["uri"]
    assert uris(sensor(filters={"invitee": "external"}).execute(context)) == [booked]
    assert not sensor(filters={"invitee": "internal"}).poke(next_run(context, "failed"))


# Waiting in the triggerer


def test_what_happened_already_needs_no_triggerer(fresh_sandbox, give_connection, context):
    give_connection(fresh_sandbox)
    booked = fresh_sandbox.book()["invitee"]["uri"]
    assert uris(sensor(deferrable=True).execute(context)) == [booked]


def test_a_trigger_fires_once_and_the_next_run_goes_on_from_there(
    fresh_sandbox, give_connection, context, next_run
):
    give_connection(fresh_sandbox)
    waiting = sensor(deferrable=True)
    trigger = deferred(waiting, context)
    booked = []
    event = asyncio.run(fired_after(trigger, lambda: booked.append(fresh_sandbox.book()["invitee"]["uri"])))
    assert uris(waiting.resume(context, event)) == booked
    again = next_run(context)
    trigger = deferred(sensor(deferrable=True), again)
    asyncio.run(fired_after(trigger, fresh_sandbox.book))


def test_a_triggerer_that_begins_anew_finds_what_happened_in_between(fresh_sandbox, give_connection, context):
    give_connection(fresh_sandbox)
    trigger = deferred(sensor(deferrable=True), context)

    async def killed():
        waiting = await looking(trigger)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(killed())
    booked = fresh_sandbox.book()["invitee"]["uri"]
    assert uris(asyncio.run(fired(revived(trigger)))["events"]) == [booked]


def test_a_trigger_fires_no_more_events_than_its_limit_and_the_next_run_finds_the_rest(
    fresh_sandbox, give_connection, context, next_run
):
    give_connection(fresh_sandbox)
    waiting = sensor(deferrable=True, limit=2)
    trigger = deferred(waiting, context)
    booked = {fresh_sandbox.book()["invitee"]["uri"] for _ in range(3)}
    first = uris(waiting.resume(context, asyncio.run(fired(trigger))))
    assert len(first) == 2
    second = uris(sensor(deferrable=True).execute(next_run(context)))
    assert {*first, *second} == booked
    assert len(second) == 1


def test_an_event_too_large_fires_as_an_error(fresh_sandbox, give_connection, context):
    give_connection(fresh_sandbox)
    waiting = sensor(deferrable=True, most_xcom_bytes=100)
    trigger = deferred(waiting, context)
    fresh_sandbox.book()
    event = asyncio.run(fired(trigger))
    with pytest.raises(AirflowFailException, match="Raise most_xcom_bytes="):
        waiting.resume(context, event)


def test_the_state_moves_on_while_a_trigger_looks(fresh_sandbox, give_connection, context):
    give_connection(fresh_sandbox)
    trigger = deferred(sensor(deferrable=True), context)
    first = trigger.cursor
    asyncio.run(fired_after(trigger, fresh_sandbox.book))
    assert trigger.serialize()[1]["cursor"] == trigger.cursor != first


def test_calls_leave_the_event_loop_to_others(fresh_sandbox, give_connection, context):
    give_connection(fresh_sandbox)
    trigger = deferred(sensor(deferrable=True), context)
    fresh_sandbox.fault("latency", path="/scheduled_events", times=1, latency_s=1.0)
    fresh_sandbox.book()

    async def ticks():
        waiting = asyncio.ensure_future(fired(trigger))
        count = 0
        while not waiting.done():
            await asyncio.sleep(0.01)
            count += 1
        return count

    assert asyncio.run(ticks()) > 10


@pytest.mark.parametrize(("status", "kind"), [(401, AirflowFailException), (403, AirflowFailException)])
def test_an_error_in_the_triggerer_fails_the_task_with_what_to_do(
    fresh_sandbox, give_connection, context, status, kind
):
    give_connection(fresh_sandbox)
    waiting = sensor(deferrable=True)
    trigger = deferred(waiting, context)
    fresh_sandbox.fault("status", path="/scheduled_events", times=9, status=status)
    event = asyncio.run(fired(trigger))
    with pytest.raises(kind, match=str(status)):
        waiting.resume(context, event)


def test_an_error_that_may_pass_is_tried_again(context):
    with pytest.raises(AirflowException, match="down") as caught:
        sensor().resume(context, {"error": "Calendly is down.", "retryable": True})
    assert not isinstance(caught.value, AirflowFailException)


def test_what_is_written_down_of_a_trigger_is_a_name_and_no_credential(
    fresh_sandbox, give_connection, context
):
    give_connection(fresh_sandbox)
    trigger = deferred(sensor(deferrable=True), context)
    path, kwargs = trigger.serialize()
    assert path == f"{CalendlyTrigger.__module__}.CalendlyTrigger"
    assert kwargs["calendly_conn_id"] == "calendly_default"
    assert "sandbox-owner" not in repr(trigger)
