"""Creating and changing event types, one-off event types, hosts, links and shares."""

import json

import pytest
from calendly_connector.sandbox.world import fixtures
from sandbox_client import (
    ADMIN,
    INTRO_CALL,
    ORGANIZATION,
    OWNER,
    PAYLOADS,
    PUBLIC,
    SALES_DEMO,
    Clock,
    serving,
)

NEW = {"owner": OWNER, "name": "Check-in"}
ONE_OFF = json.loads((PAYLOADS / "requests/CreateOneOffEventType.json").read_text())
LINK = json.loads((PAYLOADS / "requests/CreateSchedulingLink.json").read_text())
SHARE = json.loads((PAYLOADS / "requests/CreateShare.json").read_text())


def path_of(record):
    return record["uri"].removeprefix(PUBLIC)


@pytest.fixture(scope="module")
def call():
    with serving() as client:
        yield client


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/event_types", "CreateEventType"),
        ("/one_off_event_types", "CreateOneOffEventType"),
        ("/scheduling_links", "CreateSchedulingLink"),
        ("/shares", "CreateShare"),
    ],
)
def test_the_documented_requests_work(call, path, name):
    body = json.loads((PAYLOADS / f"requests/{name}.json").read_text())
    assert call("POST", path, json=body).status_code == 201


def test_a_created_event_type_can_be_read_and_listed(call):
    created = call.ok("POST", "/event_types", json=NEW | {"description": "Hi <all>"})
    assert call.ok("GET", path_of(created)) == created
    assert created in call.ok("GET", "/event_types", user=OWNER, count=100)
    assert created in call.ok("GET", "/event_types", organization=ORGANIZATION, active="false", count=100)
    assert (
        created["active"],
        created["start_time_increment"],
        created["before_buffer"],
        created["after_buffer"],
    ) == (
        False,
        30,
        0,
        0,
    )
    assert (created["description_plain"], created["description_html"]) == (
        "Hi <all>",
        "<p>Hi &lt;all&gt;</p>",
    )
    assert (created["kind"], created["profile"]["owner"], created["duration"]) == ("solo", OWNER, 30)
    (host,) = call.ok("GET", "/event_type_memberships", event_type=created["uri"])
    assert (host["member"]["uri"], host["event_type"], host["created_at"]) == (
        OWNER,
        created,
        created["created_at"],
    )


def test_event_types_with_the_same_name_have_different_urls(call):
    pages = {
        call.ok("POST", "/event_types", json=NEW | {"name": name})["scheduling_url"]
        for name in ("A/b ?", "a b", "A B", "日本", "…", "intro")
    }
    assert len(pages) == 6
    assert all(page.isascii() and " " not in page for page in pages)


def test_the_first_duration_option_is_the_duration(call):
    created = call.ok("POST", "/event_types", json=NEW | {"duration_options": [45, 60]})
    assert created["duration"] == 45


def test_invalid_event_types_are_rejected(call):
    body = {
        "name": " ",
        "active": "yes",
        "duration": 721,
        "duration_options": [1, 2, 3, 4, 5],
        "locations": [{"kind": "moon"}, {"kind": "physical", "location": None}, {}],
        "color": "#FFFFFF",
        "locale": "xx",
        "start_time_increment": 4,
        "before_buffer": 7,
        "after_buffer": False,
        "description": None,
    }
    paths = set(body) - {"locations"} | {"locations[0].kind", "locations[2].kind"}
    assert set(call.problems("PATCH", f"/event_types/{fixtures.INTRO_CALL}", json=body)) == paths
    assert set(call.problems("POST", "/event_types", json=body)) == paths - {"description"} | {"owner"}


def test_only_hosts_owners_and_admins_create_and_change_event_types(call):
    theirs = call.member(2).user["uri"]
    assert call("POST", "/event_types", "sandbox-member", json=NEW).status_code == 403
    assert call("POST", "/event_types", "sandbox-admin", json=NEW | {"owner": theirs}).status_code == 201
    other_user = call.member(-1).user["uri"]
    assert call("POST", "/event_types", json=NEW | {"owner": other_user}).status_code == 403
    assert call("PATCH", f"/event_types/{fixtures.INTRO_CALL}", "sandbox-member", json={}).status_code == 403
    assert call("PATCH", f"/event_types/{fixtures.INTRO_CALL}", "sandbox-free", json={}).status_code == 403
    assert call("PATCH", "/event_types/none", json={}).status_code == 404
    assert call("POST", "/event_types", "sandbox-events-only", json=NEW).json()["required_scopes"] == [
        "event_types:write"
    ]


def test_a_change_keeps_other_fields_and_existing_bookings():
    with serving() as call:
        before = call.ok("GET", f"/event_types/{fixtures.INTRO_CALL}")
        events = call.ok("GET", "/scheduled_events", user=OWNER, count=100)
        changes = {"name": "Short call", "duration": 20, "active": False}
        after = call.ok("PATCH", f"/event_types/{fixtures.INTRO_CALL}", json=changes)
        assert after == before | changes | {"updated_at": "2026-11-18T11:06:40.000000Z"}
        assert call.ok("GET", f"/event_types/{fixtures.INTRO_CALL}") == after
        assert after in call.ok("GET", "/event_types", user=OWNER, active="false")
        assert call.ok("GET", "/scheduled_events", user=OWNER, count=100) == events


def test_only_one_on_one_event_types_can_be_changed(call):
    event_types = call.world.population.event_types_by_id.values()
    group = next(event_type for event_type in event_types if event_type.record["kind"] == "group")
    for uuid in (fixtures.SALES_DEMO, group.uuid):
        assert call("PATCH", f"/event_types/{uuid}", json={"name": "X"}).status_code == 400
        body = SHARE | {"event_type": f"{PUBLIC}/event_types/{uuid}"}
        assert set(call.problems("POST", "/shares", json=body)) == {"event_type"}


def test_a_one_off_event_type_is_secret_and_can_be_read(call):
    created = call.ok("POST", "/one_off_event_types", json=ONE_OFF | {"co_hosts": [ADMIN, OWNER]})
    assert call.ok("GET", path_of(created)) == created
    assert (created["type"], created["secret"], created["slug"], created["active"]) == (
        "AdhocEventType",
        True,
        None,
        True,
    )
    assert created["pooling_type"] == "collective"
    hosts = call.ok("GET", "/event_type_memberships", event_type=created["uri"])
    assert [host["member"]["uri"] for host in hosts] == [OWNER, ADMIN]


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"name": "x" * 56, "duration": 0, "timezone": "Moon", "host": "me"}, "name duration timezone host"),
        ({"co_hosts": [OWNER, 3]}, "co_hosts[1]"),
        ({"location": {"kind": "inbound_call"}}, "location.phone_number"),
        ({"date_setting": None}, "date_setting"),
        ({"date_setting": {"type": "never"}}, "date_setting.type"),
        ({"date_setting": {"type": "date_range"}}, "date_setting.start_date date_setting.end_date"),
        (
            {"date_setting": {"type": "date_range", "start_date": "2026-12-02", "end_date": "2026-12-01"}},
            "date_setting.end_date",
        ),
        (
            {"date_setting": {"type": "date_range", "start_date": "2026-12-01", "end_date": "2027-12-01"}},
            "date_setting.end_date",
        ),
        ({"date_setting": {"type": "days_in_future", "days": 366}}, "date_setting.days"),
        ({"date_setting": {"type": "spots", "spots": []}}, "date_setting.spots"),
        (
            {
                "date_setting": {
                    "type": "spots",
                    "spots": [
                        {"start_time": "2026-12-01T10:00:00Z", "end_time": "2026-12-01T10:00:00Z"},
                        {"start_time": "tomorrow"},
                    ],
                }
            },
            "date_setting.spots[0].end_time date_setting.spots[1].start_time date_setting.spots[1].end_time",
        ),
    ],
)
def test_invalid_one_off_event_types_are_rejected(call, changes, paths):
    assert set(call.problems("POST", "/one_off_event_types", json=ONE_OFF | changes)) == set(paths.split())


def test_hosts_of_a_one_off_event_type_must_be_colleagues(call):
    other_user = call.member(-1).user["uri"]
    for changes in ({"host": other_user}, {"co_hosts": [other_user]}):
        assert call("POST", "/one_off_event_types", json=ONE_OFF | changes).status_code == 403


def test_the_hosts_of_an_event_type_are_users(call):
    rows = call.ok("GET", "/event_type_memberships", event_type=SALES_DEMO)
    assert rows[0]["uri"].endswith(fixtures.SALES_DEMO_HOST)
    assert len({row["uri"] for row in rows}) == len(rows) == 8
    for row in rows:
        assert call.ok("GET", row["member"]["uri"].removeprefix(PUBLIC)) == row["member"]
    first = call("GET", "/event_type_memberships", event_type=SALES_DEMO, count=3).json()["pagination"]
    assert (first["count"], first["next_page"] is None) == (3, False)
    assert call.problems("GET", "/event_type_memberships") == {"event_type": "is required"}
    assert call("GET", "/event_type_memberships", event_type=f"{PUBLIC}/event_types/x").status_code == 404
    assert call("GET", "/event_type_memberships", "sandbox-free", event_type=SALES_DEMO).status_code == 403


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"max_event_count": "2"}, "max_event_count"),
        ({"max_event_count": 2}, "max_event_count"),
        ({"max_event_count": True}, "max_event_count"),
        ({"owner_type": "User"}, "owner_type"),
        ({"owner": OWNER}, "owner"),
        ({"owner": None}, "owner"),
    ],
)
def test_invalid_scheduling_links_are_rejected(call, changes, path):
    assert set(call.problems("POST", "/scheduling_links", json=LINK | changes)) == {path}


def test_only_hosts_owners_and_admins_create_links(call):
    assert call("POST", "/scheduling_links", "sandbox-member", json=LINK).status_code == 403
    assert call("POST", "/scheduling_links", "sandbox-free", json=LINK).status_code == 403
    assert call("POST", "/scheduling_links", "sandbox-member", json=LINK | {"owner": SALES_DEMO}).is_success
    unknown = LINK | {"owner": f"{PUBLIC}/event_types/none"}
    assert call("POST", "/scheduling_links", json=unknown).status_code == 404
    assert call("POST", "/scheduling_links", "sandbox-users-only", json=LINK).json()["required_scopes"] == [
        "scheduling_links:write"
    ]


def test_a_link_books_one_meeting_within_90_days():
    clock = Clock()
    with serving(clock=clock) as call:
        first, second = (call.ok("POST", "/scheduling_links", json=LINK)["booking_url"] for _ in range(2))
        assert first != second
        assert first.endswith("/intro")

        def book(link):
            return call.http.post("/__sandbox__/bookings", json={"link": link})

        assert book(first).json()["event"]["event_type"] == INTRO_CALL
        assert [book(link).status_code for link in (first, "https://calendly.com/d/x")] == [404, 404]
        clock.now += 91 * 86400
        assert book(second).status_code == 404


def test_a_share_shows_its_overrides(call):
    share = call.ok("POST", "/shares", json=SHARE)
    override = share["share_override"]
    assert {key: override[key] for key in SHARE if key != "event_type"} == {
        key: value for key, value in SHARE.items() if key != "event_type"
    }
    assert [place["position"] for place in override["location_configurations"]] == [0, 1, 2]
    assert share["scheduling_links"][0]["owner"] == INTRO_CALL
    rule = {"timezone": "Asia/Tokyo", "rules": [{"type": "wday", "wday": "monday", "intervals": []}]}
    body = {
        "event_type": INTRO_CALL,
        "availability_rule": rule,
        "period_type": "moving",
        "max_booking_time": 9,
    }
    override = call.ok("POST", "/shares", json=body)["share_override"]
    assert (override["availability_rule"], override["start_date"]) == (rule, None)


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"name": "x" * 56, "hide_location": 1}, "name hide_location"),
        ({"period_type": "unlimited"}, "start_date end_date"),
        ({"period_type": "moving"}, "start_date end_date max_booking_time"),
        ({"end_date": "2026-11-30"}, "end_date"),
        ({"max_booking_time": 3}, "max_booking_time"),
        (
            {"location_configurations": [{"kind": "custom", "location": "x" * 256}]},
            "location_configurations[0].location",
        ),
        ({"availability_rule": {"rules": 3}}, "availability_rule.rules availability_rule.timezone"),
    ],
)
def test_invalid_shares_are_rejected(call, changes, paths):
    assert set(call.problems("POST", "/shares", json=SHARE | changes)) == set(paths.split())


def test_locations_of_a_user_are_listed(call):
    documented = json.loads((PAYLOADS / "listUserMeetingLocations.json").read_text())["body"]["collection"]
    assert call.ok("GET", "/locations", user=OWNER) == documented
    own = call.member(2).user["uri"]
    assert call.ok("GET", "/locations", "sandbox-member", user=own) == call.ok("GET", "/locations", user=own)
    assert call("GET", "/locations", "sandbox-member", user=OWNER).status_code == 403
    assert call("GET", "/locations", "sandbox-free", user=OWNER).status_code == 403
    assert call.problems("GET", "/locations") == {"user": "is required"}
