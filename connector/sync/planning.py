"""The expected calls of a sync: counted from stored rows, or estimated from a few pages."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, Final

from ..contract import Connection, RateLimit, Record, Result
from ..errors import PermissionDenied
from ..support import timestamps
from . import schedule
from .context import SyncContext, open_sync
from .database import Database, has_synced_before
from .engine import recent_since
from .events import EVENTS, INVITEES, due_bands, is_due
from .models import Destination, StreamPlan, SyncOptions, SyncPlan
from .streams import StreamSpec, streams

_PAGE: Final = 100  # records
_SAMPLES: Final = 6
_WINDOW_S: Final = 60  # of the rate limit
_BATCH: Final = 500
_IN_MEMORY: Final = Destination("sqlite://")
_UNREADABLE: Final = "the token can't read it"

StreamPlans = dict[str, StreamPlan]


def plan_sync(
    connection: Connection, destination: Destination, options: SyncOptions, clock: Callable[[], datetime]
) -> SyncPlan:
    """Return the expected calls of a sync. The destination isn't changed."""
    existing = destination if has_synced_before(destination) else _IN_MEMORY
    with (
        closing(Database(existing)) as database,
        open_sync(connection, database, options, clock) as sync,
    ):
        plans: StreamPlans = {"account": StreamPlan("account", sync.report.calls)}
        if marked := sum(body is None for _, body in database.marks().values()):
            note = "records that webhook events marked"
            plans["marked"] = StreamPlan("marked", 2 * marked, about=True, note=note)
        for name in sync.wanted if not options.only_marked else ():
            if name in sync.checkpoint.done:
                plans[name] = StreamPlan(name, 0, note="read before the last sync was interrupted")
            elif streams()[name].refresh:
                plans |= _plan_stream(sync, streams()[name], plans)
        calls = sum(one.calls for one in plans.values())
        return SyncPlan(
            streams=tuple(plans.values()),
            calls=calls,
            minutes=minutes(calls, connection.rate_limit),
            about=any(one.about for one in plans.values()),
            spent=sync.report.calls,
            warnings=tuple(sync.report.warnings),
        )


def minutes(calls: int, limit: RateLimit | None) -> float | None:
    """Return the minutes that calls take at least under a rate limit, None if it isn't known."""
    if limit is None or limit.limit < 1:
        return None
    if calls <= limit.remaining:
        return 0.0
    wait_s = limit.reset_s if limit.reset_s is not None else _WINDOW_S
    return (wait_s + (calls - limit.remaining - 1) // limit.limit * _WINDOW_S) / 60


def _plan_stream(sync: SyncContext, stream: StreamSpec, plans: StreamPlans) -> StreamPlans:
    try:
        if stream.refresh == "windowed":
            return _plan_events(sync, stream)
        return {stream.name: _plan_list(sync, stream, plans)}
    except PermissionDenied as error:
        sync.report.warn(f"{stream.name} will be skipped: {error}")
        return {stream.name: StreamPlan(stream.name, 1, note=_UNREADABLE)}


def _plan_list(sync: SyncContext, stream: StreamSpec, plans: StreamPlans) -> StreamPlan:
    rows = sync.database.count(stream.name)
    lists = max(sync.database.count(stream.parent), 1) if stream.parent else 1
    if recent_since(sync, stream):
        return StreamPlan(stream.name, lists, about=True, note="plus new records")
    if rows:
        return StreamPlan(stream.name, max(ceil(rows / _PAGE), lists), about=True)
    if stream.parent:
        unreadable = stream.parent in plans and plans[stream.parent].note == _UNREADABLE
        note = f"one or more for each of {stream.parent}"
        return StreamPlan(stream.name, 0 if unreadable else lists, about=True, note=note)
    sample = _read_page(sync, stream.list, sync.list_input(stream))
    details = len(sample.records) if stream.get_details else 0
    if sample.complete:
        return StreamPlan(stream.name, 1 + details)
    note = "or more: Calendly doesn't report the total"
    return StreamPlan(stream.name, 2 + 2 * details, about=True, note=note)


def _plan_events(sync: SyncContext, stream: StreamSpec) -> StreamPlans:
    if sync.database.count(EVENTS) == 0:
        events, calls = _estimate_events(sync, stream)
        about = events > _PAGE
        pages = max(ceil(events / _PAGE), 1)
        plans = {EVENTS: StreamPlan(EVENTS, pages, about=about, note=f"{events} events")}
        note = "one for each event with invitees"
    else:
        about, pages, calls = True, 0, 0
        for one in _ranges_left(sync):
            stored, due = _count_stored(sync, one)
            pages += max(ceil(stored / _PAGE), 1)
            calls += due
        plans = {EVENTS: StreamPlan(EVENTS, pages, about=True)}
        note = "plus one for each new or changed event"
    if INVITEES in sync.wanted:
        plans[INVITEES] = StreamPlan(INVITEES, calls, about=about, note=note)
    return plans


def _ranges_left(sync: SyncContext) -> list[schedule.Range]:
    """Return the ranges that the sync will read, after the checkpoint if there is one."""
    checkpoint = sync.checkpoint
    if checkpoint.ranges is None:
        return schedule.ranges(due_bands(sync), sync.clock())
    read = timestamps.read_or_none
    ranges = [schedule.Range(read(since), read(until)) for since, until in checkpoint.ranges[checkpoint.at :]]
    return [schedule.Range(read(checkpoint.position), ranges[0].until), *ranges[1:]]


def _count_stored(sync: SyncContext, one: schedule.Range) -> tuple[int, int]:
    """Count the stored events of a range, and those whose invitees are due although nothing changed."""
    since, until = (
        None if time is None else timestamps.write_sortable(time) for time in (one.since, one.until)
    )
    stored, due = 0, 0
    batch: list[Mapping[str, Any]] = []

    def count_due() -> int:
        read_at = sync.database.children_read_at([event["uri"] for event in batch])
        return sum(is_due(sync, event, read_at.get(event["uri"])) for event in batch)

    for event in sync.database.rows(EVENTS, ("start_time", since, until)):
        stored += 1
        batch.append({name: event[name] for name in ("uri", "end_time", "invitees_counter")})
        if len(batch) == _BATCH:
            due += count_due()
            batch.clear()
    return stored, due + count_due()


def _estimate_events(sync: SyncContext, stream: StreamSpec) -> tuple[int, int]:
    """Return the estimated numbers of events and of events with invitees, from pages at several times."""
    inputs = sync.list_input(stream)
    first = _read_page(sync, stream.list, inputs)
    if first.complete:
        return len(first.records), sum(map(_has_invitees, first.records))
    last = _read_page(sync, stream.list, {**inputs, "sort": "start_time:desc", "count": 1}).records
    start, end = _start(first.records[0]), _start(last[0] if last else first.records[-1])
    records = list(first.records)
    rates = [_events_per_second(first.records, start, end)]
    for number in range(1, _SAMPLES):
        here = start + (end - start) * number / _SAMPLES
        after = {"min_start_time": timestamps.write_sortable(here)}
        page = _read_page(sync, stream.list, {**inputs, **after}).records
        records += page
        rates.append(_events_per_second(page, here, end))
    seconds = max((end - start).total_seconds(), 1.0)
    events = max(round(sum(rates) / len(rates) * seconds), len(first.records))
    return events, round(events * sum(map(_has_invitees, records)) / len(records))


def _events_per_second(page: Sequence[Record], start: datetime, end: datetime) -> float:
    last = _start(page[-1]) if len(page) == _PAGE else end
    return len(page) / max((last - start) / timedelta(seconds=1), 1.0)


def _start(event: Record) -> datetime:
    return timestamps.read_or_none(event.get("start_time")) or datetime.fromtimestamp(0, UTC)


def _has_invitees(event: Record) -> bool:
    counter = event.get("invitees_counter")
    return not isinstance(counter, dict) or counter.get("total") != 0


def _read_page(sync: SyncContext, action: str, inputs: Mapping[str, Any]) -> Result:
    result = sync.connection.run(action, inputs)
    sync.report.calls += result.calls
    return result
