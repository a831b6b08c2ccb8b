"""Shared SQL code of the vault, the inbox and syncs: engines, tables, upserts and error messages."""

import pytest
import sqlalchemy as sa
from calendly_connector.storage import sql
from calendly_connector.storage.sql import create_tables, error_message, open_engine, read_url, upsert

METADATA = sa.MetaData()
PAIRS = sa.Table(
    "pairs", METADATA, sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Integer)
)
OTHERS = sa.Table("others", METADATA, sa.Column("name", sa.Text, primary_key=True))


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(sa.make_url(f"sqlite:///{tmp_path / 'x.db'}"), lock_timeout_s=5)
    yield engine
    engine.dispose()


def table_names(engine):
    return set(sa.inspect(engine).get_table_names())


def test_only_the_requested_tables_are_created(engine):
    create_tables(engine, METADATA, OTHERS)
    assert table_names(engine) == {"others"}
    create_tables(engine, METADATA)
    assert table_names(engine) == {"others", "pairs"}


def test_tables_that_another_process_creates_first_are_kept(engine):
    statements = []

    @sa.event.listens_for(engine, "before_cursor_execute")
    def create_first(_connection, _cursor, statement, *_more):
        if "CREATE TABLE" in statement:
            statements.append(statement)
            if len(statements) == 1:
                other = sa.create_engine(engine.url)
                METADATA.create_all(other)
                other.dispose()

    create_tables(engine, METADATA)
    assert len(statements) == 1
    assert table_names(engine) == {"others", "pairs"}


def test_an_error_that_persists_is_raised(engine, tmp_path):
    (tmp_path / "x.db").write_bytes(b"not a database, and longer than a header of one" * 10)
    with pytest.raises(sa.exc.DatabaseError):
        create_tables(engine, METADATA)


def test_an_upsert_inserts_updates_and_keeps_equal_rows(engine):
    create_tables(engine, METADATA)
    for value in (1, 2, 2):
        with engine.begin() as connection:
            upsert(connection, PAIRS, {"name": "a"}, {"value": value})
    with engine.begin() as connection:
        upsert(connection, PAIRS, {"name": "b"}, {"value": 3})
        assert set(connection.execute(sa.select(PAIRS))) == {("a", 2), ("b", 3)}


def test_an_error_message_contains_neither_the_password_nor_rows():
    url = sa.make_url("postgresql+psycopg://me:opensesame@db.example/x")
    cause = Exception("login opensesame failed.\nDETAIL: Failing row contains (Ada, ada@company.example)")
    error = sa.exc.OperationalError("INSERT …", {"name": "Ada"}, cause)
    assert error_message(error, url) == "login *** failed"


@pytest.mark.parametrize("address", ["postgres://db.example/x", "postgresql://db.example/x"])
def test_an_address_from_the_cloud_gets_the_installed_driver(address):
    url = read_url(address, what="A sync", setting="--to", extra="sync")
    assert url.drivername == "postgresql+psycopg"


@pytest.mark.parametrize("address", ["postgres://db.example/x", "postgresql://db.example/x"])
def test_an_address_from_the_cloud_gets_the_other_driver_if_only_that_is_installed(address, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "psycopg2")
    assert sql._with_driver(address) == "postgresql://db.example/x"
