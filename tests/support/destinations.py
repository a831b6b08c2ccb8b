"""Reads what a sync wrote, to compare it with another sync or with the sandbox."""

import sqlite3
from datetime import datetime

import sqlalchemy as sa
from calendly_connector.support import timestamps
from calendly_connector.sync.streams import streams

_schemas = {}  # the tables by what SQLite knows of them
_compiled = {}  # the statements that read them


@sa.event.listens_for(sa.Engine, "connect")
def _never_wait_for_the_disk(connection, _record):
    """Don't wait for the disk in this process: no test cuts the power."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


def tables(url, *, missing=False, stamps=False):
    """Return {table: {uri: row}} with answers by question, optionally with `missing` rows and `stamps`."""
    ignored = {"synced_at", "missing_since"} - ({"missing_since"} if missing else set())
    engine = sa.create_engine(url, execution_options={"compiled_cache": _compiled})
    try:
        with engine.connect() as connection:
            metadata = _reflected(connection)
            rows = connection.execute(sa.select(metadata.tables["calendly_sync_questions"])).mappings().all()
            questions = {(one["stream"], one["column_name"]): one["question"] for one in rows}
            return {
                name: {
                    row["uri"]: {
                        questions.get((name, column), column): plain(value)
                        for column, value in row.items()
                        if stamps or column not in ignored
                        if value is not None or not column.startswith("answer_")
                    }
                    for row in connection.execute(sa.select(metadata.tables[name])).mappings()
                    if missing or row["missing_since"] is None
                }
                for name in streams()
            }
    finally:
        engine.dispose()


def _reflected(connection):
    """Return the tables; SQLite's are kept, because reflecting takes longer than reading the rows."""
    schema = None
    if connection.dialect.name == "sqlite":
        schema = tuple(connection.exec_driver_sql("SELECT name, sql FROM sqlite_master ORDER BY name").all())
    if schema not in _schemas:
        metadata = sa.MetaData()
        metadata.reflect(connection)
        if schema is None:
            return metadata
        _schemas[schema] = metadata
    return _schemas[schema]


def plain(value):
    """Return a time from PostgreSQL as the text that SQLite stores."""
    return timestamps.write_sortable(value) if isinstance(value, datetime) else value


def columns(url, table):
    engine = sa.create_engine(url)
    try:
        return [column["name"] for column in sa.inspect(engine).get_columns(table)]
    finally:
        engine.dispose()


def count_internal(url, table):
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            return connection.exec_driver_sql(f"SELECT count(*) FROM calendly_sync_{table}").scalar_one()  # noqa: S608
    finally:
        engine.dispose()
