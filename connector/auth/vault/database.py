"""A vault in any database that SQLAlchemy knows: a sealed row for each name, for servers that share it."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...errors import VaultError
from ...storage.sql import SharedDatabase, upsert
from .encryption import Sealed, Sealer
from .keys import GivenKeys
from .locks import busy, file_lock
from .names import PLACE_VARIABLE, checked, hashed, unknown

if TYPE_CHECKING:
    from sqlalchemy import Connection, Select, Table

# For others SQLAlchemy leaves FOR UPDATE out without a word.
_LOCKS_ROWS: Final = frozenset({"mariadb", "mysql", "oracle", "postgresql"})
_LOCK_POLL_S: Final = 0.05
_SQLITE_LOCK_TIMEOUT_S: Final = 60.0


class DatabaseVault:
    """Credentials in a database, sealed with the first of `keys`. `sleep` and `monotonic` are for `lock`."""

    def __init__(
        self,
        address: str,
        keys: GivenKeys,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database = SharedDatabase(
            address,
            what="A vault",
            setting=PLACE_VARIABLE,
            extra="vault-database",
            lock_timeout_s=_SQLITE_LOCK_TIMEOUT_S,
            pooled=False,
            error=partial(VaultError, reason="storage"),
        )
        self._keys = keys
        self._sealer = Sealer(keys.read(), self.place, keys.place)
        self._monotonic = monotonic
        self._sleep = sleep

    @property
    def place(self) -> str:
        """The database's address, without its password."""
        return self._database.place

    def names(self) -> list[str]:
        """Give all names, sorted; needs no key."""
        from sqlalchemy import select

        wanted = select(self._credentials.c.name)
        with self._database.transaction() as connection:
            return sorted(connection.scalars(wanted))

    def get(self, name: str) -> dict[str, str]:
        """Open a credential."""
        from sqlalchemy import select

        name = checked(name)
        table = self._credentials
        wanted = select(table.c.key_id, table.c.sealed).where(table.c.id == hashed(name))
        with self._database.transaction() as connection:
            row = connection.execute(wanted).one_or_none()
        if row is None:
            raise unknown(name, self.place)
        return self._sealer.unseal(name, Sealed(row.key_id, row.sealed))

    def put(self, name: str, credential: Mapping[str, str]) -> None:
        """Add or replace a credential. A vault that these keys do not open is left as it is."""
        from sqlalchemy import select

        name = checked(name)
        sealed = self._sealer.seal(name, credential)
        values = {"name": name, "key_id": sealed.key_id, "sealed": sealed.text}
        table = self._credentials
        foreign = select(table.c.key_id).where(table.c.key_id.not_in(self._sealer.key_ids)).limit(1)
        with self._database.transaction() as connection:
            self._sealer.must_know(connection.scalars(foreign))
        try:
            with self._database.transaction() as connection:
                upsert(connection, table, {"id": hashed(name)}, values)
        except KeyError:  # another process inserted it first
            with self._database.transaction() as connection:
                upsert(connection, table, {"id": hashed(name)}, values)

    def delete(self, name: str) -> None:
        """Remove a credential; needs no key."""
        from sqlalchemy import delete

        name = checked(name)
        table = self._credentials
        with self._database.transaction() as connection:
            if not connection.execute(delete(table).where(table.c.id == hashed(name))).rowcount:
                raise unknown(name, self.place)

    def lock(self, name: str, *, timeout_s: float = 60.0) -> AbstractContextManager[None]:
        """Hold a credential's lock: a locked row, or beside an SQLite file a locked file."""
        name = checked(name)
        what = f"The credential {name!r}"
        if self._database.kind == "sqlite":
            path = Path(f"{self._database.path}.locks") / f"{hashed(name)}.lock"
            return file_lock(path, timeout_s, what)
        if self._database.kind not in _LOCKS_ROWS:
            raise VaultError(
                f"{self.place} has no locks that this connector knows.",
                fix="Keep what has to be refreshed in PostgreSQL, MySQL, Oracle, SQLite or a file.",
                reason="storage",
            )
        return self._row_lock(hashed(name), timeout_s, what)

    def rekey(self) -> int:
        """Seal what is under other keys with the first of the given ones.

        A row is replaced only where it is still the one that was opened: nobody's change is lost.
        """
        count = 0
        first = self._keys.renew()[0].id
        while held := self._under_other_keys(first):
            opened = {name: self._sealer.unseal(name, row) for name, row in held.items()}
            for name, credential in opened.items():
                count += self._exchange(name, held[name], self._sealer.seal(name, credential))
        return count

    def _under_other_keys(self, key_id: str) -> dict[str, Sealed]:
        from sqlalchemy import select

        table = self._credentials
        others = select(table.c.name, table.c.key_id, table.c.sealed).where(table.c.key_id != key_id)
        with self._database.transaction() as connection:
            held = {row.name: Sealed(row.key_id, row.sealed) for row in connection.execute(others)}
        self._sealer.must_know(row.key_id for row in held.values())
        return held

    def _exchange(self, name: str, old: Sealed, new: Sealed) -> int:
        """Replace a row if nobody else did; give how many rows that were."""
        from sqlalchemy import update

        table = self._credentials
        same = (table.c.id == hashed(name)) & (table.c.sealed == old.text)
        with self._database.transaction() as connection:
            changed = connection.execute(update(table).where(same).values(key_id=new.key_id, sealed=new.text))
            return changed.rowcount

    @contextmanager
    def _row_lock(self, row: str, timeout_s: float, what: str) -> Iterator[None]:
        """Hold a row in an open transaction, which ends with the connection and so with the process."""
        from sqlalchemy import insert, select

        table = self._locks
        wanted = select(table.c.id).where(table.c.id == row)
        with suppress(KeyError), self._database.transaction() as connection:
            if connection.scalar(wanted) is None:
                connection.execute(insert(table).values(id=row))
        give_up_at = self._monotonic() + timeout_s
        with self._database.transaction() as connection:
            while not self._locked(connection, wanted.with_for_update(nowait=True)):
                if self._monotonic() > give_up_at:
                    raise busy(what, timeout_s)
                self._sleep(_LOCK_POLL_S)
            yield

    @staticmethod
    def _locked(connection: "Connection", wanted: "Select[tuple[str]]") -> bool:
        from sqlalchemy.exc import DBAPIError

        try:
            with connection.begin_nested():
                connection.execute(wanted)
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            return False
        return True

    @property
    def _credentials(self) -> "Table":
        return self._tables[0]

    @property
    def _locks(self) -> "Table":
        return self._tables[1]

    @cached_property
    def _tables(self) -> "tuple[Table, Table]":
        """The encrypted credentials, and a row for each name that was ever locked."""
        from sqlalchemy import Column, MetaData, String, Table, Text

        metadata = MetaData()
        # The id is a hash of the name: databases differ in which names are equal.
        credentials = Table(
            "calendly_credentials",
            metadata,
            Column("id", String(64), primary_key=True),
            Column("name", Text, nullable=False),
            Column("key_id", String(16), nullable=False),
            Column("sealed", Text, nullable=False),
        )
        locks = Table("calendly_credential_locks", metadata, Column("id", String(64), primary_key=True))
        self._database.create_tables(metadata)
        return credentials, locks
