"""Booking a meeting: every rule of an event type, lost replies at each call, races, keys, hostile texts."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from calendly_connector.errors import (
    CalendlyDown,
    ConnectorError,
    InvalidParams,
    NoAnswer,
    NotFound,
    PermissionDenied,
    RateLimited,
    Rejected,
    SlotTaken,
)
from calendly_connector.recipes import booking_form, booking_rules
from sandbox_client import INTRO_CALL, OWNER, SALES_DEMO

START = "2026-11-25T08:00:00Z"
NEXT = "2026-11-25T08:30:00Z"
DISCUSS, PRODUCTS = "What would you like to discuss?", "Which products do you use?"
NOOR = {"name": "Lena Marsh", "email": "lena@client.example", "timezone": "Europe/Amsterdam"}
INPUTS = {
    "event_type": INTRO_CALL,
    "start_time": START,
    "invitee": NOOR,
    "answers": {DISCUSS: "Pricing"},
    "location": {"kind": "zoom_conference"},
}
# The requests of one booking, in order, apart from users.me.
READS = ("/event_types/", "/event_type_available_times", "/scheduled_events")


def book(connection, **changes):
    inputs = {name: value for name, value in {**INPUTS, **changes}.items() if value is not None}
    return connection.run("bookings.create", inputs)


def problems(connection, **changes):
    with pytest.raises(InvalidParams) as caught:
        book(connection, **changes)
    return {problem.path: problem for problem in caught.value.problems}


def posts(sandbox):
    return [one for one in sandbox.requests()["requests"] if one["method"] == "POST"]


def bookings_at(connection, start=START, email=NOOR["email"]):
    inputs = {"invitee_email": email, "status": "active", "organization": organization(connection)}
    events = connection.run("scheduled_events.list", inputs, all_pages=True).records
    return [event["uri"] for event in events if event["start_time"][:19] == start[:19]]


def organization(connection):
    return connection.run("users.me").record["current_organization"]


def event_type(connection, **settings):
    """Return the URI of a new, active event type of the owner."""
    inputs = {"name": "Test", "active": True, **settings}
    return connection.run("event_types.create", inputs).record["uri"]


# --- the answer


def test_a_booking_says_who_when_where_and_with_whom(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    record = book(connection).record
    assert record["outcome"] == "booked"
    assert (record["name"], record["email"]) == (NOOR["name"], NOOR["email"])
    assert (record["start_time"], record["start_local"]) == (START, "2026-11-25 09:00")
    assert record["end_time"][:19] == "2026-11-25T08:30:00"
    assert record["hosts"] == ["Ada Okafor"]
    assert record["location"]["type"] == "zoom"
    assert record["message"] == ("Booked 'Intro call' with Lena Marsh on 2026-11-25 09:00 (Europe/Berlin).")
    assert bookings_at(connection) == [record["event"]]


def test_rows_and_names_are_enough(fresh_sandbox, connect):
    rows = [
        ("event_type", "intro"),
        ("start_time", "2026-11-25T09:00:00+01:00"),
        ("invitee.name", "Lena Marsh"),
        ("invitee.email", "lena@client.example"),
        (f"answers.{DISCUSS}", "Pricing, and more"),
        (f"answers.{PRODUCTS}[]", "Core"),
        (f"answers.{PRODUCTS}[]", "Reports"),
        ("location.kind", "zoom_conference"),
        ("tracking.utm_source", "newsletter"),
        ("guests[]", "guest@client.example"),
    ]
    connection = connect(fresh_sandbox)
    record = connection.run("book_meeting", filter=rows).record
    invitee = connection.run("invitees.get", {"uuid": record["invitee"]}).record
    answers = {one["question"]: one["answer"] for one in invitee["questions_and_answers"]}
    assert answers == {DISCUSS: "Pricing, and more", PRODUCTS: "Core\nReports"}
    assert invitee["tracking"]["utm_source"] == "newsletter"
    assert invitee["tracking"]["utm_term"] is None
    assert invitee["timezone"] == "Europe/Berlin"  # the user's, by default
    event = connection.run("scheduled_events.get", {"uuid": record["event"]}).record
    assert [guest["email"] for guest in event["event_guests"]] == ["guest@client.example"]


def test_an_address_that_only_calendly_rejects_is_reported_before_anything_is_sent(fresh_sandbox, connect):
    with pytest.raises(InvalidParams) as caught:
        book(
            connect(fresh_sandbox), invitee=NOOR | {"email": "lena@client"}, start_time="2026-11-25T03:00:00Z"
        )
    problems = {problem.path: problem.message for problem in caught.value.problems}
    assert problems["invitee.email"] == "Calendly rejects the address 'lena@client'"
    assert "start_time" in problems
    assert posts(fresh_sandbox) == []


def test_another_rejection_of_the_search_is_not_blamed_on_the_address(fresh_sandbox, connect):
    fresh_sandbox.fault("status", status=400, path="/scheduled_events", times=1000)
    with pytest.raises(Rejected):
        book(connect(fresh_sandbox))
    assert posts(fresh_sandbox) == []


def test_a_dry_run_sends_nothing_and_shows_the_request(fresh_sandbox, connect):
    record = book(connect(fresh_sandbox), dry_run=True, tracking={"utm_source": "x"}).record
    assert (record["outcome"], record["event"]) == ("would_book", None)
    assert record["request"]["tracking"] == dict.fromkeys(booking_form.TRACKING) | {"utm_source": "x"}
    assert record["request"]["questions_and_answers"] == [
        {"question": DISCUSS, "answer": "Pricing", "position": 0}
    ]
    assert posts(fresh_sandbox) == []


def test_local_times_are_those_of_the_wanted_zone(fresh_sandbox, connect):
    record = book(connect(fresh_sandbox), timezone="Asia/Tokyo", dry_run=True).record
    assert (record["start_local"], record["timezone"]) == ("2026-11-25 17:00", "Asia/Tokyo")


@pytest.mark.parametrize(
    ("day", "clock", "local"),
    [
        ("2027-03-28", "00:30", "2027-03-28 01:30"),
        ("2027-03-28", "01:00", "2027-03-28 03:00"),
        ("2027-10-31", "00:30", "2027-10-31 02:30 CEST"),
        ("2027-10-31", "01:30", "2027-10-31 02:30 CET"),
    ],
)
def test_a_booking_around_a_clock_change(day, clock, local, fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    schedule = connection.run("user_availability_schedules.list").records[0]
    hours = [{"from": "00:00", "to": "06:00"}]
    rules = [{"type": "wday", "wday": rule["wday"], "intervals": hours} for rule in schedule["rules"][:7]]
    connection.run("user_availability_schedules.update", {"uuid": schedule["uri"], "rules": rules})
    record = book(connection, start_time=f"{day}T{clock}:00Z").record
    assert (record["outcome"], record["start_local"]) == ("booked", local)


# --- the checks


def test_all_problems_are_reported_together_and_nothing_is_sent(fresh_sandbox, connect):
    found = problems(
        connect(fresh_sandbox),
        start_time="2026-11-25T03:00:00Z",
        invitee={"email": "no address", "timezone": "Europe/Belin", "text_reminder_number": "soon"},
        answers={"what would you like to discus": "x"},
        location={"kind": "zoom"},
        guests=["nobody"],
        tracking={"utm_source": "x" * 300},
    )
    assert found.keys() == {
        "start_time",
        "invitee",
        "invitee.email",
        "invitee.timezone",
        "invitee.text_reminder_number",
        "answers",
        "answers.what would you like to discus",
        "location.kind",
        "guests[0]",
        "tracking.utm_source",
    }
    assert found["answers"].message == f"{DISCUSS!r} is required"
    assert found["answers.what would you like to discus"].nearest == DISCUSS
    assert found["invitee.timezone"].nearest == "Europe/Berlin"
    assert found["location.kind"].nearest == "zoom_conference"
    assert found["start_time"].nearest == "2026-11-25T08:00:00Z"
    assert posts(fresh_sandbox) == []


def test_an_event_type_that_is_off_or_a_poll_is_reported(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    off = event_type(connection, active=False)
    found = problems(connection, event_type=off, answers=None, location=None)
    assert found["event_type"].message == "'Test' is turned off: activate it first"
    survey = next(
        record
        for record in connection.run(
            "event_types.list", {"organization": organization(connection), "active": False}
        ).records
        if record["name"] == "Old survey"
    )
    with pytest.raises(InvalidParams, match="is a poll, which has no times to book"):
        book(connection, event_type=survey["uri"], answers=None, location=None)


def test_a_deleted_or_unknown_event_type_is_not_found(fresh_sandbox, connect):
    with pytest.raises(NotFound):
        book(connect(fresh_sandbox), event_type="0" * 16)
    fresh_sandbox.control("POST", "/event_types/delete", {"event_type": INTRO_CALL})
    with pytest.raises(NotFound):
        book(connect(fresh_sandbox))


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ("2026-11-18T09:00:00Z", "is in the past"),
        ("1999-01-01T00:00:00Z", "is in the past"),
        ("2026-11-18T11:08:00Z", "too soon"),
        ("2026-11-29T09:00:00Z", "isn't free"),  # a Sunday
        ("2026-11-25T08:01:00Z", "isn't free"),
        ("2050-01-01T09:00:00Z", "isn't free"),
    ],
)
def test_a_time_that_is_not_free_is_its_own_error(start, reason, fresh_sandbox, connect):
    with pytest.raises(SlotTaken, match=reason) as caught:
        book(connect(fresh_sandbox), start_time=start)
    assert caught.value.start_time == start
    assert bool(caught.value.nearest) == (not start.startswith(("1999", "2050")) or "past" in reason)
    assert posts(fresh_sandbox) == []


def test_the_nearest_free_times_are_in_the_error_as_data(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    book(connection)
    with pytest.raises(SlotTaken) as caught:
        book(connection, invitee={**NOOR, "email": "other@client.example"})
    data = json.loads(json.dumps(caught.value.to_dict()))
    assert data["code"] == "slot_taken"
    listed = connection.run(
        "slots.list", {"event_types": [INTRO_CALL], "start": "2026-11-24T00:00:00Z"}
    ).records
    free = {row["start_time"] for row in listed}
    assert {time["start_time"] for time in data["nearest"]} <= free
    assert len(data["nearest"]) == 3
    assert data["nearest"][0]["start_local"] in data["fix"]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "Europe", "../../etc/passwd", "\x00", "z" * 9999])
def test_an_unknown_zone_of_the_invitee_is_a_problem(zone, fresh_sandbox, connect):
    assert "invitee.timezone" in problems(connect(fresh_sandbox), invitee={**NOOR, "timezone": zone})


def test_a_used_up_quota_is_reported_with_other_problems_and_otherwise_by_the_call(fresh_sandbox, connect):
    connection = connect(fresh_sandbox, plan="trial")
    starts = [f"2026-11-{day}T08:30:00Z" for day in ("23", "24", "26", "27", "30")]
    booked, waits = 0, []
    for start in [*starts, *(start.replace("08:30", "10:00") for start in starts)]:
        try:
            booked += book(connection, start_time=start).record["outcome"] == "booked"
        except SlotTaken:
            continue
        except RateLimited as error:
            waits.append(error.retry_after_s)
            break
    assert booked == 5
    assert waits[0] > 3600
    assert "the plan's limit of bookings" in str(problems(connection, answers=None)[""])


def test_a_missing_scope_is_an_error_before_anything_is_sent(fresh_sandbox, connect):
    scopes = ["event_types:read", "availability:read", "scheduled_events:read", "users:read"]
    fresh_sandbox.control("POST", "/tokens", {"name": "reader", "scopes": scopes})
    with pytest.raises(PermissionDenied) as caught:
        book(connect(fresh_sandbox, token="reader"))
    assert caught.value.required_scopes == ("scheduled_events:write",)


# --- questions


QUESTIONS = {
    "custom_questions": [
        {"name": "Seats?", "type": "single_select", "answer_choices": ["1", "2-5"], "required": True},
        {"name": "Products", "type": "multi_select", "answer_choices": ["Core, basic", "Reports"]},
        {"name": "Other", "type": "single_select", "answer_choices": ["A"], "include_other": True},
        {"name": "Old", "required": True, "enabled": False},
        {"name": "Note\u202e", "type": "text"},
    ],
    "uri": INTRO_CALL,
}


def form(answers):
    inputs = {"invitee": NOOR, "answers": answers}
    start = booking_form.timestamps.read(START)
    body, found = booking_form.booking_body(QUESTIONS, inputs, start, "UTC")
    return {one["question"]: one["answer"] for one in body.get("questions_and_answers", [])}, found


@pytest.mark.parametrize(
    ("answers", "sent"),
    [
        ({"Seats?": 1}, {"Seats?": "1"}),
        ({"  seats?  ": "2-5"}, {"Seats?": "2-5"}),
        (
            {"Seats?": "1", "Products": ["reports", "core, BASIC"]},
            {"Seats?": "1", "Products": "Reports\nCore, basic"},
        ),
        ({"Seats?": "1", "Products": "Core, basic"}, {"Seats?": "1", "Products": "Core, basic"}),
        (
            {"Seats?": "1", "Products": "Core, basic\nReports"},
            {"Seats?": "1", "Products": "Core, basic\nReports"},
        ),
        ({"Seats?": "1", "Other": "my own"}, {"Seats?": "1", "Other": "my own"}),
        ({"Seats?": "1", "Note": "x"}, {"Seats?": "1", "Note\u202e": "x"}),
        ({"Seats?": "1", "Products": "", "Note": " "}, {"Seats?": "1"}),
        ({"Seats?": "1", "Note": True}, {"Seats?": "1", "Note\u202e": "Yes"}),
    ],
)
def test_answers_are_sent_as_the_event_type_spells_them(answers, sent):
    assert form(answers) == (sent, [])


@pytest.mark.parametrize(
    ("answers", "paths"),
    [
        ({}, ["answers"]),
        ({"Seats?": ""}, ["answers"]),
        ({"Seats?": "7"}, ["answers.Seats?"]),
        ({"Seats?": "1", "Products": ["Core, basic", "Nope"]}, ["answers.Products"]),
        ({"Seats?": "1", "Old": "x"}, ["answers.Old"]),
        ({"Seats?": "1", "seats?": "1"}, ["answers.seats?"]),
        ({"Seats?": "1", "": "x"}, ["answers."]),
        ({"Sets?": "1"}, ["answers.Sets?", "answers"]),
    ],
)
def test_wrong_answers_are_problems_of_their_question(answers, paths):
    assert [problem.path for problem in form(answers)[1]] == paths


# --- locations


ONLY = {
    "zoom_conference": {},
    "google_conference": {},
    "gotomeeting_conference": {},
    "microsoft_teams_conference": {},
    "webex_conference": {},
    "physical": {"location": "Torstr. 1, Berlin"},
    "custom": {"location": "Room 4"},
    "inbound_call": {"phone_number": "+49 30 1234567"},
}


@pytest.mark.parametrize("kind", ONLY)
def test_the_only_location_of_an_event_type_need_not_be_passed(kind, fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    uri = event_type(connection, locations=[{"kind": kind, **ONLY[kind]}])
    for location, start in ((None, START), ({"kind": kind}, NEXT)):
        record = book(connection, event_type=uri, answers=None, location=location, start_time=start).record
        assert record["outcome"] == "booked"
        assert record["location"]["type"] == kind.replace("zoom_conference", "zoom").replace(
            "gotomeeting_conference", "gotomeeting"
        )
        if "location" in ONLY[kind]:
            assert record["location"]["location"] == ONLY[kind]["location"]


@pytest.mark.parametrize(
    ("kind", "place"), [("ask_invitee", "Café Zoë"), ("outbound_call", "+31 20 000 0000")]
)
def test_a_place_that_only_the_invitee_knows_is_required(kind, place, fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    uri = event_type(connection, locations=[{"kind": kind}])
    found = problems(connection, event_type=uri, answers=None, location=None)
    assert "is missing: with" in found["location.location"].message
    record = book(connection, event_type=uri, answers=None, location={"location": place}).record
    assert record["location"]["location"] == place


@pytest.mark.parametrize(
    ("locations", "location", "path"),
    [
        ([{"kind": "zoom_conference"}, {"kind": "ask_invitee"}], None, "location"),
        ([{"kind": "zoom_conference"}, {"kind": "ask_invitee"}], {"location": "x"}, "location.kind"),
        ([{"kind": "zoom_conference"}], {"kind": "physical"}, "location.kind"),
        (
            [{"kind": "physical", "location": "A 1"}, {"kind": "physical", "location": "B 2"}],
            None,
            "location.location",
        ),
        ([{"kind": "outbound_call"}], {"location": "call me"}, "location.location"),
        (
            [{"kind": "inbound_call", "phone_number": "+49 30 12345"}],
            {"location": "+1 555 0100"},
            "location.location",
        ),
        (None, {"kind": "zoom_conference"}, "location"),
    ],
)
def test_a_location_that_does_not_fit_is_one_problem(locations, location, path, fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    settings = {} if locations is None else {"locations": locations}
    uri = event_type(connection, **settings)
    found = problems(connection, event_type=uri, answers=None, location=location)
    assert list(found) == [path]


def test_several_addresses_are_named(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    places = [{"kind": "physical", "location": "A 1"}, {"kind": "physical", "location": "B 2"}]
    uri = event_type(connection, locations=places)
    found = problems(connection, event_type=uri, answers=None, location={"kind": "physical"})
    assert found["location.location"].message.endswith("one of: A 1; B 2")


# --- kinds of event types


def test_a_round_robin_booking_has_no_location_and_names_its_host(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    assert "location" in problems(connection, event_type=SALES_DEMO)
    record = book(connection, event_type=SALES_DEMO, location=None).record
    assert len(record["hosts"]) == 1
    assert record["event_type_name"] == "Sales demo"


def workshop(connection):
    """Return the URI of a group event type with five seats, of another host."""
    found = connection.run("event_types.list", {"organization": organization(connection)}, all_pages=True)
    return next(record["uri"] for record in found.records if record["name"] == "Workshop")


def test_seats_of_a_group_event_are_booked_one_by_one(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    uri = workshop(connection)
    row = connection.run(
        "slots.list", {"event_types": [uri], "start": "2026-12-01T00:00:00Z", "first": True}
    ).records[0]
    events = set()
    for seat in range(int(row["invitees_remaining"])):
        person = {**NOOR, "email": f"seat{seat}@client.example"}
        location = {"kind": "microsoft_teams_conference"}
        record = book(
            connection, event_type=uri, start_time=row["start_time"], invitee=person, location=location
        ).record
        events.add(record["event"])
    assert len(events) == 1
    with pytest.raises(SlotTaken):
        book(connection, event_type=uri, start_time=row["start_time"], location=location)


# --- keys


def test_a_second_call_with_the_same_key_returns_the_first_booking(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    first = book(connection, client_key="order-4711").record
    again = book(connection, client_key="order-4711").record
    assert (first["outcome"], again["outcome"]) == ("booked", "already_booked")
    assert again["invitee"] == first["invitee"]
    assert len(posts(fresh_sandbox)) == 1
    with pytest.raises(SlotTaken):
        book(connection, client_key="order-4712")


def test_a_key_is_found_after_the_invitee_moved_or_canceled_the_meeting(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    first = book(connection, client_key="k").record
    moved = fresh_sandbox.control("POST", "/reschedules", {"invitee": first["invitee"]})
    again = book(connection, client_key="k").record
    assert again["outcome"] == "already_booked"
    assert (again["invitee"], again["status"]) == (moved["invitee"]["uri"], "active")
    fresh_sandbox.control(
        "POST", "/cancellations", {"invitee": moved["invitee"]["uri"], "canceled_by": "invitee"}
    )
    again = book(connection, client_key="k").record
    assert (again["outcome"], again["status"]) == ("already_booked", "canceled")
    assert "canceled since" in again["message"]
    assert len(posts(fresh_sandbox)) == 1


def test_a_key_and_a_term_exclude_each_other(fresh_sandbox, connect):
    found = problems(connect(fresh_sandbox), client_key="k", tracking={"utm_term": "shoes"})
    assert "tracking.utm_term" in found["client_key"].message


@pytest.mark.parametrize("key", ["~{Now}~", "\u202e", "=1+1", "k" * 200, "{}"])
def test_any_key_is_kept_exactly(key, fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    book(connection, client_key=key)
    assert book(connection, client_key=key).record["outcome"] == "already_booked"


# --- lost replies, at each call


@pytest.mark.parametrize("path", [*READS, "/users/me"])
@pytest.mark.parametrize("kind", ["reset", "truncate", "status"])
def test_a_lost_reply_to_a_read_is_read_again(path, kind, fresh_sandbox, connect):
    fresh_sandbox.fault(kind, method="GET", path=path)
    record = book(connect(fresh_sandbox)).record
    assert record["outcome"] == "booked"


@pytest.mark.parametrize("path", READS)
def test_a_read_that_fails_for_good_books_nothing(path, fresh_sandbox, connect):
    fresh_sandbox.fault("status", method="GET", path=path, times=100)
    with pytest.raises(CalendlyDown):
        book(connect(fresh_sandbox))
    assert posts(fresh_sandbox) == []


def test_free_times_that_calendly_refuses_to_list_are_not_taken_for_none(fresh_sandbox, connect):
    """As it does if this machine's clock is behind: the start of the range is in the past."""
    fresh_sandbox.fault("status", status=400, method="GET", path="/event_type_available_times")
    with pytest.raises(Rejected, match="event_type_available_times"):
        book(connect(fresh_sandbox))
    assert posts(fresh_sandbox) == []


@pytest.mark.parametrize("key", [None, "k"])
@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_a_booking_whose_reply_is_lost_is_found(kind, key, fresh_sandbox, connect):
    fresh_sandbox.fault(kind, method="POST", path="/invitees")
    connection = connect(fresh_sandbox)
    result = book(connection, client_key=key)
    assert result.record["outcome"] == "booked"
    assert bookings_at(connection) == [result.record["event"]]
    assert "was lost" in result.warnings[0]
    assert len(posts(fresh_sandbox)) == 1


@pytest.mark.parametrize("kind", ["status", "html", "empty", "not_json"])
def test_a_booking_that_did_not_happen_is_reported_as_such(kind, fresh_sandbox, connect):
    fresh_sandbox.fault(kind, method="POST", path="/invitees")
    connection = connect(fresh_sandbox)
    with pytest.raises(ConnectorError, match="didn't find the booking, so nothing happened") as caught:
        book(connection)
    assert caught.value.retryable
    assert not getattr(caught.value, "may_have_happened", False)
    assert bookings_at(connection) == []
    assert book(connection).record["outcome"] == "booked"


def test_a_lost_reply_that_cannot_be_looked_up_stays_open(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    fresh_sandbox.fault("reset", method="POST", path="/invitees")
    fresh_sandbox.fault("status", method="GET", path="/scheduled_events", after=1, times=100)
    with pytest.raises(NoAnswer) as caught:
        book(connection)
    assert caught.value.may_have_happened
    fresh_sandbox.control("DELETE", "/faults")
    assert len(bookings_at(connection)) == 1


def test_an_earlier_booking_of_the_person_is_not_taken_for_the_lost_one(fresh_sandbox, connect):
    """In a group event one person may have two seats, so only a new booking proves that it happened."""
    connection = connect(fresh_sandbox)
    uri = workshop(connection)
    row = connection.run(
        "slots.list", {"event_types": [uri], "start": "2026-12-01T00:00:00Z", "first": True}
    ).records[0]
    seat = {
        "event_type": uri,
        "start_time": row["start_time"],
        "location": {"kind": "microsoft_teams_conference"},
    }
    first = book(connection, **seat).record
    fresh_sandbox.fault("status", method="POST", path="/invitees")
    with pytest.raises(CalendlyDown, match="nothing happened"):
        book(connection, **seat)
    fresh_sandbox.fault("reset", method="POST", path="/invitees")
    second = book(connection, **seat).record
    assert second["invitee"] != first["invitee"]


def test_a_member_can_look_up_bookings_of_their_own_event_types(fresh_sandbox, connect):
    connection = connect(fresh_sandbox, token="sandbox-member")
    own = connection.run("event_types.list").records
    mine = next(record for record in own if record["name"] == "Intro call")
    start = connection.run(
        "slots.list", {"event_types": [mine["uri"]], "start": "2026-12-01T00:00:00Z", "first": True}
    ).records[0]["start_time"]
    fresh_sandbox.fault("status", method="POST", path="/invitees")
    with pytest.raises(CalendlyDown, match="nothing happened"):
        book(connection, event_type=mine["uri"], start_time=start)


def test_what_a_member_cannot_see_stays_open(fresh_sandbox, connect):
    connection = connect(fresh_sandbox, token="sandbox-member")
    fresh_sandbox.fault("status", method="POST", path="/invitees")
    with pytest.raises(CalendlyDown) as caught:
        book(connection)  # of the owner
    assert caught.value.may_have_happened


def test_a_booking_whose_event_cannot_be_read_is_still_a_booking(fresh_sandbox, connect):
    fresh_sandbox.fault("status", method="GET", path="/scheduled_events/", times=100)
    result = book(connect(fresh_sandbox))
    assert result.record["outcome"] == "booked"
    assert (result.record["hosts"], result.record["end_time"]) == ([], NEXT)
    assert "can't be read" in result.warnings[0]


# --- races


def test_a_slot_that_is_lost_in_the_race_is_a_taken_slot(fresh_sandbox, connect):
    """Everybody checks before anybody books: Calendly answers 404 to all but one."""
    people = [f"racer{number}@client.example" for number in range(6)]
    connections = [connect(fresh_sandbox) for _ in people]
    fresh_sandbox.fault("latency", method="GET", path="/event_type_available_times", latency_s=0.3, times=6)

    def race(number):
        try:
            return book(connections[number], invitee={**NOOR, "email": people[number]}).record["outcome"]
        except SlotTaken as error:
            return error

    with ThreadPoolExecutor(len(people)) as pool:
        outcomes = list(pool.map(race, range(len(people))))
    lost = [outcome for outcome in outcomes if outcome != "booked"]
    assert len(lost) == len(people) - 1
    assert all(START not in {time["start_time"] for time in error.nearest} for error in lost)


def test_two_processes_with_one_key_book_once(fresh_sandbox, connect):
    connections = [connect(fresh_sandbox) for _ in range(4)]
    with ThreadPoolExecutor(len(connections)) as pool:
        found = list(pool.map(lambda connection: book(connection, client_key="k").record, connections))
    assert len({record["invitee"] for record in found}) == 1
    assert sorted(record["outcome"] for record in found) == ["already_booked"] * 3 + ["booked"]
    assert len(bookings_at(connections[0])) == 1


def test_a_404_with_another_reason_stays_itself(fresh_sandbox, connect):
    fresh_sandbox.fault("status", method="POST", path="/invitees", status=404)
    with pytest.raises(NotFound):
        book(connect(fresh_sandbox))


# --- hostile texts


@pytest.mark.parametrize(
    "text",
    [
        "=HYPERLINK(1)",
        "~{GetSigningKey}~",
        "Robert'); DROP TABLE--",
        "\u202eevil",
        "李 小龍",
        "a" * 5000,
        "<script>",
    ],
)
def test_texts_of_strangers_are_sent_unchanged(text, fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    record = book(connection, invitee={**NOOR, "name": text}, answers={DISCUSS: text}).record
    invitee = connection.run("invitees.get", {"uuid": record["invitee"]}).record
    assert invitee["name"] == text
    assert invitee["questions_and_answers"][0]["answer"] == text


def test_rules_of_an_odd_event_type_do_not_break():
    for odd in ({}, {"locations": None, "custom_questions": None, "profile": None, "pooling_type": None}):
        assert booking_rules.booking_problems({"uri": OWNER, **odd}, {}) == []
        assert list(booking_rules.state_problems(odd)) == []
