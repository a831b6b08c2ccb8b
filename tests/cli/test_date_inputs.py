"""Dates among KEY=VALUE inputs."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from calendly_connector.catalog.manifest import find
from calendly_connector.cli import date_inputs
from calendly_connector.errors import UsageError

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 18, 23, 30, tzinfo=UTC)  # already Thursday in Berlin


def converted(action, **rows):
    result, _ = date_inputs.converted(find(action), list(rows.items()), NOW, BERLIN)
    return dict(result)


def test_a_range_fills_both_ends():
    assert converted("slots", event_type="tomorrow", start_time="week", end_time="week") == {
        "event_type": "tomorrow",
        "start_time": "2026-11-15T23:00:00Z",
        "end_time": "2026-11-22T23:00:00Z",
    }


def test_a_day_is_that_of_the_zone():
    assert converted("shares.create", start_date="today", end_date="next mon") == {
        "start_date": "2026-11-19",
        "end_date": "2026-11-23",
    }


def test_both_ends_of_a_write_may_be_ranges():
    assert converted("shares.create", start_date="next week", end_date="next week") == {
        "start_date": "2026-11-23",
        "end_date": "2026-11-29",
    }
    assert converted("data_compliance.delete_events", start_time="oct", end_time="oct") == {
        "start_time": "2026-09-30T22:00:00Z",
        "end_time": "2026-10-31T23:00:00Z",
    }
    assert converted("bookings.cancel", start="tomorrow", end="tomorrow") == {
        "start": "2026-11-19T23:00:00Z",
        "end": "2026-11-20T23:00:00Z",
    }


def test_since_and_until_are_ends_too():
    assert converted("links.list", created_since="oct", created_until="oct") == {
        "created_since": "2026-09-30T22:00:00Z",
        "created_until": "2026-10-31T23:00:00Z",
    }


@pytest.mark.parametrize(("text", "reason"), [("tomorrow", "has no time"), ("x", "isn't a date")])
@pytest.mark.parametrize(
    ("action", "key"),
    [("invitees.create", "start_time"), ("notes.create", "remind_at"), ("bookings.reschedule", "start_time")],
)
def test_a_single_time_of_a_write_is_a_moment(action, key, text, reason):
    with pytest.raises(UsageError, match=reason):
        converted(action, **{key: text})
    [problem] = date_inputs.problems(find(action), [(key, text)], NOW)
    assert reason in problem.message


def test_a_single_date_of_a_write_is_one_day():
    assert converted("links.create", date="tomorrow") == {"date": "2026-11-20"}
    with pytest.raises(UsageError, match="more than one day"):
        converted("links.create", date="next week")


@pytest.mark.parametrize("value", ["2026-11-18T15:00:00Z", "2026-11-18T15:00:00.5+01:00", "~{Now}~", "", " "])
def test_iso_functions_and_blanks_stay_as_they_are(value):
    rows = [("min_start_time", value)]
    assert not date_inputs.has_any(find("scheduled_events.list"), rows)
    assert converted("scheduled_events.list", min_start_time=value) == dict(rows)


@pytest.mark.parametrize("value", ["2026-11-18T15:00:00", "2026-11-18 15:00+01:00", "2026-11-18t15:00z"])
def test_other_spellings_of_iso_become_what_calendly_expects(value):
    written = converted("scheduled_events.list", min_start_time=value)["min_start_time"]
    assert written in {"2026-11-18T14:00:00Z", "2026-11-18T15:00:00Z"}
    assert written.endswith("T15:00:00Z") == value.endswith("z")


def test_a_skipped_time_is_noted_with_its_input():
    action, rows = find("scheduled_events.list"), [("min_start_time", "2027-03-28 02:30")]
    [row], [note] = date_inputs.converted(action, rows, NOW, BERLIN)
    assert row == ("min_start_time", "2027-03-28T01:30:00Z")
    assert note.startswith("min_start_time: 02:30 doesn't exist")


def test_an_unknown_input_is_left_to_the_call():
    assert converted("scheduled_events.list", started="tomorrow") == {"started": "tomorrow"}
