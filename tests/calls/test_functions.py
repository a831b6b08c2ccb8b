"""Functions in the inputs of a call: time zones, weekdays and offsets, and what is wrong with them."""

from datetime import UTC, datetime, timedelta

import pytest
from calendly_connector.calls.functions import Functions
from calendly_connector.catalog.expressions import UNITS, evaluate
from calendly_connector.catalog.manifest import manifest
from calendly_connector.errors import InvalidParams, UnexpectedAnswer
from hypothesis import example, given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 18, 10, 30, tzinfo=UTC)
BEYOND = " has an offset that leads out of the calendar"
KINDS = "time zone and one weekday"
EVENTS = "scheduled_events.list"
BUSY = "user_busy_times.list"
USER = {
    "uri": "https://api.calendly.com/users/00000000-0000-4000-8000-000000000000",
    "current_organization": "https://api.calendly.com/organizations/00000000-0000-4000-8000-000000000000",
    "scheduling_url": "https://calendly.com/someone",
    "timezone": "Europe/Berlin",
}


def functions(now=NOW, user=USER):
    return Functions(lambda: user, {"signing_key": "a-signing-key"}, now.timestamp)


def value(text, **world):
    return evaluate(text, functions(**world).resolve)


def problems(text, now=NOW):
    return [(each.message, each.nearest) for each in functions(now).problems("x", text, is_secret=False)]


def never_asked():
    pytest.fail("the signed-in user was read")


@pytest.mark.parametrize("name", manifest().functions)
def test_an_example_has_its_declared_value(name):
    function = manifest().functions[name]
    assert value(function.example) == function.example_value


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("~{Now}~", "2026-11-18T10:30:00Z"),
        ("~{Now-1mo}~", "2026-10-18T10:30:00Z"),
        ("~{StartOfDay}~", "2026-11-17T23:00:00Z"),
        ("~{Today}~", "2026-11-17T23:00:00Z"),
        ("~{Today(Asia/Tokyo)+9h}~", "2026-11-18T00:00:00Z"),
        ("~{StartOfDay(Pacific/Kiritimati)}~", "2026-11-18T10:00:00Z"),
        ("~{EndOfDay(Pacific/Pago_Pago)}~", "2026-11-18T10:59:59.999999Z"),
        ("~{StartOfDay(Etc/GMT+5)+1d}~", "2026-11-19T05:00:00Z"),
        ("~{StartOfWeek}~", "2026-11-15T23:00:00Z"),
        ("~{StartOfWeek(Monday)}~", "2026-11-15T23:00:00Z"),
        ("~{StartOfWeek( Sunday , Asia/Tokyo )+1w}~", "2026-11-21T15:00:00Z"),
        ("~{StartOfWeek(Asia/Tokyo,Sunday)+1w}~", "2026-11-21T15:00:00Z"),
        ("~{EndOfWeek(UTC,Sunday)}~", "2026-11-21T23:59:59.999999Z"),
        ("~{EndOfMonth(UTC)+3mo}~", "2027-02-28T23:59:59.999999Z"),
        ("~{StartOfMonth(UTC)-9999mo}~", "1193-08-01T00:00:00Z"),
        ("~{Now-99999w}~", "0110-05-14T10:30:00Z"),
    ],
)
def test_a_time_has_its_value(text, moment):
    assert problems(text) == []
    assert value(text) == moment


def test_the_current_time_has_whole_seconds():
    assert value("~{Now}~", now=NOW + timedelta(microseconds=999_999)) == "2026-11-18T10:30:00Z"


@pytest.mark.parametrize(
    "text", ["~{StartOfDay(UTC)}~", "~{EndOfWeek(Sunday,Asia/Tokyo)+1w}~", "~{Now+1mo}~"]
)
def test_a_time_in_a_named_zone_does_not_read_the_user(text):
    assert evaluate(text, Functions(never_asked, {}, NOW.timestamp).resolve)


@pytest.mark.parametrize(
    ("text", "message", "nearest"),
    [
        ("~{StartofDay}~", "unknown function ~{StartofDay}~", "StartOfDay"),
        ("~{StartOfDay(Berlin)}~", "unknown time zone 'Berlin'", "Europe/Berlin"),
        ("~{StartOfDay(new york)}~", "unknown time zone 'new york'", "America/New_York"),
        ("~{StartOfDay(Europe/Berln)+1d}~", "unknown time zone 'Europe/Berln'", "Europe/Berlin"),
        ("~{StartOfWeek(Sonday)}~", "unknown time zone 'Sonday'", "Sunday"),
        ("~{StartOfWeek(sunday)}~", "unknown time zone 'sunday'", "Sunday"),
        ("~{StartOfDay(../../etc/passwd)}~", "unknown time zone '../../etc/passwd'", None),
        ("~{StartOfDay(/etc/passwd)}~", "unknown time zone '/etc/passwd'", None),
        ("~{StartOfDay(Europe)}~", "unknown time zone 'Europe'", None),
        ("~{StartOfDay(a\0b)}~", r"unknown time zone 'a\x00b'", None),
        ("~{StartOfDay(Sunday)}~", "~{StartOfDay}~ doesn't accept a weekday", None),
        ("~{StartOfDay(UTC,UTC)}~", "~{StartOfDay}~ accepts only one time zone", None),
        ("~{StartOfWeek(Sunday,Monday)}~", "~{StartOfWeek}~ accepts only one " + KINDS, None),
        ("~{Now(UTC)}~", "~{Now}~ doesn't accept anything in parentheses", None),
        ("~{GetUserUrl(me)}~", "~{GetUserUrl}~ doesn't accept anything in parentheses", None),
        ("~{GetUserUrl+1mo}~", "~{GetUserUrl}~ doesn't take an offset such as +7d; only times do", None),
        ("~{Now+99999mo}~", "~{Now}~" + BEYOND, None),
        ("~{StartOfMonth(UTC)-99999mo}~", "~{StartOfMonth}~" + BEYOND, None),
        ("~{EndOfDay+95676mo}~", "~{EndOfDay}~" + BEYOND, None),
    ],
)  # fmt: skip
def test_a_problem_names_the_function_and_the_nearest_value(text, message, nearest):
    found = problems(text)
    assert [each for each, _ in found] == [message]
    assert nearest is None or found[0][1] == nearest


def test_a_problem_is_reported_once():
    assert len(problems("~{Nwo}~ ~{Nwo}~")) == 1


def test_a_long_argument_is_shortened():
    [(message, nearest)] = problems("~{StartOfDay(" + "x" * 100_000 + ")}~")
    assert len(message) < 200
    assert nearest is None


@pytest.mark.parametrize("year", [1970, 9998])
def test_a_function_works_at_the_ends_of_the_calendar_or_has_a_problem(year):
    now = datetime(year, 12, 31, 23, 59, tzinfo=UTC)
    for name, function in manifest().functions.items():
        if function.takes_offset:
            for offset in ("", "+1d", "-1d", "+1mo", "+1w"):
                text = f"~{{{name}{offset}}}~"
                assert problems(text, now) or value(text, now=now)


times = st.sampled_from([name for name, function in manifest().functions.items() if function.takes_offset])
offsets = st.builds(
    "{}{}{}".format, st.sampled_from("+-"), st.integers(0, 99_999), st.sampled_from(list(UNITS))
)


@given(times, offsets, st.sampled_from(["Pacific/Kiritimati", "Pacific/Pago_Pago", "Africa/Cairo"]))
@example("EndOfMonth", "+95676mo", "Pacific/Pago_Pago")
@example("StartOfMonth", "-24320mo", "Pacific/Kiritimati")
def test_an_offset_without_a_problem_has_a_value_in_every_zone(name, offset, zone):
    text = f"~{{{name}{offset}}}~"
    assert problems(text) or value(text, user={**USER, "timezone": zone})


def test_an_unknown_time_zone_is_rejected_before_the_network(unvisited, connect):
    with pytest.raises(
        InvalidParams, match=r"min_start_time: unknown time zone 'Berlin' \(did you mean 'Europe/Berlin'\?\)"
    ):
        connect(unvisited).run(EVENTS, filter={"min_start_time": "~{StartOfDay(Berlin)}~"})


def test_a_value_that_looks_like_a_function_is_not_evaluated_again():
    user = {**USER, "scheduling_url": "~{GetSigningKey}~"}
    assert value("~{GetSchedulingUrl}~", user=user) == "~{GetSigningKey}~"


def test_the_zone_of_the_user_may_be_unknown_here():
    with pytest.raises(UnexpectedAnswer, match="pip install tzdata"):
        value("~{EndOfWeek(Sunday)}~", user={**USER, "timezone": "Moon/Tycho"})


# From start to end


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("~{StartOfDay+1d}~", "~{EndOfDay+1d}~", ["2026-11-19"]),
        ("~{StartOfWeek}~", "~{EndOfWeek}~", ["2026-11-19", "2026-11-20"]),
        (
            "~{StartOfMonth-1mo}~",
            "~{EndOfMonth-1mo}~",
            ["2026-10-08", "2026-10-16", "2026-10-20", "2026-10-27"],
        ),
    ],
)
def test_from_start_to_end_are_exactly_the_meetings_of_that_time(start, end, days, sandbox, connect):
    rows = {"status": "active", "min_start_time": start, "max_start_time": end}
    found = connect(sandbox).iterate(EVENTS, filter=rows)
    assert [event["start_time"][:10] for event in found] == days


def test_the_order_of_local_times_is_checked_in_the_users_zone(connect, sandbox, timer):
    timer.now = datetime(2026, 11, 18, 22, 30, tzinfo=UTC).timestamp()
    connection = connect(sandbox)
    zone = connection.user["timezone"]
    assert zone == "Europe/Berlin"
    # In UTC the day ends after 23:15, in Berlin before it.
    with pytest.raises(InvalidParams, match="end_time: must be later than start_time"):
        connection.run(BUSY, filter={"start_time": "~{Now+45m}~", "end_time": "~{EndOfDay}~"})


def test_an_order_that_is_only_wrong_in_utc_is_accepted(connect, unvisited, timer):
    timer.now = datetime(2026, 11, 18, 23, 30, tzinfo=UTC).timestamp()
    rows = {"user": USER["uri"], "start_time": "~{Now+45m}~", "end_time": "~{EndOfDay}~"}
    connect(unvisited).prepare(BUSY, filter=rows)


@pytest.mark.parametrize("zone", ["", "(UTC)"])
def test_an_order_that_is_known_is_checked_before_the_network(zone, connect, unvisited):
    rows = {
        "user": USER["uri"],
        "start_time": "~{Now+2d}~",
        "end_time": f"~{{{'EndOfDay' if zone else 'Now'}{zone}}}~",
    }
    with pytest.raises(InvalidParams, match="end_time: must be later than start_time"):
        connect(unvisited).prepare(BUSY, filter=rows)
