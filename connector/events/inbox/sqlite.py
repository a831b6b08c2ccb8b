"""An inbox in one file, over the standard library's sqlite3: what is in it survives a loss of power.

One connection for each process; threads take turns at it.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Final

from ...errors import InboxError
from . import STATES, Entry, Outcome

_APPLICATION: Final = 0x43614C69  # tells our files from those of other programs
_FORMAT: Final = 1
_PATIENCE_S: Final = 5.0  # twice this is within Calendly's read time-out of 15 s
_NAMES_AT_ONCE: Final = 500

_TABLES: Final = (
    """
    CREATE TABLE entries (
        id TEXT NOT NULL PRIMARY KEY,
        kind TEXT NOT NULL,
        created_at TEXT NOT NULL,
        body BLOB,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        due REAL NOT NULL,
        ended REAL,
        error TEXT
    )
    """,
    "CREATE INDEX waiting ON entries (created_at, due) WHERE state = 'waiting'",
    "CREATE INDEX ended ON entries (ended) WHERE ended IS NOT NULL",
    "CREATE TABLE states (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_FORMAT}",
)
_PUT: Final = """
    INSERT INTO entries (id, kind, created_at, body, state, attempts, due)
    VALUES (?, ?, ?, ?, 'waiting', 0, 0) ON CONFLICT (id) DO NOTHING
"""
_SET_STATE: Final = """
    INSERT INTO states (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""
_CLAIM: Final = """
    UPDATE entries SET due = ?, attempts = attempts + 1 WHERE rowid IN (
        SELECT rowid FROM entries WHERE state = 'waiting' AND due <= ? ORDER BY created_at, rowid LIMIT ?
    )
    RETURNING id, kind, created_at, body, attempts, rowid
"""
_SETTLE: Final = """
    UPDATE entries SET state = ?, ended = ?, body = NULL, error = NULL WHERE id = ? AND ended IS NULL
"""
_FIND: Final = """
    SELECT id, kind, created_at, body, attempts FROM entries WHERE id = ? AND body IS NOT NULL
"""


class FileInbox:
    """Events in the file at `path`, which is made, for its owner alone, where it is not there yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        with self._turn():
            pass  # what is wrong with the file is told now

    @property
    def place(self) -> str:
        """The file."""
        return str(self._path)

    def put(
        self, entries: Sequence[Entry], *, now: float, states: Mapping[str, str] | None = None
    ) -> list[bool]:
        """Keep new entries, due at once; what is known already stays as it is."""
        del now  # an entry is due as soon as it is there
        if len(entries) == 1 and not states:
            with self._turn() as connection:  # a statement alone is a transaction
                return _insert(connection, entries)
        with self._transaction() as connection:
            new = _insert(connection, entries)
            connection.executemany(_SET_STATE, (states or {}).items())
        return new

    def claim(self, *, now: float, limit: int = 100, lease_s: float = 60.0) -> list[Entry]:
        """Take entries that are due, until they are settled or the lease ends."""
        with self._transaction() as connection:
            rows = connection.execute(_CLAIM, (now + lease_s, now, limit)).fetchall()
        return [Entry(*row[:-1]) for row in sorted(rows, key=lambda row: (row[2], row[-1]))]

    def settle(self, event_id: str, outcome: Outcome, *, now: float, also: Sequence[Entry] = ()) -> None:
        """End an entry, and put others, both or neither."""
        with self._transaction() as connection:
            if connection.execute(_SETTLE, (outcome, now, event_id)).rowcount:
                _insert(connection, also)

    def postpone(self, event_id: str, until: float, error: str) -> None:
        """Let an entry wait."""
        self._change(
            "UPDATE entries SET due = ?, error = ? WHERE id = ? AND state = 'waiting'", until, error, event_id
        )

    def park(self, event_id: str, error: str) -> None:
        """Let an entry wait until it is revived."""
        self._change(
            "UPDATE entries SET state = 'parked', error = ? WHERE id = ? AND state = 'waiting'",
            error,
            event_id,
        )

    def revive(self) -> int:
        """Let all parked entries be claimed again, as if for the first time; give how many."""
        return self._change(
            "UPDATE entries SET state = 'waiting', attempts = 0, due = 0 WHERE state = 'parked'"
        )

    def find(self, event_id: str) -> Entry | None:
        """Give an entry that has not ended."""
        rows = self._read(_FIND, event_id)
        return Entry(*rows[0]) if rows else None

    def known(self, ids: Iterable[str]) -> set[str]:
        """Give those that were put and not forgotten since."""
        wanted = list(ids)
        found: set[str] = set()
        for start in range(0, len(wanted), _NAMES_AT_ONCE):
            some = wanted[start : start + _NAMES_AT_ONCE]
            marks = ", ".join("?" * len(some))
            found.update(id_ for (id_,) in self._read(f"SELECT id FROM entries WHERE id IN ({marks})", *some))  # noqa: S608 - question marks alone
        return found

    def next_due(self) -> float | None:
        """Give when the next entry may be claimed; None where none waits."""
        due: float | None = self._read("SELECT min(due) FROM entries WHERE state = 'waiting'")[0][0]
        return due

    def state(self, name: str) -> str | None:
        """Give what was put under a name."""
        rows = self._read("SELECT value FROM states WHERE name = ?", name)
        return rows[0][0] if rows else None

    def counts(self) -> Mapping[str, int]:
        """Give how many entries are in each state."""
        return dict.fromkeys(STATES, 0) | dict(
            self._read("SELECT state, count(*) FROM entries GROUP BY state")
        )

    def prune(self, before: float) -> int:
        """Forget entries that ended before a time; give how many."""
        return self._change("DELETE FROM entries WHERE ended < ?", before)

    def close(self) -> None:
        """Close the file. A later call opens it again."""
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = None

    def _read(self, statement: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        with self._turn() as connection:
            return connection.execute(statement, values).fetchall()

    def _change(self, statement: str, *values: object) -> int:
        with self._transaction() as connection:
            return connection.execute(statement, values).rowcount

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._turn() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk may have ended the transaction
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _turn(self) -> Iterator[sqlite3.Connection]:
        """Hold the connection; an error of the library becomes one of ours."""
        if not self._lock.acquire(timeout=_PATIENCE_S):
            raise _busy(self.place)
        try:
            yield self._opened()
        except sqlite3.Error as error:
            raise _told(self.place, error) from None
        finally:
            self._lock.release()

    def _opened(self) -> sqlite3.Connection:
        # A connection must not cross a fork: the child opens one of its own, and leaves the other alone.
        if self._connection is None or self._process != os.getpid():
            self._connection, self._process = _open(self._path), os.getpid()
        return self._connection


def _insert(connection: sqlite3.Connection, entries: Iterable[Entry]) -> list[bool]:
    rows = ((entry.id, entry.kind, entry.created_at, entry.body) for entry in entries)
    return [connection.execute(_PUT, row).rowcount == 1 for row in rows]


def _open(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives the files beside it the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise InboxError(
            f"The inbox {path} cannot be opened: {error.strerror or type(error).__name__}.",
            fix="Name another place, or check the folder's permissions.",
        ) from None
    connection = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False)
    try:
        if not _is_ready(connection, path):
            connection.execute("PRAGMA journal_mode = WAL")
            _make(connection, path)
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _make(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    if not _is_ready(connection, path):  # another process may have been quicker
        for statement in _TABLES:
            connection.execute(statement)
    connection.execute("COMMIT")


def _is_ready(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether it is an inbox, not an empty file; whatever is neither is refused, and not changed."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application == _APPLICATION and version > _FORMAT:
        raise _final(
            f"The inbox {path} was written by a newer version.",
            "Update calendly-connector. Nothing was changed.",
        )
    if application != _APPLICATION and (tables or application):
        raise _final(
            f"{path} is a database of another program.",
            "Name another file for the inbox. Nothing was changed.",
        )
    return bool(application == _APPLICATION)


def _told(place: str, error: sqlite3.Error) -> InboxError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # without what extends it
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return _busy(place)
    if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
        return _final(
            f"The inbox {place} is damaged.",
            "Move it away or restore a copy of it; then read back what was missed. Nothing was changed.",
        )
    return InboxError(
        f"The inbox {place} cannot be used: {getattr(error, 'sqlite_errorname', type(error).__name__)}.",
        fix="Check that the disk has room and the file may be written.",
    )


def _busy(place: str) -> InboxError:
    return InboxError(
        f"The inbox {place} is in use by another process, for more than {_PATIENCE_S:.0f} s.",
        fix="Try again; if it stays, look for a process that hangs.",
    )


def _final(message: str, fix: str) -> InboxError:
    """Word what does not pass by itself."""
    return InboxError(message, fix=fix, retryable=False)
