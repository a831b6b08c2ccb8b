"""The agent's own tables, beside DBOS's in the same database. Times are unix seconds.

A new version of the tables is a new entry in `MIGRATIONS`; an entry that was released never changes.
"""

from collections.abc import Callable
from typing import Final

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    insert,
    inspect,
    select,
    update,
)

METADATA: Final = MetaData()

SCHEMA: Final = Table("agent_schema", METADATA, Column("version", Integer, nullable=False))

FLOWS: Final = Table(
    "agent_flows",
    METADATA,
    Column("name", String(200), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("paused_by", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("fix", Text, nullable=False),
    Column("secret", String(64), nullable=False),  # the last part of the Process Flow URL
)

VERSIONS: Final = Table(
    "agent_flow_versions",
    METADATA,
    Column("name", String(200), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("created_at", Float, nullable=False),
)

RUNS: Final = Table(
    "agent_runs",
    METADATA,
    Column("id", String(500), primary_key=True),
    Column("short_id", String(16), nullable=False, unique=True),  # for people, and for traces
    Column("flow", String(200), nullable=False),
    Column("turn", Integer, nullable=False),  # a run that waits or is replayed goes on in a new turn
    Column("state", String(16), nullable=False),
    Column("version", Integer),
    Column("trigger", JSON, nullable=False),
    Column("note", JSON, nullable=False),  # why it ended like this
    Column("created_at", Float, nullable=False),
    Column("ended_at", Float),
    Index("agent_runs_by_flow", "flow", "created_at"),
    Index("agent_runs_by_state", "state", "created_at"),
)

SETTINGS: Final = Table(
    "agent_settings",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

SENT: Final = Table(
    "agent_sent",
    METADATA,
    Column("workflow", String(550), primary_key=True),
    Column("key", String(300), primary_key=True),
    Column("sent_at", Float, nullable=False),
)

EXECUTORS: Final = Table(
    "agent_executors",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("beat", Integer, nullable=False),  # a count, because the clocks of machines differ
    Column("dead", Boolean, nullable=False),
    Column("started_at", Float, nullable=False),
)

POLLS: Final = Table(
    "agent_polls",
    METADATA,
    Column("flow", String(200), primary_key=True),
    Column("due_at", Float, nullable=False),
    Column("cursor", Text, nullable=False),
    Column("claimed_by", String(64), nullable=False),
    Column("error", Text, nullable=False),
)


def _first(connection: Connection) -> None:
    METADATA.create_all(connection)


MIGRATIONS: Final[tuple[Callable[[Connection], None], ...]] = (_first,)


def migrate(connection: Connection) -> int:
    """Bring the tables to the newest version, and return the version that the database has.

    A database that a newer agent has migrated already stays as it is: new versions only add.
    """
    known = inspect(connection).has_table(SCHEMA.name)
    version = connection.scalar(select(SCHEMA.c.version)) if known else None
    done = version or 0
    for step in MIGRATIONS[done:]:
        step(connection)
    newest = max(done, len(MIGRATIONS))
    if version is None:
        connection.execute(insert(SCHEMA).values(version=newest))
    elif newest != version:
        connection.execute(update(SCHEMA).values(version=newest))
    return newest
