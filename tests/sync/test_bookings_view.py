"""The view `bookings` of a sync: its rows are those of meetings.list, in SQLite and in PostgreSQL."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from calendly_connector import sync
from calendly_connector.errors import DestinationError
from calendly_connector.support import timestamps
from sandbox_client import ORGANIZATION

RANGE = {"start": "2020-01-01T00:00:00Z", "end": "2030-01-01T00:00:00Z"}
ON_ZONE = {"start_local", "end_local", "timezone"}


@pytest.fixture
def office(make_sandbox, connect, timer):
    """Return a sandbox with bookings of every status, a connection, and a function that syncs."""
    with make_sandbox(clock=timer, events=120, check_replies=False) as sandbox:
        connection = connect(sandbox)
        sandbox.reschedule(invitee=sandbox.book(name="O'Neil; DROP VIEW bookings; --")["invitee"]["uri"])
        sandbox.cancel(invitee=sandbox.book()["invitee"]["uri"], reason="100% \\ 'sick'")
        missed = sandbox.book(email="missed@client.example")["invitee"]["uri"]
        connection.run("invitee_no_shows.create", {"invitee": missed})

        def run_sync(to):
            return sync.run(connection, str(to), clock=lambda: datetime.fromtimestamp(timer.now, UTC))

        yield sandbox, connection, run_sync


def listed(connection):
    """Return the rows of meetings.list by URI, as the view writes them."""
    rows = connection.run("meetings.list", {"organization": ORGANIZATION, **RANGE}, all_pages=True).records
    for row in rows:
        for name in ("start_time", "end_time", "created_at"):
            row[name] = timestamps.normalize(row[name])
        answers = row["answers"].items()
        row["answers"] = {
            name: "\n".join(value) if isinstance(value, list) else value for name, value in answers
        }
    return {row["uri"]: {name: value for name, value in row.items() if name not in ON_ZONE} for row in rows}


def test_the_rows_are_those_of_meetings_list_in_sqlite(office, tmp_path):
    _, connection, run_sync = office
    run_sync(tmp_path / "calendly.db")
    rows = {row["uri"]: row for row in sync.bookings(str(tmp_path / "calendly.db"))}
    assert rows == listed(connection)
    assert {row["status"] for row in rows.values()} == {"active", "canceled", "rescheduled", "no_show"}


def test_the_rows_are_those_of_meetings_list_in_postgresql(office, postgres_url):
    _, connection, run_sync = office
    run_sync(postgres_url)
    assert {row["uri"]: row for row in sync.bookings(postgres_url)} == listed(connection)


@pytest.mark.parametrize(
    "location",
    [
        None,
        {"type": "ask_invitee", "location": "Café ☕, 2nd table"},
        {"type": "custom", "location": "50% off; it's Room 4"},
        {"type": "custom", "location": "", "additional_info": "Ring twice"},
        {"type": "google_conference", "status": "processing", "join_url": None, "data": None},
        {"type": "gotomeeting", "status": "failed", "join_url": None, "data": None},
        {"type": "inbound_call", "location": "+49 30 0000000"},
        {"type": "microsoft_teams_conference", "status": "pushed", "join_url": "https://meet.example/1"},
        {"type": "outbound_call", "location": None},
        {"type": "physical", "location": "Torstr. 1, Berlin", "additional_info": "2nd floor"},
        {"type": "webex_conference", "status": "initiated", "join_url": "https://meet.example/2"},
        {"type": "zoom", "status": "pushed", "join_url": "https://zoom.example/j/1", "data": {"id": 1}},
    ],
    ids=lambda location: location["type"] if location else "none",
)
def test_every_kind_of_location_reads_the_same(location, make_sandbox, connect, timer, tmp_path):
    with make_sandbox(clock=timer, events=10, check_replies=False) as sandbox:
        connection = connect(sandbox)
        uri = sandbox.book()["event"]["uri"]
        number = sandbox.world.event_number(uri.rpartition("/")[2])
        sandbox.world.editable_event(number).event["location"] = location
        sync.run(connection, str(tmp_path / "calendly.db"))
    [row] = [row for row in sync.bookings(str(tmp_path / "calendly.db")) if row["event"] == uri]
    from calendly_connector.recipes import meeting_rows

    assert row["location"] == meeting_rows.location_text(location)
    assert row["join_url"] == (location or {}).get("join_url")


def test_a_range_includes_its_start_and_excludes_its_end(office, tmp_path):
    _, _, run_sync = office
    path = str(tmp_path / "calendly.db")
    run_sync(path)
    starts = [timestamps.read(row["start_time"]) for row in sync.bookings(path)]
    assert starts == sorted(starts)
    since, until = starts[3], starts[-3]
    found = [timestamps.read(row["start_time"]) for row in sync.bookings(path, since, until)]
    assert found == [start for start in starts if since <= start < until]


def test_values_of_another_type_do_not_break_the_view(office, tmp_path, postgres_url):
    sandbox, _, run_sync = office
    uri = sandbox.book()["event"]["uri"]
    booking = sandbox.world.editable_event(sandbox.world.event_number(uri.rpartition("/")[2]))
    booking.event |= {"event_memberships": {}, "event_guests": None, "location": []}
    booking.invitees[0] |= {"questions_and_answers": [{"answer": "x"}], "tracking": "none"}
    for to in (str(tmp_path / "calendly.db"), postgres_url):
        run_sync(to)
        [row] = [row for row in sync.bookings(to) if row["event"] == uri]
        assert (row["hosts"], row["host_name"], row["guests"], row["answers"]) == ([], None, [], {})


def test_a_table_of_that_name_stays(office, tmp_path):
    _, _, run_sync = office
    path = tmp_path / "calendly.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE bookings (mine)")
    run_sync(path)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT * FROM bookings").description[0][0] == "mine"
    with pytest.raises(DestinationError, match="no view"):
        next(sync.bookings(str(path)))


def test_an_older_version_of_the_view_is_replaced_and_a_dropped_one_created_again(office, tmp_path):
    _, _, run_sync = office
    path = tmp_path / "calendly.db"
    run_sync(path)
    whole = list(sync.bookings(str(path)))
    for change in (
        (
            "DROP VIEW bookings; CREATE VIEW bookings AS SELECT 1 AS old;"
            " UPDATE calendly_sync_state SET value = '\"older\"' WHERE key = 'view.bookings'"
        ),
        "DROP VIEW bookings",
    ):
        with closing(sqlite3.connect(path)) as database:
            database.executescript(change)
        run_sync(path)
        assert list(sync.bookings(str(path))) == whole


def test_an_older_version_that_another_view_uses_stays_in_postgresql(office, postgres_url):
    _, _, run_sync = office
    run_sync(postgres_url)
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE VIEW mine AS SELECT status FROM bookings")
        connection.exec_driver_sql("UPDATE calendly_sync_state SET value = '1' WHERE key = 'view.bookings'")
    run_sync(postgres_url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM mine").scalar()
    engine.dispose()


def test_a_role_that_may_not_create_views_still_syncs(office, postgres_url, caplog):
    _, _, run_sync = office
    run_sync(postgres_url)
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        for statement in (
            "DROP VIEW bookings",
            "CREATE ROLE writer LOGIN PASSWORD 'writer'",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO writer",
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        ):
            connection.exec_driver_sql(statement)
    try:
        as_writer = sa.make_url(postgres_url).set(username="writer", password="writer")
        run_sync(as_writer.render_as_string(hide_password=False))
        assert "can't create the view bookings" in caplog.text
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP OWNED BY writer")
            connection.exec_driver_sql("DROP ROLE writer")
        engine.dispose()


def test_a_missing_file_is_not_created(tmp_path):
    with pytest.raises(DestinationError, match="doesn't exist"):
        next(sync.bookings(str(tmp_path / "none.db")))
    assert list(tmp_path.iterdir()) == []
