"""Shares: single-use links that can be listed, changed and revoked, and their effective settings."""

import json
from datetime import datetime, timedelta

import pytest
from calendly_connector.errors import InvalidParams
from calendly_connector.plugin import connector
from calendly_connector.sandbox.world import fixtures
from sandbox_client import ADMIN, INTRO_CALL, OWNER, PAYLOADS, PUBLIC, Clock, serving

DAY_S = 86400
SHARE = json.loads((PAYLOADS / "requests/CreateShare.json").read_text())
CHANGE = json.loads((PAYLOADS / "requests/UpdateShare.json").read_text())
SEEDED = f"/shares/{fixtures.SHARE}"
BOOKED = f"/shares/{fixtures.BOOKED_SHARE}"
RULE = {"timezone": "Asia/Tokyo", "rules": [{"type": "wday", "wday": "monday", "intervals": []}]}


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def call(clock):
    with serving(clock=clock) as client:
        yield client


def path_of(record):
    return record["uri"].removeprefix(PUBLIC)


def listed(call, **query):
    return [record["uri"].rpartition("/")[2] for record in call.ok("GET", "/shares", user=OWNER, **query)]


def booking(call, record):
    return call.http.post(
        "/__sandbox__/bookings", json={"link": record["scheduling_links"][0]["booking_url"]}
    )


def test_the_documented_requests_get_the_documented_replies(call):
    created = call.ok("POST", "/shares", json=SHARE)
    changed = call.ok("PATCH", path_of(created), json=CHANGE)
    for name, record in (("createShare", created), ("updateShare", changed)):
        documented = json.loads((PAYLOADS / f"{name}.json").read_text())["body"]["resource"]
        assert record["share_override"] == documented["share_override"]
        assert record.keys() == documented.keys()
        assert (record["status"], record["contact"]) == (documented["status"], documented["contact"])
    assert created["created_at"] == "2026-11-18T11:06:40.000000Z"


def test_settings_without_an_override_follow_the_event_type(call):
    created = call.ok("POST", "/shares", json={"event_type": INTRO_CALL})
    event_type = call.ok("GET", INTRO_CALL.removeprefix(PUBLIC))
    settings = created["share_override"]
    assert [settings[name] for name in ("name", "duration", "duration_options")] == [
        event_type[name] for name in ("name", "duration", "duration_options")
    ]
    assert [place["kind"] for place in settings["location_configurations"]] == [
        place["kind"] for place in event_type["locations"]
    ]
    assert settings["availability_rule"]["timezone"] == "Europe/Berlin"
    call.ok("PATCH", INTRO_CALL.removeprefix(PUBLIC), json={"name": "First talk"})
    newest = call.ok("GET", "/shares", user=OWNER)[0]
    assert (newest["uri"], newest["share_override"]["name"]) == (created["uri"], "First talk")


def test_shares_are_listed_newest_first_and_found_by_event_type_and_time(call, clock):
    first = path_of(call.ok("POST", "/shares", json=SHARE)).rpartition("/")[2]
    clock.now += 60
    second = path_of(call.ok("POST", "/shares", json=SHARE)).rpartition("/")[2]
    seeded = [fixtures.SHARE, fixtures.BOOKED_SHARE, fixtures.EXPIRED_SHARE]
    assert listed(call) == [second, first, *seeded]
    assert listed(call, sort="created_at:asc") == [*reversed(seeded), first, second]
    assert listed(call, min_created_at="2026-11-18T11:07:40Z") == [second]
    assert listed(call, max_created_at="2026-11-18T11:07:40Z") == [first, *seeded]
    assert listed(call, event_type=INTRO_CALL, count=1) == [second]
    assert listed(call, event_type=f"{PUBLIC}/event_types/none") == []


def test_users_can_list_only_their_own_shares(call):
    assert call("GET", "/shares", user=ADMIN).status_code == 403
    assert call.ok("GET", "/shares", "sandbox-admin", user=ADMIN) == []
    assert call.problems("GET", "/shares") == {"user": "is required"}
    rejected = call("GET", "/shares", "sandbox-users-only", user=OWNER).json()
    assert rejected["required_scopes"] == ["shares:read"]


def test_writing_shares_includes_reading_them(call):
    call.http.post("/__sandbox__/tokens", json={"name": "writer", "scopes": ["shares:write"]})
    assert call.ok("GET", "/shares", "writer", user=OWNER)
    assert call.ok("PATCH", SEEDED, "writer", json={"name": "Short"})["share_override"]["name"] == "Short"


def test_a_share_is_active_until_it_is_booked_or_90_days_old(call, clock):
    created = call.ok("POST", "/shares", json=SHARE)
    booked = booking(call, created).json()["event"]
    assert (booked["event_type"], booked["name"]) == (INTRO_CALL, SHARE["name"])
    length = datetime.fromisoformat(booked["end_time"]) - datetime.fromisoformat(booked["start_time"])
    assert length == timedelta(minutes=SHARE["duration"])
    assert booking(call, created).status_code == 404
    clock.now += 91 * DAY_S
    states = {record["uri"]: record["status"] for record in call.ok("GET", "/shares", user=OWNER)}
    assert states == {
        created["uri"]: "booked",
        PUBLIC + SEEDED: "expired",
        PUBLIC + BOOKED: "booked",
        f"{PUBLIC}/shares/{fixtures.EXPIRED_SHARE}": "expired",
    }


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": None}, {"name": "Intro call", "duration": 15}),
        ({"duration": None}, {"name": "Intro call (short)", "duration": 30}),
        ({"period_type": None}, {"period_type": "unlimited", "start_date": None, "end_date": None}),
        (
            {"period_type": "moving", "max_booking_time": 9},
            {"period_type": "moving", "start_date": None, "max_booking_time": 9},
        ),
        (
            {"min_booking_time": 2, "availability_rule": RULE},
            {"min_booking_time": 2, "availability_rule": RULE},
        ),
        (
            {"location_configurations": [{"kind": "google_conference"}]},
            {"location_configurations": [{"position": 0, "kind": "google_conference"}], "duration": 15},
        ),
    ],
)
def test_a_change_keeps_other_settings_and_null_restores_the_event_types(call, change, expected):
    settings = call.ok("PATCH", SEEDED, json=change)["share_override"]
    assert {name: settings[name] for name in expected} == expected
    assert call.ok("GET", "/shares", user=OWNER)[0]["share_override"] == settings


def test_the_contact_of_a_share_is_set_and_removed(call):
    contact = f"{PUBLIC}/contacts/{fixtures.CONTACT}"
    assert call.ok("PATCH", SEEDED, json={"contact": contact})["contact"] == contact
    assert call.ok("PATCH", SEEDED, json={"name": "x"})["contact"] == contact
    assert call.ok("PATCH", SEEDED, json={"contact": None})["contact"] is None
    assert call("PATCH", SEEDED, json={"contact": f"{PUBLIC}/contacts/none"}).status_code == 404


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"duration": 20}, {"duration"}),
        ({"max_booking_time": 0, "min_booking_time": 0}, {"max_booking_time", "min_booking_time"}),
        ({"period_type": "moving"}, {"max_booking_time"}),
        ({"period_type": "unlimited", "end_date": "2026-12-24"}, {"end_date"}),
        ({"start_date": "2026-12-30"}, {"end_date"}),
        ({"name": "x" * 56}, {"name"}),
        ({}, {None}),
        ({"event_type": INTRO_CALL}, {None}),
    ],
)
def test_an_invalid_change_is_rejected_and_changes_nothing(call, change, paths):
    before = call.ok("GET", "/shares", user=OWNER)
    assert set(call.problems("PATCH", SEEDED, json=change)) == paths
    assert call.ok("GET", "/shares", user=OWNER) == before


def test_a_duration_that_the_event_type_does_not_offer_is_rejected(call):
    body = {"event_type": INTRO_CALL, "duration": 20}
    assert call.problems("POST", "/shares", json=body) == {"duration": "must be one of duration_options"}
    created = call.ok("POST", "/shares", json=body | {"duration_options": [20, 40]})
    assert created["share_override"]["duration"] == 20


def test_a_booked_share_is_neither_changed_nor_revoked(call):
    assert call("PATCH", BOOKED, json={"name": "x"}).status_code == 409
    assert call("DELETE", BOOKED).status_code == 409
    assert fixtures.BOOKED_SHARE in listed(call)


def test_an_expired_share_is_not_changed_but_can_be_revoked(call, clock):
    clock.now += 91 * DAY_S
    assert call("PATCH", SEEDED, json={"name": "x"}).status_code == 409
    assert call("DELETE", SEEDED).status_code == 204
    assert fixtures.SHARE not in listed(call)


def test_the_link_of_a_revoked_share_stops_working(call):
    created = call.ok("POST", "/shares", json=SHARE)
    assert call("DELETE", path_of(created)).status_code == 204
    assert booking(call, created).status_code == 404
    assert call("DELETE", path_of(created)).status_code == 404


@pytest.mark.parametrize("token", ["sandbox-member", "sandbox-free"])
def test_only_hosts_owners_and_admins_change_a_share(call, token):
    assert call("PATCH", SEEDED, token, json={"name": "x"}).status_code == 403
    assert call("DELETE", SEEDED, token).status_code == 403


def test_shares_of_a_deleted_event_type_are_gone(call):
    assert call.http.post("/__sandbox__/event_types/delete", json={"event_type": INTRO_CALL}).is_success
    assert listed(call) == []
    assert call("PATCH", SEEDED, json={"name": "x"}).status_code == 404


def test_the_connector_updates_a_share_by_name_and_revokes_it(call):
    with connector.connect(
        {"kind": "personal_access_token", "token": "sandbox-owner"}, origin=call.sandbox.url
    ) as connection:
        changed = connection.run(
            "shares.update", {"uuid": "Intro call (short)", "contact": "Noor van Dijk", "duration": None}
        )
        assert changed.warnings == ()
        assert changed.record["share_override"]["duration"] == 30
        assert changed.record["contact"].endswith(fixtures.CONTACT)
        states = [record["status"] for record in connection.run("shares.list").records]
        assert states == ["active", "booked", "expired"]
        connection.run("shares.delete", {"uuid": changed.record["uri"]})
        assert [record["status"] for record in connection.run("shares.list").records] == ["booked", "expired"]
        with pytest.raises(InvalidParams):
            connection.run("shares.update", {"uuid": fixtures.BOOKED_SHARE})
