"""One sync from beginning to end: changes that webhooks reported, table by table, then files.

Events are read by time range (`events.py`), all other tables as whole lists, or from the newest record back.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import Final

from ..catalog.required_fields import taken_from
from ..contract import Connection, Record, Records
from ..errors import NotFound, PermissionDenied, UnexpectedAnswer, UsageError
from ..support import timestamps
from .changes import sync_changes
from .context import SyncContext, SyncStopped, open_sync
from .database import Database
from .events import sync_events
from .files import write_files
from .models import Destination, OnProgress, SyncOptions, SyncReport
from .rows import by_uri, record_uri, to_row
from .streams import StreamSpec, embedded_streams, streams

_STALE_AFTER: Final = timedelta(hours=1)
_FULL: Final = "full."
_RECENT: Final = "recent."


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
                if report.resumed and began and clock() - began > _STALE_AFTER:
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
            (sync_events if stream.refresh == "windowed" else _sync_list)(sync, stream)
        except PermissionDenied as error:
            if sync.options.streams:
                raise
            unreadable.add(name)
            sync.report.add_calls(name, 1)
            sync.report.warn(f"{name} was skipped: {error}")
    with sync.transaction() as transaction:
        sync.save_checkpoint(transaction, finished=True)


def _sync_list(sync: SyncContext, stream: StreamSpec) -> None:
    """Read a stream; if it has a parent, once for each parent record."""
    checkpoint = sync.checkpoint
    since = recent_since(sync, stream)
    complete = True
    for parent in sync.database.uris(stream.parent) if stream.parent else (None,):
        if parent is None or parent not in checkpoint.parents:
            complete &= _read_list(sync, stream, since, parent)
    with sync.transaction() as transaction:
        checkpoint.done.append(stream.name)
        checkpoint.parents.clear()
        if complete:
            transaction.state[_RECENT + stream.name] = checkpoint.began
            if since is None:
                transaction.state[_FULL + stream.name] = checkpoint.began
        transaction.mark_orphans_missing(stream.name, sync.wanted)
        sync.save_checkpoint(transaction)
    sync.after_page(stream.name)


def recent_since(sync: SyncContext, stream: StreamSpec) -> str | None:
    """Return the time from which to read records, None to read all of them."""
    if stream.recent is None:
        return None
    last_full = timestamps.read_or_none(sync.database.state(_FULL + stream.name))
    last = timestamps.read_or_none(sync.database.state(_RECENT + stream.name))
    began = timestamps.read_or_none(sync.checkpoint.began)
    if last is None or last_full is None or began is None:
        return None
    if began - last_full >= timedelta(days=stream.recent.full_days):
        return None
    return timestamps.write_sortable(last - timedelta(days=stream.recent.back_days))


def _read_list(sync: SyncContext, stream: StreamSpec, since: str | None, parent: str | None) -> bool:
    """Read one list page by page; return whether it was complete."""
    source = streams()[stream.parent].list if stream.parent else "users.me"
    inputs = sync.list_input(stream, since) | ({stream.parent_input: parent} if parent else {})
    try:
        with taken_from(f"the reply to {source}"):
            records = sync.connection.iterate(stream.list, inputs)
    except UnexpectedAnswer as error:
        if parent is None:
            raise
        sync.report.warn(str(error))  # a parent with an unusable URI doesn't stop the sync
        return False
    try:
        complete = _read_pages(sync, stream, records, since)
    except NotFound:
        if parent is None:
            raise
        return False  # the parent was deleted after it was listed
    if not complete:
        sync.report.warn_incomplete(stream.name)
    elif parent is not None:
        sync.checkpoint.parents.append(parent)
    with sync.transaction() as transaction:
        if complete and since is None:
            below = (stream.parent_column, [parent]) if stream.parent_column and parent else None
            for table in (stream, *embedded_streams(stream.name, sync.wanted)):
                transaction.mark_missing(table.name, below=below)
        sync.save_checkpoint(transaction)
    return complete


def _read_pages(sync: SyncContext, stream: StreamSpec, records: Records, since: str | None) -> bool:
    """Read and write pages until all records are older than `since`; return whether they are complete."""
    counted = 0
    complete = True
    start = timestamps.read_or_none(since)
    for page in records.pages():
        sync.report.add_calls(stream.name, records.calls - counted)
        counted = records.calls
        complete &= _write_page(sync, stream, page)
        sync.report.warn(*records.warnings)
        sync.after_page(stream.name)
        if start and stream.recent and stream.recent.by and page:
            times = [timestamps.read_or_none(record.get(stream.recent.by)) for record in page]
            if all(time and time < start for time in times):
                return complete
    return complete and records.complete


def _write_page(sync: SyncContext, stream: StreamSpec, page: Sequence[Record]) -> bool:
    """Write a page; return whether all of its records could be written.

    If the list omits fields, new and changed records are read one by one first.
    """
    unchanged: set[str] = set()
    complete = True
    if stream.get_details:
        unchanged = _unchanged(sync, stream, page)
        changed = [uri for uri in by_uri(page) if uri not in unchanged]
        page = [found for found in sync.fetch(lambda uri: _get(sync, stream, uri), changed) if found]
        sync.report.add_calls(stream.name, len(changed))
        complete = len(page) == len(changed)
    page = list(by_uri(page).values())
    sync.database.add_answer_columns(stream, page)
    with sync.transaction() as transaction:
        sync.write(transaction, stream, page)
        transaction.stamp_rows(stream.name, unchanged)
    return complete


def _get(sync: SyncContext, stream: StreamSpec, uri: str) -> Record | None:
    try:
        return sync.connection.run(stream.get or "", {"uuid": uri}).record
    except (NotFound, UsageError):
        return None


def _unchanged(sync: SyncContext, stream: StreamSpec, page: Sequence[Record]) -> set[str]:
    """Return the URIs of records whose rows hold everything that the list says."""
    columns = sync.database.kinds[stream.name]
    stored = sync.database.rows_by_uri(stream.name, [record_uri(record) for record in page])
    unchanged = set()
    for uri, record in by_uri(page).items():
        listed, row = to_row(record, columns), stored.get(uri)
        if row is None or row["missing_since"] is not None:
            continue
        if all(row[name] == listed[name] for name in columns.keys() & record.keys()):
            unchanged.add(uri)
    return unchanged
