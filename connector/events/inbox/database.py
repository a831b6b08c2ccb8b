"""An inbox in any database that SQLAlchemy supports.

Entries are found by a hash of their id, since databases differ in which texts they consider equal.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ...errors import InboxError
from ...storage.sql import SharedDatabase, upsert
from . import FORMAT, RENAMED_STATES, STATES, Entry, FinalState, Inbox, newer_version

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Table, Update

_FORMAT_NAME: Final = "inbox.format"
_MAX_BODY: Final = 16 * 1024 * 1024  # bytes; some databases choose the column's type by it
_SQLITE_LOCK_TIMEOUT_S: Final = 5.0
_ATTEMPTS: Final = 5  # at writing a row that another process writes at the same moment
_IDS_PER_QUERY: Final = 500

_T = TypeVar("_T")


class DatabaseInbox(Inbox):
    """Events in two tables of the database at `address`. Missing tables are created."""

    def __init__(self, address: str) -> None:
        self._database = SharedDatabase(
            address,
            what="An inbox",
            setting="The inbox address",
            extra="sync",
            lock_timeout_s=_SQLITE_LOCK_TIMEOUT_S,
            pooled=True,
            error=InboxError,
        )
        self.place: str = self._database.place
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def put(self, entries: Sequence[Entry], *, checkpoints: Mapping[str, str] | None = None) -> list[bool]:
        def change(connection: "Connection") -> list[bool]:
            new = self._insert(connection, entries)
            for name, value in (checkpoints or {}).items():
                upsert(connection, self._checkpoints, {"name": name}, {"value": value})
            return new

        return self._write(change)

    def claim(self, *, now: float, limit: int = 100, lease_s: float = 60.0) -> list[Entry]:
        from sqlalchemy import select

        table = self._entries
        columns = (table.c.key, table.c.id, table.c.kind, table.c.created_at, table.c.body, table.c.attempts)
        is_due = (table.c.state == "waiting") & (table.c.due <= now)
        oldest = select(*columns).where(is_due).order_by(table.c.created_at, table.c.key).limit(limit)
        lease = {"due": now + lease_s, "attempts": table.c.attempts + 1}

        def change(connection: "Connection") -> list[Entry]:
            found = connection.execute(oldest.with_for_update(skip_locked=True)).all()
            # If the database has no row locks, checking `due` again shows who was faster.
            taken = [
                row
                for row in found
                if connection.execute(self._where(is_due & (table.c.key == row.key), lease)).rowcount
            ]
            return [
                Entry(row.id, row.kind, row.created_at, bytes(row.body), row.attempts + 1) for row in taken
            ]

        return self._write(change)

    def complete(self, event_id: str, state: FinalState, *, now: float, also: Sequence[Entry] = ()) -> None:
        pending = (self._entries.c.key == _key(event_id)) & self._entries.c.ended.is_(None)
        end = self._where(pending, {"state": state, "ended": now, "body": None, "error": None})

        def change(connection: "Connection") -> None:
            if connection.execute(end).rowcount:
                self._insert(connection, also)

        self._write(change)

    def defer(self, event_id: str, until: float, error: str) -> None:
        self._change(self._where(self._waiting(event_id), {"due": until, "error": error}))

    def bury(self, event_id: str, error: str) -> None:
        self._change(self._where(self._waiting(event_id), {"state": "dead", "error": error}))

    def requeue(self) -> int:
        dead = self._entries.c.state == "dead"
        return self._change(self._where(dead, {"state": "waiting", "attempts": 0, "due": 0.0}))

    def find(self, event_id: str) -> Entry | None:
        from sqlalchemy import select

        table = self._entries
        columns = (table.c.id, table.c.kind, table.c.created_at, table.c.body, table.c.attempts)
        statement = select(*columns).where(table.c.key == _key(event_id), table.c.body.is_not(None))
        for row in self._read(statement):
            return Entry(row.id, row.kind, row.created_at, bytes(row.body), row.attempts)
        return None

    def known(self, ids: Iterable[str]) -> set[str]:
        with self._database.transaction() as connection:
            return self._known(connection, list(ids))

    def next_due(self) -> float | None:
        from sqlalchemy import func, select

        table = self._entries
        due: float | None = self._read(select(func.min(table.c.due)).where(table.c.state == "waiting"))[0][0]
        return due

    def checkpoint(self, name: str) -> str | None:
        from sqlalchemy import select

        rows = self._read(select(self._checkpoints.c.value).where(self._checkpoints.c.name == name))
        return rows[0][0] if rows else None

    def counts(self) -> Mapping[str, int]:
        from sqlalchemy import func, select

        state = self._entries.c.state
        rows = self._read(select(state, func.count()).group_by(state))
        return dict.fromkeys(STATES, 0) | dict(tuple(row) for row in rows)

    def prune(self, before: float) -> int:
        from sqlalchemy import delete

        return self._change(delete(self._entries).where(self._entries.c.ended < before))

    def close(self) -> None:
        self._database.close()

    def _waiting(self, event_id: str) -> "ColumnElement[bool]":
        return (self._entries.c.key == _key(event_id)) & (self._entries.c.state == "waiting")

    def _where(self, which: "ColumnElement[bool]", values: Mapping[str, Any]) -> "Update":
        from sqlalchemy import update

        return update(self._entries).where(which).values(values)

    def _insert(self, connection: "Connection", entries: Sequence[Entry]) -> list[bool]:
        from sqlalchemy import insert

        if not entries:
            return []
        known = self._known(connection, [entry.id for entry in entries])
        fresh = {entry.id: entry for entry in reversed(entries) if entry.id not in known}
        rows = [
            {
                "key": _key(entry.id),
                "id": entry.id,
                "kind": entry.kind,
                "created_at": entry.created_at,
                "body": entry.body,
                "state": "waiting",
                "attempts": 0,
                "due": 0.0,
            }
            for entry in fresh.values()
        ]
        if rows:  # all processes insert in one order, so none of them deadlock
            connection.execute(insert(self._entries), sorted(rows, key=itemgetter("key")))
        return [fresh.get(entry.id) is entry for entry in entries]

    def _known(self, connection: "Connection", ids: Sequence[str]) -> set[str]:
        from sqlalchemy import select

        found: set[str] = set()
        for start in range(0, len(ids), _IDS_PER_QUERY):
            keys = [_key(event_id) for event_id in ids[start : start + _IDS_PER_QUERY]]
            found.update(connection.scalars(select(self._entries.c.id).where(self._entries.c.key.in_(keys))))
        return found

    def _change(self, statement: Any) -> int:
        return self._write(lambda connection: int(connection.execute(statement).rowcount))

    def _read(self, statement: Any) -> Sequence[Any]:
        with self._database.transaction() as connection:
            return connection.execute(statement).all()

    def _write(self, change: "Callable[[Connection], _T]") -> _T:
        """Make a change; try again if another process wrote the same row at the same moment."""
        for _ in range(_ATTEMPTS):
            try:
                with self._database.transaction() as connection:
                    return change(connection)
            except KeyError:
                continue
        raise InboxError(f"Too many processes write to the inbox {self.place}.", fix="Try again.")

    def _prepare(self) -> None:
        """Create or upgrade the tables. Raises InboxError for those of a newer version."""
        self._database.create_tables(self._entries.metadata)
        match self.checkpoint(_FORMAT_NAME):
            case None:
                self.put((), checkpoints={_FORMAT_NAME: str(FORMAT)})
            case "1":
                self._write(self._upgrade)
            case version if version != str(FORMAT):
                raise newer_version(self.place)

    def _upgrade(self, connection: "Connection") -> None:
        from sqlalchemy import update

        table = self._checkpoints
        is_old = (table.c.name == _FORMAT_NAME) & (table.c.value == "1")
        # The row lock makes other processes wait; then they find it upgraded.
        if connection.execute(update(table).where(is_old).values(value=str(FORMAT))).rowcount:
            for old, new in RENAMED_STATES.items():
                connection.execute(self._where(self._entries.c.state == old, {"state": new}))

    @property
    def _entries(self) -> "Table":
        return self._tables[0]

    @property
    def _checkpoints(self) -> "Table":
        return self._tables[1]

    @cached_property
    def _tables(self) -> "tuple[Table, Table]":
        from sqlalchemy import Column, Double, Index, Integer, LargeBinary, MetaData, String, Table, Text

        metadata = MetaData()
        entries = Table(
            "calendly_inbox",
            metadata,
            Column("key", String(64), primary_key=True),
            Column("id", Text, nullable=False),
            Column("kind", Text, nullable=False),
            Column("created_at", String(200), nullable=False),
            Column("body", LargeBinary(_MAX_BODY)),
            Column("state", String(16), nullable=False),
            Column("attempts", Integer, nullable=False),
            Column("due", Double, nullable=False),
            Column("ended", Double, index=True),
            Column("error", Text),
            Index("ix_calendly_inbox_waiting", "state", "created_at"),
        )
        checkpoints = Table(
            "calendly_inbox_states",
            metadata,
            Column("name", String(200), primary_key=True),
            Column("value", Text, nullable=False),
        )
        return entries, checkpoints


def _key(event_id: str) -> str:
    return sha256(event_id.encode(errors="surrogatepass")).hexdigest()
