"""Reports by time: in order of time, and with the times that have no bookings."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from calendly_connector.recipes import booking_report
from sandbox_client import ORGANIZATION

BERLIN = ZoneInfo("Europe/Berlin")


def row(start):
    return {"start_time": start, "status": "active", "created_at": None}


def report(by, starts=(), covered=None, zone=BERLIN):
    """Return the number of bookings by the text of the group."""
    times = tuple(map(datetime.fromisoformat, covered)) if covered else None
    groups = booking_report.aggregate([row(start) for start in starts], [by], zone, times)
    return {group[by]: group["bookings"] for group in groups}


@pytest.mark.parametrize(
    ("covered", "days"),
    [
        (("2026-10-23T22:00:00Z", "2026-10-26T23:00:00Z"), ["24", "25", "26"]),
        (("2027-03-26T23:00:00Z", "2027-03-29T22:00:00Z"), ["27", "28", "29"]),
    ],
    ids=["clocks go back", "clocks go forward"],
)
def test_every_day_of_the_range_is_there_once_when_the_clocks_change(covered, days):
    assert [day[-2:] for day in report("day", covered=covered)] == days


def test_days_before_the_first_and_after_the_last_booking_are_there():
    november = ("2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z")
    found = report("day", ["2026-11-12T09:00:00Z", "2026-11-12T10:00:00Z"], november)
    assert list(found) == [f"2026-11-{day:02}" for day in range(1, 31)]
    assert found["2026-11-12"] == sum(found.values()) == 2


def test_an_empty_group_has_all_counts():
    times = tuple(map(datetime.fromisoformat, ("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z")))
    assert booking_report.aggregate([], ["day"], ZoneInfo("UTC"), times) == [
        {
            "day": "2026-11-01",
            **dict.fromkeys(booking_report.COUNTS, 0),
            "lead_time_hours": None,
        }
    ]


def test_months_and_weeks_are_complete_over_the_new_year():
    winter = ("2026-11-30T23:00:00Z", "2027-02-28T23:00:00Z")
    assert list(report("month", covered=winter)) == ["2026-12", "2027-01", "2027-02"]
    weeks = list(report("week", covered=("2026-12-20T23:00:00Z", "2027-01-10T23:00:00Z")))
    assert weeks == ["2026-W52", "2026-W53", "2027-W01"]


def test_a_week_has_seven_weekdays_and_a_day_24_hours():
    week = ("2026-11-15T23:00:00Z", "2026-11-22T23:00:00Z")
    assert list(report("weekday", covered=week))[::6] == ["monday", "sunday"]
    assert len(report("weekday", covered=week)) == 7
    assert list(report("hour", covered=week)) == [f"{hour:02}:00" for hour in range(24)]


def test_only_weekdays_and_hours_of_the_range_are_there():
    evening = ("2026-11-20T21:30:00Z", "2026-11-20T23:30:00Z")
    assert list(report("weekday", covered=evening)) == ["friday", "saturday"]
    assert sorted(report("hour", covered=evening)) == ["00:00", "22:00", "23:00"]


def test_a_range_longer_than_a_year_begins_with_the_first_booking():
    starts = ["2024-03-05T09:00:00Z", "2024-06-05T09:00:00Z"]
    months = report("month", starts, ("2000-01-01T00:00:00Z", "2030-01-01T00:00:00Z"))
    assert months == {"2024-03": 1, "2024-04": 0, "2024-05": 0, "2024-06": 1}
    assert report("month", [], ("2000-01-01T00:00:00Z", "2030-01-01T00:00:00Z")) == {}


def test_bookings_with_dates_far_apart_make_no_millions_of_groups():
    ages = ("0002-01-01T00:00:00Z", "9998-01-01T00:00:00Z")
    assert report("day", ["0005-01-01T12:00:00Z", "9000-01-01T12:00:00Z"], ages) == {
        "0005-01-01": 1,
        "9000-01-01": 1,
    }


def test_without_a_range_only_times_with_bookings_are_there():
    assert list(report("day", ["2026-11-12T09:00:00Z", "2026-11-14T09:00:00Z"])) == [
        "2026-11-12",
        "2026-11-14",
    ]


def test_no_empty_groups_are_added_to_groups_of_two_kinds_or_of_people():
    times = tuple(map(datetime.fromisoformat, ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")))
    for by in (["day", "hour"], ["event_type"]):
        assert booking_report.aggregate([], by, BERLIN, times) == []


def test_the_action_lists_every_day_of_its_range(sandbox, connect):
    inputs = {
        "organization": ORGANIZATION,
        "by": ["day"],
        "start": "2026-11-01T00:00:00+01:00",
        "end": "2026-12-01T00:00:00+01:00",
        "timezone": "Europe/Berlin",
    }
    records = connect(sandbox).run("reports.bookings", inputs).records
    assert [record["day"] for record in records] == [f"2026-11-{day:02}" for day in range(1, 31)]
    assert {0} < {record["bookings"] for record in records}
