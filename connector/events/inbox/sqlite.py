"""An inbox in one file, with the standard library's sqlite3. Its contents survive a power failure.

Each process has one connection, which its threads share in turns.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Final

from ...errors import InboxError
from . import FORMAT, RENAMED_STATES, STATES, Entry, FinalState, Inbox, newer_version, permanent

_APPLICATION: Final = 0x43614C69  # marks the file as an inbox
_BUSY_TIMEOUT_S: Final = 5.0  # twice this is within Calendly's read timeout of 15 s
_IDS_PER_QUERY: Final = 500

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
    f"PRAGMA user_version = {FORMAT}",
)
_PUT: Final = """
    INSERT INTO entries (id, kind, created_at, body, state, attempts, due)
    VALUES (?, ?, ?, ?, 'waiting', 0, 0) ON CONFLICT (id) DO NOTHING
"""
_SET_CHECKPOINT: Final = """
    INSERT INTO states (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""
_CLAIM: Final = """
    UPDATE entries SET due = ?, attempts = attempts + 1 WHERE rowid IN (
        SELECT rowid FROM entries WHERE state = 'waiting' AND due <= ? ORDER BY created_at, rowid LIMIT ?
    )
    RETURNING created_at, rowid, id, kind, body, attempts
"""
_COMPLETE: Final = """
    UPDATE entries SET state = ?, ended = ?, body = NULL, error = NULL WHERE id = ? AND ended IS NULL
"""
_FIND: Final = """
    SELECT id, kind, created_at, body, attempts FROM entries WHERE id = ? AND body IS NOT NULL
"""


class FileInbox(Inbox):
    """Events in the file at `path`. A missing file is created, for its owner only."""

    def __init__(self, path: Path) -> None:
        self.place: str = str(path)
        self._path = path
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        with self._turn():
            pass  # a problem with the file is raised now

    def put(self, entries: Sequence[Entry], *, checkpoints: Mapping[str, str] | None = None) -> list[bool]:
        if len(entries) == 1 and not checkpoints:
            with self._turn() as connection:  # a single statement is a transaction
                return _insert(connection, entries)
        with self._transaction() as connection:
            new = _insert(connection, entries)
            connection.executemany(_SET_CHECKPOINT, (checkpoints or {}).items())
        return new

    def claim(self, *, now: float, limit: int = 100, lease_s: float = 60.0) -> list[Entry]:
        with self._transaction() as connection:
            rows = connection.execute(_CLAIM, (now + lease_s, now, limit)).fetchall()
        return [
            Entry(id_, kind, created_at, body, attempts)
            for created_at, _, id_, kind, body, attempts in sorted(rows)
        ]

    def complete(self, event_id: str, state: FinalState, *, now: float, also: Sequence[Entry] = ()) -> None:
        with self._transaction() as connection:
            if connection.execute(_COMPLETE, (state, now, event_id)).rowcount:
                _insert(connection, also)

    def defer(self, event_id: str, until: float, error: str) -> None:
        self._change(
            "UPDATE entries SET due = ?, error = ? WHERE id = ? AND state = 'waiting'", until, error, event_id
        )

    def bury(self, event_id: str, error: str) -> None:
        self._change(
            "UPDATE entries SET state = 'dead', error = ? WHERE id = ? AND state = 'waiting'",
            error,
            event_id,
        )

    def requeue(self) -> int:
        return self._change(
            "UPDATE entries SET state = 'waiting', attempts = 0, due = 0 WHERE state = 'dead'"
        )

    def find(self, event_id: str) -> Entry | None:
        rows = self._read(_FIND, event_id)
        return Entry(*rows[0]) if rows else None

    def known(self, ids: Iterable[str]) -> set[str]:
        wanted = list(ids)
        found: set[str] = set()
        for start in range(0, len(wanted), _IDS_PER_QUERY):
            some = wanted[start : start + _IDS_PER_QUERY]
            marks = ", ".join("?" * len(some))
            found.update(id_ for (id_,) in self._read(f"SELECT id FROM entries WHERE id IN ({marks})", *some))  # noqa: S608 - only question marks
        return found

    def next_due(self) -> float | None:
        due: float | None = self._read("SELECT min(due) FROM entries WHERE state = 'waiting'")[0][0]
        return due

    def checkpoint(self, name: str) -> str | None:
        rows = self._read("SELECT value FROM states WHERE name = ?", name)
        return rows[0][0] if rows else None

    def counts(self) -> Mapping[str, int]:
        return dict.fromkeys(STATES, 0) | dict(
            self._read("SELECT state, count(*) FROM entries GROUP BY state")
        )

    def prune(self, before: float) -> int:
        return self._change("DELETE FROM entries WHERE ended < ?", before)

    def close(self) -> None:
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
        """Hold the connection, and turn an error of the library into an InboxError."""
        if not self._lock.acquire(timeout=_BUSY_TIMEOUT_S):
            raise _busy(self.place)
        try:
            # A connection must not cross a fork: the child opens its own, and doesn't touch the parent's.
            if self._connection is None or self._process != os.getpid():
                self._connection, self._process = _open(self._path), os.getpid()
            yield self._connection
        except sqlite3.Error as error:
            raise _inbox_error(self.place, error) from None
        finally:
            self._lock.release()


def _insert(connection: sqlite3.Connection, entries: Iterable[Entry]) -> list[bool]:
    return [
        connection.execute(_PUT, (entry.id, entry.kind, entry.created_at, entry.body)).rowcount == 1
        for entry in entries
    ]


def _open(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite creates the files beside it with the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise InboxError(
            f"Can't open the inbox {path}: {error.strerror or type(error).__name__}.",
            fix="Choose another path, or check the folder's permissions.",
        ) from None
    connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        if _version(connection, path) != FORMAT:
            connection.execute("PRAGMA journal_mode = WAL")
            _create_or_upgrade(connection, path)
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _create_or_upgrade(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    match _version(connection, path):  # again: another process may have been faster
        case 0:
            for statement in _TABLES:
                connection.execute(statement)
        case 1:
            renames = [(new, old) for old, new in RENAMED_STATES.items()]
            connection.executemany("UPDATE entries SET state = ? WHERE state = ?", renames)
            connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the format of an inbox, 0 for an empty file. Raises InboxError for any other file, unchanged."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application == _APPLICATION and version > FORMAT:
        raise newer_version(str(path))
    if application != _APPLICATION and (tables or application):
        raise permanent(
            f"{path} is a database of another program.",
            "Choose another file for the inbox. Nothing was changed.",
        )
    return int(version) if application == _APPLICATION else 0


def _inbox_error(place: str, error: sqlite3.Error) -> InboxError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # without its extension
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return _busy(place)
    if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
        return permanent(
            f"The inbox {place} is damaged.",
            "Move it away or restore a backup; then catch up on missed events. Nothing was changed.",
        )
    return InboxError(
        f"Can't use the inbox {place}: {getattr(error, 'sqlite_errorname', type(error).__name__)}.",
        fix="Check that the disk has space and the file is writable.",
    )


def _busy(place: str) -> InboxError:
    return InboxError(
        f"Another process has been using the inbox {place} for more than {_BUSY_TIMEOUT_S:.0f} s.",
        fix="Try again. If it happens again, look for a process that hangs.",
    )
