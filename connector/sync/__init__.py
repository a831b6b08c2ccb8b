"""Syncs an account to a database or files. The first sync reads everything, later ones only what can change.

    from calendly_connector import sync

    with connector.connect(credential) as connection:
        report = sync.run(connection, "sqlite:///calendly.db")

`plan` estimates the calls of a sync, `mark` records webhook events for the next one, and `bookings` reads
meetings from a synced database. A destination is a
database URL, the path of an SQLite file or, with a file format (jsonl or csv), a folder. An interrupted sync
leaves consistent rows, and the next one resumes it.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import Final

from ..contract import Connection, Event, Record
from ..storage.sql import require_sqlalchemy
from .models import (
    FileFormat,
    OnProgress,
    StreamPlan,
    StreamReport,
    SyncOptions,
    SyncPlan,
    SyncProgress,
    SyncReport,
    parse_destination,
)

__all__ = [
    "StreamPlan",
    "StreamReport",
    "SyncOptions",
    "SyncPlan",
    "SyncProgress",
    "SyncReport",
    "bookings",
    "mark",
    "plan",
    "run",
]

_NOW: Final = partial(datetime.now, UTC)


def run(
    connection: Connection,
    to: str,
    options: SyncOptions | None = None,
    *,
    file_format: FileFormat | None = None,
    clock: Callable[[], datetime] = _NOW,
    on_progress: OnProgress = lambda _progress: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> SyncReport:
    """Sync an account: everything the first time, later only what can have changed.

    `on_progress` is called after each page, then `should_stop`. Raises UsageError for an invalid destination,
    DestinationError if it fails, TakenOver if a later sync into it has begun, and the errors of calls.
    """
    require_sqlalchemy("A sync", "sync")
    from .engine import run_sync

    destination = parse_destination(to, file_format)
    return run_sync(connection, destination, options or SyncOptions(), clock, on_progress, should_stop)


def bookings(to: str, start: datetime | None = None, end: datetime | None = None) -> Iterator[Record]:
    """Yield the rows of the view `bookings` of a synced database, of meetings that start in a range.

    They have the fields of `meetings.list`, except those that depend on a time zone. Raises UsageError or
    DestinationError.
    """
    require_sqlalchemy("A report from a sync", "sync")
    from .database import open_destination
    from .views import read_view

    engine = open_destination(parse_destination(to))
    try:
        yield from read_view(engine, start, end)
    finally:
        engine.dispose()


def plan(
    connection: Connection,
    to: str,
    options: SyncOptions | None = None,
    *,
    file_format: FileFormat | None = None,
    clock: Callable[[], datetime] = _NOW,
) -> SyncPlan:
    """Estimate the calls of a sync. This makes a few calls itself, and doesn't change the destination."""
    require_sqlalchemy("A sync", "sync")
    from .planning import plan_sync

    return plan_sync(connection, parse_destination(to, file_format), options or SyncOptions(), clock)


def mark(to: str, events: Iterable[Event], *, file_format: FileFormat | None = None) -> int:
    """Mark the records that webhook events are about for the next sync; return how many.

    Invitees in an event are written as they are, so only pass events whose signature was verified.
    """
    require_sqlalchemy("A sync", "sync")
    from .changes import changes_in, is_newer
    from .database import Database

    changes = changes_in(events)
    with closing(Database(parse_destination(to, file_format))) as database:
        database.mark(changes, is_newer)
    return len(changes)
