"""Ranges longer than Calendly accepts in one call: split, read and merged."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from calendly_connector.catalog.time_windows import TimeWindows
from hypothesis import given
from hypothesis import strategies as st

WINDOW = TimeWindows("start_time", "end_time", 7, "start_time")
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def _cut(start: str, end: str) -> list[tuple[str, str]]:
    return [
        (one["start_time"], one["end_time"]) for one in WINDOW.split({"start_time": start, "end_time": end})
    ]


@pytest.mark.parametrize(
    ("start", "end", "windows"),
    [
        ("2026-11-01T00:00:00Z", "2026-11-08T00:00:00Z", 1),
        ("2026-11-01T00:00:00Z", "2026-11-08T00:00:01Z", 2),
        ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", 5),
        ("2026-11-01T02:00:00+02:00", "2026-11-08T00:00:00Z", 1),
    ],
)
def test_a_range_becomes_as_many_windows_as_it_needs(start, end, windows):
    assert len(_cut(start, end)) == windows


def test_a_range_that_fits_is_sent_as_it_was_written():
    start, end = "2026-11-01T02:00:00.5+02:00", "2026-11-03T00:00:00Z"
    assert _cut(start, end) == [(start, end)]


@given(MOMENTS, st.timedeltas(timedelta(seconds=1), timedelta(days=400)))
def test_windows_cover_the_range_without_gap_or_overlap(start, length):
    end = start + length
    cut = [
        (datetime.fromisoformat(a), datetime.fromisoformat(b))
        for a, b in _cut(start.isoformat(), end.isoformat())
    ]
    assert cut[0][0] == start
    assert cut[-1][1] == end
    assert all(before[1] == after[0] for before, after in pairwise(cut))
    assert all(timedelta() < b - a <= timedelta(days=7) for a, b in cut)
    assert len(cut) == -(-length // timedelta(days=7))


@pytest.mark.parametrize("end", ["2026-11-01T00:00:00Z", "2026-10-31T23:59:59Z", "2026-11-01T01:00:00+02:00"])
def test_a_range_that_ends_before_it_starts_is_rejected(end):
    problem = WINDOW.problem({"start_time": "2026-11-01T00:00:00Z", "end_time": end})
    assert problem is not None
    assert str(problem) == "end_time: must be later than start_time"


def test_windows_are_ordered_and_without_duplicates():
    spanning = {"start_time": "2026-11-07T23:00:00Z", "type": "calendly"}
    late, early = {"start_time": "2026-11-09T00:00:00Z"}, {"start_time": "2026-11-08T00:00:00.000000Z"}
    assert WINDOW.merge([spanning], [late, spanning, early]) == [early, late]


def test_a_record_without_a_readable_time_is_kept():
    odd, even = {"start_time": None}, {"start_time": "2026-11-08T00:00:00Z"}
    assert WINDOW.merge([], [even, odd, {"x": 1}]) == [odd, {"x": 1}, even]


def test_a_slot_query_over_90_days_is_three_calls_and_one_result(connect, fresh_sandbox, timer):
    timer.now = datetime(2026, 11, 17, tzinfo=UTC).timestamp()
    connection = connect(fresh_sandbox)
    event_type = connection.run("event_types.list").records[0]["uri"]
    start = datetime.now(UTC) + timedelta(days=1)
    rows = {
        "event_type": event_type,
        "start_time": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "end_time": (start + timedelta(days=90)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    result = connection.run("slots", rows)
    times = [record["start_time"] for record in result.records]
    assert result.calls == 3
    assert result.complete
    assert times == sorted(set(times))
    assert times[0] >= rows["start_time"]
    assert datetime.fromisoformat(times[-1]) > start + timedelta(days=70)


def test_a_limit_ends_the_reading_of_windows(connect, fresh_sandbox):
    connection = connect(fresh_sandbox)
    event_type = connection.run("event_types.list").records[0]["uri"]
    start = datetime.now(UTC) + timedelta(days=1)
    rows = {
        "event_type": event_type,
        "start_time": start.isoformat(),
        "end_time": (start + timedelta(days=90)).isoformat(),
    }
    stream = connection.iterate("event_type_available_times.list", rows, limit=5)
    assert len(list(stream)) == 5
    assert stream.calls == 1
    assert not stream.complete


def test_a_busy_time_query_over_30_days_is_five_calls_without_duplicates(connect, fresh_sandbox):
    connection = connect(fresh_sandbox)
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    rows = {"start_time": start.isoformat(), "end_time": (start + timedelta(days=30)).isoformat()}
    result = connection.run("busy_times", rows)
    spans = [(record["start_time"], record["end_time"]) for record in result.records]
    assert result.calls == 5
    assert result.complete
    assert spans == sorted(set(spans))
    assert len(spans) > 5
