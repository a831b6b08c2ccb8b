"""Editing hours: readable input, a readable difference, all other days kept, lost replies."""

from datetime import date

import pytest
from calendly_connector.errors import CalendlyDown, CalendlyError, InvalidParams, NoAnswer
from calendly_connector.recipes import hours_text
from hypothesis import given
from hypothesis import strategies as st
from sandbox_client import ADMIN, INTRO_CALL, OWNER, SALES_DEMO

TODAY = date(2026, 11, 18)
OFFICE = "09:00-12:00, 13:00-17:00"


def edit(connection, hours, **inputs):
    return connection.run("availability.edit", {"hours": hours, **inputs}).record


def hours_now(connection, user=OWNER):
    [schedule] = connection.run("user_availability_schedules.list", {"user": user}).records
    return {
        rule.get("wday") or rule["date"]: ", ".join(f"{one['from']}-{one['to']}" for one in rule["intervals"])
        for rule in schedule["rules"]
    }


def patches(sandbox):
    return [one for one in sandbox.requests()["requests"] if one["method"] == "PATCH"]


def test_only_the_named_days_change_and_the_answer_shows_them(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    before = hours_now(connection)
    record = edit(connection, {"Monday": "8-12", "2026-12-31": "none"})
    assert record["outcome"] == "updated"
    assert record["lines"] == [f"monday: {OFFICE} -> 08:00-12:00", "2026-12-31: usual -> none"]
    assert hours_now(connection) == {**before, "monday": "08:00-12:00", "2026-12-31": ""}


def test_rows_are_enough(fresh_sandbox, connect):
    rows = {"hours.weekdays": "10:00-16:00", "hours.2026-12-24..2026-12-26": "closed"}
    connection = connect(fresh_sandbox)
    record = connection.run("availability.edit", filter=rows).record
    assert [one["day"] for one in record["changes"]] == [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "2026-12-25",  # the 24th was closed already
        "2026-12-26",
    ]


def test_a_dry_run_shows_the_changes_and_writes_nothing(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    before = hours_now(connection)
    record = edit(connection, {"weekend": "10:00-14:00"}, dry_run=True)
    assert (record["outcome"], len(record["changes"])) == ("would_update", 2)
    assert hours_now(connection) == before
    assert patches(fresh_sandbox) == []


def test_the_same_hours_again_write_nothing(fresh_sandbox, connect):
    record = edit(connect(fresh_sandbox), {"monday": "13:00-17:00,09:00-12:00", "sunday": "off"})
    assert (record["outcome"], record["lines"]) == ("unchanged", [])
    assert patches(fresh_sandbox) == []


def test_the_override_of_a_date_can_be_removed(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    assert edit(connection, {"2026-12-24": "usual"})["lines"] == ["2026-12-24: none -> usual"]
    assert "2026-12-24" not in hours_now(connection)


def test_dates_that_are_over_are_left_out_because_calendly_rejects_them():
    rules = [
        {"type": "date", "date": "2026-11-17", "intervals": []},
        {"type": "date", "date": "2026-11-19", "intervals": []},
    ]
    kept = hours_text.changed_rules(rules, {"monday": []}, TODAY)
    assert [rule["date"] for rule in kept if rule["type"] == "date"] == ["2026-11-19"]
    assert hours_text.differences(rules, kept, TODAY) == []


def test_another_users_schedule_and_a_named_one(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    edit(connection, {"friday": "none"}, user=ADMIN)
    assert (hours_now(connection, ADMIN)["friday"], hours_now(connection)["friday"]) != ("", "")
    record = connection.run(
        "availability.edit", filter={"schedule": "Working hours", "hours.friday": "09:00-10:00"}
    ).record
    assert record["name"] == "Working hours"
    assert hours_now(connection)["friday"] == "09:00-10:00"


def test_an_event_type_gets_hours_of_its_own(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    before = hours_now(connection)
    record = edit(connection, {"monday": "none"}, event_type=INTRO_CALL)
    assert (record["event_type"], record["outcome"]) == (INTRO_CALL, "updated")
    assert hours_now(connection) == before
    again = edit(connection, {"tuesday": "none"}, event_type=INTRO_CALL)
    assert again["lines"] == [f"tuesday: {OFFICE} -> none"]  # on top of the first change
    slots = connection.run("slots.list", {"event_types": [INTRO_CALL]}).records
    assert {row["weekday"] for row in slots} == {"wednesday", "thursday", "friday"}


def test_one_host_of_a_team_event_type_is_edited(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    edit(connection, {"monday": "none"}, event_type=SALES_DEMO, user=ADMIN)
    rules = {
        one["availability_rule"]["user"]: one["availability_rule"]["rules"]
        for one in connection.run(
            "event_type_availability_schedules.list", {"event_type": SALES_DEMO}
        ).records
    }
    monday = {user: next(one for one in rule if one.get("wday") == "monday") for user, rule in rules.items()}
    assert monday[ADMIN]["intervals"] == []
    assert monday[OWNER]["intervals"] != []


def test_a_user_who_is_no_host_is_rejected(fresh_sandbox, connect):
    with pytest.raises(InvalidParams, match="must be a host of the event type"):
        edit(connect(fresh_sandbox), {"monday": "none"}, event_type=INTRO_CALL, user=ADMIN)


def test_a_schedule_and_an_event_type_exclude_each_other(fresh_sandbox, connect):
    schedule = "922c8dea-efa9-5b68-b152-0c5ab77df786"
    with pytest.raises(InvalidParams, match="can't be combined"):
        edit(connect(fresh_sandbox), {"monday": "none"}, event_type=INTRO_CALL, schedule=schedule)


# --- input


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("09:00-12:00", [("09:00", "12:00")]),
        ("9-12, 13-17", [("09:00", "12:00"), ("13:00", "17:00")]),
        ("13:00\u201317:00, 9:30 - 12:00", [("09:30", "12:00"), ("13:00", "17:00")]),
        ("0900 to 1200", [("09:00", "12:00")]),
        ("00:00-24:00", [("00:00", "24:00")]),
        ("9-12,12-13", [("09:00", "12:00"), ("12:00", "13:00")]),
        ("None", []),
        (" unavailable ", []),
    ],
)
def test_hours_as_people_write_them(text, spans):
    hours, problems = hours_text.read_changes({"monday": text}, TODAY)
    assert hours == {"monday": [{"from": opens, "to": closes} for opens, closes in spans]}
    assert problems == []


@pytest.mark.parametrize(
    ("day", "text"),
    [
        ("monday", ""),
        ("monday", "9"),
        ("monday", "9-"),
        ("monday", "12-9"),
        ("monday", "9-9"),
        ("monday", "22:00-02:00"),
        ("monday", "9-25"),
        ("monday", "24:01-25:00"),
        ("monday", "9:60-10"),
        ("monday", "9-12,11-13"),
        ("monday", "9-12,"),
        ("monday", "usual"),
        ("monday", "\uff19-12"),
        ("monday", "9-12; rm -rf /"),
        ("moonday", "9-12"),
        ("", "9-12"),
        ("2026-11-17", "none"),  # yesterday
        ("2026-02-30", "none"),
        ("2026-12-31..2026-12-01", "none"),
        ("2026-12-01..2036-12-01", "none"),
        ("2026-13-01", "none"),
        ("12/24/2026", "none"),
    ],
)
def test_what_is_not_understood_is_a_problem_of_its_day(day, text):
    hours, problems = hours_text.read_changes({day: text, "sunday": "none"}, TODAY)
    assert hours == {"sunday": []}
    assert [problem.path for problem in problems] == [f"hours.{day}"]


def test_all_problems_are_reported_and_nothing_is_written(fresh_sandbox, connect):
    with pytest.raises(InvalidParams) as caught:
        edit(
            connect(fresh_sandbox), {"moonday": "9-12", "friday": "12-9", "weekend": "none", "sunday": "9-10"}
        )
    assert [problem.path for problem in caught.value.problems] == [
        "hours.moonday",
        "hours.friday",
        "hours.sunday",
    ]
    assert caught.value.problems[0].nearest == "monday"
    assert patches(fresh_sandbox) == []


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_read_or_a_problem(day, text):
    hours, problems = hours_text.read_changes({day: text}, TODAY)
    assert bool(hours) != bool(problems)


# --- lost replies, at each call


@pytest.mark.parametrize("target", [{}, {"event_type": INTRO_CALL}])
@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_a_change_whose_reply_is_lost_is_found(kind, target, fresh_sandbox, connect):
    fresh_sandbox.fault(kind, method="PATCH")
    result = connect(fresh_sandbox).run("availability.edit", {"hours": {"monday": "none"}, **target})
    assert result.record["outcome"] == "updated"
    assert "was lost" in result.warnings[0]


@pytest.mark.parametrize("target", [{}, {"event_type": INTRO_CALL}])
def test_a_change_that_did_not_happen_is_reported_as_such(target, fresh_sandbox, connect):
    fresh_sandbox.fault("status", method="PATCH")
    with pytest.raises(CalendlyDown, match="so nothing happened"):
        edit(connect(fresh_sandbox), {"monday": "none"}, **target)
    assert edit(connect(fresh_sandbox), {"monday": "none"}, **target)["outcome"] == "updated"


def test_a_lost_reply_that_cannot_be_looked_up_stays_open(fresh_sandbox, connect):
    fresh_sandbox.fault("reset", method="PATCH")
    fresh_sandbox.fault("status", method="GET", path="/user_availability_schedules", after=1, times=100)
    with pytest.raises(NoAnswer) as caught:
        edit(connect(fresh_sandbox), {"monday": "none"})
    assert caught.value.may_have_happened


@pytest.mark.parametrize(
    "target", [{}, {"schedule": "922c8dea-efa9-5b68-b152-0c5ab77df786"}, {"event_type": INTRO_CALL}]
)
def test_a_read_that_fails_changes_nothing(target, fresh_sandbox, connect):
    fresh_sandbox.fault("status", method="GET", path="/", times=100)
    with pytest.raises(CalendlyError):
        edit(connect(fresh_sandbox), {"monday": "none"}, **target)
    assert patches(fresh_sandbox) == []
