"""Conferences are set up after the booking: first processing, later pushed or failed."""

import pytest
from calendly_connector.sandbox.world import fixtures
from sandbox_client import INTRO_CALL, ORGANIZATION, OWNER, serving
from webhook_receiver import receiving

SETUP_S = 30
CHECK_IN = {"owner": OWNER, "name": "Meet", "duration": 30, "locations": [{"kind": "google_conference"}]}


@pytest.fixture
def call():
    with serving(check_replies=True) as client:
        yield client


def _read(call, event):
    return call.ok("GET", f"/scheduled_events/{event['uri'].rpartition('/')[2]}")


def test_a_new_conference_is_processing_and_later_pushed(call):
    event = call.sandbox.book()["event"]
    begun = {"type": "zoom", "status": "processing", "join_url": None, "data": None}
    assert event["location"] == _read(call, event)["location"] == begun
    call.sandbox.advance(SETUP_S - 1)
    assert _read(call, event)["location"] == begun
    call.sandbox.advance(1)
    set_up = _read(call, event)
    assert set_up["location"]["status"] == "pushed"
    assert set_up["location"]["join_url"].startswith("https://zoom.example/")
    assert set_up["updated_at"] > event["updated_at"]


def test_a_google_conference_has_a_join_url_from_the_start(call):
    event_type = call.ok("POST", "/event_types", json=CHECK_IN)
    event = call.sandbox.book(event_type=event_type["uri"])["event"]
    uuid = event["uri"].rpartition("/")[2]
    assert event["location"] == {
        "type": "google_conference",
        "status": "processing",
        "join_url": f"https://calendly.com/events/{uuid}/google_meet",
        "data": None,
    }
    call.sandbox.advance(SETUP_S)
    assert _read(call, event)["location"]["status"] == "pushed"


def test_a_conference_can_fail(call):
    call.sandbox.fail_conferences(1)
    failing, good = (call.sandbox.book()["event"] for _ in range(2))
    assert failing["location"] == good["location"]
    assert call.sandbox.control("GET", "/conferences") == {"under_way": 2, "failures": 0}
    call.sandbox.advance(SETUP_S)
    assert _read(call, failing)["location"] == {
        "type": "zoom",
        "status": "failed",
        "join_url": None,
        "data": None,
    }
    assert _read(call, good)["location"]["status"] == "pushed"
    assert call.sandbox.control("GET", "/conferences") == {"under_way": 0, "failures": 0}


@pytest.mark.parametrize("failures", [-1, "1", True, None, 1_000_001])
def test_conference_failures_must_be_a_number(call, failures):
    with pytest.raises(ValueError, match="failures must be an integer"):
        call.sandbox.control("POST", "/conferences", {"failures": failures})


def test_a_booking_through_the_api_is_processing_too(call):
    window = {"start_time": "2026-11-19T00:00:00Z", "end_time": "2026-11-24T00:00:00Z"}
    [slot, *_] = call.ok("GET", "/event_type_available_times", event_type=INTRO_CALL, **window)
    body = {
        "event_type": INTRO_CALL,
        "start_time": slot["start_time"],
        "invitee": {"email": "noor@client.example", "name": "Noor", "timezone": "Europe/Amsterdam"},
        "location": {"kind": "zoom_conference"},
        "questions_and_answers": [
            {"question": "What would you like to discuss?", "answer": "Prices", "position": 0}
        ],
    }
    invitee = call.ok("POST", "/invitees", json=body)
    event = call.ok("GET", f"/scheduled_events/{invitee['event'].rpartition('/')[2]}")
    assert event["location"]["status"] == "processing"


def test_webhooks_show_the_status_of_the_conference(call):
    with receiving() as receiver:
        subscription = {
            "url": receiver.url,
            "events": ["invitee.created", "invitee.canceled"],
            "organization": ORGANIZATION,
            "scope": "organization",
        }
        call.ok("POST", "/webhook_subscriptions", json=subscription)
        booked = call.sandbox.book(wait=True)
        call.sandbox.advance(SETUP_S)
        call.sandbox.cancel(invitee=booked["invitee"]["uri"], wait=True)
        locations = [(m["event"], m["payload"]["scheduled_event"]["location"]) for m in receiver.messages]
    assert [(event, location["status"]) for event, location in locations] == [
        ("invitee.created", "processing"),
        ("invitee.canceled", "pushed"),
    ]


def test_a_canceled_meeting_gets_no_conference(call):
    booked = call.sandbox.book()
    call.sandbox.cancel(invitee=booked["invitee"]["uri"])
    call.sandbox.advance(SETUP_S)
    event = _read(call, booked["event"])
    assert (event["status"], event["location"]["status"]) == ("canceled", "processing")


def test_a_physical_location_has_no_conference(call):
    event_type = CHECK_IN | {"locations": [{"kind": "physical", "location": "Torstr. 1, Berlin"}]}
    created = call.ok("POST", "/event_types", json=event_type)
    event = call.sandbox.book(event_type=created["uri"])["event"]
    assert event["location"]["type"] == "physical"
    assert call.sandbox.control("GET", "/conferences")["under_way"] == 0


def test_conferences_of_earlier_bookings_are_set_up(call):
    rows = call.ok("GET", "/scheduled_events", user=OWNER, count=100)
    small = call.ok("GET", "/scheduled_events", "sandbox-free", user=call.member(-1).user["uri"])
    statuses = {(event["location"] or {}).get("status") for event in [*rows, *small]} - {None}
    assert statuses == {"pushed"}
    assert call.ok("GET", f"/scheduled_events/{fixtures.ACTIVE_EVENT}")["location"]["status"] == "pushed"
