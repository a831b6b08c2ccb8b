"""The database of an agent: its own tables, its transactions, and waiting until it can be reached."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Event
from typing import TYPE_CHECKING, Final, TypeVar

from ...errors import AgentDatabaseError
from ...storage.sql import SharedDatabase, read_url

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOCK_TIMEOUT_S: Final = 30.0
_LIMITS: Final = "-c idle_in_transaction_session_timeout=15s -c lock_timeout=30s"
_CLOSE_S: Final = 10.0
_PAUSES_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
_LOGGER: Final = logging.getLogger("calendly_connector.agent")

T = TypeVar("T")


class Interrupted(BaseException):
    """This process may not act any more: it is stopping, or others declared it dead.

    It is not an Exception, so that DBOS records no outcome: another process goes on with the run.
    """


class Database:
    """The agent's tables. `create` makes or migrates them."""

    def __init__(self, url: str) -> None:
        self._shared = SharedDatabase(
            _with_time_limits(url),
            what="The agent",
            setting="--database",
            extra="agent",
            lock_timeout_s=LOCK_TIMEOUT_S,
            pooled=True,
            error=AgentDatabaseError,
        )
        self._stopping = Event()
        self._idle = Condition()
        self._under_way = 0
        self._closed = False

    @property
    def place(self) -> str:
        """Where it is, without a password."""
        return self._shared.place

    @property
    def kind(self) -> str:
        """`sqlite`, `postgresql` or another one."""
        return self._shared.kind

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def create(self) -> None:
        """Create the tables, or migrate them. Several processes may do so at once."""
        from .tables import migrate

        if self._shared.kind == "sqlite":
            with self._shared.transaction() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")  # for DBOS, too: the file keeps it
        with self._shared.transaction() as connection:
            if self._shared.kind == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            elif self._shared.kind == "postgresql":
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('agent_schema'))")
            migrate(connection)

    @contextmanager
    def transaction(self) -> "Iterator[Connection]":
        """Yield a connection and commit. Raises KeyError for a row that exists, or AgentDatabaseError.

        SQLite takes its write lock at the first write: a transaction that writes begins with a write.
        Raises Interrupted after `close`.
        """
        with self._counted(), self._shared.transaction() as connection:
            yield connection

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._idle:
            if self._closed:
                raise Interrupted
            self._under_way += 1
        try:
            yield
        finally:
            with self._idle:
                self._under_way -= 1
                self._idle.notify_all()

    def patiently(self, act: Callable[[], T]) -> T:
        """Do something in the database, again and again while it can't be reached. Raises Interrupted."""
        pauses = iter(_PAUSES_S)
        pause = 0.0
        while True:
            try:
                return act()
            except AgentDatabaseError as error:
                pause = next(pauses, pause)
                _LOGGER.warning("%s Trying again in %s s.", error, pause)
                if self._stopping.wait(pause):
                    raise Interrupted from None

    def stop(self) -> None:
        """Let nobody wait for the database any more."""
        self._stopping.set()

    def close(self) -> None:
        """Close the connections, as soon as the transactions of other threads have ended."""
        with self._idle:
            self._closed = True
            self._idle.wait_for(lambda: not self._under_way, _CLOSE_S)
        self._shared.close()


def _with_time_limits(address: str) -> str:
    """Return the address with limits for PostgreSQL: a frozen process must not hold its locks for ever."""
    url = read_url(address, what="The agent", setting="--database", extra="agent")
    if url.get_backend_name() == "postgresql" and "options" not in url.query:
        url = url.update_query_dict({"options": _LIMITS})
    return url.render_as_string(hide_password=False)
