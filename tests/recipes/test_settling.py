"""Settling a write whose reply was lost: done, not done, or unknown and why."""

import pytest
from calendly_connector.catalog.manifest import catalog
from calendly_connector.errors import ConnectorError, InvalidParams, UnknownAction, UsageError
from calendly_connector.recipes.settling import STILL_RUNNING_S
from calendly_connector.support.clock import Timeouts
from jsonschema import Draft202012Validator
from odd_replies import GONE, at_random, document_of, install, places, replaced
from sandbox_client import INTRO_CALL, SALES_DEMO

LOOKED_UP = [name for name, action in catalog().items() if action.look_up]
OPERATIONS = [name for name in LOOKED_UP if catalog()[name].request]
POSTS = [name for name in OPERATIONS if catalog()[name].method == "POST"]
IDEMPOTENT_CHANGES = [name for name in OPERATIONS if catalog()[name].method == "PATCH"]
OVER_S = Timeouts().call_s + STILL_RUNNING_S + 1
STATES = {"done", "not_done", "unknown"}
START = "2026-11-25T08:00:00Z"
BOOKING = catalog()["invitees.create"].examples[0]["input"]
NOTE = {
    "contact": catalog()["notes.create"].examples[0]["input"]["contact"],
    "body": "Call back",
    "title": "Hi",
}

each_look_up = pytest.mark.parametrize("name", LOOKED_UP)
each_operation = pytest.mark.parametrize("name", OPERATIONS)


def example(name):
    action = catalog()[name]
    return {key: value for key, value in action.examples[0]["input"].items() if key not in action.secrets}


def fresh(name):
    """Return inputs whose write changes something."""
    changes = {
        "contact_lists.update": {"name": "Renamed"},
        "contacts.update": {"name": "Renamed Person"},
        "event_types.update": {"name": "Renamed type", "description": "New"},
        "meeting_recaps.update": {"summary_md": "New summary"},
        "user_availability_schedules.update": {"name": "Renamed hours"},
    }
    return example(name) | changes.get(name, {})


@pytest.fixture
def connection(fresh_sandbox, connect):
    return connect(fresh_sandbox, signing_key="k" * 40)


@pytest.fixture
def settle(connection, timer):
    """Return a function that settles a write that was sent long enough ago, or so many seconds ago."""

    def run(name, params, ago_s=OVER_S, **options):
        return connection.settle(name, params, sent_at=timer.now - ago_s, **options)

    return run


def later(timer, sent_at):
    timer.now = sent_at + OVER_S


def bodies(sandbox):
    return [one for one in sandbox.requests()["requests"] if one["method"] != "GET"]


# --- what happened


@each_look_up
def test_a_write_whose_reply_is_lost_is_found_with_the_record_that_it_made(name, connection, timer):
    action, sent_at = catalog()[name], timer.now
    record = connection.run(name, fresh(name)).record
    settled = connection.settle(name, fresh(name), sent_at=sent_at)
    assert (settled.state, settled.fix) == ("done", "")
    assert settled.message.startswith(f"{name} was done: ")
    assert settled.record == record
    if record is not None:
        Draft202012Validator(action.output).validate(settled.record)


@pytest.mark.parametrize("name", POSTS + IDEMPOTENT_CHANGES)
@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_a_reply_that_breaks_off_is_settled_as_done(name, kind, connection, fresh_sandbox, timer):
    sent_at = timer.now
    fresh_sandbox.fault(kind, method=catalog()[name].method)
    with pytest.raises(ConnectorError):
        connection.run(name, fresh(name))
    assert connection.settle(name, fresh(name), sent_at=sent_at).state == "done"
    assert len(bodies(fresh_sandbox)) == 1


@each_operation
def test_a_write_that_never_arrived_is_not_done_once_it_can_no_longer_happen(
    name, connection, fresh_sandbox, timer
):
    action, sent_at = catalog()[name], timer.now
    fresh_sandbox.fault("status", status=503, method=action.method, times=5)
    with pytest.raises(ConnectorError):
        connection.run(name, fresh(name))
    just_now = connection.settle(name, fresh(name), sent_at=timer.now)
    assert just_now.state == "unknown"
    assert "it may still be under way" in just_now.message
    assert just_now.fix.startswith("Look again in 300 s.")
    later(timer, sent_at)
    settled = connection.settle(name, fresh(name), sent_at=sent_at)
    assert (settled.state, settled.record, settled.fix) == ("not_done", None, "")
    assert settled.message.startswith(f"{name} was not done: {action.look_up.action} doesn't show that ")


@pytest.mark.parametrize("name", ["bookings.create", "links.create"])
def test_a_recipe_that_never_wrote_is_not_done(name, settle):
    assert settle(name, example(name)).state == "not_done"
    assert settle(name, example(name), ago_s=0).state == "unknown"


def test_the_deadline_of_the_connection_says_when_a_write_can_no_longer_happen(fresh_sandbox, connect, timer):
    connection = connect(fresh_sandbox, timeouts=Timeouts(call_s=1000.0))
    assert connection.settle("notes.create", NOTE, sent_at=timer.now - OVER_S).state == "unknown"
    assert connection.settle("notes.create", NOTE, sent_at=timer.now - 1121).state == "not_done"


def test_a_settled_write_is_not_sent_again(connection, fresh_sandbox, timer):
    for name in LOOKED_UP:
        connection.settle(name, fresh(name), sent_at=timer.now - OVER_S)
    assert bodies(fresh_sandbox) == []


# --- others that look alike


@pytest.mark.parametrize(
    "name",
    [name for name in POSTS if catalog()[name].look_up.time or catalog()[name].look_up.function],
)
def test_an_equal_record_that_is_older_is_not_taken(name, connection, timer):
    connection.run(name, fresh(name))
    timer.now += 3600
    sent_at = timer.now
    later(timer, sent_at)
    assert connection.settle(name, fresh(name), sent_at=sent_at).state == "not_done"


def test_clocks_may_differ_by_ten_seconds(connection, timer):
    sent_at = timer.now
    connection.run("notes.create", NOTE)
    assert connection.settle("notes.create", NOTE, sent_at=sent_at + 5).state == "done"
    later(timer, sent_at + 60)
    assert connection.settle("notes.create", NOTE, sent_at=sent_at + 60).state == "not_done"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("contact_custom_fields.create", {"label": "Another label"}),
        ("contact_lists.create", {"name": "Another list"}),
        ("contacts.create", {"emails": [{"email": "other@client.example", "is_primary": True}]}),
        ("event_types.create", {"name": "Another name"}),
        ("invitees.create", {"invitee": BOOKING["invitee"] | {"email": "other@client.example"}}),
        ("notes.create", {"body": "Another text"}),
        ("organization_invitations.create", {"email": "other@client.example"}),
        ("shares.create", {"name": "Another name"}),
        ("links.create", {"event_name": "Another name"}),
        ("user_availability_schedules.create", {"name": "Another name"}),
        ("webhook_subscriptions.create", {"url": "https://other.example/hook"}),
    ],
)
def test_a_new_record_with_another_key_is_not_taken(name, change, connection, timer):
    sent_at = timer.now
    connection.run(name, fresh(name) | change)
    later(timer, sent_at)
    assert connection.settle(name, fresh(name), sent_at=sent_at).state == "not_done"


def test_a_booking_at_another_time_is_not_taken(connection, timer):
    sent_at = timer.now
    slots = connection.run(
        "event_type_available_times.list",
        {"event_type": BOOKING["event_type"], "start_time": START, "end_time": "2026-12-05T00:00:00Z"},
    ).records
    other = next(one["start_time"] for one in slots if one["start_time"] != BOOKING["start_time"])
    connection.run("invitees.create", BOOKING | {"start_time": other})
    later(timer, sent_at)
    assert connection.settle("invitees.create", BOOKING, sent_at=sent_at).state == "not_done"


def test_a_note_with_a_title_is_not_one_without(connection, timer):
    sent_at = timer.now
    connection.run("notes.create", NOTE)
    later(timer, sent_at)
    untitled = {name: value for name, value in NOTE.items() if name != "title"}
    assert connection.settle("notes.create", untitled, sent_at=sent_at).state == "not_done"


def test_addresses_are_compared_without_case_times_as_moments_and_texts_without_spaces_around(
    connection, timer
):
    sent_at = timer.now
    connection.run("invitees.create", BOOKING)
    person = BOOKING["invitee"] | {"email": BOOKING["invitee"]["email"].upper()}
    moved = BOOKING | {"invitee": person, "start_time": BOOKING["start_time"].replace("Z", "+00:00")}
    assert connection.settle("invitees.create", moved, sent_at=sent_at).state == "done"
    connection.run("notes.create", NOTE)
    assert connection.settle("notes.create", NOTE | {"body": " Call back\n"}, sent_at=sent_at).state == "done"
    email = {"email": "New.Person@client.example"}
    connection.run("organization_invitations.create", email)
    lower = {"email": email["email"].lower()}
    assert connection.settle("organization_invitations.create", lower, sent_at=sent_at).state == "done"


def test_two_equal_new_records_are_unknown_and_both_are_named(connection, timer):
    sent_at = timer.now
    uris = [connection.run("shares.create", {"event_type": INTRO_CALL}).record["uri"] for _ in range(2)]
    settled = connection.settle("shares.create", {"event_type": INTRO_CALL}, sent_at=sent_at)
    assert (settled.state, settled.record) == ("unknown", None)
    assert settled.message == "2 records fit, so it can't be decided which one shares.create made."
    assert all(uri in settled.fix for uri in uris)


def test_one_new_record_beside_older_equal_ones_is_the_one(connection, timer, fresh_sandbox):
    connection.run("notes.create", NOTE)
    fresh_sandbox.control("POST", "/clock", {"advance_s": 60})
    timer.now += 60
    sent_at = timer.now
    record = connection.run("notes.create", NOTE).record
    settled = connection.settle("notes.create", NOTE, sent_at=sent_at)
    assert (settled.state, settled.record) == ("done", record)


def test_a_link_that_is_known_to_be_someone_elses_is_not_taken(connection, timer):
    sent_at = timer.now
    other = connection.run("links.create", {"event_type": INTRO_CALL}).record["uri"]
    later(timer, sent_at)
    mine = {"event_type": INTRO_CALL, "known_links": [other], "created_since": "2026-11-18T00:00:00Z"}
    assert connection.settle("links.create", mine, sent_at=sent_at).state == "not_done"


def test_a_booking_that_was_canceled_since_then_was_done(connection, timer):
    sent_at = timer.now
    event = connection.run("invitees.create", BOOKING).record["event"]
    connection.run("scheduled_events.cancel", {"uuid": event})
    settled = connection.settle("invitees.create", BOOKING, sent_at=sent_at)
    assert settled.state == "done"
    assert settled.record["status"] == "canceled"


def test_a_booking_with_a_client_key_is_found_however_old_it_is(connection, timer):
    inputs = example("bookings.create") | {"client_key": "order-1"}
    record = connection.run("bookings.create", inputs).record
    timer.now += 86400
    settled = connection.settle("bookings.create", inputs, sent_at=timer.now)
    assert (settled.state, settled.record["invitee"]) == ("done", record["invitee"])
    other = connection.settle(
        "bookings.create", inputs | {"client_key": "order-2"}, sent_at=timer.now - OVER_S
    )
    assert other.state == "not_done"


def test_a_link_that_cannot_be_listed_is_unknown(settle):
    settled = settle("links.create", {"event_type": SALES_DEMO})
    assert settled.state == "unknown"
    assert "links of this event type can't be listed" in settled.message


# --- changes


def test_a_change_that_somebody_overwrote_is_unknown(connection, timer):
    sent_at = timer.now
    wanted = fresh("contacts.update")
    connection.run("contacts.update", wanted)
    connection.run("contacts.update", wanted | {"name": "Somebody Else"})
    later(timer, sent_at)
    settled = connection.settle("contacts.update", wanted, sent_at=sent_at)
    assert settled.state == "unknown"
    assert "it was changed since then, to other values" in settled.message
    assert settled.fix == "It is safe to run it again."


def test_a_change_is_done_only_if_all_of_it_can_be_compared(connection, timer):
    sent_at = timer.now
    fields = connection.run("contact_custom_fields.list").records
    wanted = fresh("contacts.update") | {
        "custom_fields": [{"uuid": fields[0]["uri"].rpartition("/")[2], "value": "x"}]
    }
    connection.run("contacts.update", fresh("contacts.update"))
    settled = connection.settle("contacts.update", wanted, sent_at=sent_at)
    assert settled.state == "unknown"
    assert "custom_fields can't be compared" in settled.message


def test_a_removed_value_is_compared(connection, timer):
    sent_at = timer.now
    limits = {"daily_limit": 3, "weekly_limit": None}
    connection.run("user_meeting_limits.update", limits)
    assert connection.settle("user_meeting_limits.update", limits, sent_at=sent_at).state == "done"
    connection.run("user_meeting_limits.update", {"weekly_limit": 9})
    later(timer, sent_at)
    assert connection.settle("user_meeting_limits.update", limits, sent_at=sent_at).state == "not_done"


# --- names and functions


def test_names_are_resolved_as_in_a_call(connection, timer):
    sent_at = timer.now
    record = connection.run("shares.create", {"event_type": "intro"}).record
    settled = connection.settle("shares.create", filter=[("event_type", "Intro call")], sent_at=sent_at)
    assert (settled.state, settled.record) == ("done", record)


def test_a_name_that_no_longer_exists_is_unknown(settle):
    settled = settle("shares.create", {"event_type": "No such type"})
    assert settled.state == "unknown"
    assert "'No such type' matches no name" in settled.message


def test_a_time_that_a_function_computed_is_unknown_but_only_if_it_is_compared(connection, timer):
    sent_at = timer.now
    soon = [*BOOKING.items(), ("start_time", "~{Now+7d}~")]
    rows = [row for row in soon if row != ("start_time", BOOKING["start_time"])]
    timer.now += 5
    settled = connection.settle("invitees.create", filter=rows, sent_at=sent_at)
    assert settled.state == "unknown"
    assert settled.message == "start_time has a function, whose value at that time isn't known."
    reminder = [*NOTE.items(), ("remind_at", "~{Now+7d}~")]
    later(timer, sent_at)
    assert connection.settle("notes.create", filter=reminder, sent_at=sent_at).state == "not_done"


def test_a_function_whose_value_is_the_same_as_then_is_resolved(connection, timer):
    rows = [("contact", NOTE["contact"]), ("body", "since ~{Today}~, by ~{GetUserUrl}~")]
    sent_at = timer.now
    connection.run("notes.create", filter=rows)
    timer.now += 3600
    assert connection.settle("notes.create", filter=rows, sent_at=sent_at).state == "done"
    timer.now += 86400
    assert connection.settle("notes.create", filter=rows, sent_at=sent_at).state == "unknown"


# --- nothing can show it


@pytest.mark.parametrize("name", [name for name, one in catalog().items() if one.no_look_up])
def test_an_action_that_nothing_can_show_is_unknown_and_says_why(name, unvisited, connect, timer):
    settled = connect(unvisited).settle(name, example(name), sent_at=timer.now - OVER_S)
    assert (settled.state, settled.message) == ("unknown", catalog()[name].no_look_up)
    assert settled.fix == "If you run it again, it may be done twice."


@pytest.mark.parametrize(
    "name", [name for name, one in catalog().items() if one.effect != "read" and one.safe_to_repeat]
)
def test_an_action_that_is_safe_to_repeat_says_so_if_it_cannot_be_settled(
    name, faulty_sandbox, connect, timer
):
    faulty_sandbox.fault("status", status=403, times=100)
    settled = connect(faulty_sandbox, signing_key="k" * 40).settle(
        name, example(name), sent_at=timer.now - OVER_S
    )
    assert settled.state == "unknown"
    assert settled.fix.endswith("It is safe to run it again.")


# --- look-ups that fail


@each_look_up
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 401},
        {"kind": "status", "status": 403},
        {"kind": "status", "status": 500},
        {"kind": "reset"},
        {"kind": "html"},
        {"kind": "not_json"},
        {"kind": "empty"},
    ],
    ids=lambda fault: str(fault.get("status", fault["kind"])),
)
def test_a_look_up_that_fails_is_unknown_and_says_why(name, fault, faulty_sandbox, connect, timer):
    faulty_sandbox.fault(**fault, times=1000)
    settled = connect(faulty_sandbox, signing_key="k" * 40).settle(
        name, example(name), sent_at=timer.now - OVER_S
    )
    assert (settled.state, settled.record) == ("unknown", None)
    assert settled.message.startswith(f"The look-up of {name} failed: ")
    assert settled.fix


@each_look_up
def test_a_token_that_may_not_look_it_up_makes_it_unknown(name, sandbox, connect, timer):
    connection = connect(sandbox, token="sandbox-no-scopes", signing_key="k" * 40)
    settled = connection.settle(name, example(name), sent_at=timer.now - OVER_S)
    assert settled.state == "unknown"
    assert "scope" in settled.message


@pytest.mark.parametrize("name", [name for name in OPERATIONS if catalog()[name].look_up.expects == "change"])
def test_a_changed_record_that_is_gone_is_unknown(name, settle, fresh_sandbox):
    fresh_sandbox.fault("status", status=404, method="GET", times=100)
    assert settle(name, example(name)).state == "unknown"


def test_a_list_that_cannot_be_read_to_its_end_is_unknown(settle, fresh_sandbox, connection):
    for number in range(250):
        connection.run("notes.create", NOTE | {"body": f"Note {number}"})
    fresh_sandbox.fault("refuse_token", times=1000)
    settled = settle("notes.create", NOTE)
    assert settled.state == "unknown"
    assert "page token was rejected" in settled.message


def test_a_member_who_sees_only_their_own_meetings_cannot_rule_out_a_booking_for_others(
    fresh_sandbox, connect, timer
):
    connection = connect(fresh_sandbox, token="sandbox-member")
    settled = connection.settle("invitees.create", BOOKING, sent_at=timer.now - OVER_S)
    assert settled.state == "unknown"


@each_look_up
@pytest.mark.parametrize("value", [GONE, 5])
def test_an_odd_value_in_any_reply_never_raises(name, value, monkeypatch, connect, timer):
    calendly = install(monkeypatch)
    connection = connect("https://api.calendly.com", signing_key="k" * 40)
    connection.settle(name, example(name), sent_at=timer.now)
    for read in dict.fromkeys(calendly.asked):
        for place in places(document_of(catalog()[read])):
            calendly.change = lambda action, document, read=read, place=place: (
                replaced(document, place, value) if action == read else document
            )
            assert connection.settle(name, example(name), sent_at=timer.now).state in STATES


@each_look_up
@pytest.mark.parametrize("seed", range(4))
def test_random_odd_replies_never_raise(name, seed, monkeypatch, connect, timer):
    install(monkeypatch).change = at_random(f"{seed} {name}")
    connection = connect("https://api.calendly.com", signing_key="k" * 40)
    assert connection.settle(name, example(name), sent_at=timer.now).state in STATES


# --- wrong calls


def test_a_read_has_nothing_to_settle(unvisited, connect, timer):
    with pytest.raises(UsageError, match=r"users\.me only reads"):
        connect(unvisited).settle("users.me", sent_at=timer.now)


def test_invalid_inputs_and_unknown_actions_raise_as_in_a_call(unvisited, connect, timer):
    connection = connect(unvisited)
    with pytest.raises(InvalidParams) as caught:
        connection.settle("notes.create", {"contact": NOTE["contact"], "text": "x"}, sent_at=timer.now)
    assert "text" in {problem.path for problem in caught.value.problems}
    with pytest.raises(UnknownAction):
        connection.settle("notes.make", {}, sent_at=timer.now)


@pytest.mark.parametrize("sent_at", [float("nan"), float("inf"), 1.795e15, -1e15])
def test_what_is_not_a_time_in_unix_seconds_is_rejected(sent_at, unvisited, connect):
    with pytest.raises(UsageError, match="unix seconds"):
        connect(unvisited).settle("notes.create", NOTE, sent_at=sent_at)


def test_a_write_that_is_sent_in_the_future_may_still_happen(settle):
    assert settle("notes.create", NOTE, ago_s=-3600).state == "unknown"


def test_an_alias_is_settled_like_its_action(connection, timer):
    sent_at = timer.now
    connection.run("add_note", NOTE)
    assert connection.settle("add_note", NOTE, sent_at=sent_at).state == "done"
