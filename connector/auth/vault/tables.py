"""The vault's tables, and connections to the database that holds them."""

from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Final

from ...errors import VaultError
from ...storage.database_url import database_url, shown
from .names import PLACE_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine, Table

_SQLITE_PATIENCE_S: Final = 60.0


class Database:
    """A database with the two tables of a vault, which are made where they are not there yet."""

    def __init__(self, address: str) -> None:
        self._url = database_url(address, what="A vault", setting=PLACE_VARIABLE, extra="vault-database")
        self.kind = self._url.get_backend_name()
        self.path = self._url.database or ""
        self.place = shown(self._url)

    @contextmanager
    def transaction(self) -> "Iterator[Connection]":
        """Give a connection whose work is kept at the end; an error of the library becomes one of ours.

        Only its kind is told: its words could hold what was sent. A row that is there already is a
        KeyError.
        """
        from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise KeyError("the row is there already") from None
        except SQLAlchemyError as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise VaultError(
                f"The vault {self.place} could not be used: {type(cause).__name__}.",
                fix=f"Check that the database runs, and the address, user and password in {PLACE_VARIABLE}.",
                reason="storage",
            ) from None

    @property
    def credentials(self) -> "Table":
        """The sealed rows."""
        return self._tables[0]

    @property
    def locks(self) -> "Table":
        """A row for each name whose lock was ever held."""
        return self._tables[1]

    @cached_property
    def _tables(self) -> "tuple[Table, Table]":
        from sqlalchemy import Column, MetaData, String, Table, Text
        from sqlalchemy.exc import DBAPIError

        known = MetaData()
        # The id is a hash of the name: databases differ in which names they take for the same.
        credentials = Table(
            "calendly_credentials",
            known,
            Column("id", String(64), primary_key=True),
            Column("name", Text, nullable=False),
            Column("key_id", String(16), nullable=False),
            Column("sealed", Text, nullable=False),
        )
        locks = Table("calendly_credential_locks", known, Column("id", String(64), primary_key=True))
        # Of two that both see no table one fails; whether they are there then, the next statement shows.
        with self.transaction() as connection, suppress(DBAPIError):
            known.create_all(connection)
        return credentials, locks

    @cached_property
    def _engine(self) -> "Engine":
        from sqlalchemy import NullPool, create_engine

        patience = {"timeout": _SQLITE_PATIENCE_S} if self.kind == "sqlite" else {}
        # No pool: a process forked from this one must not share its connections.
        return create_engine(self._url, poolclass=NullPool, hide_parameters=True, connect_args=patience)
