"""The SQL queries of docs/how-to/sync.md run in SQLite and PostgreSQL, with the same result."""

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa
from calendly_connector import sync
from calendly_connector.support import timestamps
from conftest import NOW_S
from locations import DOCS

PAGE = (DOCS / "how-to" / "sync.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"^```sql\n(.*?);\n^```", PAGE, re.MULTILINE | re.DOTALL)
TRANSLATIONS = dict(re.findall(r"^\| `(.+)` \| `(.+)` \|$", PAGE, re.MULTILINE))
NOW = f"'{datetime.fromtimestamp(NOW_S, UTC):%Y-%m-%dT%H:%M:%SZ}'"  # not the day of the test
NOW_IN_SQLITE = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"


@pytest.fixture(scope="module")
def office():
    """Return a function that syncs a sandbox with bookings of every status."""
    from calendly_connector.plugin import connector
    from conftest import KIND, OWNER_TOKEN, _make_sandbox

    with (
        _make_sandbox(check_replies=False) as sandbox,
        connector.connect({"kind": KIND, "token": OWNER_TOKEN}, origin=sandbox.url) as connection,
    ):
        sandbox.reschedule(invitee=sandbox.book()["invitee"]["uri"])
        sandbox.cancel(invitee=sandbox.book()["invitee"]["uri"], reason="100% 'sick'")
        [past, *_] = connection.run(
            "meetings.list", {"start": "2026-09-01T00:00:00Z", "end": NOW.strip("'"), "status": "active"}
        ).records
        connection.run("invitee_no_shows.create", {"invitee": past["uri"]})
        yield lambda to: sync.run(connection, to, clock=lambda: datetime.fromtimestamp(NOW_S, UTC))


@pytest.fixture(scope="module")
def synced(office, tmp_path_factory):
    """Return the path of a synced SQLite file."""
    path = tmp_path_factory.mktemp("queries") / "calendly.db"
    office(str(path))
    return path


def in_sqlite(query, path):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query.replace(NOW_IN_SQLITE, NOW)).fetchall()


def in_postgresql(query):
    for ours, theirs in {**TRANSLATIONS, NOW_IN_SQLITE: NOW}.items():
        query = query.replace(ours, theirs)
    return query


def plain(value):
    """Return a value as both databases write it; weekdays are text in one of them."""
    if isinstance(value, datetime):
        return timestamps.write_sortable(value)
    if isinstance(value, str) and re.fullmatch("[0-6]", value):
        return float(value)
    return float(value) if isinstance(value, Decimal | int) else value


def same(rows):
    return sorted((tuple(map(plain, row)) for row in rows), key=repr)


def test_the_page_has_at_least_ten_queries_and_needs_every_translation():
    assert len(QUERIES) >= 10
    assert all(any(ours in query for query in QUERIES) for ours in TRANSLATIONS)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.partition("\n")[0][:40])
def test_a_query_of_the_page_finds_rows(query, synced):
    rows = in_sqlite(query, synced)
    assert rows
    assert any(value is not None for row in rows for value in row)


def test_the_queries_find_the_same_in_postgresql(office, synced, postgres_url):
    office(postgres_url)
    engine = sa.create_engine(postgres_url)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SET TIME ZONE 'UTC'")
            for query in QUERIES:
                rows = connection.exec_driver_sql(in_postgresql(query).replace("%", "%%")).fetchall()
                assert same(rows) == same(in_sqlite(query, synced)), query
    finally:
        engine.dispose()


def test_the_counts_of_a_month_add_up(synced):
    [query] = [query for query in QUERIES if "AS rescheduled" in query]
    months = in_sqlite(query, synced)
    [[total]] = in_sqlite("SELECT count(*) FROM invitees WHERE missing_since IS NULL", synced)
    assert sum(month[1] for month in months) == total
    assert all(sum(counts) for counts in list(zip(*months, strict=True))[1:])


def test_the_no_show_rate_is_of_meetings_that_have_started(synced):
    [query] = [query for query in QUERIES if "AS percent" in query]
    rows = in_sqlite(query, synced)
    [[started]] = in_sqlite(
        "SELECT count(*) FROM bookings WHERE status IN ('active', 'no_show')"
        " AND start_time < strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
        synced,
    )
    [[missed]] = in_sqlite("SELECT count(*) FROM no_shows WHERE missing_since IS NULL", synced)
    assert sum(row[1] for row in rows) == started
    assert sum(row[2] for row in rows) == missed
    assert 0 < rows[0][3] < 100
