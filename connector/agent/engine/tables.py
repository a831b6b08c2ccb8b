"""The agent's own tables, beside DBOS's in the same database. Times are unix seconds.

A new version of the tables is a new entry in `MIGRATIONS`; an entry that was released never changes.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

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
    # Parts of the trigger, so that lists need not read events, which may be large.
    Column("started_by", String(16), nullable=False, server_default=""),
    Column("event_id", String(500), nullable=False, server_default=""),
    Column("event_kind", String(200), nullable=False, server_default=""),
    Index("agent_runs_by_flow", "flow", "created_at"),
    Index("agent_runs_by_state", "state", "created_at"),
    Index("agent_runs_by_time", "created_at", "id"),
)

CALLS: Final = Table(
    "agent_calls",
    METADATA,
    Column("workflow", String(550), primary_key=True),  # a turn of a run
    Column("connection", String(300), primary_key=True),  # connector/credential
    Column("ended_at", Float, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("allowed", Integer),  # the rate limit, as the application reported it last
    Column("remaining", Integer),
    Index("agent_calls_by_time", "ended_at"),
    Index("agent_calls_by_connection", "connection", "ended_at"),
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

SUBSCRIPTIONS: Final = Table(  # what deploying a flow subscribed to, so that removing it can undo that
    "agent_flow_subscriptions",
    METADATA,
    Column("flow", String(200), primary_key=True),
    Column("id", String(200), primary_key=True),  # the connector's
    Column("connector", String(200), nullable=False),
    Column("credential", String(200), nullable=False),
)

REMOVED: Final = Table(  # a flow of the same name goes on counting: no version is ever another text
    "agent_removed_flows",
    METADATA,
    Column("name", String(200), primary_key=True),
    Column("version", Integer, nullable=False),
)

SESSIONS: Final = Table(
    "agent_sessions",
    METADATA,
    Column("hash", String(64), primary_key=True),  # of the token in the cookie
    Column("person", String(200), nullable=False),
    Column("started_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("ends_at", Float, nullable=False),
)

SIGN_INS: Final = Table(
    "agent_sign_ins",
    METADATA,
    Column("state", String(64), primary_key=True),  # this and the browser's mark are hashes
    Column("browser", String(64), nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("verifier", String(128), nullable=False),
    Column("following", Text, nullable=False),  # the page that the person asked for
    Column("begun_at", Float, nullable=False),
)


WEBHOOK_LOOKS: Final = Table(
    "agent_webhook_looks",  # at the subscriptions that a credential can list
    METADATA,
    Column("connector", String(100), primary_key=True),
    Column("credential", String(200), primary_key=True),
    Column("due_at", Float, nullable=False),
    Column("claimed_by", String(64), nullable=False),
    Column("looked_at", Float),  # the last one that succeeded
    Column("failing_since", Float),
    Column("error", Text, nullable=False),
    Column("fix", Text, nullable=False),
    Column("passes", Boolean, nullable=False),  # whether the error may pass by itself
)

WEBHOOKS: Final = Table(
    "agent_webhooks",
    METADATA,
    Column("connector", String(100), primary_key=True),
    Column("key", String(300), primary_key=True),
    Column("credential", String(200), nullable=False),
    Column("flow", String(200), nullable=False),
    Column("url", Text, nullable=False),
    Column("events", JSON, nullable=False),
    Column("scope", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("message", Text, nullable=False),
    Column("since", Float, nullable=False),
)

WEBHOOK_EVENTS: Final = Table(
    "agent_webhook_events",  # those whose flows haven't been started yet
    METADATA,
    Column("id", String(400), primary_key=True),
    Column("event", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
)

DRAFTS: Final = Table(
    "agent_drafts",
    METADATA,
    Column("person", String(200), primary_key=True),
    Column("key", String(100), primary_key=True),  # what is edited: a flow, or a new one
    Column("text", Text, nullable=False),
    Column("version", Integer),  # the version that the person began with
    Column("changed_at", Float, nullable=False),
)


def _create_all(connection: Connection) -> None:
    METADATA.create_all(connection)  # those that don't exist


def _list_runs(connection: Connection) -> None:
    """Add what lists and charts of runs read, and fill it for the runs that are there."""
    known = {column["name"] for column in inspect(connection).get_columns(RUNS.name)}
    for name, length in _LISTED.items():
        if name not in known:
            added = f"ADD COLUMN {name} VARCHAR({length}) NOT NULL DEFAULT ''"
            connection.exec_driver_sql(f"ALTER TABLE {RUNS.name} {added}")
    for index in RUNS.indexes:
        index.create(connection, checkfirst=True)
    METADATA.create_all(connection)
    if known.isdisjoint(_LISTED):
        _fill_listed(connection)


def _fill_listed(connection: Connection) -> None:
    # Not in SQL: PostgreSQL can't read JSON with "\\u0000", which an event may have.
    last = ""
    while rows := connection.execute(
        select(RUNS.c.id, RUNS.c.trigger).where(RUNS.c.id > last).order_by(RUNS.c.id).limit(_AT_A_TIME)
    ).all():
        for row in rows:
            connection.execute(update(RUNS).where(RUNS.c.id == row.id).values(**listed(row.trigger)))
        last = rows[-1].id


def listed(trigger: Mapping[str, Any]) -> dict[str, str]:
    """Return the columns of a run that hold parts of its trigger."""
    event = trigger.get("event") or {}
    found = (trigger.get("by"), event.get("id"), event.get("kind"))
    return {
        name: str(value or "").replace("\0", "")[:length]
        for (name, length), value in zip(_LISTED.items(), found, strict=True)
    }


_LISTED: Final = {"started_by": 16, "event_id": 500, "event_kind": 200}
_AT_A_TIME: Final = 200

MIGRATIONS: Final[tuple[Callable[[Connection], None], ...]] = (_create_all, _list_runs)


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
