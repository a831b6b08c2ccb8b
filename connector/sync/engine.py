"""One sync from beginning to end: changes that webhooks reported, table by table, then files."""

from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from typing import Final

from ..contract import Connection
from ..errors import PermissionDenied
from ..support import timestamps
from .changes import sync_changes
from .context import SyncContext, SyncStopped, open_sync
from .database import Database
from .events import sync_events
from .files import write_files
from .lists import sync_list
from .models import Destination, OnProgress, SyncOptions, SyncReport
from .streams import streams

_RECENT: Final = timedelta(hours=1)


def run_sync(
    connection: Connection,
    destination: Destination,
    options: SyncOptions,
    clock: Callable[[], datetime],
    on_progress: OnProgress,
    should_stop: Callable[[], bool],
) -> SyncReport:
    """Sync, beginning with what an interrupted sync left to do."""
    with (
        closing(Database(destination)) as database,
        open_sync(connection, database, options, clock, on_progress, should_stop, take_over=True) as sync,
    ):
        report = sync.report
        try:
            sync.store_stamp()
            sync_changes(sync)
            if not options.only_marked:
                _sync_streams(sync)
                began = timestamps.read_or_none(report.began)
                if report.resumed and began and clock() - began > _RECENT:
                    # The rows that the interrupted sync read are as old as its beginning.
                    sync.begin()
                    sync.store_stamp()
                    _sync_streams(sync)
        except SyncStopped:
            report.outcome = "stopped"
        for name in sorted(database.truncated):
            report.warn(f"{name}: more questions than columns. Further answers are only in the JSON column.")
        if destination.folder is not None:
            report.files = write_files(
                database, destination, sync.wanted, keep_formulas=options.keep_formulas
            )
    return report


def _sync_streams(sync: SyncContext) -> None:
    """Read every table that isn't done yet."""
    unreadable: set[str] = set()
    for name in sync.wanted:
        stream = streams()[name]
        if name in sync.checkpoint.done or not stream.refresh:
            continue
        if stream.parent in unreadable:
            unreadable.add(name)
            continue
        try:
            (sync_events if stream.refresh == "windowed" else sync_list)(sync, stream)
        except PermissionDenied as error:
            if sync.options.streams:
                raise
            unreadable.add(name)
            sync.report.add_calls(name, 1)
            sync.report.warn(f"{name} was skipped: {error}")
    with sync.transaction() as transaction:
        sync.save_checkpoint(transaction, finished=True)
