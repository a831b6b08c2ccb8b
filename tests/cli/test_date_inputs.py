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


@pytest.mark.parametrize(
    ("text", "reason"),
    [("next week", "more than one day"), ("nov", "more than one day"), ("x", "isn't a date")],
)
def test_a_written_date_is_one_day(text, reason):
    with pytest.raises(UsageError, match=reason):
        converted("shares.create", start_date=text)
    [problem] = date_inputs.problems(find("shares.create"), [("start_date", text)], NOW)
    assert reason in problem.message


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
