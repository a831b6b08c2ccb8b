"""Copies an account into a database or files, and keeps the copy up to date in few calls.

    from calendly_connector import sync

    with connector.connect(credential) as connection:
        report = sync.copy(connection, "sqlite:///calendly.db")

`plan` says what a copy would cost, `mark` takes webhook events. A destination is a database's URL, the
path of an SQLite file, or, with `form` (jsonl or csv), a folder. Whatever interrupts a copy, its rows are
as Calendly showed them, each once, and the next one goes on where it stopped.
"""

from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime

from ..contract import Connection, Event
from ..errors import UsageError
from .destination import Format, destination
from .options import Options
from .report import Plan, Planned, Progress, Report, StreamReport, Watch

__all__ = ["Options", "Plan", "Planned", "Progress", "Report", "StreamReport", "copy", "mark", "plan"]


def _now() -> datetime:
    return datetime.now(UTC)


def copy(
    connection: Connection,
    to: str,
    options: Options | None = None,
    *,
    form: Format | None = None,
    clock: Callable[[], datetime] = _now,
    watch: Watch = lambda _progress: None,
    stop: Callable[[], bool] = lambda: False,
) -> Report:
    """Copy an account; the first time all of it, later what may have changed.

    `watch` is told of every page, `stop` asked after it. Raises DestinationError for what the destination
    refuses, TakenOver where a later copy into it has begun, and Calendly's errors as they come.
    """
    _require_sqlalchemy()
    from .copying import copy as run

    return run(connection, destination(to, form), options or Options(), clock, watch, stop)


def plan(
    connection: Connection,
    to: str,
    options: Options | None = None,
    *,
    form: Format | None = None,
    clock: Callable[[], datetime] = _now,
) -> Plan:
    """Say what `copy` would cost, at a few calls and without a change to the destination."""
    _require_sqlalchemy()
    from .planning import plan as run

    return run(connection, destination(to, form), options or Options(), clock)


def mark(to: str, events: Iterable[Event], *, form: Format | None = None) -> int:
    """Note which records webhook events told of, for the next copy; return how many.

    What an event holds of an invitee is taken into the copy as it is, so pass only events whose signature
    was verified. All other records are read again.
    """
    _require_sqlalchemy()
    from .bodies import newer
    from .database import Database
    from .marks import told_by

    told = told_by(events)
    with closing(Database(destination(to, form))) as database:
        database.mark(told, newer)
    return len(told)


def _require_sqlalchemy() -> None:
    from importlib.util import find_spec

    if find_spec("sqlalchemy") is None:
        raise UsageError("Copies need SQLAlchemy.", fix="pip install 'calendly-connector[sync]'")
