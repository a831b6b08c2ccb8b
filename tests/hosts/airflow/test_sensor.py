"""The sensor and its trigger: each event is returned once, however it waits."""

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
    options = {"events": ["invitee.created"], "poke_interval": 0.05, "timeout": WAIT_S, **arguments}
    return CalendlyEventSensor(task_id="booked", **options)


def deferred(waiting, context):
    """Let a sensor defer; return its trigger as the triggerer creates it, from its serialized form."""
    with pytest.raises(TaskDeferred) as caught:
        waiting.execute(context)
    assert caught.value.method_name == "resume"
    return recreated(caught.value.trigger)


def recreated(trigger):
    path, kwargs = trigger.serialize()
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)(**json.loads(json.dumps(kwargs)))


async def fired(trigger):
    events = [event.payload async for event in trigger.run()]
    assert len(events) == 1
    return json.loads(json.dumps(events[0]))


async def polling(trigger):
    """Return a running trigger that has polled once and found nothing."""
    began, waiting = trigger.cursor, asyncio.ensure_future(fired(trigger))
    async with asyncio.timeout(WAIT_S):
        while trigger.cursor == began:
            await asyncio.sleep(0.01)
            assert not waiting.done()
    return waiting


async def fired_after(trigger, happen):
    """Return the event that a trigger fires if something happens while it polls."""
    waiting = await polling(trigger)
    await asyncio.to_thread(happen)
    return await asyncio.wait_for(waiting, WAIT_S)


def uris(events):
    return [event["payload"]["uri"] for event in events]


# When the DAG is parsed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"events": ["invitee.creatd"]}, "invitee.creat"),
        ({"events": []}, "event"),
        ({"filters": {"hosst": "Ada"}}, "hosst: isn't a filter of invitee.created"),
        ({"filters": {"hosst": "{{ x }}"}}, "hosst: isn't a filter of invitee.created"),
        ({"filters": {"invitee": "both", "host": "{{ x }}"}}, "invitee: must be one of"),
        ({"filters": "host"}, "filters must be an object of names and values, not str"),
        ({"since": "yesterday"}, "since: must be a UTC time"),
        ({"scope": "everybody"}, "scope: must be organization, user or group"),
        ({"scope": "user", "group": "sales"}, "group: can't be used with scope user"),
        ({"limit": 0}, "Invalid limit 0. Set limit to 1 or more."),
    ],
)
def test_invalid_arguments_are_rejected(arguments, message):
    with pytest.raises(AirflowFailException) as caught:
        sensor(**arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize("filters", [{"host": "Ada Okafor"}, {"event_type": "{{ params.type }}"}, {}])
def test_names_in_filters_are_not_looked_up_when_the_dag_is_parsed(filters):
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
def test_values_known_only_at_run_time_are_not_checked(arguments):
    sensor(**arguments)


def test_filters_rendered_as_text_are_rejected_with_what_to_do(context):
    waiting = sensor(filters="{{ params.filters }}")
    waiting.filters = "{'host': 'Ada'}"
    with pytest.raises(AirflowFailException, match="render_template_as_native_obj"):
        waiting.poke(context)


# Waiting in the worker


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_the_first_run_returns_events_since_its_start(fresh_sandbox, give_connection, context, mode):
    give_connection(fresh_sandbox)
    early = fresh_sandbox.book()["invitee"]["uri"]
    time.sleep(0.01)
    context["dag_run"].start_date = datetime.now(UTC)
    assert not sensor(mode=mode).poke(context)
    booked = fresh_sandbox.book()["invitee"]["uri"]
    events = sensor(mode=mode).poke(context).xcom_value
    assert uris(events) == [booked] != [early]
    assert context["ti"].pushed["cursor"]


def test_no_event_is_repeated_or_missed_between_runs(fresh_sandbox, give_connection, context, next_run):
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


def test_a_retried_run_finds_the_same_events(fresh_sandbox, give_connection, context, next_run):
    give_connection(fresh_sandbox)
    fresh_sandbox.book()
    assert sensor().execute(context)
    fresh_sandbox.book()
    context = next_run(context)
    events = sensor().execute(context)
    context["ti"].pushed = {}  # Airflow clears what a task pushed before it tries it again
    assert sensor().execute(context) == events


@pytest.mark.parametrize("state", ["failed", "running", "skipped"])
def test_events_of_a_run_that_did_not_succeed_are_found_again(
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


def test_events_between_a_failed_run_and_the_next_are_found(
    fresh_sandbox, give_connection, context, next_run
):
    give_connection(fresh_sandbox)
    assert not sensor().poke(context)
    booked = fresh_sandbox.book()["invitee"]["uri"]
    time.sleep(0.01)
    assert uris(sensor().execute(next_run(context, "failed"))) == [booked]


def test_a_failed_sensor_marked_as_success_loses_no_events(fresh_sandbox, give_connection, context, next_run):
    give_connection(fresh_sandbox)
    assert not sensor().poke(context)
    booked = fresh_sandbox.book()["invitee"]["uri"]
    assert uris(sensor().execute(next_run(context, "success"))) == [booked]


def test_the_first_run_pulls_no_xcom(fresh_sandbox, give_connection, context, monkeypatch):
    give_connection(fresh_sandbox)
    calls = []
    monkeypatch.setattr(context["ti"], "xcom_pull", lambda **call: calls.append(call))
    assert not sensor().poke(context)
    assert calls == []


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_run_returns_up_to_its_limit_and_the_next_run_the_rest(
    fresh_sandbox, give_connection, context, next_run, deferrable
):
    give_connection(fresh_sandbox)
    booked = [fresh_sandbox.book()["invitee"]["uri"] for _ in range(5)]
    returned = []
    for count in (2, 2, 1):
        found = uris(sensor(limit=2, deferrable=deferrable).execute(context))
        assert len(found) == count
        returned += found
        context = next_run(context)
    assert sorted(returned) == sorted(booked)
    assert not sensor(limit=2).poke(context)


def test_events_left_over_come_before_new_ones_and_again_after_a_failure(
    fresh_sandbox, give_connection, context, next_run
):
    give_connection(fresh_sandbox)
    first = {fresh_sandbox.book()["invitee"]["uri"] for _ in range(3)}
    returned = uris(sensor(limit=2).execute(context))
    context = next_run(context)
    new = fresh_sandbox.book()["invitee"]["uri"]
    left = uris(sensor(limit=2).execute(context))
    assert left == [*(first - {*returned}), new]
    assert uris(sensor(limit=2).execute(next_run(context, "failed"))) == left


def test_a_run_returns_no_more_than_fits_into_an_xcom(fresh_sandbox, give_connection, context, next_run):
    give_connection(fresh_sandbox)
    booked = {fresh_sandbox.book()["invitee"]["uri"] for _ in range(3)}
    size = len(json.dumps(sensor().execute(context)))
    context = next_run(context, "failed")
    most = size * 3 // 4
    first = sensor(most_xcom_bytes=most).execute(context)
    assert len(first) == 2
    second = sensor(most_xcom_bytes=most).execute(next_run(context))
    assert {*uris(first), *uris(second)} == booked


def test_an_event_too_large_for_an_xcom_is_rejected_with_what_to_do(fresh_sandbox, give_connection, context):
    give_connection(fresh_sandbox)
    fresh_sandbox.book()
    with pytest.raises(AirflowFailException, match="Raise most_xcom_bytes="):
        sensor(most_xcom_bytes=100).execute(context)
    assert "cursor" not in context["ti"].pushed


def test_the_default_limit_is_airflows_limit_for_mapped_tasks():
    assert sensor().limit == 1024


def test_since_and_cursor_override_the_start(fresh_sandbox, give_connection, context, next_run):
    give_connection(fresh_sandbox)
    began = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    booked = fresh_sandbox.book()["invitee"]["uri"]
    context["dag_run"].start_date = datetime.now(UTC)
    assert uris(sensor(since=began).execute(context)) == [booked]
    cursor = context["ti"].pushed["cursor"]
    assert not sensor(cursor=cursor).poke(next_run(context, "failed"))


def test_filters_apply(fresh_sandbox, give_connection, context, next_run):
    give_connection(fresh_sandbox)
    booked = fresh_sandbox.book(email="visitor@elsewhere.example")["invitee"]["uri"]
    assert uris(sensor(filters={"invitee": "external"}).execute(context)) == [booked]
    assert not sensor(filters={"invitee": "internal"}).poke(next_run(context, "failed"))


# Waiting in the triggerer


def test_events_that_already_happened_need_no_triggerer(fresh_sandbox, give_connection, context):
    give_connection(fresh_sandbox)
    booked = fresh_sandbox.book()["invitee"]["uri"]
    assert uris(sensor(deferrable=True).execute(context)) == [booked]


def test_a_trigger_fires_once_and_the_next_run_resumes(fresh_sandbox, give_connection, context, next_run):
    give_connection(fresh_sandbox)
    waiting = sensor(deferrable=True)
    trigger = deferred(waiting, context)
    booked = []
    event = asyncio.run(fired_after(trigger, lambda: booked.append(fresh_sandbox.book()["invitee"]["uri"])))
    assert uris(waiting.resume(context, event)) == booked
    again = next_run(context)
    trigger = deferred(sensor(deferrable=True), again)
    asyncio.run(fired_after(trigger, fresh_sandbox.book))


def test_a_restarted_triggerer_finds_events_that_happened_meanwhile(fresh_sandbox, give_connection, context):
    give_connection(fresh_sandbox)
    trigger = deferred(sensor(deferrable=True), context)

    async def killed():
        waiting = await polling(trigger)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(killed())
    booked = fresh_sandbox.book()["invitee"]["uri"]
    assert uris(asyncio.run(fired(recreated(trigger)))["events"]) == [booked]


def test_a_trigger_fires_with_up_to_its_limit_and_the_next_run_finds_the_rest(
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


def test_an_event_too_large_fires_an_error(fresh_sandbox, give_connection, context):
    give_connection(fresh_sandbox)
    waiting = sensor(deferrable=True, most_xcom_bytes=100)
    trigger = deferred(waiting, context)
    fresh_sandbox.book()
    event = asyncio.run(fired(trigger))
    with pytest.raises(AirflowFailException, match="Raise most_xcom_bytes="):
        waiting.resume(context, event)


def test_the_cursor_advances_while_a_trigger_polls(fresh_sandbox, give_connection, context):
    give_connection(fresh_sandbox)
    trigger = deferred(sensor(deferrable=True), context)
    first = trigger.cursor
    asyncio.run(fired_after(trigger, fresh_sandbox.book))
    assert trigger.serialize()[1]["cursor"] == trigger.cursor != first


def test_calls_do_not_block_the_event_loop(fresh_sandbox, give_connection, context):
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


def test_a_retryable_error_is_retried(context):
    with pytest.raises(AirflowException, match="down") as caught:
        sensor().resume(context, {"error": "Calendly is down.", "retryable": True})
    assert not isinstance(caught.value, AirflowFailException)


def test_a_serialized_trigger_has_the_connections_id_and_no_credential(
    fresh_sandbox, give_connection, context
):
    give_connection(fresh_sandbox)
    trigger = deferred(sensor(deferrable=True), context)
    path, kwargs = trigger.serialize()
    assert path == f"{CalendlyTrigger.__module__}.CalendlyTrigger"
    assert kwargs["calendly_conn_id"] == "calendly_default"
    assert "sandbox-owner" not in repr(trigger)
