"""SQL databases: addresses, engines, tables, upserts and errors. SQLAlchemy is imported when it is used."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_plus

from ..errors import ConnectorError, UsageError
from ..support import extras

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine, MetaData, Table
    from sqlalchemy.exc import SQLAlchemyError

_PASSWORD_BEFORE_HOST: Final = re.compile(r"[^:/]*://[^:/]*:[^@]*@")  # a password can hold anything but @
_SECRET_SETTING: Final = re.compile(r"(?:pass(?:word|wd|phrase)?|pwd|secret|token)\s*=", re.IGNORECASE)
_PACKAGES: Final = {"psycopg": "'psycopg[binary]'", "psycopg2": "psycopg2-binary"}
_CREATE_ATTEMPTS: Final = 5


def require_sqlalchemy(what: str, extra: str) -> None:
    """Raise UsageError unless SQLAlchemy is installed. `extra` is the extra of this package that has it."""
    from importlib.util import find_spec

    if find_spec("sqlalchemy") is None:
        raise UsageError(f"{what} needs SQLAlchemy.", fix=extras.install(extra))


def read_url(address: str, *, what: str, setting: str, extra: str) -> "URL":
    """Parse a database URL. Raises UsageError if it isn't valid, or if its driver isn't installed.

    The messages mention `what` needs a database, and the `setting` that has the URL.
    """
    require_sqlalchemy(f"{what} in a database", extra)
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        url = make_url(_with_driver(address))
        url.get_dialect().import_dbapi()
    except ImportError as error:
        raise UsageError(
            f"This kind of database needs the module {error.name}.",
            fix=f"pip install {_PACKAGES.get(error.name or '', error.name)}",
        ) from None
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise UsageError(
            f"{setting} isn't a valid database URL.",
            fix="Use an SQLAlchemy URL, such as sqlite:///calendly.db or "
            "postgresql+psycopg://user:password@host/database.",
        ) from None
    return url


def _with_driver(address: str) -> str:
    """Return a PostgreSQL address, as databases in the cloud hand it out, with the driver that is installed.

    SQLAlchemy doesn't know `postgres://`, and version 2.0 takes psycopg2 unless another driver is named.
    """
    from importlib.util import find_spec

    name, separator, rest = address.partition("://")
    if name not in {"postgres", "postgresql"} or not separator:
        return address
    has_other = find_spec("psycopg2") and (name == "postgresql" or not find_spec("psycopg"))
    return f"postgresql://{rest}" if has_other else f"postgresql+psycopg://{rest}"


def holds_password(address: str) -> bool:
    """Check whether an address holds a password, which doesn't belong where others can read it.

    The password can come before the host or in a setting, such as `password=` or `PWD=`, also in one inside
    a driver's connection string. A file path doesn't count, whatever its name.
    """
    if "://" not in address:
        return False
    plain = unquote_plus(unquote_plus(address))
    return bool(_PASSWORD_BEFORE_HOST.match(address) or _SECRET_SETTING.search(plain))


def open_engine(url: "URL", *, lock_timeout_s: float, **options: Any) -> "Engine":
    """Return an engine. SQLite waits up to `lock_timeout_s` for other writers; `options` are SQLAlchemy's."""
    from sqlalchemy import create_engine

    connect = {"timeout": lock_timeout_s} if url.get_backend_name() == "sqlite" else {}
    return create_engine(url, hide_parameters=True, connect_args=connect, **options)


def create_tables(engine: "Engine", metadata: "MetaData", *only: "Table") -> None:
    """Create the tables that don't exist yet: all of `metadata`, or `only` some of them."""
    from sqlalchemy.exc import DBAPIError

    for attempt in range(1, _CREATE_ATTEMPTS + 1):
        try:
            with engine.begin() as connection:
                metadata.create_all(connection, tables=only or None)
        except DBAPIError:
            if attempt == _CREATE_ATTEMPTS:
                raise
        else:
            return  # a failed attempt met another process, and the next one skips its tables


def upsert(connection: "Connection", table: "Table", key: dict[str, Any], values: dict[str, Any]) -> None:
    """Update the row with this key, or insert it.

    If another process inserts it at the same moment, this raises SQLAlchemy's IntegrityError.
    """
    from sqlalchemy import insert, select, update

    if connection.execute(update(table).filter_by(**key).values(values)).rowcount:
        return
    # Some databases don't count a row that already has these values.
    if connection.execute(select(table.c[next(iter(key))]).filter_by(**key)).first() is None:
        connection.execute(insert(table).values(key | values))


def error_message(error: "SQLAlchemyError", url: "URL") -> str:
    """Return the first line of the driver's message without the password.

    The other lines can contain rows, as SQLAlchemy's own message does.
    """
    cause = getattr(error, "orig", None) or error
    message = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
    for secret in (url.password, url.query.get("password")):
        message = message.replace(str(secret), "***") if secret else message
    return message.rstrip(".")


class SharedDatabase:
    """A database that outlives the processes that use it. It is opened on first use, and again after a fork.

    `error` makes the caller's error from a message and its `fix`. If `pooled`, connections stay open until
    `close`.
    """

    def __init__(
        self,
        address: str,
        *,
        what: str,
        setting: str,
        extra: str,
        lock_timeout_s: float,
        pooled: bool,
        error: Callable[..., ConnectorError],
    ) -> None:
        url = read_url(address, what=what, setting=setting, extra=extra)
        self.kind = url.get_backend_name()
        self.path = url.database or ""
        if self.kind == "sqlite" and self.path in {"", ":memory:"}:
            raise UsageError(
                f"{what} in memory is lost when its process ends.", fix="Use the path of a file."
            )
        # Some drivers accept a password in the query, too.
        self.place = url.set(query={}).render_as_string(hide_password=True)
        self._url = url
        self._lock_timeout_s = lock_timeout_s
        self._pooled = pooled
        self._error = error
        self._lock = Lock()
        self._opened: tuple[int, Engine] | None = None

    @contextmanager
    def transaction(self) -> "Iterator[Connection]":
        """Yield a connection and commit at the end.

        Raises KeyError if a row exists already. Other database errors become the caller's error, which
        contains only their class: their text could contain secrets.
        """
        with self._translated_errors(), self._engine().begin() as connection:
            yield connection

    def create_tables(self, metadata: "MetaData") -> None:
        """Create the tables that don't exist yet."""
        with self._translated_errors():
            create_tables(self._engine(), metadata)

    def close(self) -> None:
        """Close the connections. The next call opens them again."""
        with self._lock:
            if self._opened is not None:
                process, engine = self._opened
                engine.dispose(close=process == os.getpid())
            self._opened = None

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

        try:
            yield
        except IntegrityError:
            raise KeyError("the row exists already") from None
        except SQLAlchemyError as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise self._error(
                f"The database {self.place} could not be used: {type(cause).__name__}.",
                fix="Check that it is running, and the host, user and password in its URL.",
            ) from None

    def _engine(self) -> "Engine":
        from sqlalchemy import NullPool

        with self._lock:
            process = os.getpid()
            if self._opened is None or self._opened[0] != process:
                if self._opened is not None:  # a connection must not cross a fork
                    self._opened[1].dispose(close=False)
                pool: dict[str, Any] = {"pool_pre_ping": True} if self._pooled else {"poolclass": NullPool}
                self._opened = process, open_engine(self._url, lock_timeout_s=self._lock_timeout_s, **pool)
            return self._opened[1]
