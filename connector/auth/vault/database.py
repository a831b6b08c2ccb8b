"""A vault in a database, with an encrypted row for each name: for servers that share credentials."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...errors import VaultError
from ...storage.sql import SharedDatabase, upsert
from .encryption import CredentialCipher, EncryptedCredential
from .files import file_lock, lock_timeout
from .keys import EnvironmentKeys
from .names import VAULT_VARIABLE, name_hash, unknown_credential, validate_name

if TYPE_CHECKING:
    from sqlalchemy import Connection, Select, Table

# For other databases SQLAlchemy silently omits FOR UPDATE.
_ROW_LOCK_KINDS: Final = frozenset({"mariadb", "mysql", "oracle", "postgresql"})
_LOCK_POLL_S: Final = 0.05
_SQLITE_LOCK_TIMEOUT_S: Final = 60.0


class DatabaseVault:
    """Credentials in a database, encrypted with the first of `keys`. `lock` uses `monotonic` and `sleep`."""

    def __init__(
        self,
        address: str,
        keys: EnvironmentKeys,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database = SharedDatabase(
            address,
            what="A vault",
            setting=VAULT_VARIABLE,
            extra="vault-database",
            lock_timeout_s=_SQLITE_LOCK_TIMEOUT_S,
            pooled=False,
            error=partial(VaultError, reason="storage"),
        )
        self._keys = keys
        self._cipher = CredentialCipher(keys.read(), self.place, keys.place)
        self._monotonic = monotonic
        self._sleep = sleep

    @property
    def place(self) -> str:
        """The database's address, without its password."""
        return self._database.place

    def names(self) -> list[str]:
        """Return all names, sorted; needs no key."""
        from sqlalchemy import select

        with self._database.transaction() as connection:
            return sorted(connection.scalars(select(self._credentials.c.name)))

    def get(self, name: str) -> dict[str, str]:
        """Return a credential. Raises UnknownCredential."""
        from sqlalchemy import select

        name = validate_name(name)
        table = self._credentials
        query = select(table.c.key_id, table.c.sealed).where(table.c.id == name_hash(name))
        with self._database.transaction() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise unknown_credential(name, self.place)
        return self._cipher.decrypt(name, EncryptedCredential(row.key_id, row.sealed))

    def put(self, name: str, credential: Mapping[str, str]) -> None:
        """Add or replace a credential. A vault that was encrypted with other keys isn't changed."""
        from sqlalchemy import select

        name = validate_name(name)
        encrypted = self._cipher.encrypt(name, credential)
        values = {"name": name, "key_id": encrypted.key_id, "sealed": encrypted.text}
        table = self._credentials
        foreign = select(table.c.key_id).where(table.c.key_id.not_in(self._cipher.key_ids)).limit(1)
        with self._database.transaction() as connection:
            self._cipher.require_keys(connection.scalars(foreign))
        try:
            with self._database.transaction() as connection:
                upsert(connection, table, {"id": name_hash(name)}, values)
        except KeyError:  # another process inserted it first
            with self._database.transaction() as connection:
                upsert(connection, table, {"id": name_hash(name)}, values)

    def delete(self, name: str) -> None:
        """Remove a credential; needs no key. Raises UnknownCredential."""
        from sqlalchemy import delete

        name = validate_name(name)
        table = self._credentials
        with self._database.transaction() as connection:
            if not connection.execute(delete(table).where(table.c.id == name_hash(name))).rowcount:
                raise unknown_credential(name, self.place)

    def lock(self, name: str, *, timeout_s: float = 60.0) -> AbstractContextManager[None]:
        """Hold a credential's lock: on a row, or for SQLite on a file beside the database."""
        name = validate_name(name)
        what = f"The credential {name!r}"
        if self._database.kind == "sqlite":
            path = Path(f"{self._database.path}.locks") / f"{name_hash(name)}.lock"
            return file_lock(path, timeout_s, what)
        if self._database.kind not in _ROW_LOCK_KINDS:
            raise VaultError(
                f"{self.place} has no row locks, which refreshing a credential needs.",
                fix="Use a vault in PostgreSQL, MySQL, Oracle, SQLite or a file.",
                reason="storage",
            )
        return self._row_lock(name_hash(name), timeout_s, what)

    def rekey(self) -> int:
        """Encrypt everything with the first of the given keys.

        A row is replaced only if it hasn't changed meanwhile, so no other process loses its change.
        """
        from sqlalchemy import select, update

        count = 0
        table = self._credentials
        first = self._keys.rotate()[0].id
        others = select(table.c.name, table.c.key_id, table.c.sealed).where(table.c.key_id != first)
        while True:
            with self._database.transaction() as connection:
                rows = connection.execute(others).all()
            self._cipher.require_keys(row.key_id for row in rows)
            if not rows:
                return count
            decrypted = [
                self._cipher.decrypt(row.name, EncryptedCredential(row.key_id, row.sealed)) for row in rows
            ]
            for row, credential in zip(rows, decrypted, strict=True):
                new = self._cipher.encrypt(row.name, credential)
                unchanged = (table.c.id == name_hash(row.name)) & (table.c.sealed == row.sealed)
                change = update(table).where(unchanged).values(key_id=new.key_id, sealed=new.text)
                with self._database.transaction() as connection:
                    count += connection.execute(change).rowcount

    @contextmanager
    def _row_lock(self, row: str, timeout_s: float, what: str) -> Iterator[None]:
        """Hold a row in an open transaction, which ends with the connection, and so with the process."""
        from sqlalchemy import insert, select

        table = self._locks
        query = select(table.c.id).where(table.c.id == row)
        with suppress(KeyError), self._database.transaction() as connection:
            if connection.scalar(query) is None:
                connection.execute(insert(table).values(id=row))
        give_up_at = self._monotonic() + timeout_s
        with self._database.transaction() as connection:
            while not _try_lock(connection, query.with_for_update(nowait=True)):
                if self._monotonic() > give_up_at:
                    raise lock_timeout(what, timeout_s)
                self._sleep(_LOCK_POLL_S)
            yield

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


def _try_lock(connection: "Connection", query: "Select[tuple[str]]") -> bool:
    from sqlalchemy.exc import DBAPIError

    try:
        with connection.begin_nested():
            connection.execute(query)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        return False
    return True
