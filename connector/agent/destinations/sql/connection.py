"""SQL databases as a destination. A call is one transaction."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from ....errors import ConnectorError, DestinationError, InvalidParams, Problem, UsageError
from ....storage import sql
from ..connection import Destination, Page, Sent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import sqlalchemy as sa

    from ....contract import Params, Record
    from ..declarations import Declarations, DeclaredAction

_LOCK_TIMEOUT_S: Final = 30.0
_READS: Final = "only_reads"  # an execution option of ours


class SqlDestination(Destination):
    """A connection to one database."""

    def __init__(self, declarations: Declarations, credential: Mapping[str, str]) -> None:
        super().__init__(declarations, credential)
        self._url = sql.read_url(
            credential["url"], what="Writing rows", setting="The url in the credential", extra="agent"
        )
        if self._url.get_backend_name() == "sqlite" and self._url.database in {None, "", ":memory:"}:
            raise UsageError("A database in memory is lost with its process.", fix="Use the path of a file.")
        self._lock = Lock()

    def reach(self) -> str:
        """Send a query that reads nothing."""
        import sqlalchemy as sa

        with self._transaction(reads=True) as connection:
            connection.execute(sa.select(1))
        return f"Connected to {self._place}."

    def place(self, inputs: Params) -> str:
        return f"{self._place}#{inputs['table']}"

    def problems(self, action: DeclaredAction, inputs: Params) -> Iterator[Problem]:
        """Yield what can't be a row."""
        if action.id == "sql.upsert":
            from . import tables

            if ("record" in inputs) == ("records" in inputs):
                yield Problem("record", "is needed, or else records")
            else:
                yield from tables.problems(inputs["key"], _records(inputs))

    def send(self, action: DeclaredAction, inputs: Params) -> Sent:
        from . import tables

        name, records = inputs["table"], _records(inputs)
        with self._transaction() as connection, _problems_of(action):
            table = tables.ensure(connection, name, inputs["key"], records)
            tables.write(connection, table, inputs["key"], records)
        return Sent({"table": name, "rows": len(records)})

    def read(self, action: DeclaredAction, inputs: Params, token: str, count: int) -> Page:
        from . import tables

        name, offset = inputs["table"], int(token or 0)
        with self._transaction(reads=True) as connection, _problems_of(action):
            table = tables.find(connection, name)
            if table is None:
                raise UsageError(f"The database has no table {name}.", fix="Write to it first.")
            rows = tables.select(connection, table, inputs.get("where", {}), offset, count + 1)
        found = [{"table": name, "row": row} for row in rows[:count]]
        return Page(found, str(offset + count) if len(rows) > count else "")

    def close(self) -> None:
        """Close the connections. The next call opens them again."""
        with self._lock:
            if "_engine" in vars(self):
                self._engine.dispose()

    @property
    def _place(self) -> str:
        # Some drivers accept a password in the query, too.
        return self._url.set(query={}).render_as_string(hide_password=True)

    @cached_property
    def _engine(self) -> sa.Engine:
        engine = sql.open_engine(self._url, lock_timeout_s=_LOCK_TIMEOUT_S, pool_pre_ping=True)
        if self._url.get_backend_name() == "sqlite":
            _begin_at_once(engine)
        return engine

    @contextmanager
    def _transaction(self, *, reads: bool = False) -> Iterator[sa.Connection]:
        """Yield a connection, and commit at the end. Database errors become a DestinationError."""
        from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

        with self._lock:
            engine = self._engine.execution_options(**{_READS: reads})
        try:
            with engine.begin() as connection:
                yield connection
        except ConnectorError:
            raise
        except SQLAlchemyError as error:
            raise DestinationError(
                f"The database {self._place} failed: {sql.error_message(error, self._url)}.",
                fix="Check that it is running, the URL in the credential, and what its user may do.",
                retryable=isinstance(error, OperationalError | InterfaceError),
            ) from None


def _begin_at_once(engine: sa.Engine) -> None:
    """Let SQLite lock the database when a write begins: one that locks it later can't wait for others."""
    from sqlalchemy import event

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # otherwise the driver begins transactions by itself

    @event.listens_for(engine, "begin")
    def _(connection: sa.Connection) -> None:
        connection.exec_driver_sql(
            "BEGIN" if connection.get_execution_options()[_READS] else "BEGIN IMMEDIATE"
        )


@contextmanager
def _problems_of(action: DeclaredAction) -> Iterator[None]:
    """Turn the ValueError of a value that doesn't fit its column into InvalidParams."""
    try:
        yield
    except ValueError as error:
        name, _, what = str(error).partition(" ")
        raise InvalidParams(action.id, [Problem(name, what)]) from None


def _records(inputs: Params) -> list[Record]:
    return [inputs["record"]] if "record" in inputs else list(inputs["records"])
