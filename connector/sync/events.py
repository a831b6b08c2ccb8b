"""Scheduled events, range by range of start times, with the invitees of those that need it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from ..catalog.required_fields import taken_from
from ..contract import Record
from ..errors import NotFound, PermissionDenied, UnexpectedAnswer
from ..support import timestamps
from . import schedule
from .context import SyncContext
from .rows import by_uri, record_uri, to_row
from .streams import StreamSpec, embedded_streams, streams
from .tables import Transaction

EVENTS: Final = "scheduled_events"
INVITEES: Final = "invitees"
_WINDOWS: Final = "windows."
_WATCHED: Final = ("status", "updated_at", "invitees_counter")
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _InviteeList:
    """The invitees of one event. `forbidden` is whether Calendly doesn't show them."""

    event: str
    records: list[Record] = field(default_factory=list)
    calls: int = 0
    complete: bool = True
    forbidden: bool = False
    warnings: tuple[str, ...] = ()


def sync_events(sync: SyncContext, stream: StreamSpec) -> None:
    """Read the ranges that are due, from the checkpoint on, then store when they were read."""
    checkpoint = sync.checkpoint
    if checkpoint.ranges is None:
        bands = due_bands(sync)
        checkpoint.bands = [band.name for band in bands]
        checkpoint.ranges = [
            [_text(one.since), _text(one.until)] for one in schedule.ranges(bands, sync.clock())
        ]
        checkpoint.last = sync.database.extremes(EVENTS, "start_time")[1] or _last_start(sync, stream)
    while checkpoint.at < len(checkpoint.ranges):
        since, until = checkpoint.ranges[checkpoint.at]
        _read_range(sync, stream, since, until)
    with sync.transaction() as transaction:
        checkpoint.done.append(stream.name)
        if not checkpoint.short:
            stamps = dict.fromkeys(checkpoint.bands, checkpoint.began)
            for name in _streams_in_bands(sync):
                stored = sync.database.state(_WINDOWS + name) or {}
                transaction.state[_WINDOWS + name] = stored | stamps
        sync.save_checkpoint(transaction)


def due_bands(sync: SyncContext) -> list[schedule.Band]:
    """Return the bands to read now. A band that was read without its invitees counts as unread."""
    read_at = [sync.database.state(_WINDOWS + name) or {} for name in _streams_in_bands(sync)]
    return schedule.due(schedule.bands(sync.options.window_days), read_at, sync.clock())


def is_due(sync: SyncContext, event: Mapping[str, Any], read_at: str | None) -> bool:
    """Check whether to read the invitees of an event that hasn't changed."""
    if read_at is not None and _counter(event).get("active") == 0:
        return False  # nobody is left who could be a no-show
    end, read = timestamps.read_or_none(event.get("end_time")), timestamps.read_or_none(read_at)
    return schedule.invitees_due(end, read, sync.clock(), sync.options.no_show_days)


@contextmanager
def events_transaction(
    sync: SyncContext, stream: StreamSpec, page: Sequence[Record]
) -> Iterator[Transaction]:
    """Read the invitees of the events that need it, and yield the transaction that writes both."""
    events = by_uri(page)
    changed = _changed(sync, events)
    due: list[Record] = []
    if INVITEES in sync.wanted:
        read_at = sync.database.children_read_at(list(events))
        due = [
            event for uri, event in events.items() if uri in changed or is_due(sync, event, read_at.get(uri))
        ]
    lists = sync.fetch(lambda event: _read_invitees(sync, event), due)
    for one in lists:
        sync.report.add_calls(INVITEES, one.calls)
        sync.report.warn(*one.warnings)
        if one.forbidden:
            sync.report.warn("invitees: the token can't read the invitees of some events.")
        elif not one.complete:
            sync.report.warn_incomplete(INVITEES)
    invitees, records = streams()[INVITEES], [record for one in lists for record in one.records]
    sync.database.add_answer_columns(invitees, records)
    with sync.transaction() as transaction:
        sync.write(transaction, stream, list(events.values()))
        # The next sync that includes invitees must read those of changed events.
        transaction.forget_children_read([*changed, *(one.event for one in lists)])
        if lists:
            sync.write(transaction, invitees, records)
            complete = [one.event for one in lists if one.complete]
            for table in (invitees, *embedded_streams(INVITEES, sync.wanted)):
                transaction.mark_missing(table.name, below=(table.parent_column, complete))
            transaction.set_children_read([one.event for one in lists if one.complete or one.forbidden])
        yield transaction


def _read_range(sync: SyncContext, stream: StreamSpec, since: str | None, until: str | None) -> None:
    """Read a range from the checkpoint's position on, page by page."""
    checkpoint = sync.checkpoint
    position = timestamps.read_or_none(checkpoint.position)
    after = since if position is None else _text(position - _SECOND)  # others can start at the same time
    bounds = {"min_start_time": after, "max_start_time": until}
    inputs = sync.list_input(stream) | {name: time for name, time in bounds.items() if time}
    records = sync.connection.iterate(stream.list, inputs)
    counted = 0
    for page in records.pages():
        sync.report.add_calls(stream.name, records.calls - counted)
        counted = records.calls
        sync.report.warn(*records.warnings)
        starts = [
            record["start_time"] for record in page if timestamps.read_or_none(record.get("start_time"))
        ]
        checkpoint.position = max([checkpoint.position or "", *starts]) or None
        with events_transaction(sync, stream, page) as transaction:
            sync.save_checkpoint(transaction)
        sync.after_page(stream.name, _share(sync))
    if not records.complete:
        checkpoint.short = True
        sync.report.warn_incomplete(stream.name)
    checkpoint.at, checkpoint.position = checkpoint.at + 1, None
    with sync.transaction() as transaction:
        if records.complete:
            # Events at the very ends of the range can belong to its neighbors.
            first, last = timestamps.read_or_none(since), timestamps.read_or_none(until)
            inner = ("start_time", _text(first and first + _SECOND), _text(last and last - _SECOND))
            transaction.mark_missing(EVENTS, between=inner)
            transaction.mark_orphans_missing(EVENTS, sync.wanted)
        sync.save_checkpoint(transaction)


def _last_start(sync: SyncContext, stream: StreamSpec) -> str | None:
    """Ask for the last event, so a first sync can estimate its progress."""
    inputs = sync.list_input(stream) | {"sort": "start_time:desc", "count": 1}
    found = sync.connection.run(stream.list, inputs)
    sync.report.add_calls(stream.name, found.calls)
    start = found.records[0].get("start_time") if found.records else None
    return start if isinstance(start, str) else None


def _share(sync: SyncContext) -> float | None:
    """Return the share of the events that is read, None if it isn't known."""
    checkpoint = sync.checkpoint
    first = timestamps.read_or_none(sync.database.extremes(EVENTS, "start_time")[0])
    position, last = (timestamps.read_or_none(text) for text in (checkpoint.position, checkpoint.last))
    if position is None or last is None or first is None:
        return None
    ranges = [
        schedule.Range(timestamps.read_or_none(since), timestamps.read_or_none(until))
        for since, until in checkpoint.ranges or ()
    ]
    return schedule.share(ranges, checkpoint.at, position, first, last)


def _read_invitees(sync: SyncContext, event: Record) -> _InviteeList:
    """Read the invitees of one event, without a call if its counter says that there are none."""
    uri, stream = record_uri(event), streams()[INVITEES]
    if _counter(event).get("total") == 0:
        return _InviteeList(uri)
    try:
        with taken_from(f"the reply to {streams()[EVENTS].list}"):
            records = sync.connection.iterate(stream.list, {stream.parent_input: uri})
    except UnexpectedAnswer as error:  # an event with an unusable URI doesn't stop the sync
        return _InviteeList(uri, complete=False, warnings=(str(error),))
    try:
        found = list(records)
    except NotFound:  # the event was deleted after it was listed, or isn't there yet
        return _InviteeList(uri, calls=1, complete=False)
    except PermissionDenied:
        return _InviteeList(uri, calls=1, complete=False, forbidden=True)
    return _InviteeList(uri, found, records.calls, records.complete, warnings=records.warnings)


def _changed(sync: SyncContext, events: Mapping[str, Record]) -> set[str]:
    """Return the URIs of events that differ from their rows in a way that can affect their invitees."""
    stored = sync.database.rows_by_uri(EVENTS, list(events), (*_WATCHED, "missing_since"))
    columns = {name: sync.database.kinds[EVENTS][name] for name in _WATCHED}
    changed = set()
    for uri, event in events.items():
        old, new = stored.get(uri), to_row(event, columns)
        if old and old["missing_since"] is None and all(old[name] == new[name] for name in _WATCHED):
            continue
        changed.add(uri)
    return changed


def _counter(event: Mapping[str, Any]) -> Mapping[str, Any]:
    counter = event.get("invitees_counter")
    return counter if isinstance(counter, dict) else {}


def _streams_in_bands(sync: SyncContext) -> list[str]:
    return [name for name in (EVENTS, INVITEES) if name in sync.wanted]


def _text(time: datetime | None) -> str | None:
    return None if time is None else timestamps.write_sortable(time)
