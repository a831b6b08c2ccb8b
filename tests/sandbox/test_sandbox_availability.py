"""Schedules, free slots, busy times and meeting limits."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from calendly_connector.sandbox.world import fixtures, slot_search, times
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

NOW = datetime.fromtimestamp(Clock().now, UTC)
SCHEDULE = f"/user_availability_schedules/{fixtures.OWNER_SCHEDULE}"
NEW = json.loads((PAYLOADS / "requests/CreateUserAvailabilitySchedule.json").read_text())
OWN_RULES = json.loads((PAYLOADS / "requests/UpdateEventTypeAvailability.json").read_text())
LIMITS = "/user_meeting_limits"


@pytest.fixture(scope="module")
def shared_call():
    with serving() as client:
        yield client


@pytest.fixture
def call():
    with serving() as client:
        yield client


def at(text):
    return datetime.fromisoformat(text)


def free(call, event_type=INTRO_CALL, start="2026-11-19T00:00:00Z", end="2026-12-19T00:00:00Z", **more):
    return call.ok(
        "GET", "/event_type_available_times", event_type=event_type, start_time=start, end_time=end, **more
    )


def busy_times(call, user=OWNER, start="2026-11-19T00:00:00Z", days=30):
    rows, since = [], at(start)
    for _ in range(0, days, 7):
        until = since + timedelta(days=7)
        window = {"start_time": since.isoformat(), "end_time": until.isoformat()}
        rows += call.ok("GET", "/user_busy_times", user=user, **window)
        since = until
    return rows


def week(intervals, zone="Europe/Berlin", **dates):
    days = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
    rules = [{"type": "wday", "wday": day, "intervals": intervals} for day in days]
    rules += [{"type": "date", "date": day, "intervals": there} for day, there in dates.items()]
    return {"timezone": zone, "rules": rules}


def between(start, end):
    return [{"from": start, "to": end}]


# Schedules


def test_the_documented_schedule_exists(shared_call):
    documented = json.loads((PAYLOADS / "getUserAvailabilitySchedule.json").read_text())["body"]["resource"]
    assert shared_call.ok("GET", SCHEDULE) == documented
    assert shared_call.ok("GET", "/user_availability_schedules", user=OWNER) == [documented]


def test_the_documented_changes_work(call):
    assert call.ok("PATCH", SCHEDULE, json={"default": True}) == call.ok("GET", SCHEDULE)
    created = call.ok("POST", "/user_availability_schedules", json=NEW)
    assert {key: created[key] for key in NEW} == NEW
    assert (created["default"], created["user"]) == (False, OWNER)
    assert call.ok("GET", created["uri"].removeprefix(PUBLIC)) == created
    changed = call.ok("PATCH", "/event_type_availability_schedules", json=OWN_RULES, event_type=INTRO_CALL)
    assert changed["availability_rule"]["rules"] == OWN_RULES["availability_rule"]["rules"]
    assert changed["availability_rule"]["uri"].startswith(f"{PUBLIC}/availability_rules/")


def test_exactly_one_schedule_is_the_default_and_event_types_use_it(call):
    created = call.ok("POST", "/user_availability_schedules", json=NEW)
    call.ok("PATCH", created["uri"].removeprefix(PUBLIC), json={"default": True, "name": "Now"})
    rows = call.ok("GET", "/user_availability_schedules", user=OWNER)
    assert [(row["name"], row["default"]) for row in rows] == [("Working hours", False), ("Now", True)]
    (row,) = call.ok("GET", "/event_type_availability_schedules", event_type=INTRO_CALL)
    assert row["availability_rule"]["uri"] == created["uri"]
    follows = {"user": OWNER, "user_availability_schedule": created["uri"]}
    assert [one["uri"] for one in call.ok("GET", "/event_types", **follows)] == [INTRO_CALL]
    call.ok("PATCH", "/event_type_availability_schedules", json=OWN_RULES, event_type=INTRO_CALL)
    assert call.ok("GET", "/event_types", **follows) == []


@pytest.mark.parametrize(
    ("rules", "paths"),
    [
        ([], "rules"),
        (NEW["rules"][:6], "rules"),
        ([*NEW["rules"], NEW["rules"][0]], "rules"),
        ([*NEW["rules"], {"type": "date", "date": "2026-11-17", "intervals": []}], "rules[8].date"),
        ([*NEW["rules"], {"type": "date", "intervals": []}], "rules[8].date"),
        ([{"type": "wday", "intervals": [{"from": "10:00", "to": "09:00"}]}], "rules[0].intervals[0].to"),
        ([{"type": "wday", "wday": "funday", "intervals": [{"from": "9:00"}]}],
         "rules[0].wday rules[0].intervals[0].from rules[0].intervals[0].to"),
        ([{}, 3], "rules[0].type rules[0].intervals rules[1]"),
        ("none", "rules"),
    ],
)  # fmt: skip
def test_invalid_rules_are_rejected(shared_call, rules, paths):
    assert set(
        shared_call.problems("POST", "/user_availability_schedules", json=NEW | {"rules": rules})
    ) == set(paths.split())
    assert set(shared_call.problems("PATCH", SCHEDULE, json={"rules": rules})) == set(paths.split())


def test_a_schedule_stays_the_default_until_another_becomes_it(shared_call):
    assert set(shared_call.problems("PATCH", SCHEDULE, json={"default": False, "timezone": "Mars"})) == {
        "default",
        "timezone",
    }


def test_today_depends_on_the_time_zone(call):
    today = {"type": "date", "date": "2026-11-18", "intervals": []}
    rules = [*NEW["rules"][:7], today]
    assert call("PATCH", SCHEDULE, json={"rules": rules}).status_code == 200
    far = {"rules": rules, "timezone": "Pacific/Kiritimati"}  # 19 November there
    assert set(call.problems("PATCH", SCHEDULE, json=far)) == {"rules[7].date"}


def test_access_to_schedules_depends_on_role(call):
    own = f"/user_availability_schedules/{call.member(2).schedule}"
    assert call("GET", own, "sandbox-member").status_code == 200
    assert call("PATCH", own, "sandbox-admin", json={"name": "Hers"}).status_code == 200
    assert call("GET", SCHEDULE, "sandbox-member").status_code == 403
    assert call("GET", SCHEDULE, "sandbox-free").status_code == 403
    assert call("GET", "/user_availability_schedules/none").status_code == 404
    assert call("GET", "/user_availability_schedules", "sandbox-member", user=OWNER).status_code == 403
    unknown = f"{PUBLIC}/users/none"
    assert call("GET", "/user_availability_schedules", user=unknown).status_code == 403
    assert call("GET", SCHEDULE, "sandbox-users-only").json()["required_scopes"] == ["availability:read"]


def test_each_host_has_their_own_rules(call):
    path, query = "/event_type_availability_schedules", {"event_type": SALES_DEMO}
    reply = call("GET", path, **query).json()
    assert reply["pagination"] == {
        "count": 8,
        "next_page": None,
        "previous_page": None,
        "next_page_token": None,
        "previous_page_token": None,
    }
    rule = OWN_RULES["availability_rule"]
    own = call.ok("PATCH", path, "sandbox-member", json=OWN_RULES, **query)
    assert own["availability_rule"]["user"] == call.member(2).user["uri"]
    for_admin = {"availability_rule": rule | {"user": ADMIN}}
    assert call("PATCH", path, "sandbox-member", json=for_admin, **query).status_code == 403
    assert call.ok("PATCH", path, json=for_admin, **query)["availability_rule"]["user"] == ADMIN
    custom = [row["availability_rule"]["name"] is None for row in call.ok("GET", path, **query)]
    assert custom == [False, True, True, *[False] * 5]
    assert call.ok("PATCH", path, json={}, **query)["availability_rule"]["name"] == "Working hours"


def test_changing_rules_requires_an_unambiguous_host(call):
    path = "/event_type_availability_schedules"
    member = call.member(2)
    theirs = next(
        event_type
        for event_type in call.world.population.event_types_by_id.values()
        if event_type.hosts == (2,)
    )
    query = {"event_type": theirs.record["uri"]}
    where = "availability_rule.user"
    assert set(call.problems("PATCH", path, json=OWN_RULES, **query)) == {where}
    rule = OWN_RULES["availability_rule"]
    not_host = {"availability_rule": rule | {"user": OWNER}}
    assert set(call.problems("PATCH", path, json=not_host, **query)) == {where}
    host = {"availability_rule": rule | {"user": member.user["uri"]}}
    assert call("PATCH", path, json=host, **query).status_code == 200
    assert call("PATCH", path, "sandbox-member", json=OWN_RULES, event_type=INTRO_CALL).status_code == 403
    wrong = {"availability_rule": {"rules": [NEW["rules"][0]] * 2, "timezone": "UTC"}}
    assert set(call.problems("PATCH", path, json=wrong, **query)) == {"availability_rule.rules"}
    past = week([], **{"2026-11-01": []})
    assert set(call.problems("PATCH", path, json={"availability_rule": past}, event_type=INTRO_CALL)) == {
        "availability_rule.rules[7].date"
    }
    assert set(call.problems("PATCH", path, json={"availability_setting": "group"})) == {
        "event_type",
        "availability_setting",
    }


# Windows


@pytest.mark.parametrize(
    ("path", "name", "what", "days"),
    [
        ("/event_type_available_times", "event_type", INTRO_CALL, 31),
        ("/user_busy_times", "user", OWNER, 7),
    ],
)
def test_windows_must_be_in_the_future_and_have_a_maximum_size(shared_call, path, name, what, days):
    def ask(start, end):
        return {name: what, "start_time": start.isoformat(), "end_time": end.isoformat()}

    day, second = timedelta(days=1), timedelta(seconds=1)
    assert shared_call("GET", path, **ask(NOW, NOW + days * day)).status_code == 200
    assert set(shared_call.problems("GET", path, **ask(NOW, NOW + days * day + second))) == {"end_time"}
    assert set(shared_call.problems("GET", path, **ask(NOW - second, NOW + day))) == {"start_time"}
    assert set(shared_call.problems("GET", path, **ask(NOW + day, NOW + day))) == {"end_time"}
    assert set(shared_call.problems("GET", path, **ask(NOW - day, NOW - 2 * day))) == {
        "start_time",
        "end_time",
    }
    assert set(shared_call.problems("GET", path)) == {name, "start_time", "end_time"}
    for year in ("2999", "8999"):
        far = {name: what, "start_time": f"{year}-12-31T00:00:00Z", "end_time": f"{year}-12-31T23:59:59Z"}
        assert shared_call.ok("GET", path, **far) == []
    edge = {"start_time": "9999-12-31T00:00:00-23:59", "end_time": "9999-12-31T23:59:59-23:59"}
    assert shared_call("GET", path, **{name: what}, **edge).status_code in {200, 400}


# Slots


def test_slots_are_in_the_future_and_within_the_rules(shared_call):
    found = free(shared_call)
    assert len(found) > 100
    starts = [at(slot["start_time"]) for slot in found]
    assert starts == sorted(set(starts))
    busy = [(at(one["start_time"]), at(one["end_time"])) for one in busy_times(shared_call)]
    for start in starts:
        end = start + timedelta(minutes=30)
        there = start.astimezone(ZoneInfo("Europe/Berlin"))
        assert there.weekday() < 5
        assert there.hour in {9, 10, 11, 13, 14, 15, 16}
        assert not [one for one in busy if one[0] < end + timedelta(minutes=15) and start < one[1]]
    page = f"https://calendly.com/ada-okafor/intro/{found[0]['start_time']}?month=2026-11&date=2026-11-19"
    assert found[0]["scheduling_url"] == page


def test_the_documented_slots_are_free(shared_call):
    documented = json.loads((PAYLOADS / "listEventTypeAvailableTimes.json").read_text())["body"]["collection"]
    found = free(shared_call, start="2026-11-25T00:00:00Z", end="2026-11-26T00:00:00Z")
    assert [slot for slot in found if slot in documented] == documented


def test_slots_are_within_the_window_and_not_in_the_past(shared_call):
    within = free(shared_call, start="2026-11-25T08:00:00Z", end="2026-11-25T09:15:00Z")
    assert [slot["start_time"][11:16] for slot in within] == ["08:00", "08:30", "09:00"]
    before = free(shared_call, start="2026-11-25T08:00:00Z", end="2026-11-25T09:00:00Z")
    assert [slot["start_time"][11:16] for slot in before] == ["08:00", "08:30"]
    today = free(shared_call, start=NOW.isoformat(), end="2026-11-19T00:00:00Z")
    assert all(at(slot["start_time"]) >= NOW for slot in today)


def test_local_hours_follow_daylight_saving_time(call):
    call.ok("PATCH", SCHEDULE, json=week(between("09:00", "10:00")))
    starts = {
        slot["start_time"][11:16]
        for slot in free(call, start="2027-03-20T00:00:00Z", end="2027-04-10T00:00:00Z")
    }
    assert starts == {"08:00", "08:30", "07:00", "07:30"}


def test_a_date_rule_overrides_the_weekday_and_24_00_ends_a_day(call):
    there = between("22:00", "24:00")
    call.ok("PATCH", SCHEDULE, json=week([], "America/New_York", **{"2027-01-15": there}))
    found = free(call, start="2027-01-01T00:00:00Z", end="2027-01-31T00:00:00Z")
    assert [slot["start_time"] for slot in found] == [
        f"2027-01-16T0{clock}:00Z" for clock in ("3:00", "3:30", "4:00", "4:30")
    ]


def test_a_booking_takes_its_slot(call):
    first = free(call)[0]
    call.http.post("/__sandbox__/bookings", json={"start_time": first["start_time"]}).raise_for_status()
    assert first not in free(call)
    assert first["start_time"][:19] in [one["start_time"][:19] for one in busy_times(call)]


def test_slots_depend_on_duration_increment_buffers_and_active(call):
    call.ok("PATCH", SCHEDULE, json=week(between("09:00", "12:00"), "UTC"))
    body = {"owner": OWNER, "name": "Long", "duration": 60, "start_time_increment": 45, "active": True}
    created = call.ok("POST", "/event_types", json=body)
    window = {"start": "2027-02-02T00:00:00Z", "end": "2027-02-03T00:00:00Z"}
    call.http.post("/__sandbox__/bookings", json={"start_time": "2027-02-02T13:00:00Z"}).raise_for_status()

    def clocks():
        return [slot["start_time"][11:16] for slot in free(call, created["uri"], **window)]

    usual = clocks()
    assert set(usual) <= {"09:00", "09:45", "10:30"}
    assert "10:30" in usual
    call.ok("PATCH", created["uri"].removeprefix(PUBLIC), json={"after_buffer": 120})
    assert "10:30" not in clocks()  # two hours would overlap the meeting
    call.ok("PATCH", created["uri"].removeprefix(PUBLIC), json={"active": False})
    assert clocks() == []


def test_round_robin_needs_one_free_host_and_collective_needs_all(shared_call):
    event_types = shared_call.world.population.event_types_by_id.values()
    panel = next(
        event_type for event_type in event_types if event_type.record["pooling_type"] == "collective"
    )
    survey = next(
        event_type for event_type in event_types if event_type.record["pooling_type"] == "multi_pool"
    )
    now, until = times.from_unix(Clock().now), times.parse("2026-12-10T00:00:00Z")
    for event_type in (shared_call.world.population.event_types_by_id[fixtures.SALES_DEMO], panel):
        found = slot_search.free_slots(shared_call.world, event_type, now=now, since=now, until=until)
        assert found
        for slot in found[:40]:
            assert slot.hosts == event_type.hosts if event_type.collective else len(slot.hosts) == 1
            end = slot.start + event_type.record["duration"] * times.MINUTE
            for number in slot.hosts:
                user = shared_call.member(number).user["uri"]
                window = {"start_time": times.isoformat(slot.start), "end_time": times.isoformat(end)}
                assert shared_call.ok("GET", "/user_busy_times", user=user, **window) == []
            assert (
                slot_search.slot_at(shared_call.world, event_type, now=now, start=slot.start).start
                == slot.start
            )
        assert slot_search.slot_at(shared_call.world, event_type, now=now, start=found[0].start + 1) is None
    assert free(shared_call, survey.record["uri"]) == []


def test_a_group_meeting_keeps_its_slot_until_it_is_full(call):
    group = next(o for o in call.world.population.event_types_by_id.values() if o.record["kind"] == "group")
    first = free(call, group.record["uri"])[0]
    assert first["invitees_remaining"] == 5
    body = {"event_type": group.uuid, "start_time": first["start_time"]}
    call.http.post("/__sandbox__/bookings", json=body).raise_for_status()
    after = free(call, group.record["uri"])[0]
    assert (after["start_time"], after["invitees_remaining"]) == (first["start_time"], 4)
    own = next(
        o for o in call.world.population.event_types_by_id.values() if o.hosts == group.hosts and o.seats == 1
    )
    assert first["start_time"] not in [slot["start_time"] for slot in free(call, own.record["uri"])]


@pytest.mark.parametrize(
    ("setting", "days"),
    [
        ({"type": "date_range", "start_date": "2026-12-01", "end_date": "2026-12-02"}, {"12-01", "12-02"}),
        ({"type": "days_in_future", "days": 1}, {"11-18", "11-19"}),
        ({"type": "days_in_future", "days": 4, "only_weekdays": True}, {"11-18", "11-19", "11-20"}),
        (
            {
                "type": "spots",
                "spots": [{"start_time": "2026-11-21T20:00:00Z", "end_time": "2026-11-21T21:00:00Z"}],
            },
            {"11-21"},
        ),
    ],
)
def test_a_one_off_is_free_on_its_dates(call, setting, days):
    body = {"name": "Once", "host": OWNER, "duration": 30, "date_setting": setting}
    created = call.ok("POST", "/one_off_event_types", json=body)
    found = free(call, created["uri"], start=NOW.isoformat(), end="2026-12-15T00:00:00Z")
    assert {slot["start_time"][5:10] for slot in found} == days


def test_access_to_slots_depends_on_the_organization(shared_call):
    query = {
        "event_type": INTRO_CALL,
        "start_time": "2026-12-01T00:00:00Z",
        "end_time": "2026-12-02T00:00:00Z",
    }
    path = "/event_type_available_times"
    assert shared_call("GET", path, "sandbox-member", **query).status_code == 200
    assert shared_call("GET", path, "sandbox-free", **query).status_code == 403
    assert shared_call("GET", path, **query | {"event_type": f"{PUBLIC}/event_types/x"}).status_code == 404
    assert shared_call("GET", path, "sandbox-events-only", **query).json()["required_scopes"] == [
        "availability:read",
        "event_types:read",
    ]


def test_slots_are_never_cached():
    clock = Clock()
    with serving(clock=clock, render_once=True) as call:
        path = "/user_meeting_limits"
        assert call.ok("GET", path, user=OWNER)[0]["weekly_limit"] is None
        assert call.ok("PATCH", path, json={"weekly_limit": 9}, user=OWNER)["weekly_limit"] == 9
        assert len(free(call)) > 0
        clock.now += 40 * 86400
        query = {"start_time": "2026-11-19T00:00:00Z", "end_time": "2026-12-19T00:00:00Z"}
        gone = call("GET", "/event_type_available_times", event_type=INTRO_CALL, **query)
        assert gone.status_code == 400


# Busy times and limits


def test_the_documented_busy_times(shared_call):
    documented = json.loads((PAYLOADS / "listUserBusyTimes.json").read_text())["body"]["collection"]
    rows = busy_times(shared_call, start="2026-11-24T00:00:00Z", days=7)
    assert [row for row in rows if row in documented] == documented
    assert rows == sorted(rows, key=lambda row: row["start_time"])


def test_busy_times_are_the_active_meetings_of_the_user(shared_call):
    query = {"organization": ORGANIZATION, "user": ADMIN, "count": 100}
    window = {"min_start_time": "2026-11-19T00:00:00Z", "max_start_time": "2026-12-24T00:00:00Z"}
    events = shared_call.ok("GET", "/scheduled_events", status="active", **query, **window)
    rows = busy_times(shared_call, ADMIN, days=35)
    own = [row["event"]["uri"] for row in rows if row["type"] == "calendly"]
    assert own == [event["uri"] for event in events]
    assert {"external", "calendly"} <= {row["type"] for row in rows}


def test_access_to_busy_times_depends_on_role(shared_call):
    window = {"start_time": "2026-12-01T00:00:00Z", "end_time": "2026-12-02T00:00:00Z"}
    own = shared_call.member(2).user["uri"]
    assert shared_call("GET", "/user_busy_times", "sandbox-member", user=own, **window).status_code == 200
    assert shared_call("GET", "/user_busy_times", "sandbox-member", user=OWNER, **window).status_code == 403
    assert shared_call("GET", "/user_busy_times", "sandbox-free", user=OWNER, **window).status_code == 403


def test_meeting_limits_are_private_to_the_caller(call):
    documented = json.loads((PAYLOADS / "requests/UpdateUserMeetingLimits.json").read_text())
    assert call.ok("PATCH", LIMITS, json=documented, user=OWNER)["daily_limit"] == 6
    for user in (ADMIN, f"{PUBLIC}/users/none"):
        assert call("GET", LIMITS, user=user).status_code == 403
        assert call("PATCH", LIMITS, json={"daily_limit": 1}, user=user).status_code == 403
    changed = call.ok("PATCH", LIMITS, json={"weekly_limit": 3, "daily_limit": None}, user=OWNER)
    assert changed == {"daily_limit": None, "weekly_limit": 3, "monthly_limit": None}
    assert call.ok("GET", LIMITS, user=OWNER) == [changed]
    admin = call.ok("GET", LIMITS, "sandbox-admin", user=ADMIN)
    assert admin == [{"daily_limit": None, "weekly_limit": None, "monthly_limit": None}]


@pytest.mark.parametrize("value", [0, 10_000, -1, "6", True, 1.5])
def test_meeting_limits_have_a_range(shared_call, value):
    assert set(shared_call.problems("PATCH", LIMITS, json={"monthly_limit": value}, user=OWNER)) == {
        "monthly_limit"
    }
    assert set(shared_call.problems("PATCH", LIMITS, json={}, user=OWNER)) == {None}


@pytest.mark.parametrize(
    ("limits", "free_days"),
    [
        ({"daily_limit": 1}, {"02-02", "02-03", "02-04", "02-05"}),
        ({"daily_limit": None, "weekly_limit": 1}, {"02-08"}),
        ({"daily_limit": None, "monthly_limit": 1}, set()),
    ],
)
def test_a_reached_limit_closes_the_day_week_or_month(call, limits, free_days):
    call.http.post("/__sandbox__/bookings", json={"start_time": "2027-02-01T09:00:00Z"}).raise_for_status()
    call.ok("PATCH", LIMITS, json=limits, user=OWNER)
    found = free(call, start="2027-02-01T00:00:00Z", end="2027-02-09T00:00:00Z")
    days = {slot["start_time"][5:10] for slot in found}
    assert free_days <= days
    assert "02-01" not in days
    if "daily_limit" not in limits or limits["daily_limit"] is None:
        assert days == free_days
