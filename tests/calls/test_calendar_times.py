"""The start and end of days, weeks and months in any time zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from calendly_connector.calls.calendar_times import end_of, moved, start_of
from calendly_connector.catalog.expressions import Offset
from calendly_connector.support import timestamps
from hypothesis import example, given
from hypothesis import strategies as st

NONE = Offset()
MICROSECOND = timedelta(microseconds=1)
PERIODS = ("day", "week", "month")

moments = st.integers(946_684_800, 2_143_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))
zones = st.sampled_from(sorted(available_timezones()))


def local(now, zone):
    return datetime.fromisoformat(now).astimezone(ZoneInfo(zone))


def edges(period, now, zone, offset=NONE, **first):
    """Return the start and the end as texts."""
    times = (edge(period, local(now, zone), offset, **first) for edge in (start_of, end_of))
    return tuple(map(timestamps.write, times))


@pytest.mark.parametrize(
    ("period", "zone", "now", "start", "next_start"),
    [
        ("day", "UTC", "2026-11-18T10:30Z", "2026-11-18T00:00Z", "2026-11-19T00:00Z"),
        ("day", "UTC", "2026-12-31T23:59Z", "2026-12-31T00:00Z", "2027-01-01T00:00Z"),
        ("day", "UTC", "2027-01-01T00:00Z", "2027-01-01T00:00Z", "2027-01-02T00:00Z"),
        ("day", "UTC", "2028-02-29T12:00Z", "2028-02-29T00:00Z", "2028-03-01T00:00Z"),
        ("day", "Asia/Kathmandu", "2026-11-24T18:20Z", "2026-11-24T18:15Z", "2026-11-25T18:15Z"),
        # 23 and 25 hours
        ("day", "Europe/Berlin", "2027-03-28T12:00Z", "2027-03-27T23:00Z", "2027-03-28T22:00Z"),
        ("day", "Europe/Berlin", "2027-10-31T12:00Z", "2027-10-30T22:00Z", "2027-10-31T23:00Z"),
        # the second 1:30 of that night
        ("day", "America/New_York", "2027-11-07T06:30Z", "2027-11-07T04:00Z", "2027-11-08T05:00Z"),
        # clocks go from 24:00 to 1:00: the day starts at 1:00
        ("day", "Africa/Cairo", "2027-04-30T12:00Z", "2027-04-29T22:00Z", "2027-04-30T21:00Z"),
        ("day", "Africa/Cairo", "2027-04-29T12:00Z", "2027-04-28T22:00Z", "2027-04-29T22:00Z"),
        ("day", "America/Havana", "2027-03-14T12:00Z", "2027-03-14T05:00Z", "2027-03-15T04:00Z"),
        ("day", "Asia/Beirut", "2027-03-28T12:00Z", "2027-03-27T22:00Z", "2027-03-28T21:00Z"),
        ("day", "America/Asuncion", "2023-10-01T12:00Z", "2023-10-01T04:00Z", "2023-10-02T03:00Z"),
        # midnight comes twice
        ("day", "America/Havana", "2027-11-07T05:30Z", "2027-11-07T04:00Z", "2027-11-08T05:00Z"),
        # 23:00 comes twice
        ("day", "America/Asuncion", "2024-03-24T02:30Z", "2024-03-23T03:00Z", "2024-03-24T04:00Z"),
        # the day before a day that doesn't exist, and the one after it
        ("day", "Pacific/Apia", "2011-12-30T09:00Z", "2011-12-29T10:00Z", "2011-12-30T10:00Z"),
        ("day", "Pacific/Apia", "2011-12-30T11:00Z", "2011-12-30T10:00Z", "2011-12-31T10:00Z"),
        ("week", "UTC", "2026-11-18T10:30Z", "2026-11-16T00:00Z", "2026-11-23T00:00Z"),
        ("week", "UTC", "2026-11-16T00:00Z", "2026-11-16T00:00Z", "2026-11-23T00:00Z"),
        ("week", "UTC", "2026-11-22T23:59Z", "2026-11-16T00:00Z", "2026-11-23T00:00Z"),
        ("week", "UTC", "2027-01-01T12:00Z", "2026-12-28T00:00Z", "2027-01-04T00:00Z"),
        ("week", "Europe/Berlin", "2027-03-28T12:00Z", "2027-03-21T23:00Z", "2027-03-28T22:00Z"),
        ("month", "UTC", "2028-02-29T12:00Z", "2028-02-01T00:00Z", "2028-03-01T00:00Z"),
        ("month", "UTC", "2026-12-31T12:00Z", "2026-12-01T00:00Z", "2027-01-01T00:00Z"),
        ("month", "Europe/Berlin", "2027-03-31T21:59Z", "2027-02-28T23:00Z", "2027-03-31T22:00Z"),
    ],
)
def test_a_period_starts_and_ends_by_the_local_calendar(period, zone, now, start, next_start):
    there = local(now, zone)
    assert start_of(period, there, NONE) == timestamps.read(start)
    assert end_of(period, there, NONE) == timestamps.read(next_start) - MICROSECOND


@pytest.mark.parametrize(
    ("first", "now", "start"),
    [
        (6, "2026-11-21", "2026-11-15"),
        (6, "2026-11-22", "2026-11-22"),
        (6, "2026-11-23", "2026-11-22"),
        (5, "2026-11-20", "2026-11-14"),
        (2, "2026-11-18", "2026-11-18"),
        (3, "2026-11-18", "2026-11-12"),
    ],
)
def test_a_week_may_begin_on_any_weekday(first, now, start):
    begins, ends = edges("week", f"{now}T12:00:00Z", "UTC", first_weekday=first)
    assert begins == f"{start}T00:00:00Z"
    assert timestamps.read(ends) - timestamps.read(begins) == timedelta(weeks=1) - MICROSECOND


@pytest.mark.parametrize(
    ("period", "now", "offset", "start", "end"),
    [
        ("day", "2026-11-18", Offset(length=timedelta(days=1)), "2026-11-19", "2026-11-19"),
        ("day", "2026-11-18", Offset(length=timedelta(weeks=-1)), "2026-11-11", "2026-11-11"),
        ("day", "2027-01-30", Offset(months=1), "2027-02-28", "2027-02-28"),
        ("day", "2027-01-31", Offset(months=1), "2027-02-28", "2027-02-28"),
        ("day", "2028-01-31", Offset(months=1), "2028-02-29", "2028-02-29"),
        ("day", "2028-02-29", Offset(months=12), "2029-02-28", "2029-02-28"),
        ("week", "2026-12-31", Offset(length=timedelta(weeks=1)), "2027-01-04", "2027-01-10"),
        ("month", "2027-01-31", Offset(months=1), "2027-02-01", "2027-02-28"),
        ("month", "2027-02-28", Offset(months=1), "2027-03-01", "2027-03-31"),
        ("month", "2027-01-31", Offset(months=-1), "2026-12-01", "2026-12-31"),
        ("month", "2026-11-30", Offset(months=-11), "2025-12-01", "2025-12-31"),
        ("month", "2026-11-30", Offset(months=-12), "2025-11-01", "2025-11-30"),
        ("month", "2026-11-30", Offset(months=15), "2028-02-01", "2028-02-29"),
        ("month", "2027-01-15", Offset(length=timedelta(days=30)), "2027-01-31", "2027-03-02"),
    ],
)
def test_an_offset_moves_start_and_end_by_the_calendar(period, now, offset, start, end):
    expected = (f"{start}T00:00:00Z", f"{end}T23:59:59.999999Z")
    assert edges(period, f"{now}T12:00:00Z", "UTC", offset) == expected


@pytest.mark.parametrize(
    ("hours", "minutes", "moment"),
    [
        (9, 0, "2027-03-28T07:00:00Z"),  # 9:00 in summer time
        (1, 59, "2027-03-28T00:59:00Z"),
        (2, 30, "2027-03-28T01:30:00Z"),  # skipped: 3:30
        (-36, 0, "2027-03-26T11:00:00Z"),
    ],
)
def test_hours_after_the_start_of_a_day_are_those_of_the_clock_on_the_wall(hours, minutes, moment):
    offset = Offset(length=timedelta(hours=hours, minutes=minutes))
    now = local("2027-03-28T12:00:00Z", "Europe/Berlin")
    assert timestamps.write(start_of("day", now, offset)) == moment


def test_a_day_that_a_zone_skips_starts_with_the_next_one():
    now = local("2011-12-30T09:00:00Z", "Pacific/Apia")
    tomorrow, day_after = (start_of("day", now, Offset(length=timedelta(days=days))) for days in (1, 2))
    assert tomorrow == day_after == datetime(2011, 12, 30, 10, tzinfo=UTC)


@given(moments, zones, st.sampled_from(PERIODS), st.integers(0, 6))
@example(datetime(2011, 12, 30, 9, tzinfo=UTC), "Pacific/Apia", "day", 0)
@example(datetime(2027, 11, 7, 5, 30, tzinfo=UTC), "America/Havana", "day", 0)
def test_now_is_within_its_period(now, zone, period, first):
    there = now.astimezone(ZoneInfo(zone))
    start, end = (edge(period, there, NONE, first_weekday=first) for edge in (start_of, end_of))
    assert start <= now <= end


@given(moments, zones, st.sampled_from(PERIODS))
def test_a_period_begins_when_the_one_before_it_ends(now, zone, period):
    there = now.astimezone(ZoneInfo(zone))
    one = {"day": timedelta(days=1), "week": timedelta(weeks=1)}
    back = Offset(length=-one[period]) if period in one else Offset(months=-1)
    assert end_of(period, there, back) + MICROSECOND == start_of(period, there, NONE)


@given(st.dates(date(2010, 1, 1), date(2037, 12, 1)), zones)
def test_the_start_of_a_day_is_its_first_moment(day, zone):
    there = ZoneInfo(zone)
    start = start_of("day", datetime(day.year, day.month, day.day, 12, tzinfo=there), NONE)
    if day != date(2011, 12, 30) and zone not in {"Pacific/Apia", "Pacific/Fakaofo"}:
        assert start.astimezone(there).date() == day
    assert (start - MICROSECOND).astimezone(there).date() < day


@given(st.datetimes(), st.integers(-99_999, 99_999), st.timedeltas())
def test_a_time_beyond_the_calendar_is_an_overflow_or_value_error(now, months, length):
    try:
        moved(now, Offset(months, length))
    except (OverflowError, ValueError):
        return
    assert (now.year - 1) * 12 + now.month + months > 0
