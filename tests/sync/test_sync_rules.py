"""The pure parts of syncs: the schedule of reads, and the conversion of records to rows."""

from datetime import UTC, datetime, timedelta

import pytest
from calendly_connector.catalog.manifest import catalog
from calendly_connector.cli.sync import command
from calendly_connector.contract import RateLimit
from calendly_connector.errors import UnexpectedAnswer, UsageError
from calendly_connector.support import timestamps
from calendly_connector.sync import rows, schedule
from calendly_connector.sync.models import parse_destination
from calendly_connector.sync.planning import minutes
from calendly_connector.sync.schedule import Band, Range
from calendly_connector.sync.streams import select_streams, streams
from hypothesis import given
from hypothesis import strategies as st
from locations import DOCS

NOW = datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC)
TEXTS = st.text(max_size=300)
KINDS = {"t": "text", "i": "integer", "f": "float", "b": "boolean", "j": "json", "m": "time", "l": "link"}


def ago(days):
    return NOW - timedelta(days=days)


# The schedule


@pytest.mark.parametrize("window", [1, 7, 29, 30, 31, 89, 90, 91, 364, 365, 366, 4000])
def test_the_bands_cover_all_times_exactly_once(window):
    bands = schedule.bands(window)
    assert bands[0] == Band(None, window, 0)
    assert bands[-1].to_days is None
    assert [band.from_days for band in bands[1:]] == [band.to_days for band in bands[:-1]]
    assert schedule.ranges(bands, NOW) == [Range(None, None)]


def test_bands_that_were_never_read_are_due():
    assert schedule.due(schedule.bands(30), [{}], NOW) == list(schedule.bands(30))


@pytest.mark.parametrize(
    ("ages", "expected"),
    [
        ((0, 0, 0, 0), ["0-30"]),
        ((6, 6, 6, 6), ["0-30"]),
        ((7, 7, 7, 7), ["0-30", "30-90"]),
        ((30, 6, 30, 30), ["0-30", "90-365"]),
        ((182, 182, 182, 182), ["0-30", "30-90", "90-365", "365-"]),
        ((-1, -1, -1, -1), ["0-30"]),  # the clock was set back
    ],
)
def test_older_bands_are_due_less_often(ages, expected):
    names = [band.name for band in schedule.bands(30)]
    read_at = {name: timestamps.write_sortable(ago(age)) for name, age in zip(names, ages, strict=True)}
    assert [band.name for band in schedule.due(schedule.bands(30), [read_at], NOW)] == expected


def test_a_band_is_due_if_one_of_its_streams_has_not_been_read():
    read = {band.name: timestamps.write_sortable(NOW) for band in schedule.bands(30)}
    assert len(schedule.due(schedule.bands(30), [read, {}], NOW)) == 4


def test_bands_that_are_not_adjacent_become_separate_ranges_oldest_first():
    fresh, _, older, oldest = schedule.bands(30)
    assert schedule.ranges([fresh, older, oldest], NOW) == [Range(None, ago(90)), Range(ago(30), None)]
    assert schedule.ranges([], NOW) == []


@pytest.mark.parametrize(
    ("ended", "read", "expected"),
    [
        (1, None, True),
        (-1, 0.1, False),  # it is still to come
        (1, 0.1, True),  # in the window of no-shows
        (8, 0.1, False),
        (8, 7, True),
        (8, 8.5, True),  # never read since it ended
        (31, 29, False),
        (31, 30, True),
        (91, 60, False),
        (91, 90.5, False),
        (200, 182, True),
        (366, 300, False),
        (400, 401, True),
    ],
)
def test_invitees_of_unchanged_events_are_due(ended, read, expected):
    last = None if read is None else ago(read)
    assert schedule.invitees_due(ago(ended), last, NOW, 7) is expected


def test_no_show_days_can_be_zero():
    assert not schedule.invitees_due(ago(1), ago(0.5), NOW, 0)


def test_the_share_grows_to_one_over_all_ranges():
    ranges = [Range(None, ago(90)), Range(ago(30), None)]
    first, last = ago(190), ago(-70)
    shares = [
        schedule.share(ranges, at, position, first, last)
        for at, position in [(0, ago(190)), (0, ago(90)), (1, ago(30)), (1, ago(-70)), (1, ago(-100))]
    ]
    assert shares == [0.0, 0.5, 0.5, 1.0, 1.0]
    assert schedule.share([Range(None, None)], 0, first, first, first) == 1.0


@pytest.mark.parametrize(
    ("calls", "limit", "expected"),
    [
        (10, None, None),
        (10, RateLimit(0, 0, 60), None),
        (10, RateLimit(50, 10, 60), 0.0),
        (11, RateLimit(50, 10, 30), 0.5),
        (60, RateLimit(50, 10, 30), 0.5),
        (61, RateLimit(50, 10, None), 2.0),
    ],
)
def test_minutes_follow_from_the_rate_limit(calls, limit, expected):
    assert minutes(calls, limit) == expected


# Times


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-18T11:06:40.000000Z", NOW),
        ("2026-11-18T11:06:40Z", NOW),
        ("2026-11-18T11:06:40.5Z", NOW + timedelta(seconds=0.5)),
        ("2026-11-18T12:06:40+01:00", NOW),
        ("2026-11-18T11:06:40", NOW),
        ("yesterday", None),
        ("0001-01-01T00:00:00Z", None),  # at the ends of the calendar zones would overflow
        ("9999-12-31T23:59:59Z", None),
        ("", None),
        (None, None),
        (17, None),
    ],
)
def test_times_are_parsed_as_calendly_writes_them(text, expected):
    assert timestamps.read_or_none(text) == expected


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001 - st.just(UTC)
def test_sortable_times_can_be_parsed_again(moment):
    assert timestamps.read_or_none(timestamps.write_sortable(moment)) == moment


# Rows


@pytest.mark.parametrize(
    ("value", "column"),
    [
        ({"t": "x"}, "t"),
        ({"i": 1}, "i"),
        ({"i": 2**63 - 1}, "i"),
        ({"f": 1.5}, "f"),
        ({"f": 2}, "f"),
        ({"b": False}, "b"),
        ({"j": [1]}, "j"),
        ({"m": "2026-11-18T11:06:40.000000Z"}, "m"),
        ({"l": "l" * 512}, "l"),
        ({"l": "l" * 513}, None),
        ({"l": 1}, None),
        ({"m": "yesterday"}, None),
        ({"m": "2026-02-31T00:00:00Z"}, None),
        ({"m": "0001-01-01T00:00:00+12:00"}, None),
        ({"m": "9999-12-31T23:59:59-12:00"}, None),
        ({"m": 17}, None),
        ({"t": 1}, None),
        ({"i": "1"}, None),
        ({"i": True}, None),
        ({"i": 2**63}, None),
        ({"f": True}, None),
        ({"f": 2**60}, None),
        ({"b": 1}, None),
        ({"new": 1}, None),
        ({"other": 1}, None),
        ({"synced_at": 1}, None),
    ],
)
def test_values_that_do_not_fit_their_column_go_to_other(value, column):
    row = rows.to_row({"uri": "u", **value}, KINDS)
    (name,) = value
    expected = {"uri": "u", **dict.fromkeys(KINDS), "other": None}
    assert row == expected | ({column: value[name]} if column else {"other": value})


def test_characters_that_postgresql_rejects_are_replaced():
    row = rows.to_row({"uri": "u\0", "t": "\0 \ud800", "l": "\0"}, KINDS)
    assert (row["uri"], row["t"], row["l"]) == ("u\ufffd", "\ufffd \ufffd", "\ufffd")


@pytest.mark.parametrize("text", ["2026-11-18T11:06:40Z", "2026-11-18T12:06:40+01:00", "20261118T110640Z"])
def test_times_are_normalized_to_sort_as_text(text):
    assert rows.to_row({"uri": "u", "m": text}, KINDS)["m"] == "2026-11-18T11:06:40.000000Z"


@pytest.mark.parametrize("uri", [None, "", 7, "u" * 513])
def test_a_record_without_a_usable_uri_is_rejected(uri):
    with pytest.raises(UnexpectedAnswer):
        rows.to_row({"uri": uri}, KINDS)
    with pytest.raises(UnexpectedAnswer):
        rows.to_row({}, KINDS)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({}, {}),
        ({"q": None}, {}),
        ({"q": "text"}, {}),
        ({"q": [None, "x", {}, {"question": "A"}, {"question": 1, "answer": "x"}]}, {}),
        ({"q": [{"question": "A", "answer": None}]}, {}),
        ({"q": [{"question": "A", "answer": "x"}, {"question": "A", "answer": ""}]}, {"A": "x\n"}),
    ],
)
def test_answers_are_read_from_any_json(record, expected):
    assert rows.answers_by_question(record, "q") == expected


@given(st.lists(TEXTS, unique=True, max_size=30))
def test_every_question_gets_a_unique_valid_column_name(questions):
    existing = {"uri", "answer_x"}
    for question in questions:
        name = rows.answer_column(question, existing)
        assert name not in existing
        assert name.isascii()
        assert name.replace("_", "").isalnum()
        assert name == name.lower()
        assert len(name) <= 63
        existing.add(name)


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Company", "answer_company"),
        ("What would you like to discuss?", "answer_what_would_you_like_to_discuss"),
        ("Größe?", "answer_groe"),
        ("\N{GRINNING FACE}", "answer_"),
        ("y" * 100, "answer_" + "y" * 47 + "_"),
    ],
)
def test_a_column_is_named_after_its_question(question, name):
    column = rows.answer_column(question, ())
    assert column == name or (column.startswith(name) and len(column) <= 63)


# Streams


def test_every_stream_uses_existing_actions_and_inputs():
    for stream in streams().values():
        if stream.embedded_in:
            assert stream.embedded_in in streams()
            continue
        action = catalog()[stream.list]
        input_names = {stream.organization_input, stream.user_input, stream.parent_input, *stream.input} - {
            None,
            "",
        }
        if stream.recent:
            input_names |= {*stream.recent.input} | ({stream.recent.since} - {None})
            assert stream.recent.by or stream.recent.since
        assert action.returns == "many"
        assert input_names <= action.inputs.keys()
        assert stream.get is None or catalog()[stream.get].returns == "one"
        if stream.recent and stream.recent.by:
            assert stream.recent.by in stream.columns()


def test_every_stream_comes_after_the_one_it_depends_on():
    names = list(streams())
    for stream in streams().values():
        needed = stream.parent or stream.embedded_in
        assert needed is None or names.index(needed) < names.index(stream.name)
        if stream.parent_column:
            assert stream.parent_column in stream.columns()
            assert stream.linked_to in streams()
        assert set(stream.index) <= stream.columns().keys()
        assert stream.answers is None or stream.columns()[stream.answers] == "json"


def test_the_sync_page_lists_every_table_and_option():
    page = (DOCS / "how-to" / "sync.md").read_text(encoding="utf-8")
    options = [
        option
        for parameter in command.params
        if not parameter.hidden
        for option in parameter.opts
        if option != "--help"
    ]
    missing = [name for name in (*streams(), *options) if f"`{name}" not in page]
    assert not missing


def test_columns_have_the_types_declared_in_the_schemas():
    invitees = streams()["invitees"].columns()
    assert "uri" not in invitees
    assert (invitees["email"], invitees["rescheduled"], invitees["no_show"]) == ("text", "boolean", "json")
    assert streams()["event_types"].columns()["duration"] == "integer"
    assert (invitees["created_at"], invitees["event"]) == ("time", "link")
    assert streams()["no_shows"].columns() == {"created_at": "time", "invitee": "text", "event": "link"}
    assert not {"other", "synced_at", "missing_since"} & {
        name for stream in streams().values() for name in stream.columns()
    }


def test_selected_streams_include_their_dependencies():
    assert select_streams(()) == tuple(streams())
    assert select_streams(["no_shows", "users"]) == (
        "organization_memberships",
        "users",
        "scheduled_events",
        "invitees",
        "no_shows",
    )
    with pytest.raises(UsageError):
        select_streams(["nonsense"])


# Destinations


def test_destinations_are_parsed(tmp_path):
    file = tmp_path / "a b?c#d%e.db"
    assert parse_destination(str(file)).file == file
    assert parse_destination("postgresql+psycopg://me@host/x").file is None
    folder = parse_destination(str(tmp_path / "new"), "csv")
    assert (folder.folder, folder.file_format) == (tmp_path / "new", "csv")
    assert folder.file == tmp_path / "new" / ".sync.sqlite"
