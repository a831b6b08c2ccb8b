"""The agent's own tables, and their migrations."""

import threading

import pytest
import sqlalchemy as sa
from calendly_connector.agent.engine import tables
from calendly_connector.agent.engine.database import Database, Interrupted
from calendly_connector.errors import AgentDatabaseError, UsageError

KNOWN = len(tables.MIGRATIONS)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new.db"
    return request.getfixturevalue("postgres_url")


def version(url):
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(sa.select(tables.SCHEMA.c.version)).scalars().all()
    engine.dispose()
    return found


def test_a_new_database_gets_the_newest_tables_and_again_changes_nothing(url):
    for _ in range(2):
        database = Database(url)
        database.create()
        database.close()
        assert version(url) == [KNOWN]


def test_only_what_is_missing_is_migrated(url, monkeypatch):
    database = Database(url)
    database.create()

    def second(connection):
        connection.exec_driver_sql("CREATE TABLE agent_second (id INTEGER)")

    monkeypatch.setattr(tables, "MIGRATIONS", (*tables.MIGRATIONS, second))
    for _ in range(2):
        database.create()
    database.close()
    assert version(url) == [len(tables.MIGRATIONS)]


def test_an_older_agent_works_with_a_newer_database(url, monkeypatch):
    database = Database(url)
    with monkeypatch.context() as newer:
        newer.setattr(tables, "MIGRATIONS", (*tables.MIGRATIONS, lambda _connection: None))
        database.create()
    database.create()
    database.close()
    assert version(url) == [len(tables.MIGRATIONS) + 1]


def test_a_migration_that_fails_changes_nothing(url, monkeypatch):
    database = Database(url)
    database.create()

    def broken(connection):
        connection.exec_driver_sql("CREATE TABLE agent_second (id INTEGER)")
        connection.exec_driver_sql("SELECT * FROM nowhere")

    monkeypatch.setattr(tables, "MIGRATIONS", (*tables.MIGRATIONS, broken))
    with pytest.raises(AgentDatabaseError):
        database.create()
    database.close()
    assert version(url) == [len(tables.MIGRATIONS) - 1]


def test_the_password_is_in_no_message():
    database = Database("postgresql+psycopg://agent:the-pass-word@127.0.0.1:1/none")
    with pytest.raises(AgentDatabaseError) as caught:
        database.create()
    assert "the-pass-word" not in str(caught.value) + database.place


def test_a_database_in_memory_is_rejected():
    with pytest.raises(UsageError, match="in memory"):
        Database("sqlite://")


def test_closing_waits_for_the_transactions_of_other_threads(url):
    database = Database(url)
    database.create()
    inside, may_end, closed = threading.Event(), threading.Event(), threading.Event()

    def work():
        with database.transaction() as connection:
            inside.set()
            may_end.wait(60)
            connection.execute(sa.update(tables.SCHEMA).values(version=7))

    def close():
        database.close()
        closed.set()

    threads = [threading.Thread(target=work), threading.Thread(target=close)]
    threads[0].start()
    assert inside.wait(60)
    threads[1].start()
    while not database._closed:
        pass
    with pytest.raises(Interrupted), database.transaction():
        pass
    assert not closed.is_set()
    may_end.set()
    for thread in threads:
        thread.join(60)
    assert closed.is_set()
    assert version(url) == [7]
