"""Dates as people write them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from calendly_connector.cli.dates import read, short
from calendly_connector.errors import UsageError
from hypothesis import given
from hypothesis import strategies as st

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC)  # Wednesday, 12:06:40 in Berlin


def meaning(text, now=NOW, zone=BERLIN):
    """Return a moment, or both ends of a range, as local text without seconds."""
    when = read(text, now, zone)
    ends = [when.start, when.end] if when.is_range else [when.start]
    return " to ".join(f"{end.astimezone(zone):%Y-%m-%d %H:%M}".removesuffix(" 00:00") for end in ends)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("today", "2026-11-18 to 2026-11-19"),
        ("Tomorrow", "2026-11-19 to 2026-11-20"),
        ("  yesterday ", "2026-11-17 to 2026-11-18"),
        ("the day after tomorrow", "2026-11-20 to 2026-11-21"),
        ("wed", "2026-11-18 to 2026-11-19"),
        ("tue", "2026-11-24 to 2026-11-25"),
        ("on Thursday", "2026-11-19 to 2026-11-20"),
        ("this monday", "2026-11-16 to 2026-11-17"),
        ("next monday", "2026-11-23 to 2026-11-24"),
        ("next friday", "2026-11-27 to 2026-11-28"),
        ("last wednesday", "2026-11-11 to 2026-11-12"),
        ("week", "2026-11-16 to 2026-11-23"),
        ("this week", "2026-11-16 to 2026-11-23"),
        ("next week", "2026-11-23 to 2026-11-30"),
        ("last week", "2026-11-09 to 2026-11-16"),
        ("weekend", "2026-11-21 to 2026-11-23"),
        ("next weekend", "2026-11-28 to 2026-11-30"),
        ("month", "2026-11-01 to 2026-12-01"),
        ("next month", "2026-12-01 to 2027-01-01"),
        ("last year", "2025-01-01 to 2026-01-01"),
        ("in 3 days", "2026-11-21 to 2026-11-22"),
        ("2 weeks ago", "2026-11-04 to 2026-11-05"),
        ("in a month", "2026-12-18 to 2026-12-19"),
        ("next 7 days", "2026-11-18 to 2026-11-25"),
        ("last 7 days", "2026-11-12 to 2026-11-19"),
        ("2026-12-01", "2026-12-01 to 2026-12-02"),
        ("2026-12", "2026-12-01 to 2027-01-01"),
        ("2027", "2027-01-01 to 2028-01-01"),
        ("nov", "2026-11-01 to 2026-12-01"),
        ("October", "2026-10-01 to 2026-11-01"),
        ("mar", "2027-03-01 to 2027-04-01"),
        ("november 2025", "2025-11-01 to 2025-12-01"),
        ("dec 1", "2026-12-01 to 2026-12-02"),
        ("1. Dec", "2026-12-01 to 2026-12-02"),
        ("sept 3rd", "2026-09-03 to 2026-09-04"),
        ("feb 29", "2028-02-29 to 2028-03-01"),
        ("Tue, 1 December 2026", "2026-12-01 to 2026-12-02"),
    ],
)
def test_days_and_ranges(text, expected):
    assert meaning(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "2026-11-18 12:06"),
        ("in 2 hours", "2026-11-18 14:06"),
        ("30 minutes ago", "2026-11-18 11:36"),
        ("14:00", "2026-11-18 14:00"),
        ("9am", "2026-11-18 09:00"),
        ("at noon", "2026-11-18 12:00"),
        ("tomorrow midnight", "2026-11-19"),
        ("12am tomorrow", "2026-11-19"),
        ("9:30 pm tomorrow", "2026-11-19 21:30"),
        ("mon 14:00", "2026-11-23 14:00"),
        ("wed 14:00", "2026-11-18 14:00"),
        ("wed 9:00", "2026-11-25 09:00"),
        ("on wed at 9:00", "2026-11-25 09:00"),
        ("this wed 9:00", "2026-11-18 09:00"),
        ("in 3 days 14:00", "2026-11-21 14:00"),
        ("2026-12-01 09:00", "2026-12-01 09:00"),
        ("2026-12-01T09:00:30", "2026-12-01 09:00"),
        ("dec 1 9am", "2026-12-01 09:00"),
        ("1st of december 2026 at 9:30 pm", "2026-12-01 21:30"),
        ("2026-12-01T09:00:00Z", "2026-12-01 10:00"),
        ("2026-12-01 09:00-05:00", "2026-12-01 15:00"),
    ],
)
def test_moments(text, expected):
    assert meaning(text) == expected


def test_a_time_with_an_offset_stays_exact():
    when = read("2026-12-01T09:00:00.25+05:30", NOW, BERLIN)
    assert when.start.isoformat() == "2026-12-01T09:00:00.250000+05:30"


@pytest.mark.parametrize(
    "text",
    [
        *["", " ", "tomorow", "intro", "a", "10", "99", "next", "in", "monday monday", "mond", "+01:00"],
        *["2026-13-01", "2026-02-30", "2026-11-18T25:00:00Z", "2026-11-18T15:00:00+99:99", "25:00", "9:60"],
        *["feb 30", "99 dec", "1 dec 2", "0001-01-01", "9999-12-31", "in 9999 years", "0000", "\x1b[31m"],
        *["tomorrow tomorrow", "mon 9:00 10:00", "in 3 days ago", "today" * 1000, "dec dec 1", "1" * 5000],
    ],
)
def test_other_texts_are_echoed_with_examples(text):
    with pytest.raises(UsageError, match="isn't a date or time") as caught:
        read(text, NOW, BERLIN)
    assert "mon 14:00" in caught.value.fix


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("01/02/2026", "can mean several days"),
        ("1.12.2026", "can mean several days"),
        ("next week 14:00", "a time needs one day"),
        ("nov 9am", "a time needs one day"),
        ("mon 1 dec 2026", "2026-12-01 is a Tuesday"),
        ("13pm", "13 pm isn't a time"),
        ("feb 30", "Feb has no day 30"),
    ],
)
def test_an_unclear_date_says_why(text, reason):
    with pytest.raises(UsageError, match=reason):
        read(text, NOW, BERLIN)


def test_a_time_that_comes_twice_is_the_first_and_says_so():
    when = read("2026-10-25 02:30", NOW, BERLIN)
    assert when.start.isoformat() == "2026-10-25T02:30:00+02:00"
    assert "comes twice on 2026-10-25 in Europe/Berlin" in when.note
    assert "Write 2026-10-25T02:30+01:00 for the second" in when.note


def test_a_time_that_clocks_skip_moves_forward_and_says_so():
    when = read("2027-03-28 02:30", NOW, BERLIN)
    assert when.start.isoformat() == "2027-03-28T03:30:00+02:00"
    assert "02:30 doesn't exist on 2027-03-28" in when.note


@pytest.mark.parametrize(("day", "hours"), [("2026-10-25", 25), ("2027-03-28", 23)])
def test_a_day_with_a_clock_change_ends_at_midnight(day, hours):
    when = read(day, NOW, BERLIN)
    assert (when.end.astimezone(UTC) - when.start.astimezone(UTC)).total_seconds() == hours * 3600
    assert when.note == ""


def test_a_day_whose_midnight_is_skipped_begins_later():
    when = read("2026-04-24", NOW, ZoneInfo("Africa/Cairo"))
    assert when.start.isoformat() == "2026-04-24T01:00:00+03:00"


def test_hours_are_elapsed_time_across_a_clock_change():
    now = datetime(2026, 10, 24, 23, 0, tzinfo=UTC)  # 01:00 in Berlin; clocks go back at 03:00
    assert meaning("in 3 hours", now) == "2026-10-25 03:00"
    assert meaning("in 1 day 01:00", now) == "2026-10-26 01:00"


def test_days_follow_the_calendar_of_the_zone():
    assert meaning("today", zone=ZoneInfo("Pacific/Kiritimati")) == "2026-11-19 to 2026-11-20"
    assert meaning("today", zone=ZoneInfo("Pacific/Pago_Pago")) == "2026-11-18 to 2026-11-19"


def test_months_without_a_year_are_the_nearest_at_the_turn_of_the_year():
    january = datetime(2027, 1, 4, tzinfo=UTC)
    assert meaning("dec", january) == "2026-12-01 to 2027-01-01"
    assert meaning("dec 30 9am", january) == "2026-12-30 09:00"
    assert meaning("feb", january) == "2027-02-01 to 2027-03-01"


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)), st.sampled_from(["UTC", "Asia/Kathmandu"]))  # noqa: DTZ001 - local
def test_a_short_time_can_be_read_again(local, zone):
    moment = local.replace(second=0, microsecond=0, tzinfo=ZoneInfo(zone))
    text = short(moment, ZoneInfo(zone), year=0)
    assert read(text, NOW, ZoneInfo(zone)).start == moment


def test_a_short_time_leaves_out_this_year():
    assert short(NOW, BERLIN, year=2026) == "Wed 18 Nov 12:06"
    assert short(NOW, BERLIN, year=2025) == "Wed 18 Nov 2026 12:06"


@given(st.text(max_size=40))
def test_any_text_is_read_or_rejected(text):
    try:
        when = read(text, NOW, BERLIN)
    except UsageError:
        return
    assert when.start.tzinfo
    assert when.end >= when.start
