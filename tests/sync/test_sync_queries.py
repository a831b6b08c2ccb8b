"""The SQL queries of docs/sync.md run against a sync, and find something."""

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
from calendly_connector import sync
from conftest import NOW_S
from locations import DOCS

PAGE = (DOCS / "sync.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
NOW = datetime.fromtimestamp(NOW_S, UTC)


@pytest.fixture(scope="module")
def synced(tmp_path_factory):
    from calendly_connector.plugin import connector
    from conftest import KIND, OWNER_TOKEN, _make_sandbox

    path = tmp_path_factory.mktemp("queries") / "calendly.db"
    with (
        _make_sandbox(check_replies=False) as sandbox,
        connector.connect({"kind": KIND, "token": OWNER_TOKEN}, origin=sandbox.url) as connection,
    ):
        sync.run(connection, str(path), clock=lambda: NOW)
    return path


def test_the_page_has_at_least_ten_queries():
    assert len(QUERIES) >= 10


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.partition("\n")[0][:40])
def test_a_query_of_the_page_finds_rows(query, synced):
    query = query.replace("'now'", f"'{NOW:%Y-%m-%d %H:%M:%S}'")  # not the day of the test
    with closing(sqlite3.connect(synced)) as database:
        rows = database.execute(query).fetchall()
    assert rows
    assert any(value is not None for row in rows for value in row)


def test_the_counts_of_a_month_add_up(synced):
    [query] = [query for query in QUERIES if "AS month" in query]
    with closing(sqlite3.connect(synced)) as database:
        months = database.execute(query).fetchall()
        [[total]] = database.execute("SELECT count(*) FROM invitees WHERE missing_since IS NULL")
    assert sum(month[1] for month in months) == total
