"""Syncs to a real PostgreSQL."""

import json
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from calendly_connector import sync
from calendly_connector.errors import DestinationError, TakenOver, UsageError
from calendly_connector.sync import engine
from calendly_connector.sync.streams import streams
from destinations import columns, tables
from locations import SUPPORT

OLDER = SUPPORT / "sync_postgres_texts.sql"


@pytest.fixture
def office(make_sandbox, connect, timer):
    with make_sandbox(clock=timer, events=120, check_replies=False) as sandbox:
        connection = connect(sandbox)

        def run_sync(to, **more):
            return sync.run(connection, str(to), clock=lambda: datetime.fromtimestamp(timer.now, UTC), **more)

        yield sandbox, run_sync


def test_two_syncs_write_the_same_rows_as_in_sqlite(office, postgres_url, tmp_path):
    sandbox, run_sync = office
    path = tmp_path / "calendly.db"
    run_sync(postgres_url)
    run_sync(path)
    assert tables(postgres_url) == tables(f"sqlite:///{path}")
    sandbox.book(answers=["A 'quoted' % \\ answer", "\0 and \N{GRINNING FACE}"])
    sandbox.cancel(invitee=sandbox.book()["invitee"]["uri"])
    event = sandbox.book()["event"]
    booking = sandbox.world.editable_event(sandbox.world.event_number(event["uri"].rpartition("/")[2]))
    booking.event |= {"new": {"nul": "a\0b"}, "name": "Nul\0here"}
    booking.invitees[0]["questions_and_answers"] = [
        {"question": question, "answer": "yes", "position": 0}
        for question in ("x" * 3000, "Ä" * 80, "Ö" * 80, "'; DROP TABLE users; --", "%s", "\N{GRINNING FACE}")
    ]
    report = run_sync(postgres_url)
    run_sync(path)
    assert report.streams["scheduled_events"].new == 3
    assert tables(postgres_url) == tables(f"sqlite:///{path}")
    assert columns(postgres_url, "invitees") == columns(f"sqlite:///{path}", "invitees")


def test_a_later_sync_takes_over(office, postgres_url):
    _, run_sync = office
    started = []

    def interrupt(_progress):
        if not started:
            started.append(1)
            run_sync(postgres_url)

    with pytest.raises(TakenOver):
        run_sync(postgres_url, on_progress=interrupt)
    assert all(tables(postgres_url).values())


def test_a_sync_resumes_after_the_server_ends_the_connection(office, postgres_url, tmp_path):
    _, run_sync = office
    engine = sa.create_engine(postgres_url)
    pages = []

    def cut(_progress):
        pages.append(1)
        if len(pages) == 4:
            with engine.connect() as connection:
                connection.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    with pytest.raises(DestinationError, match="to resume"):
        run_sync(postgres_url, on_progress=cut)
    engine.dispose()
    assert run_sync(postgres_url).resumed
    run_sync(tmp_path / "calendly.db")
    assert tables(postgres_url) == tables(f"sqlite:///{tmp_path / 'calendly.db'}")


def test_a_database_with_a_foreign_table_is_rejected(office, postgres_url):
    _, run_sync = office
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE contacts (id integer)")
    engine.dispose()
    with pytest.raises(UsageError, match="contacts"):
        run_sync(postgres_url)


def test_a_sync_can_use_its_own_schema(office, postgres_url):
    _, run_sync = office
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE contacts (id integer)")
        connection.exec_driver_sql("CREATE SCHEMA calendly")
    engine.dispose()
    url = f"{postgres_url}?options=-csearch_path%3Dcalendly"
    run_sync(url)
    assert tables(url)["contacts"]


def test_an_error_of_the_server_is_reported_without_row_data(office, postgres_url):
    _, run_sync = office
    run_sync(postgres_url)
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE contacts ADD CHECK (name IS NULL) NOT VALID")
        connection.exec_driver_sql("UPDATE contacts SET synced_at = now() WHERE name IS NULL")
        connection.exec_driver_sql("DELETE FROM contacts")
    engine.dispose()
    with pytest.raises(DestinationError) as caught:
        run_sync(postgres_url)
    assert "violates check constraint" in str(caught.value)
    assert "(record https://api.calendly.com/contacts/" in str(caught.value)
    assert "@" not in str(caught.value)


# Times


def run_sql(url, *statements, **values):
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            answers = [connection.execute(sa.text(statement), values) for statement in statements]
            return answers[-1].fetchall() if answers[-1].returns_rows else None
    finally:
        engine.dispose()


def texts_left(url):
    """Return the time columns that aren't timestamptz."""
    kinds = {
        (one[0], one[1]): one[2]
        for one in run_sql(url, "SELECT table_name, column_name, data_type FROM information_schema.columns")
    }
    moments = [
        (name, column)
        for name, stream in streams().items()
        for column, kind in (*stream.columns().items(), ("synced_at", "time"), ("missing_since", "time"))
        if kind == "time"
    ]
    return [place for place in moments if kinds[place] != "timestamp with time zone"]


def test_times_can_be_grouped_by_the_database(office, postgres_url):
    _, run_sync = office
    run_sync(postgres_url)
    assert texts_left(postgres_url) == []
    weeks = run_sql(
        postgres_url,
        "SELECT date_trunc('week', start_time), count(*) FROM scheduled_events GROUP BY 1",
    )
    assert sum(count for _, count in weeks) == 120


@pytest.fixture
def older(office, postgres_url, tmp_path):
    """Fill the tables of an older version, with text times, from a sync to SQLite."""
    _, run_sync = office
    path = tmp_path / "older.db"
    run_sync(path)
    run_sql(postgres_url, OLDER.read_text())
    source, target = sa.create_engine(f"sqlite:///{path}"), sa.create_engine(postgres_url)
    theirs, ours = sa.MetaData(), sa.MetaData()
    with source.connect() as reading, target.begin() as writing:
        theirs.reflect(reading)
        for name, table in theirs.tables.items():
            for column in table.c:
                if column.name.startswith("answer_"):
                    writing.exec_driver_sql(f"ALTER TABLE {name} ADD COLUMN {column.name} TEXT")
        ours.reflect(writing)
        for name, table in ours.tables.items():
            rows = [
                {column: value for column, value in row.items() if column in table.c}
                for row in reading.execute(sa.select(theirs.tables[name])).mappings()
            ]
            if rows:
                writing.execute(sa.insert(table), rows)
    source.dispose()
    target.dispose()
    return f"sqlite:///{path}"


def test_text_times_of_an_older_version_are_converted_without_reading_again(office, older, postgres_url):
    sandbox, run_sync = office
    assert texts_left(postgres_url)
    sandbox.control("DELETE", "/requests")
    report = run_sync(postgres_url)
    assert texts_left(postgres_url) == []
    assert {name: (one.new, one.changed, one.missing) for name, one in report.streams.items()} == (
        dict.fromkeys(report.streams, (0, 0, 0))
    )
    assert tables(postgres_url) == tables(older)


@pytest.mark.usefixtures("older")
def test_text_that_is_not_a_time_moves_to_other_in_the_conversion(office, postgres_url):
    _, run_sync = office
    ((uri, remaining), *_) = run_sql(postgres_url, "SELECT uri, updated_at FROM contacts ORDER BY uri")
    run_sql(
        postgres_url,
        "UPDATE contacts SET created_at = 'last spring', synced_at = '?' WHERE uri = :uri",
        "UPDATE contacts SET updated_at = '2026-W47-3T11:06:40' WHERE uri <> :uri",
        uri=uri,
    )
    sync.mark(postgres_url, [])  # opens it
    assert texts_left(postgres_url) == []
    ((created, other, updated),) = run_sql(
        postgres_url, "SELECT created_at, other, updated_at FROM contacts WHERE uri = :uri", uri=uri
    )
    assert (created, other) == (None, {"created_at": "last spring"})
    assert updated == datetime.fromisoformat(remaining)
    others = run_sql(postgres_url, "SELECT DISTINCT updated_at FROM contacts WHERE uri <> :uri", uri=uri)
    assert others == [(datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC),)]
    run_sync(postgres_url)


@pytest.mark.usefixtures("older")
def test_a_view_that_prevents_the_conversion_is_named_and_nothing_changes(office, postgres_url):
    _, run_sync = office
    run_sql(postgres_url, "CREATE VIEW upcoming AS SELECT uri, start_time FROM scheduled_events")
    before = texts_left(postgres_url)
    with pytest.raises(DestinationError, match="view upcoming") as caught:
        run_sync(postgres_url)
    assert "Drop the views" in str(caught.value)
    assert texts_left(postgres_url) == before
    run_sql(postgres_url, "DROP VIEW upcoming")
    run_sync(postgres_url)
    assert texts_left(postgres_url) == []


# Records that PostgreSQL doesn't accept unchanged


def odd(case):
    origin = "https://api.calendly.com"
    return {
        "uri": f"{origin}/routing_form_submissions/S1" + ("\0" if case == "nul" else ""),
        "routing_form": f"{origin}/routing_forms/" + "F" * (600 if case == "link" else 1),
        "submitter": None,
        "created_at": "tomorrow" if case == "time" else "2026-11-20T00:00:00.000000Z",
        "updated_at": "2026-11-20T00:00:00.000000Z",
        "questions_and_answers": [
            {"question": f"q{n}", "answer": "a" * 20} for n in range(499 if case == "answers" else 1)
        ],
    }


@pytest.mark.parametrize(
    ("case", "warned"),
    [("nul", None), ("link", "routing_form"), ("time", "created_at"), ("answers", "499 answers")],
)
def test_postgresql_stores_every_record_that_sqlite_does(
    office, postgres_url, tmp_path, monkeypatch, case, warned
):
    _, run_sync = office
    record = odd(case)
    write = engine._write_page

    def with_one_more(job, stream, page):
        more = [record] if stream.name == "routing_form_submissions" else []
        return write(job, stream, [*page, *more])

    monkeypatch.setattr(engine, "_write_page", with_one_more)
    path = tmp_path / "calendly.db"
    options = sync.SyncOptions(streams=("routing_form_submissions",))
    reports = [run_sync(to, options=options) for to in (postgres_url, path)]
    stored = tables(postgres_url)
    assert stored == tables(f"sqlite:///{path}")
    row = stored["routing_form_submissions"][record["uri"].replace("\0", "\ufffd")]
    assert json.loads(json.dumps(row["questions_and_answers"])) == record["questions_and_answers"]
    for report in reports:
        found = [warning for warning in report.warnings if "routing_form_submissions/S1" in warning]
        assert len(found) == (1 if warned else 0)
        assert not warned or warned in found[0]
