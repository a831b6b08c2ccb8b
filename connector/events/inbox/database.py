"""An inbox in any database that SQLAlchemy knows.

Ids are found by their hash: databases differ in which texts they take for the same.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ...errors import InboxError
from ...storage.sql import SharedDatabase, upsert
from . import STATES, Entry, Outcome

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Table, Update

_FORMAT: Final = "1"
_FORMAT_NAME: Final = "inbox.format"
_LARGEST: Final = 16 * 1024 * 1024  # bytes; some databases choose the column's type by it
_SQLITE_LOCK_TIMEOUT_S: Final = 5.0
_TRIES: Final = 5  # at writing what others write at the same moment
_NAMES_AT_ONCE: Final = 500

_T = TypeVar("_T")


class DatabaseInbox:
    """Events in two tables of the database at `address`, which are made where they are not there yet."""

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
        self.place = self._database.place
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def put(
        self, entries: Sequence[Entry], *, now: float, states: Mapping[str, str] | None = None
    ) -> list[bool]:
        """Keep new entries, due at once; what is known already stays as it is."""
        del now  # an entry is due as soon as it is there

        def change(connection: "Connection") -> list[bool]:
            new = self._insert(connection, entries)
            for name, value in (states or {}).items():
                upsert(connection, self._states, {"name": name}, {"value": value})
            return new

        return self._write(change)

    def claim(self, *, now: float, limit: int = 100, lease_s: float = 60.0) -> list[Entry]:
        """Take entries that are due, until they are settled or the lease ends."""
        from sqlalchemy import select

        table = self._entries
        columns = (table.c.key, table.c.id, table.c.kind, table.c.created_at, table.c.body, table.c.attempts)
        is_due = (table.c.state == "waiting") & (table.c.due <= now)
        oldest = select(*columns).where(is_due).order_by(table.c.created_at, table.c.key).limit(limit)
        lease = {"due": now + lease_s, "attempts": table.c.attempts + 1}

        def change(connection: "Connection") -> list[Entry]:
            found = connection.execute(oldest.with_for_update(skip_locked=True)).all()
            # Where rows cannot be locked, the second look at `due` tells who was quicker.
            taken = [
                row
                for row in found
                if connection.execute(self._where(is_due & (table.c.key == row.key), lease)).rowcount
            ]
            return [
                Entry(row.id, row.kind, row.created_at, bytes(row.body), row.attempts + 1) for row in taken
            ]

        return self._write(change)

    def settle(self, event_id: str, outcome: Outcome, *, now: float, also: Sequence[Entry] = ()) -> None:
        """End an entry, and put others, both or neither."""
        open_ = (self._entries.c.key == _key(event_id)) & self._entries.c.ended.is_(None)
        end = self._where(open_, {"state": outcome, "ended": now, "body": None, "error": None})

        def change(connection: "Connection") -> None:
            if connection.execute(end).rowcount:
                self._insert(connection, also)

        self._write(change)

    def postpone(self, event_id: str, until: float, error: str) -> None:
        """Let an entry wait."""
        self._change(self._where(self._waiting(event_id), {"due": until, "error": error}))

    def park(self, event_id: str, error: str) -> None:
        """Let an entry wait until it is revived."""
        self._change(self._where(self._waiting(event_id), {"state": "parked", "error": error}))

    def revive(self) -> int:
        """Let all parked entries be claimed again, as if for the first time; give how many."""
        parked = self._entries.c.state == "parked"
        return self._change(self._where(parked, {"state": "waiting", "attempts": 0, "due": 0.0}))

    def find(self, event_id: str) -> Entry | None:
        """Give an entry that has not ended."""
        from sqlalchemy import select

        table = self._entries
        columns = (table.c.id, table.c.kind, table.c.created_at, table.c.body, table.c.attempts)
        held = select(*columns).where(table.c.key == _key(event_id), table.c.body.is_not(None))
        rows = self._read(held)
        for row in rows:
            return Entry(row.id, row.kind, row.created_at, bytes(row.body), row.attempts)
        return None

    def known(self, ids: Iterable[str]) -> set[str]:
        """Give those that were put and not forgotten since."""
        with self._database.transaction() as connection:
            return self._known(connection, list(ids))

    def next_due(self) -> float | None:
        """Give when the next entry may be claimed; None where none waits."""
        from sqlalchemy import func, select

        table = self._entries
        due: float | None = self._read(select(func.min(table.c.due)).where(table.c.state == "waiting"))[0][0]
        return due

    def state(self, name: str) -> str | None:
        """Give what was put under a name."""
        from sqlalchemy import select

        rows = self._read(select(self._states.c.value).where(self._states.c.name == name))
        return rows[0][0] if rows else None

    def counts(self) -> Mapping[str, int]:
        """Give how many entries are in each state."""
        from sqlalchemy import func, select

        state = self._entries.c.state
        rows = self._read(select(state, func.count()).group_by(state))
        return dict.fromkeys(STATES, 0) | dict(tuple(row) for row in rows)

    def prune(self, before: float) -> int:
        """Forget entries that ended before a time; give how many."""
        from sqlalchemy import delete

        return self._change(delete(self._entries).where(self._entries.c.ended < before))

    def close(self) -> None:
        """Close the connections. The next call opens them again."""
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
        if rows:  # in one order for all, so that no two wait for each other
            connection.execute(insert(self._entries), sorted(rows, key=itemgetter("key")))
        return [fresh.get(entry.id) is entry for entry in entries]

    def _known(self, connection: "Connection", ids: Sequence[str]) -> set[str]:
        from sqlalchemy import select

        found: set[str] = set()
        for start in range(0, len(ids), _NAMES_AT_ONCE):
            keys = [_key(event_id) for event_id in ids[start : start + _NAMES_AT_ONCE]]
            found.update(connection.scalars(select(self._entries.c.id).where(self._entries.c.key.in_(keys))))
        return found

    def _change(self, statement: Any) -> int:
        return self._write(lambda connection: int(connection.execute(statement).rowcount))

    def _read(self, statement: Any) -> Sequence[Any]:
        with self._database.transaction() as connection:
            return connection.execute(statement).all()

    def _write(self, change: "Callable[[Connection], _T]") -> _T:
        """Make a change; once more where somebody wrote the same row at the same moment."""
        for _ in range(_TRIES):
            try:
                with self._database.transaction() as connection:
                    return change(connection)
            except KeyError:
                continue
        raise InboxError(f"The inbox {self.place} is written by too many at once.", fix="Try again.")

    def _prepare(self) -> None:
        """Make the tables; refuse those of a newer version."""
        self._database.create_tables(self._entries.metadata)
        version = self.state(_FORMAT_NAME)
        if version is None:
            self.put((), now=0.0, states={_FORMAT_NAME: _FORMAT})
        elif version != _FORMAT:
            raise InboxError(
                f"The inbox {self.place} was written by a newer version.",
                fix="Update calendly-connector. Nothing was changed.",
                retryable=False,
            )

    @property
    def _entries(self) -> "Table":
        return self._tables[0]

    @property
    def _states(self) -> "Table":
        return self._tables[1]

    @cached_property
    def _tables(self) -> "tuple[Table, Table]":
        from sqlalchemy import Column, Double, Index, Integer, LargeBinary, MetaData, String, Table, Text

        known = MetaData()
        entries = Table(
            "calendly_inbox",
            known,
            Column("key", String(64), primary_key=True),
            Column("id", Text, nullable=False),
            Column("kind", Text, nullable=False),
            Column("created_at", String(200), nullable=False),
            Column("body", LargeBinary(_LARGEST)),
            Column("state", String(16), nullable=False),
            Column("attempts", Integer, nullable=False),
            Column("due", Double, nullable=False),
            Column("ended", Double, index=True),
            Column("error", Text),
            Index("ix_calendly_inbox_waiting", "state", "created_at"),
        )
        states = Table(
            "calendly_inbox_states",
            known,
            Column("name", String(200), primary_key=True),
            Column("value", Text, nullable=False),
        )
        return entries, states


def _key(event_id: str) -> str:
    return sha256(event_id.encode(errors="surrogatepass")).hexdigest()
