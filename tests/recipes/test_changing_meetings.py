"""Canceling, moving and marking meetings: by any description, one or many, with replies lost at each call."""

import pytest
from calendly_connector.errors import (
    AmbiguousMeeting,
    CalendlyDown,
    CalendlyError,
    InvalidParams,
    NoAnswer,
    NotFound,
    PartlyDone,
    SlotTaken,
)
from sandbox_client import INTRO_CALL

DISCUSS, PRODUCTS = "What would you like to discuss?", "Which products do you use?"
FIRST, SECOND, THIRD = "2026-11-25T08:00:00Z", "2026-11-26T13:00:00Z", "2026-11-30T09:00:00Z"
LENA = {"name": "Lena Marsh", "email": "lena@client.example", "timezone": "Europe/Amsterdam"}


@pytest.fixture
def connection(fresh_sandbox, connect):
    return connect(fresh_sandbox)


def book(connection, start=FIRST, **invitee):
    inputs = {
        "event_type": INTRO_CALL,
        "start_time": start,
        "invitee": {**LENA, **invitee},
        "answers": {DISCUSS: "Pricing", PRODUCTS: ["Core", "Reports"]},
        "location": {"kind": "ask_invitee", "location": "Café Zoë"},
        "tracking": {"utm_source": "newsletter"},
        "guests": ["guest@client.example"],
    }
    return connection.run("bookings.create", inputs).record


def cancel(connection, *what, **inputs):
    return connection.run("bookings.cancel", {**({"what": list(what)} if what else {}), **inputs}).records


def status(connection, event):
    return connection.run("scheduled_events.get", {"uuid": event}).record["status"]


def writes(sandbox):
    return [one for one in sandbox.requests()["requests"] if one["method"] in {"POST", "DELETE"}]


def group_event(connection, *emails):
    """Book several invitees into one group event; return the answer of each booking."""
    user = connection.run("users.me").record
    types = connection.run("event_types.list", {"organization": user["current_organization"]}, all_pages=True)
    uri = next(record["uri"] for record in types.records if record["name"] == "Workshop")
    slot = {"event_types": [uri], "start": "2026-12-01T00:00:00Z", "first": True}
    start = connection.run("slots.list", slot).records[0]["start_time"]
    location = {"kind": "microsoft_teams_conference"}
    inputs = {"event_type": uri, "start_time": start, "location": location, "answers": {DISCUSS: "x"}}
    return [
        connection.run("bookings.create", {**inputs, "invitee": {**LENA, "email": email}}).record
        for email in emails
    ]


# --- bookings.cancel


@pytest.mark.parametrize(
    "what",
    [
        "lena@client.example",
        "lena marsh",
        "2026-11-25 09:00",
        FIRST,
        "{event}",
        "{invitee}",
        "{event_id}",
        "{invitee_id}",
        "{cancel_url}",
        "{reschedule_url}",
    ],
)
def test_a_meeting_is_canceled_by_anything_that_describes_it(what, connection):
    booked = book(connection)
    ids = {f"{name}_id": booked[name].rpartition("/")[2] for name in ("event", "invitee")}
    [row] = cancel(connection, what.format(**booked, **ids), reason="The host is ill.")
    assert row["outcome"] == "canceled"
    assert row["invitees"] == [{"name": LENA["name"], "email": LENA["email"]}]
    assert row["hosts"] == ["Ada Okafor"]
    assert row["message"] == "Canceled 2026-11-25 09:00 Intro call with Lena Marsh <lena@client.example>."
    event = connection.run("scheduled_events.get", {"uuid": booked["event"]}).record
    assert (event["status"], event["cancellation"]["reason"]) == ("canceled", "The host is ill.")


def test_a_dry_run_cancels_nothing(connection, fresh_sandbox):
    booked = book(connection)
    before = len(writes(fresh_sandbox))
    [row] = cancel(connection, LENA["email"], dry_run=True)
    assert (row["outcome"], row["event"]) == ("would_cancel", booked["event"])
    assert len(writes(fresh_sandbox)) == before


def test_nothing_is_canceled_if_a_description_is_ambiguous_or_fits_nothing(connection):
    first, second = book(connection), book(connection, SECOND)
    with pytest.raises(AmbiguousMeeting) as caught:
        cancel(connection, FIRST, LENA["email"])
    assert {one["event"] for one in caught.value.candidates} == {first["event"], second["event"]}
    with pytest.raises(InvalidParams, match="no meeting fits 'Lena Marhs' \\(did you mean 'Lena Marsh'"):
        cancel(connection, FIRST, "Lena Marhs")
    assert {status(connection, one["event"]) for one in (first, second)} == {"active"}


def test_several_are_canceled_each_once(connection):
    first, second = book(connection), book(connection, SECOND)
    rows = cancel(connection, FIRST, first["event"], second["cancel_url"])
    assert [(row["event"], row["outcome"]) for row in rows] == [
        (first["event"], "canceled"),
        (second["event"], "canceled"),
    ]


def test_a_range_is_canceled_by_filters(connection):
    booked = [book(connection, start) for start in (FIRST, SECOND, THIRD)]
    window = {"start": FIRST, "end": "2026-11-27T00:00:00Z", "event_type": INTRO_CALL}
    would = cancel(connection, **window, dry_run=True)
    rows = cancel(connection, **window)
    assert {row["event"] for row in rows} == {row["event"] for row in would}
    assert {one["event"] for one in booked[:2]} <= {row["event"] for row in rows}
    assert status(connection, booked[2]["event"]) == "active"
    assert cancel(connection, **window) == []


@pytest.mark.parametrize("inputs", [{}, {"start": FIRST}, {"end": SECOND}, {"host": "Ada"}])
def test_neither_a_description_nor_a_whole_range_is_rejected(inputs, connection, fresh_sandbox):
    with pytest.raises(InvalidParams, match="pass it, or both start and end"):
        cancel(connection, **inputs)
    assert writes(fresh_sandbox) == []


def test_a_limit_limits_what_is_canceled(connection):
    first, second = book(connection), book(connection, SECOND)
    result = connection.run("bookings.cancel", {"what": [FIRST, second["event"]]}, limit=1)
    assert [row["event"] for row in result.records] == [first["event"]]
    assert status(connection, second["event"]) == "active"


def test_a_meeting_that_is_canceled_already_is_reported_as_such(connection):
    booked = book(connection)
    cancel(connection, booked["event"])
    for what in (booked["event"], LENA["email"]):
        assert [row["outcome"] for row in cancel(connection, what)] == ["already_canceled"]


def test_all_invitees_of_a_group_event_are_named(connection):
    booked = group_event(connection, "a@client.example", "b@client.example")
    user = connection.run("users.me").record
    where = {"organization": user["current_organization"]}
    [row] = cancel(connection, "a@client.example", dry_run=True, **where)
    assert [person["email"] for person in row["invitees"]] == ["a@client.example", "b@client.example"]
    assert row["event"] == booked[0]["event"]


def test_a_failure_in_the_middle_says_what_was_done(connection, fresh_sandbox):
    booked = [book(connection, start) for start in (FIRST, SECOND, THIRD)]
    fresh_sandbox.fault("status", method="POST", path="/scheduled_events", after=1, status=403)
    rows = cancel(connection, *(one["event"] for one in booked))
    assert [row["outcome"] for row in rows] == ["canceled", "failed", "canceled"]
    assert "(403)" in rows[1]["error"]
    assert [status(connection, one["event"]) for one in booked] == ["canceled", "active", "canceled"]


def test_if_nothing_could_be_canceled_the_error_is_raised(connection, fresh_sandbox):
    booked = book(connection)
    fresh_sandbox.fault("status", method="POST", path="/scheduled_events", status=403)
    with pytest.raises(CalendlyError):
        cancel(connection, booked["event"])


@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_a_cancellation_whose_reply_is_lost_is_found(kind, connection, fresh_sandbox):
    booked = book(connection)
    fresh_sandbox.fault(kind, method="POST", path="/scheduled_events")
    assert [row["outcome"] for row in cancel(connection, booked["event"])] == ["canceled"]


def test_a_cancellation_that_did_not_happen_is_reported_as_such(connection, fresh_sandbox):
    booked = book(connection)
    fresh_sandbox.fault("status", method="POST", path="/scheduled_events")
    with pytest.raises(CalendlyDown, match="didn't find the cancellation, so nothing happened"):
        cancel(connection, booked["event"])
    assert status(connection, booked["event"]) == "active"


def test_a_lost_cancellation_that_cannot_be_looked_up_is_unknown(connection, fresh_sandbox):
    booked = [book(connection, start) for start in (FIRST, SECOND)]
    fresh_sandbox.fault("reset", method="POST", path="/scheduled_events")
    fresh_sandbox.fault("status", method="GET", path="/scheduled_events", after=8, times=5)  # of the look-up
    rows = cancel(connection, *(one["event"] for one in booked))
    assert [row["outcome"] for row in rows] == ["unknown", "canceled"]
    assert "Check it" in rows[0]["message"]


@pytest.mark.parametrize("recipe", ["bookings.cancel", "bookings.no_show", "bookings.reschedule"])
@pytest.mark.parametrize("path", ["/scheduled_events", "/scheduled_events/"])
def test_a_read_that_fails_changes_nothing(recipe, path, connection, fresh_sandbox):
    booked = book(connection)
    before = len(writes(fresh_sandbox))
    fresh_sandbox.fault("status", method="GET", path=path, times=100)
    inputs = {"what": [booked["event"]] if recipe == "bookings.cancel" else booked["event"]}
    with pytest.raises(CalendlyDown):
        connection.run(recipe, inputs | ({"start_time": SECOND} if recipe == "bookings.reschedule" else {}))
    assert len(writes(fresh_sandbox)) == before


# --- bookings.no_show and bookings.undo_no_show


def no_show(connection, what, verb="no_show", **inputs):
    return connection.run(f"bookings.{verb}", {"what": what, **inputs}).record


def test_a_no_show_is_marked_once_and_taken_back(connection, fresh_sandbox):
    booked = book(connection)
    marked = no_show(connection, booked["event"])
    assert (marked["outcome"], marked["invitee_email"]) == ("marked", LENA["email"])
    assert no_show(connection, booked["event"])["outcome"] == "already_marked"
    assert no_show(connection, booked["event"], "undo_no_show", dry_run=True)["outcome"] == "would_unmark"
    assert no_show(connection, booked["event"], "undo_no_show")["outcome"] == "unmarked"
    assert no_show(connection, booked["event"], "undo_no_show")["outcome"] == "not_marked"
    assert no_show(connection, booked["event"], dry_run=True)["outcome"] == "would_mark"
    assert len(writes(fresh_sandbox)) == 3


def test_past_meetings_are_searched_by_default(connection):
    past = {
        "status": "active",
        "max_start_time": "2026-11-17T00:00:00Z",
        "sort": "start_time:desc",
        "count": 1,
    }
    event = connection.run("scheduled_events.list", past).records[0]
    invitee = connection.run("invitees.list", {"uuid": event["uri"]}).records[0]
    found = no_show(connection, event["start_time"], start="2026-01-01T00:00:00Z", dry_run=True)
    assert found["invitee"] == invitee["uri"]
    book(connection)
    with pytest.raises(InvalidParams, match="Searched: past, 30 days"):
        no_show(connection, LENA["email"])  # it is yet to come


def test_one_of_several_invitees_is_chosen_by_email(connection):
    booked = group_event(connection, "a@client.example", "b@client.example")
    with pytest.raises(AmbiguousMeeting) as caught:
        no_show(connection, booked[0]["event"])
    assert {one["invitee_email"] for one in caught.value.candidates} == {
        "a@client.example",
        "b@client.example",
    }
    marked = no_show(connection, booked[0]["event"], email="B@client.example")
    assert marked["invitee"] == booked[1]["invitee"]
    with pytest.raises(InvalidParams, match="isn't an invitee of this meeting"):
        no_show(connection, booked[0]["event"], email="c@client.example")


def test_a_canceled_meeting_cannot_be_a_no_show(connection):
    booked = book(connection)
    cancel(connection, booked["event"])
    with pytest.raises(InvalidParams, match="is canceled"):
        no_show(connection, booked["event"])


@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_a_mark_whose_reply_is_lost_is_found(kind, connection, fresh_sandbox):
    booked = book(connection)
    fresh_sandbox.fault(kind, method="POST", path="/invitee_no_shows")
    assert no_show(connection, booked["event"])["outcome"] == "marked"
    fresh_sandbox.fault(kind, method="DELETE", path="/invitee_no_shows")
    assert no_show(connection, booked["event"], "undo_no_show")["outcome"] == "unmarked"
    assert no_show(connection, booked["event"], "undo_no_show")["outcome"] == "not_marked"


def test_a_mark_that_did_not_happen_is_reported_as_such(connection, fresh_sandbox):
    booked = book(connection)
    fresh_sandbox.fault("status", method="POST", path="/invitee_no_shows")
    with pytest.raises(CalendlyDown, match="didn't find the mark, so nothing happened"):
        no_show(connection, booked["event"])


def test_an_unknown_event_is_not_found(connection):
    with pytest.raises(NotFound):
        no_show(connection, "https://api.calendly.com/scheduled_events/00000000-0000-4000-8000-000000000000")


# --- bookings.reschedule


def move(connection, what, to=SECOND, **inputs):
    return connection.run("bookings.reschedule", {"what": what, "start_time": to, **inputs}).record


def test_a_move_books_the_new_time_with_everything_of_the_old_one(connection, fresh_sandbox):
    booked = book(connection, first_name="Lena", last_name="Marsh")
    record = move(connection, LENA["email"])
    assert record["outcome"] == "rescheduled"
    assert (record["old_start_local"], record["start_local"]) == ("2026-11-25 09:00", "2026-11-26 14:00")
    assert (record["old_event"], record["name"]) == (booked["event"], "Lena Marsh")
    assert "one call books it, another cancels the old one" in record["message"]
    old, new = (
        connection.run("invitees.get", {"uuid": uri}).record for uri in (booked["invitee"], record["invitee"])
    )
    assert (old["status"], new["status"]) == ("canceled", "active")
    assert "Rescheduled to 2026-11-26 14:00" in old["cancellation"]["reason"]
    for field in ("questions_and_answers", "tracking", "timezone", "first_name", "last_name", "email"):
        assert new[field] == old[field]
    event = connection.run("scheduled_events.get", {"uuid": record["event"]}).record
    assert event["location"]["location"] == "Café Zoë"
    assert [guest["email"] for guest in event["event_guests"]] == ["guest@client.example"]
    assert record["reschedule_url"] == new["reschedule_url"]
    assert len(writes(fresh_sandbox)) == 3


def test_a_move_across_a_clock_change_keeps_local_times_apart(connection):
    book(connection, "2027-03-26T08:00:00Z")
    where = {"start": "2027-03-01T00:00:00Z", "end": "2027-04-01T00:00:00Z"}
    record = move(connection, LENA["email"], "2027-03-29T07:00:00Z", **where)
    assert (record["old_start_local"], record["start_local"]) == ("2027-03-26 09:00", "2027-03-29 09:00")


def test_a_dry_run_of_a_move_changes_nothing(connection, fresh_sandbox):
    booked = book(connection)
    before = len(writes(fresh_sandbox))
    record = move(connection, booked["event"], dry_run=True)
    assert (record["outcome"], record["event"]) == ("would_reschedule", None)
    assert len(writes(fresh_sandbox)) == before


def test_answers_and_location_can_be_changed(connection):
    booked = book(connection)
    changes = {"answers": {DISCUSS: "Contract"}, "location": {"kind": "zoom_conference"}}
    record = move(connection, booked["event"], **changes)
    new = connection.run("invitees.get", {"uuid": record["invitee"]}).record
    assert {one["question"]: one["answer"] for one in new["questions_and_answers"]} == {
        DISCUSS: "Contract",
        PRODUCTS: "Core\nReports",
    }


@pytest.mark.parametrize(
    ("start", "error"),
    [(FIRST, InvalidParams), ("2026-11-29T09:00:00Z", SlotTaken), ("2026-11-18T09:00:00Z", SlotTaken)],
)
def test_a_time_that_cannot_be_booked_leaves_the_meeting_as_it_is(start, error, connection):
    booked = book(connection)
    with pytest.raises(error):
        move(connection, booked["event"], start)
    assert status(connection, booked["event"]) == "active"


def test_a_group_event_with_several_invitees_is_not_moved(connection):
    booked = group_event(connection, "a@client.example", "b@client.example")
    with pytest.raises(InvalidParams, match="has 2 invitees") as caught:
        move(connection, booked[0]["event"])
    assert booked[0]["reschedule_url"] in caught.value.fix


def test_a_canceled_meeting_is_not_moved(connection):
    booked = book(connection)
    cancel(connection, booked["event"])
    with pytest.raises(InvalidParams, match="is canceled already"):
        move(connection, booked["event"])


@pytest.mark.parametrize("kind", ["reset", "truncate"])
@pytest.mark.parametrize("path", ["/invitees", "/scheduled_events"])
def test_a_move_whose_reply_is_lost_at_either_write_is_done(kind, path, connection, fresh_sandbox):
    booked = book(connection)
    fresh_sandbox.fault(kind, method="POST", path=path)
    record = move(connection, booked["event"])
    assert [status(connection, event) for event in (booked["event"], record["event"])] == [
        "canceled",
        "active",
    ]


def test_if_the_new_time_cannot_be_booked_the_old_meeting_stays(connection, fresh_sandbox):
    booked = book(connection)
    fresh_sandbox.fault("status", method="POST", path="/invitees")
    with pytest.raises(CalendlyDown, match="so nothing happened"):
        move(connection, booked["event"])
    assert status(connection, booked["event"]) == "active"


@pytest.mark.parametrize("code", [403, 500])
def test_if_the_old_meeting_cannot_be_canceled_the_new_one_is(code, connection, fresh_sandbox):
    booked = book(connection)
    fresh_sandbox.fault("status", method="POST", path="/scheduled_events", status=code)
    with pytest.raises(PartlyDone, match="Not rescheduled") as caught:
        move(connection, booked["event"])
    assert [next(iter(one)) for one in caught.value.done] == ["booked", "canceled"]
    assert status(connection, booked["event"]) == "active"
    assert status(connection, caught.value.done[1]["canceled"]) == "canceled"
    assert caught.value.__cause__.status == code
    assert move(connection, booked["event"])["outcome"] == "rescheduled"  # it can be repeated


def test_if_nothing_can_be_canceled_both_meetings_are_named(connection, fresh_sandbox):
    booked = book(connection)
    fresh_sandbox.fault("status", method="POST", path="/scheduled_events", status=403, times=2)
    with pytest.raises(PartlyDone, match="couldn't be canceled") as caught:
        move(connection, booked["event"])
    new = caught.value.done[0]["booked"]
    assert booked["event"] in caught.value.fix
    assert new in caught.value.fix
    assert {status(connection, event) for event in (booked["event"], new)} == {"active"}


def test_if_the_cancellation_is_unknown_the_new_meeting_is_kept(connection, fresh_sandbox):
    """Undoing the new one could leave the invitee without any meeting."""
    booked = book(connection)
    fresh_sandbox.fault("reset", method="POST", path="/scheduled_events")
    uuid = booked["event"].rpartition("/")[2]
    reads = 2  # of the old event, before the write
    fresh_sandbox.fault("status", method="GET", path=f"/scheduled_events/{uuid}", after=reads + 2, times=100)
    with pytest.raises(PartlyDone, match="isn't known") as caught:
        move(connection, booked["event"])
    assert isinstance(caught.value.__cause__, NoAnswer)
    assert status(connection, caught.value.done[0]["booked"]) == "active"
