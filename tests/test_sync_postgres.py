"""Copies into a real PostgreSQL."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from calendly_connector import sync
from calendly_connector.errors import DestinationError, TakenOver, UsageError
from copies import columns, tables


@pytest.fixture
def office(make_sandbox, connect, timer):
    with make_sandbox(clock=timer, events=120, check_replies=False) as sandbox:
        connection = connect(sandbox)

        def copy(to, **more):
            return sync.copy(
                connection, str(to), clock=lambda: datetime.fromtimestamp(timer.now, UTC), **more
            )

        yield sandbox, copy


def test_a_copy_and_the_next_one_hold_what_they_hold_in_sqlite(office, postgres_url, tmp_path):
    sandbox, copy = office
    path = tmp_path / "copy.db"
    copy(postgres_url)
    copy(path)
    assert tables(postgres_url) == tables(f"sqlite:///{path}")
    sandbox.book(answers=["A 'quoted' % \\ answer", "\0 and \N{GRINNING FACE}"])
    sandbox.cancel(invitee=sandbox.book()["invitee"]["uri"])
    event = sandbox.book()["event"]
    kept = sandbox.world.keep(sandbox.world.event_number(event["uri"].rpartition("/")[2]))
    kept.event |= {"new": {"nul": "a\0b"}, "name": "Nul\0here"}
    kept.invitees[0]["questions_and_answers"] = [
        {"question": question, "answer": "yes", "position": 0}
        for question in ("x" * 3000, "Ä" * 80, "Ö" * 80, "'; DROP TABLE users; --", "%s", "\N{GRINNING FACE}")
    ]
    report = copy(postgres_url)
    copy(path)
    assert report.streams["scheduled_events"].new == 3
    assert tables(postgres_url) == tables(f"sqlite:///{path}")
    assert columns(postgres_url, "invitees") == columns(f"sqlite:///{path}", "invitees")


def test_a_later_copy_takes_over(office, postgres_url):
    _, copy = office
    begun = []

    def interrupt(_progress):
        if not begun:
            begun.append(1)
            copy(postgres_url)

    with pytest.raises(TakenOver):
        copy(postgres_url, watch=interrupt)
    assert all(tables(postgres_url).values())


def test_a_server_that_ends_the_connection_loses_nothing(office, postgres_url, tmp_path):
    _, copy = office
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

    with pytest.raises(DestinationError, match="goes on from there"):
        copy(postgres_url, watch=cut)
    engine.dispose()
    assert copy(postgres_url).resumed
    copy(tmp_path / "copy.db")
    assert tables(postgres_url) == tables(f"sqlite:///{tmp_path / 'copy.db'}")


def test_a_database_with_a_table_of_somebody_else_is_refused(office, postgres_url):
    _, copy = office
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE contacts (id integer)")
    engine.dispose()
    with pytest.raises(UsageError, match="contacts"):
        copy(postgres_url)


def test_a_copy_can_stand_in_a_schema_of_its_own(office, postgres_url):
    _, copy = office
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE contacts (id integer)")
        connection.exec_driver_sql("CREATE SCHEMA calendly")
    engine.dispose()
    url = f"{postgres_url}?options=-csearch_path%3Dcalendly"
    copy(url)
    assert tables(url)["contacts"]


def test_what_the_server_says_is_told_without_rows(office, postgres_url):
    _, copy = office
    copy(postgres_url)
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE contacts ADD CHECK (name IS NULL) NOT VALID")
        connection.exec_driver_sql("UPDATE contacts SET synced_at = 'x' WHERE name IS NULL")
        connection.exec_driver_sql("DELETE FROM contacts")
    engine.dispose()
    with pytest.raises(DestinationError) as caught:
        copy(postgres_url)
    assert "violates check constraint" in str(caught.value)
    assert "@" not in str(caught.value)
