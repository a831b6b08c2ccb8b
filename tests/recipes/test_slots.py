"""Free times of event types and of several people: across clock changes, in any zone, in any range."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from calendly_connector.errors import InvalidParams, NotFound, PermissionDenied
from calendly_connector.recipes import intervals, local_times, open_hours
from hypothesis import given
from hypothesis import strategies as st
from sandbox_client import ADMIN, INTRO_CALL, OWNER, SALES_DEMO

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = local_times.WEEKDAYS


def moment(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def whole_week(*hours):
    spans = [{"from": opens, "to": closes} for opens, closes in hours]
    return [{"type": "wday", "wday": day, "intervals": spans} for day in WEEK]


def set_hours(connection, *hours, zone="Europe/Berlin"):
    """Set the owner's hours of every day, in a zone."""
    schedule = connection.run("user_availability_schedules.list").records[0]["uri"]
    changes = {"uuid": schedule, "timezone": zone, "rules": whole_week(*hours)}
    connection.run("user_availability_schedules.update", changes)


def slots(connection, start, end, **inputs):
    wanted = {"event_types": [INTRO_CALL], "start": start, "end": end, **inputs}
    result = connection.run("slots.list", wanted, all_pages=True)
    assert result.complete
    return result.records


@pytest.fixture
def sandbox(frozen_sandbox):
    """Return a sandbox with the clock of its connections: free times depend on it to the minute."""
    return frozen_sandbox


# --- slots.list


def test_the_slots_are_those_that_calendly_lists(sandbox, connect):
    connection = connect(sandbox)
    window = {"start_time": "2026-11-24T00:00:00Z", "end_time": "2026-12-20T00:00:00Z"}
    listed = connection.run("event_type_available_times.list", {"event_type": INTRO_CALL, **window})
    rows = slots(connection, *window.values())
    assert len(rows) > 100
    for name in ("start_time", "scheduling_url", "invitees_remaining"):
        assert [row[name] for row in rows] == [slot[name] for slot in listed.records]


def test_a_name_and_the_users_zone_are_enough(sandbox, connect):
    rows = connect(sandbox).run("slots.list", filter={"event_types": "intro"}, limit=1).records
    assert [(row["event_type_name"], row["timezone"], row["host_name"]) for row in rows] == [
        ("Intro call", "Europe/Berlin", "Ada Okafor")
    ]


def test_a_range_of_months_is_read_in_parts_without_gaps_or_repetitions(sandbox, connect):
    rows = slots(connect(sandbox), "2026-11-23T00:00:00Z", "2027-03-01T00:00:00Z")
    times = [row["start_time"] for row in rows]
    assert times == sorted(set(times))
    parts = ("2026-11-23", "2026-12-24", "2027-01-24", "2027-02-24", "2027-03-01")
    several = [
        slots(connect(sandbox), f"{start}T00:00:00Z", f"{end}T00:00:00Z") for start, end in pairwise(parts)
    ]
    assert [row for part in several for row in part] == rows


def test_the_start_of_a_range_is_included_and_its_end_is_not(sandbox, connect):
    rows = slots(connect(sandbox), "2026-11-25T08:00:00Z", "2026-11-25T08:30:00Z")
    assert [row["start_time"] for row in rows] == ["2026-11-25T08:00:00Z"]


def test_a_range_may_begin_in_the_past(sandbox, connect):
    rows = slots(connect(sandbox), "2020-01-01T00:00:00Z", "2026-11-20T00:00:00Z")
    assert rows
    assert rows[0]["start_time"] > "2026-11-18T11:06:40Z"


@pytest.mark.parametrize(
    ("start", "end"),
    [("2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z"), ("2026-12-02T00:00:00Z", "2026-12-01T00:00:00Z")],
)
@pytest.mark.parametrize("recipe", ["slots.list", "slots.common"])
def test_a_range_that_is_over_or_backwards_is_rejected(recipe, start, end, sandbox, connect):
    inputs = {"start": start, "end": end}
    with pytest.raises(InvalidParams) as caught:
        connect(sandbox).run(recipe, inputs | ({"users": [OWNER]} if recipe == "slots.common" else {}))
    assert [problem.path for problem in caught.value.problems] == ["end"]


@pytest.mark.parametrize("name", ["end", "start"])
def test_the_ends_of_the_calendar_are_rejected(name, sandbox, connect):
    with pytest.raises(InvalidParams) as caught:
        connect(sandbox).run("slots.list", {name: "9999-12-31T23:59:59Z"})
    assert [problem.path for problem in caught.value.problems] == [name]


def test_users_add_all_their_active_event_types_once(sandbox, connect):
    window = {"start": "2026-11-25T00:00:00Z", "end": "2026-11-27T00:00:00Z"}
    result = connect(sandbox).run("slots.list", {"users": [OWNER, ADMIN], **window}, all_pages=True)
    names = {(row["event_type_name"], row["host_name"]) for row in result.records}
    assert {("Intro call", "Ada Okafor"), ("Intro call", "Ben Iwu"), ("Workshop", "Ben Iwu")} <= names
    assert ("Sales demo", "Sales") in names
    assert not any(name == "Old survey" for name, _ in names)
    keys = [(row["start_time"], row["event_type"]) for row in result.records]
    assert len(keys) == len(set(keys))
    assert keys == sorted(keys, key=lambda key: key[0])
    workshops = {row["invitees_remaining"] for row in result.records if row["event_type_name"] == "Workshop"}
    assert 5 in workshops


def test_first_is_the_next_free_time_of_all(sandbox, connect):
    inputs = {"event_types": [INTRO_CALL, SALES_DEMO], "start": "2026-12-05T00:00:00Z"}
    every = connect(sandbox).run("slots.list", inputs).records
    first = connect(sandbox).run("slots.list", {**inputs, "first": True}, all_pages=True)
    assert first.records == every[:1]


def test_first_looks_beyond_the_first_month(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    schedule = connection.run("user_availability_schedules.list").records[0]["uri"]
    far = {"type": "date", "date": "2027-03-01", "intervals": [{"from": "09:00", "to": "10:00"}]}
    connection.run("user_availability_schedules.update", {"uuid": schedule, "rules": [*whole_week(), far]})
    found = slots(connection, "2026-11-20T00:00:00Z", "2027-06-01T00:00:00Z", first=True)
    assert [row["start_local"] for row in found] == ["2027-03-01 09:00"]


def test_an_event_type_that_is_off_is_reported(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    connection.run("event_types.update", {"uuid": INTRO_CALL, "active": False})
    result = connection.run("slots.list", {"event_types": [INTRO_CALL]})
    assert result.records == []
    assert "'Intro call' can't be booked" in result.warnings[0]


def test_an_unknown_event_type_is_an_error(sandbox, connect):
    with pytest.raises(NotFound):
        connect(sandbox).run("slots.list", {"event_types": ["00000000-0000-4000-8000-000000000000"]})


def test_when_the_clocks_go_forward_the_skipped_hour_has_no_slot(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    set_hours(connection, ("01:00", "04:00"))
    rows = slots(connection, "2027-03-27T22:00:00Z", "2027-03-28T10:00:00Z")
    assert [(row["start_time"], row["start_local"]) for row in rows] == [
        ("2027-03-28T00:00:00Z", "2027-03-28 01:00"),
        ("2027-03-28T00:30:00Z", "2027-03-28 01:30"),
        ("2027-03-28T01:00:00Z", "2027-03-28 03:00"),
        ("2027-03-28T01:30:00Z", "2027-03-28 03:30"),
    ]


def test_when_the_clocks_go_back_both_hours_are_told_apart(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    set_hours(connection, ("02:00", "03:00"))
    rows = slots(connection, "2027-10-30T22:00:00Z", "2027-10-31T10:00:00Z")
    assert [(row["start_time"], row["start_local"]) for row in rows] == [
        ("2027-10-31T00:00:00Z", "2027-10-31 02:00 CEST"),
        ("2027-10-31T00:30:00Z", "2027-10-31 02:30 CEST"),
        ("2027-10-31T01:00:00Z", "2027-10-31 02:00 CET"),
        ("2027-10-31T01:30:00Z", "2027-10-31 02:30 CET"),
    ]


@pytest.mark.parametrize(
    ("zone", "local", "weekday"),
    [
        ("Pacific/Auckland", "2026-11-25 21:00", "wednesday"),
        ("America/Los_Angeles", "2026-11-25 00:00", "wednesday"),
        ("Pacific/Honolulu", "2026-11-24 22:00", "tuesday"),
        ("Asia/Kathmandu", "2026-11-25 13:45", "wednesday"),
        ("UTC", "2026-11-25 08:00", "wednesday"),
    ],
)
def test_local_times_are_those_of_the_wanted_zone(zone, local, weekday, sandbox, connect):
    [row] = slots(connect(sandbox), "2026-11-25T08:00:00Z", "2026-11-25T08:30:00Z", timezone=zone)
    assert (row["start_local"], row["weekday"], row["timezone"]) == (local, weekday, zone)


@pytest.mark.parametrize("zone", ["Europe/Belin", "../etc/passwd", "\x00", "Europe", "a" * 10_000])
def test_an_unknown_zone_is_rejected(zone, sandbox, connect):
    with pytest.raises(InvalidParams) as caught:
        connect(sandbox).run("slots.list", {"event_types": [INTRO_CALL], "timezone": zone})
    assert [problem.path for problem in caught.value.problems] == ["timezone"]


# --- slots.common


def common(connection, start, end, users=(OWNER, ADMIN), **inputs):
    wanted = {"users": list(users), "start": start, "end": end, **inputs}
    result = connection.run("slots.common", wanted, all_pages=True)
    assert result.complete
    return [row["start_time"] for row in result.records]


def test_a_common_time_is_within_the_hours_and_no_busy_time_of_all(sandbox, connect):
    connection = connect(sandbox)
    window = {"start_time": "2026-11-23T00:00:00Z", "end_time": "2026-12-07T00:00:00Z"}
    found = common(connection, *window.values(), duration=45, step=15)
    assert len(found) > 50
    busy = [
        (one.get("buffered_start_time", one["start_time"]), one.get("buffered_end_time", one["end_time"]))
        for user in (OWNER, ADMIN)
        for one in connection.run("user_busy_times.list", {"user": user, **window}, all_pages=True).records
    ]
    for text in found:
        start = moment(text.removesuffix("Z"))
        end, local = start + timedelta(minutes=45), start.astimezone(BERLIN)
        assert not any(moment(a[:19]) < end and start < moment(b[:19]) for a, b in busy)
        assert local.weekday() < 5
        assert (9, 0) <= (local.hour, local.minute) <= (11, 15) or 13 <= local.hour < 17
        assert local.minute % 15 == 0


def test_fewer_people_have_more_common_times(sandbox, connect):
    window = "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"
    assert set(common(connect(sandbox), *window)) < set(common(connect(sandbox), *window, users=[OWNER]))


def test_common_times_with_others_need_an_owner_or_admin(sandbox, connect):
    with pytest.raises(PermissionDenied):
        connect(sandbox, token="sandbox-member").run("slots.common", {"users": ["me", OWNER]})


def test_windows_of_busy_times_leave_no_gap(sandbox, connect):
    connection = connect(sandbox)
    whole = common(connection, "2026-11-23T00:00:00Z", "2026-12-21T00:00:00Z", duration=60, step=5)
    days = [f"2026-11-{day}" for day in range(23, 31)] + [f"2026-12-{day:02}" for day in range(1, 22)]
    by_day = [
        common(connection, f"{start}T00:00:00Z", f"{end}T00:00:00Z", duration=60, step=5)
        for start, end in pairwise(days)
    ]
    assert [start for part in by_day for start in part] == whole


def test_the_first_common_time(sandbox, connect):
    window = "2026-11-28T00:00:00Z", "2027-01-28T00:00:00Z"
    assert common(connect(sandbox), *window, first=True) == common(connect(sandbox), *window)[:1]


def test_people_in_zones_that_never_meet_have_no_common_time(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    set_hours(connection, ("09:00", "17:00"), zone="Pacific/Auckland")
    assert common(connection, "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z") == []


def test_common_times_follow_each_zones_own_clock_change(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    set_hours(
        connection, ("09:00", "10:00"), zone="America/New_York"
    )  # 15:00 in Berlin, but 14:00 for 2 weeks
    found = common(connection, "2027-03-01T00:00:00Z", "2027-04-12T00:00:00Z", step=60)
    hours = {(start[:10], moment(start.removesuffix("Z")).astimezone(BERLIN).hour) for start in found}
    assert {hour for day, hour in hours if day < "2027-03-14"} == {15}
    assert {hour for day, hour in hours if "2027-03-14" < day < "2027-03-28"} == {14}
    assert {hour for day, hour in hours if day > "2027-03-28"} == {15}


# --- pure arithmetic


def hours_of(rules_hours, day, zone):
    start = datetime.fromisoformat(day).replace(tzinfo=zone).astimezone(UTC)
    end = (datetime.fromisoformat(day) + timedelta(days=1)).replace(tzinfo=zone).astimezone(UTC)
    return open_hours.open_intervals(whole_week(*rules_hours), zone, start, end)


@pytest.mark.parametrize(
    ("hours", "day", "lengths"),
    [
        ([("00:00", "24:00")], "2027-03-28", [23]),
        ([("00:00", "24:00")], "2027-10-31", [25]),
        ([("00:00", "24:00")], "2027-05-05", [24]),
        ([("02:00", "03:00")], "2027-03-28", []),  # it doesn't occur
        ([("02:00", "04:00")], "2027-03-28", [1]),
        ([("02:30", "03:15")], "2027-03-28", []),
        ([("02:00", "04:00")], "2027-10-31", [3]),
        ([("09:00", "12:00"), ("11:00", "13:00")], "2027-05-05", [4]),  # overlapping
        ([("12:00", "09:00")], "2027-05-05", []),  # backwards
        ([], "2027-05-05", []),
    ],
)
def test_open_hours_have_their_true_length_when_the_clocks_change(hours, day, lengths):
    found = hours_of(hours, day, BERLIN)
    assert [(end - start) / timedelta(hours=1) for start, end in found] == lengths


def test_a_date_replaces_its_weekday():
    rules = [*whole_week(("09:00", "17:00")), {"type": "date", "date": "2027-05-05", "intervals": []}]
    start, end = moment("2027-05-04"), moment("2027-05-07")
    found = open_hours.open_intervals(rules, ZoneInfo("UTC"), start, end)
    assert [span[0].day for span in found] == [4, 6]


minutes = st.integers(0, 600)
spans = st.lists(
    st.tuples(minutes, minutes).map(
        lambda pair: tuple(moment("2027-05-05") + timedelta(minutes=minute) for minute in pair)
    ),
    max_size=6,
)


def covered(pieces):
    return {
        start + timedelta(minutes=minute)
        for start, end in pieces
        for minute in range(max(0, int((end - start) / timedelta(minutes=1))))
    }


@given(spans, spans)
def test_interval_arithmetic_is_that_of_sets(some, others):
    one, two = intervals.merge(some), intervals.merge(others)
    assert covered(one) == covered(some)
    assert covered(intervals.intersect(one, two)) == covered(one) & covered(two)
    assert covered(intervals.subtract(one, two)) == covered(one) - covered(two)
    for pieces in (one, intervals.intersect(one, two), intervals.subtract(one, two)):
        assert all(start < end for start, end in pieces)
        assert all(end <= later for (_, end), (later, _) in pairwise(pieces))


@pytest.mark.parametrize(
    ("zone", "step", "expected"),
    [
        ("UTC", 30, ["10:30", "11:00"]),
        ("Asia/Kathmandu", 30, ["10:15", "10:45"]),  # 16:00 and 16:30 there
        ("UTC", 45, ["10:30"]),
        ("UTC", 720, []),
    ],
)
def test_starts_are_on_the_grid_of_the_local_clock(zone, step, expected):
    free = [(moment("2027-05-05T10:10"), moment("2027-05-05T11:40"))]
    found = intervals.starts(free, timedelta(minutes=40), timedelta(minutes=step), ZoneInfo(zone))
    assert [start.strftime("%H:%M") for start in found] == expected
