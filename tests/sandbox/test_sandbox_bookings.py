"""Booking, canceling and no-shows through the API, and their webhooks."""

import json

import pytest
from calendly_connector.sandbox.world import fixtures, times
from sandbox_client import (
    ADMIN,
    GROUP,
    INTRO_CALL,
    ORGANIZATION,
    OWNER,
    PAYLOADS,
    PUBLIC,
    SALES_DEMO,
    serving,
)

NOT_FOUND = "The server could not find the requested resource."
QUESTION = "What would you like to discuss?"
ACTIVE = f"/scheduled_events/{fixtures.ACTIVE_EVENT}"
ACTIVE_INVITEE = f"{PUBLIC}{ACTIVE}/invitees/{fixtures.ACTIVE_INVITEE}"


@pytest.fixture(scope="module")
def shared_call():
    """Yield a client of a shared sandbox that tests must not change."""
    with serving() as client:
        yield client


@pytest.fixture
def call():
    with serving() as client:
        yield client


@pytest.fixture
def sent_messages(call):
    """Return a function for the messages sent so far: (event, id of the subscription)."""
    for scope, more in (("organization", {}), ("user", {"user": OWNER}), ("group", {"group": GROUP})):
        events = ["invitee.created", "invitee.canceled", "invitee_no_show.created", "invitee_no_show.deleted"]
        hook = {"url": f"https://{scope}.example", "events": events, "scope": scope}
        call.ok("POST", "/webhook_subscriptions", json={**hook, "organization": ORGANIZATION, **more})

    def names():
        return sorted(
            (one["event"], one["url"].removeprefix("https://").removesuffix(".example"))
            for one in call.sandbox.deliveries()
            if "acme" not in one["url"]
        )

    return names


def slot(call, event_type=INTRO_CALL, place=0):
    window = {"start_time": "2026-11-23T00:00:00Z", "end_time": "2026-12-04T00:00:00Z"}
    return call.ok("GET", "/event_type_available_times", event_type=event_type, **window)[place]["start_time"]


def request(call, of=INTRO_CALL, **changes):
    body = {
        "event_type": of,
        "start_time": changes.get("start_time") or slot(call, of),
        "invitee": {"name": "Zoë Test", "email": "zoe@client.example", "timezone": "Europe/Berlin"},
        "location": {"kind": "zoom_conference"},
        "questions_and_answers": [{"question": QUESTION, "answer": "Pricing", "position": 0}],
    } | changes
    return {name: value for name, value in body.items() if value is not None}


# Booking


def test_the_documented_booking_works(call):
    body = json.loads((PAYLOADS / "requests" / "CreateInvitee.json").read_text())
    invitee = call.ok("POST", "/invitees", json=body)
    assert (invitee["scheduling_method"], invitee["invitee_scheduled_by"]) == ("api", OWNER)
    assert invitee["questions_and_answers"] == body["questions_and_answers"]
    event = call.ok("GET", invitee["event"].removeprefix(PUBLIC))
    assert event["start_time"] == "2026-11-25T08:00:00.000000Z"
    place = {"type": "physical", "location": "Torstr. 1, Berlin", "additional_info": "2nd floor"}
    assert event["location"] == place
    assert [guest["email"] for guest in event["event_guests"]] == ["guest@client.example"]
    assert event["invitees_counter"] == {"total": 1, "active": 1, "limit": 1}
    assert call("POST", "/invitees", json=body).status_code == 404  # the slot is no longer free


def test_a_booking_takes_its_slot_and_a_cancellation_gives_it_back(call, sent_messages):
    body = request(call)
    invitee = call.ok("POST", "/invitees", json=body)
    assert slot(call) > body["start_time"]
    path = invitee["event"].removeprefix(PUBLIC)
    cancellation = call.ok("POST", f"{path}/cancellation", json={"reason": "Ill"})
    assert cancellation["reason"] == "Ill"
    assert slot(call) == body["start_time"]
    everybody = ["group", "organization", "user"]
    assert sent_messages() == [
        (f"invitee.{what}", scope) for what in ("canceled", "created") for scope in everybody
    ]


@pytest.mark.parametrize(
    "start", ["2026-11-25T08:10:00Z", "2026-11-29T10:00:00Z", "2026-11-16T09:00:00Z", "9000-01-01T00:00:00Z"]
)
def test_booking_requires_a_free_slot(shared_call, start):
    reply = shared_call("POST", "/invitees", json=request(shared_call, start_time=start))
    assert (reply.status_code, reply.json()["message"]) == (404, NOT_FOUND)


def test_event_types_that_cannot_be_booked(call):
    for uri in (f"{PUBLIC}/event_types/none", call.world.population.event_types[3].record["uri"]):
        assert call("POST", "/invitees", json=request(call) | {"event_type": uri}).status_code == 404
    body = request(call)
    assert call("POST", "/invitees", "sandbox-free", json=body).status_code == 404
    assert call("POST", "/invitees", "sandbox-member", json=body).status_code == 201
    missing = call("POST", "/invitees", "sandbox-events-only", json=body)
    assert missing.json()["required_scopes"] == ["scheduled_events:write"]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"event_type": None}, "event_type"),
        ({"event_type": OWNER}, "event_type"),
        ({"start_time": "soon"}, "start_time"),
        ({"start_time": "9999-12-31T23:59:59-23:59"}, "start_time"),
        ({"start_time": "0001-01-01T00:00:00+23:59"}, "start_time"),
        ({"invitee": None}, "invitee"),
        ({"invitee": []}, "invitee"),
        ({"invitee": {"email": "z@x.example", "timezone": "Europe/Berlin"}}, "invitee.name"),
        ({"invitee": {"name": "Z", "email": "z", "timezone": "Europe/Berlin"}}, "invitee.email"),
        ({"invitee": {"name": "Z", "email": "z@x.example", "timezone": "Mars"}}, "invitee.timezone"),
        ({"invitee": {"name": "Z", "email": "z@x.example"}}, "invitee.timezone"),
        ({"location": None}, "location"),
        ({"location": {"kind": "moon"}}, "location.kind"),
        ({"location": {"kind": "inbound_call"}}, "location.kind"),
        ({"location": {"kind": "physical"}}, "location.location"),
        ({"location": {"kind": "ask_invitee"}}, "location.location"),
        ({"questions_and_answers": None}, "questions_and_answers"),
        (
            {"questions_and_answers": [{"question": QUESTION, "answer": " ", "position": 0}]},
            "questions_and_answers",
        ),
        (
            {"questions_and_answers": [{"question": QUESTION.lower(), "answer": "A", "position": 0}]},
            "questions_and_answers[0].question",
        ),
        (
            {"questions_and_answers": [{"question": QUESTION, "answer": "A", "position": 1}]},
            "questions_and_answers[0].position",
        ),
        (
            {"questions_and_answers": [{"question": QUESTION, "answer": "A", "position": 0}] * 2},
            "questions_and_answers[1].question",
        ),
        ({"questions_and_answers": [{"question": QUESTION}]}, "questions_and_answers[0].answer"),
        ({"tracking": {"utm_source": "mail"}}, "tracking.utm_term"),
        ({"tracking": dict.fromkeys(fixtures.INVITEE_TRACKING, "x" * 256)}, "tracking.utm_campaign"),
        ({"event_guests": [f"g{number}@x.example" for number in range(11)]}, "event_guests"),
        ({"event_guests": ["g"]}, "event_guests[0]"),
    ],
)
def test_invalid_bookings_are_rejected(shared_call, change, wrong):
    assert wrong in shared_call.problems("POST", "/invitees", json=request(shared_call, **change))


def test_one_error_names_all_problems_of_a_booking(call):
    named = call.problems("POST", "/invitees", json={"location": {"kind": "moon"}, "event_guests": "all"})
    assert set(named) == {"event_type", "start_time", "invitee", "location.kind", "event_guests"}


def test_first_and_last_name_tracking_and_reminder_number_are_stored(call):
    invitee = {"first_name": "Zoë", "email": "zoe@client.example", "timezone": "Asia/Tokyo"}
    tracking = dict.fromkeys(fixtures.INVITEE_TRACKING) | {"utm_source": "mail"}
    location = {"kind": "ask_invitee", "location": "Under the clock"}
    body = request(call, invitee=invitee, tracking=tracking, location=location)
    created = call.ok("POST", "/invitees", json=body)
    assert (created["name"], created["first_name"], created["last_name"]) == ("Zoë", "Zoë", None)
    assert created["tracking"] == tracking
    event = call.ok("GET", created["event"].removeprefix(PUBLIC))
    assert event["location"] == {"type": "ask_invitee", "location": "Under the clock"}
    full = invitee | {"last_name": "Test", "text_reminder_number": "+49300000000"}
    elsewhere = {"kind": "physical", "location": "The café"}
    created = call.ok("POST", "/invitees", json=request(call, invitee=full, location=elsewhere))
    assert (created["name"], created["text_reminder_number"]) == ("Zoë Test", "+49300000000")
    event = call.ok("GET", created["event"].removeprefix(PUBLIC))
    assert event["location"] == {"type": "physical", "location": "The café", "additional_info": None}


def test_round_robin_event_types_reject_a_location(call):
    body = request(call, SALES_DEMO)
    assert call.problems("POST", "/invitees", json=body) == {
        "location": "must be left out for this event type"
    }
    created = call.ok("POST", "/invitees", json=request(call, SALES_DEMO, location=None))
    event = call.ok("GET", created["event"].removeprefix(PUBLIC))
    assert event["location"]["type"] == "zoom"
    assert len(event["event_memberships"]) == 1


def test_all_hosts_attend_a_collective_event(call):
    panel = call.world.population.event_types[2].record["uri"]
    body = request(call, panel, location={"kind": "google_conference"})
    body["invitee"]["name"] = 'A "strange" né name/?'
    created = call.ok("POST", "/invitees", json=body)
    event = call.ok("GET", created["event"].removeprefix(PUBLIC))
    hosts = {host["user"] for host in event["event_memberships"]}
    assert hosts == {call.member(number).user["uri"] for number in range(4)}


def test_an_inbound_call_has_no_location_and_answers_must_be_choices(call):
    event_type = call.world.population.event_types_by_id[fixtures.INTRO_CALL].record
    event_type["locations"] = [{"kind": "inbound_call", "phone_number": "+49300000001"}]
    event_type["custom_questions"][1]["include_other"] = False
    wrong = request(call, location={"kind": "inbound_call", "location": "here"})
    assert set(call.problems("POST", "/invitees", json=wrong)) == {"location.location"}
    chosen = {"question": "Which products do you use?", "position": 1}
    answers = wrong["questions_and_answers"]
    body = request(call, location={"kind": "inbound_call"})
    body["questions_and_answers"] = [*answers, chosen | {"answer": "Core\nGames"}]
    assert set(call.problems("POST", "/invitees", json=body)) == {"questions_and_answers[1].answer"}
    body["questions_and_answers"] = [chosen | {"answer": "Core\nReports"}, *answers]
    created = call.ok("POST", "/invitees", json=body)
    assert [answer["position"] for answer in created["questions_and_answers"]] == [0, 1]
    event = call.ok("GET", created["event"].removeprefix(PUBLIC))
    assert event["location"] == {"type": "inbound_call", "location": "+49300000001"}


def test_group_event_types_fill_seat_by_seat(call):
    workshop = next(
        event_type for event_type in call.world.population.event_types if event_type.seats > 1
    ).record["uri"]
    body = request(call, workshop, location={"kind": "custom", "location": "Room 4"})
    created = [
        call.ok("POST", "/invitees", json=body | {"invitee": body["invitee"] | {"email": f"p{n}@x.example"}})
        for n in range(5)
    ]
    assert len({invitee["event"] for invitee in created}) == 1
    assert len({invitee["uri"] for invitee in created}) == 5
    path = created[0]["event"].removeprefix(PUBLIC)
    assert call.ok("GET", path)["invitees_counter"] == {"total": 5, "active": 5, "limit": 5}
    assert call("POST", "/invitees", json=body).status_code == 404
    for invitee in created[:4]:
        call.sandbox.cancel(invitee=invitee["uri"])
        call("POST", "/invitees", json=body)
    assert len(call.ok("GET", f"{path}/invitees")) == 8  # the maximum per event
    assert call("POST", "/invitees", json=body).status_code == 404
    for row in call.ok("GET", f"{path}/invitees"):
        assert call.ok("GET", row["uri"].removeprefix(PUBLIC)) == row


@pytest.mark.parametrize(
    ("token", "steps"),
    [
        # (accepted requests, the exceeded limit, seconds to wait)
        ("sandbox-owner", [(10, 10, 60)] * 4 + [(10, 50, 3600 - 240)] + [(10, 10, 60)] * 4 + [(10, 100, 0)]),
        ("sandbox-free", [(5, 5, 86399), (0, 5, 1), (5, 5, 0)]),
    ],
)
def test_bookings_have_their_own_rate_limits(token, steps):
    with serving(rate_limit=None) as call:
        clock = call.sandbox._options.clock
        for allowed, limit, wait_s in steps:
            passed = [call("POST", "/invitees", token, json={}).status_code for _ in range(allowed)]
            assert passed == [400] * allowed
            over = call("POST", "/invitees", token, json={})
            assert over.status_code == 429
            assert over.headers["x-ratelimit-limit"] == str(limit)
            assert over.headers["x-ratelimit-remaining"] == "0"
            if wait_s:
                assert wait_s <= int(over.headers["x-ratelimit-reset"]) <= max(86400, wait_s)
            assert call("GET", "/users/me", token).status_code == 200
            clock.now += wait_s
    with serving() as call:
        assert {call("POST", "/invitees", token, json={}).status_code for _ in range(12)} == {400}


# Canceling


def test_canceling_an_event_cancels_all_invitees(call, sent_messages):
    cancellation = call.ok("POST", f"{ACTIVE}/cancellation", "sandbox-admin")
    assert cancellation["canceled_by"] == "Ben Iwu"
    assert (cancellation["canceler_type"], cancellation["reason"]) == ("host", None)
    event = call.ok("GET", ACTIVE)
    assert (event["status"], event["cancellation"]) == ("canceled", cancellation)
    assert event["invitees_counter"]["active"] == 0
    [invitee] = call.ok("GET", f"{ACTIVE}/invitees")
    assert (invitee["status"], invitee["cancellation"]) == ("canceled", cancellation)
    again = call("POST", f"{ACTIVE}/cancellation")
    assert (again.status_code, again.json()["message"]) == (403, "Event is already canceled")
    assert len(sent_messages()) == 3


def test_access_to_cancellations_depends_on_role(call):
    assert call("POST", "/scheduled_events/none/cancellation").status_code == 404
    rejected = call("POST", f"{ACTIVE}/cancellation", "sandbox-member")
    assert rejected.json()["message"] == "You are not allowed to view this event"
    assert call("POST", f"{ACTIVE}/cancellation", "sandbox-free").status_code == 403
    assert call("POST", f"{ACTIVE}/cancellation", "sandbox-events-only").json()["required_scopes"]
    named = call.problems("POST", f"{ACTIVE}/cancellation", json={"reason": "x" * 10_001})
    assert set(named) == {"reason"}
    assert call.ok("GET", ACTIVE)["status"] == "active"


def test_canceling_a_group_event_sends_a_webhook_per_invitee(call, sent_messages):
    world = call.world
    number = next(
        number for number in range(300) if len(world.invitees(number)) > 1 and not world.is_canceled(number)
    )
    path = world.event(number)["uri"].removeprefix(PUBLIC)
    call.ok("POST", f"{path}/cancellation")
    scopes = [scope for event, scope in sent_messages() if event == "invitee.canceled"]
    assert scopes.count("organization") == len(world.invitees(number))


# No-shows


def test_a_no_show_is_shown_on_its_invitee(call, sent_messages):
    created = call.ok("POST", "/invitee_no_shows", json={"invitee": ACTIVE_INVITEE})
    path = created["uri"].removeprefix(PUBLIC)
    invitee = call.ok("GET", ACTIVE_INVITEE.removeprefix(PUBLIC))
    assert created["invitee"] == invitee["uri"]
    assert invitee["no_show"] == {"uri": created["uri"], "created_at": created["created_at"]}
    assert call.ok("GET", path) == created
    again = call.problems("POST", "/invitee_no_shows", json={"invitee": ACTIVE_INVITEE})
    assert again == {"invitee": "is already marked as a no-show"}
    assert call("DELETE", path).status_code == 204
    assert call("GET", path).status_code == call("DELETE", path).status_code == 404
    assert call.ok("GET", ACTIVE_INVITEE.removeprefix(PUBLIC))["no_show"] is None
    assert call("POST", "/invitee_no_shows", json={"invitee": ACTIVE_INVITEE}).status_code == 201
    assert {event for event, _ in sent_messages()} == {"invitee_no_show.created", "invitee_no_show.deleted"}


def test_the_documented_no_show_belongs_to_a_past_meeting(call):
    record = call.ok("GET", f"/invitee_no_shows/{fixtures.NO_SHOW}")
    invitee = call.ok("GET", record["invitee"].removeprefix(PUBLIC))
    assert invitee["no_show"]["uri"] == record["uri"]
    event = call.ok("GET", invitee["event"].removeprefix(PUBLIC))
    assert event["start_time"] < record["created_at"] < times.isoformat(call.world.anchor)


def test_access_to_no_shows_depends_on_role_and_status(call):
    canceled = f"{PUBLIC}/scheduled_events/{fixtures.CANCELED_EVENT}/invitees/{fixtures.CANCELED_INVITEE}"
    assert call.problems("POST", "/invitee_no_shows", json={"invitee": canceled}) == {
        "invitee": "is canceled"
    }
    assert set(call.problems("POST", "/invitee_no_shows", json={"invitee": ADMIN})) == {"invitee"}
    assert set(call.problems("POST", "/invitee_no_shows", json={})) == {"invitee"}
    unknown = {"invitee": f"{PUBLIC}{ACTIVE}/invitees/none"}
    assert call("POST", "/invitee_no_shows", json=unknown).status_code == 404
    mixed = {
        "invitee": f"{PUBLIC}/scheduled_events/{fixtures.CANCELED_EVENT}/invitees/{fixtures.ACTIVE_INVITEE}"
    }
    assert call("POST", "/invitee_no_shows", json=mixed).status_code == 404
    for token in ("sandbox-member", "sandbox-free"):
        assert call("POST", "/invitee_no_shows", token, json={"invitee": ACTIVE_INVITEE}).status_code == 403
        assert call("GET", f"/invitee_no_shows/{fixtures.NO_SHOW}", token).status_code == 403
        assert call("DELETE", f"/invitee_no_shows/{fixtures.NO_SHOW}", token).status_code == 403


def test_a_world_without_past_events_has_all_fixtures():
    with serving(events=2) as call:
        assert call.ok("GET", f"/invitee_no_shows/{fixtures.NO_SHOW}")["invitee"] == ACTIVE_INVITEE
        assert call.ok("GET", f"/meeting_recaps/{fixtures.RECAP}")["event"] == f"{PUBLIC}{ACTIVE}"
