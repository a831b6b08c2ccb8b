"""Rows of flows in SQLite and PostgreSQL: one transaction per call, and names that stay names."""

import subprocess
import sys

import pytest
import sqlalchemy as sa
import upsert_worker
from calendly_connector.agent.destinations.sql import connector
from calendly_connector.errors import DestinationError, InvalidCredential, InvalidParams, UsageError

KEY = {"table": "t", "key": ["id"]}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/flows.db"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def database(url):
    with connector.connect({"kind": "database", "url": url}) as connection:
        yield connection


@pytest.fixture
def execute(url):
    engine = sa.create_engine(url)

    def run(statement):
        with engine.begin() as connection:
            return connection.exec_driver_sql(statement)

    yield run
    engine.dispose()


def upsert(database, *records, **more):
    return database.run("sql.upsert", {**KEY, "records": list(records), **more}).record["rows"]


def rows(database, table="t", **where):
    found = database.run("sql.select", {"table": table, "where": where}, all_pages=True).records
    return [one["row"] for one in found]


# Rows


def test_a_table_is_made_and_its_rows_are_inserted_or_updated(database):
    record = {"id": "a", "text": "x", "number": 1.5, "whole": 2**60, "yes": True, "json": {"a": [1, None]}}
    assert upsert(database, record) == 1
    assert rows(database) == [record]
    assert upsert(database, {"id": "a", "text": "y"}, {"id": "b", "yes": False}) == 2
    empty = dict.fromkeys(record)
    assert rows(database) == [{**record, "text": "y"}, {**empty, "id": "b", "yes": False}]


def test_the_same_call_twice_has_the_same_effect(database):
    for _ in range(2):
        upsert(database, {"id": 1, "n": 1}, {"id": 2, "n": 2})
    assert rows(database) == [{"id": 1, "n": 1}, {"id": 2, "n": 2}]


def test_the_last_of_several_records_with_a_key_counts(database):
    upsert(database, {"id": "a", "n": 1, "m": 1}, {"id": "a", "n": 2}, {"id": "a", "n": 3, "m": None})
    assert rows(database) == [{"id": "a", "n": 3, "m": None}]


def test_several_columns_can_be_the_key(database):
    call = {
        "table": "t",
        "key": ["a", "b"],
        "records": [{"a": "x", "b": 1, "n": 1}, {"a": "x", "b": 2, "n": 2}],
    }
    database.run("sql.upsert", call)
    database.run("sql.upsert", {**call, "records": [{"a": "x", "b": 2, "n": 3}]})
    assert [one["n"] for one in rows(database)] == [1, 3]


def test_a_record_can_be_its_key_alone(database):
    for _ in range(2):
        upsert(database, {"id": "a"})
    assert rows(database) == [{"id": "a"}]


def test_missing_columns_are_added_and_none_is_dropped(database):
    upsert(database, {"id": "a", "old": 1})
    upsert(database, {"id": "b", "new": {"x": 1}, "empty": None})
    upsert(database, {"id": "b", "empty": 7})
    assert rows(database) == [
        {"id": "a", "old": 1, "new": None, "empty": None},
        {"id": "b", "old": None, "new": {"x": 1}, "empty": "7"},
    ]
    upsert(database, {"id": "b", "new": None})
    assert rows(database, id="b") == [{"id": "b", "old": None, "new": None, "empty": "7"}]


def test_a_number_that_is_whole_at_first_can_have_a_fraction_later(database):
    upsert(database, {"id": "a", "n": 1}, {"id": "b", "n": 2.25})
    upsert(database, {"id": "c", "n": -0.1})
    assert [one["n"] for one in rows(database)] == [1, 2.25, -0.1]


def test_numbers_keep_every_digit(database, execute):
    numbers = (2**60 + 1, -(2**63) + 1, 1e-12, 0.1 + 0.2, 1.7976931348623157e308, 123456789.123456789)
    upsert(database, *({"id": number, "n": value} for number, value in enumerate(numbers)))
    assert [one["n"] for one in rows(database)] == list(numbers)
    execute("CREATE TABLE theirs (id INTEGER PRIMARY KEY, n NUMERIC)")
    database.run("sql.upsert", {"table": "theirs", "key": ["id"], "record": {"id": 1, "n": 2**60 + 1}})
    assert rows(database, "theirs", n=2**60 + 1) == [{"id": 1, "n": 2**60 + 1}]


def test_a_text_column_takes_any_value_as_text(database):
    upsert(
        database,
        {"id": "a", "t": "x"},
        {"id": "b", "t": 7},
        {"id": "c", "t": True},
        {"id": "d", "t": {"a": "ü"}},
    )
    assert [one["t"] for one in rows(database)] == ["x", "7", "true", '{"a": "ü"}']


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [(1, "x", "n must be a number"), (1, True, "n must be a number"), (True, 1, "n must be true or false")],
)
def test_a_value_of_another_type_is_rejected_with_all_others(database, first, second, words):
    upsert(database, {"id": "a", "n": first})
    with pytest.raises(InvalidParams) as caught:
        upsert(database, {"id": "b", "n": first}, {"id": "c", "n": second, "new": 1})
    assert words in str(caught.value).replace(":", "")
    assert rows(database) == [{"id": "a", "n": first}]


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([{"n": 1}], "part of the key"),
        ([{"id": None}], "part of the key"),
        ([{"id": 1.5}], "text or a whole number"),
        ([{"id": True}], "text or a whole number"),
        ([{"id": "a", "": 1}], "name"),
        ([{"id": "a", "x" * 64: 1}], "name"),
        ([{"id": "a", "ü" * 32: 1}], "name"),
        ([{"id": "a", "a\0b": 1}], "name"),
        ([{"id": "a", "Name": 1, "name": 2}], "capital letters"),
        ([{"id": "a", "Name": 1}, {"id": "b", "name": 2}], "capital letters"),
        ([], "records"),
        ([{}], "records"),
    ],
)
def test_what_cant_be_a_row_is_rejected_before_the_database_is_used(records, words, tmp_path):
    with connector.connect({"kind": "database", "url": f"sqlite:///{tmp_path}/flows.db"}) as database:
        with pytest.raises(InvalidParams, match=words):
            database.prepare("sql.upsert", {**KEY, "records": records})
        assert not (tmp_path / "flows.db").exists()


def test_a_zero_character_is_rejected(database):
    with pytest.raises(InvalidParams, match="zero character"):
        upsert(database, {"id": "a", "t": "a\0b"})


@pytest.mark.parametrize("number", [2**63, 2**64 - 1])
def test_a_number_that_is_too_large_is_rejected(database, number):
    with pytest.raises(InvalidParams, match="too large"):
        upsert(database, {"id": "a", "n": number})


# Injection


NAMES = (
    '"; DROP TABLE t; --',
    "a'b",
    "a`b",
    "a]b",
    "a\\b",
    "%s %(x)s %",
    ":name",
    "?",
    "a.b",
    "a(b)",
    "select",
    "a\nb",
    "How many guests?",
    "Größe",
    "💡",
    " a ",
)


def test_a_column_can_have_any_name(database):
    for name in NAMES:
        upsert(database, {"id": "a", name: 1})
        upsert(database, {"id": "a", f"{name}2": "x", name: 2})
        (row,) = rows(database, **{name: 2, f"{name}2": "x"})
        assert {**row, name: 2, f"{name}2": "x"} == row
    assert list(row) == ["id", *(column for name in NAMES for column in (name, f"{name}2"))]


def test_a_key_column_can_have_any_name(database):
    for name, table in zip(NAMES, (f"t{number}" for number in range(len(NAMES))), strict=True):
        call = {"table": table, "key": [name], "record": {name: "x", "n": 1}}
        database.run("sql.upsert", call)
        database.run("sql.upsert", {**call, "record": {name: "x", "n": 2}})
        assert rows(database, table) == [{name: "x", "n": 2}]


def test_a_value_stays_a_value(database):
    upsert(database, *({"id": value, "t": value} for value in NAMES))
    for value in NAMES:
        assert rows(database, id=value, t=value) == [{"id": value, "t": value}]
        assert rows(database, id=f"{value}x") == []


@pytest.mark.parametrize("table", ['t"; DROP TABLE t', "a.b", "a b", "1a", "", "t;", "a" * 64, "sqlité"])
def test_a_table_has_a_plain_name(database, table):
    for action, inputs in (("sql.upsert", {"key": ["id"], "record": {"id": 1}}), ("sql.select", {})):
        with pytest.raises(InvalidParams, match="table"):
            database.prepare(action, {"table": table, **inputs})


def test_where_compares_and_is_no_pattern(database):
    upsert(database, {"id": "a", "t": "50%"}, {"id": "b", "t": None}, {"id": "c", "t": "x"})
    assert [one["id"] for one in rows(database, t="%")] == []
    assert [one["id"] for one in rows(database, t=None)] == ["b"]
    with pytest.raises(InvalidParams, match="isn't a column"):
        rows(database, nothing=1)


# Tables of others


def test_a_table_of_somebody_else_keeps_its_types(database, execute):
    execute(
        "CREATE TABLE t (id VARCHAR(9) PRIMARY KEY, n INTEGER, at TIMESTAMP, day DATE, price NUMERIC(10, 2), "
        "ok BOOLEAN)"
    )
    record = {
        "id": "a",
        "n": 1,
        "at": "2026-11-18T10:00:00+01:00",
        "day": "2026-11-18",
        "price": 9.5,
        "ok": True,
    }
    upsert(database, record)
    assert rows(database) == [{**record, "at": "2026-11-18T09:00:00"}]
    for name, value, words in (
        ("n", 1.5, "whole"),
        ("at", "soon", "Invalid isoformat"),
        ("day", 7, "time such as"),
    ):
        with pytest.raises(InvalidParams, match=words):
            upsert(database, {"id": "b", name: value})


def test_a_table_without_a_unique_index_is_an_error(database, execute):
    execute("CREATE TABLE t (id INTEGER, n INTEGER)")
    with pytest.raises(UsageError, match="no unique index"):
        upsert(database, {"id": 1, "n": 1})
    execute("CREATE UNIQUE INDEX one ON t (id)")
    execute("ALTER TABLE t ADD COLUMN j JSON")  # can't be sorted
    for number in range(2):
        upsert(database, {"id": 1, "n": number})
    assert rows(database) == [{"id": 1, "n": 1, "j": None}]


def test_a_broken_rule_of_the_table_undoes_the_whole_call(database, execute):
    execute("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER CHECK (n < 5))")
    with pytest.raises(DestinationError) as caught:
        upsert(database, {"id": 1, "n": 1}, {"id": 2, "n": 7, "new": "secret@client.example"})
    assert not caught.value.retryable
    assert "client.example" not in str(caught.value)
    assert rows(database) == []


def test_a_table_that_doesnt_exist_cant_be_read(database):
    with pytest.raises(UsageError, match="no table missing"):
        rows(database, "missing")


def test_rows_are_read_page_by_page_in_the_order_of_the_key(database):
    upsert(database, *({"id": number} for number in reversed(range(7))))
    first = database.run("sql.select", {"table": "t", "count": 3})
    assert ([one["row"]["id"] for one in first.records], first.complete) == ([0, 1, 2], False)
    rest = database.run("sql.select", {"table": "t", "page_token": first.next_page_token})
    assert ([one["row"]["id"] for one in rest.records], rest.complete) == ([3, 4, 5, 6], True)


# Several processes, and the URL


def test_processes_that_write_at_once_make_one_table_with_all_columns(url, database):
    names, times = ("p0", "p1"), 4
    workers = [
        subprocess.Popen(
            [sys.executable, upsert_worker.__file__, url, name, str(times)], stderr=subprocess.PIPE, text=True
        )
        for name in names
    ]
    for worker in workers:
        _, errors = worker.communicate()
        assert worker.returncode == 0, errors
    found = {row["id"]: row for row in rows(database)}
    assert len(found) == 1 + len(names) * times
    assert {name: found["shared"][name] for name in names} == dict.fromkeys(names, times - 1)


def test_a_locked_database_can_be_retried(tmp_path, monkeypatch):
    from calendly_connector.agent.destinations.sql import connection as module

    monkeypatch.setattr(module, "_LOCK_TIMEOUT_S", 0.01)
    url = f"sqlite:///{tmp_path}/flows.db"
    engine = sa.create_engine(url)
    with connector.connect({"kind": "database", "url": url}) as database, engine.connect() as other:
        upsert(database, {"id": 1})
        other.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(DestinationError, match="locked") as caught:
            upsert(database, {"id": 2})
        assert caught.value.retryable
        assert len(rows(database)) == 1  # reading goes on
        other.exec_driver_sql("ROLLBACK")
        assert upsert(database, {"id": 2}) == 1
    engine.dispose()


def test_no_message_has_the_password(closed_port):
    url = f"postgresql+psycopg://flows:s3cret-pw@127.0.0.1:{closed_port}/flows?password=s3cret-pw"
    with connector.connect({"kind": "database", "url": url}) as database:
        report = database.check()
        preview = database.preview("sql.select", {"table": "t"})
        with pytest.raises(DestinationError) as caught:
            rows(database)
    assert (report.ok, caught.value.retryable) == (False, True)
    assert "s3cret" not in f"{report!r} {preview!r} {database!r} {caught.value.to_dict()!r}"


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://host/db", "no url", "postgresql+nodriver://host/db"]
)
def test_a_url_that_cant_be_used_is_rejected(url):
    with pytest.raises((InvalidCredential, UsageError)):
        connector.connect({"kind": "database", "url": url})
