"""The vault's tables, and connections to the database that holds them."""

from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Final

from ...errors import UsageError, VaultError
from .names import PLACE_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Connection, Engine, Table

_SQLITE_PATIENCE_S: Final = 60.0


class Database:
    """A database with the two tables of a vault, which are made where they are not there yet."""

    def __init__(self, address: str) -> None:
        self._url = _url(address)
        self.kind = self._url.get_backend_name()
        self.path = self._url.database or ""
        # Some drivers take a password in the query too.
        self.place = self._url.set(query={}).render_as_string(hide_password=True)

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


def _url(address: str) -> "URL":
    try:
        from sqlalchemy import make_url
    except ImportError:
        raise UsageError(
            "A vault in a database needs SQLAlchemy.", fix="pip install 'calendly-connector[vault-database]'"
        ) from None
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        url = make_url(address)
        url.get_dialect().import_dbapi()
    except ImportError as error:
        raise UsageError(
            f"The vault's database needs {error.name}.", fix=f"pip install {error.name}"
        ) from None
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise UsageError(
            f"{PLACE_VARIABLE} is not the address of a database.",
            fix="Write it as SQLAlchemy does, such as postgresql+psycopg://user:password@host/database.",
        ) from None
    if url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}:
        raise UsageError("A vault in memory is gone with its process.", fix="Give the path of a file.")
    return url
