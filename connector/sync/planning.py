"""What a sync would cost: counted from the rows that are there, estimated from a few pages where none are."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final

from ..contract import Connection, RateLimit, Record
from ..errors import PermissionDenied
from . import schedule, times
from .copying import opened
from .database import Database
from .destination import Destination
from .events import EVENTS, INVITEES, due_bands, is_due
from .job import Job
from .lists import inputs, recent_since
from .options import Options
from .report import Plan, Planned
from .streams import Stream, streams

_PAGE: Final = 100  # records
_SAMPLES: Final = 6
_WINDOW_S: Final = 60  # the limit's count starts anew after this time
_AT_ONCE: Final = 500
_NOTHING: Final = Destination("sqlite://")  # in memory

Estimate = dict[str, Planned]


def plan(
    connection: Connection, destination: Destination, options: Options, clock: Callable[[], datetime]
) -> Plan:
    """Plan a sync."""
    there = destination if Database.exists(destination) else _NOTHING
    with (
        closing(Database(there)) as database,
        opened(connection, database, options, clock) as job,
    ):
        found: Estimate = {"account": Planned("account", job.account.calls)}
        if marks := sum(body is None for _, body in database.marks().values()):
            found["marked"] = Planned("marked", 2 * marks, about=True, note="what webhook events told of")
        for name in job.wanted if not options.only_marked else ():
            if name in job.run.done:
                found[name] = Planned(name, 0, note="read before the last sync was interrupted")
            elif streams()[name].kept:
                found |= _planned(job, streams()[name], found)
        calls = sum(one.calls for one in found.values())
        return Plan(
            streams=tuple(found.values()),
            calls=calls,
            minutes=minutes(calls, connection.rate_limit),
            about=any(one.about for one in found.values()),
            spent=job.report.calls,
            warnings=tuple(job.report.warnings),
        )


def minutes(calls: int, limit: RateLimit | None) -> float | None:
    """Give how long the account's limit makes so many calls last, at least."""
    if limit is None or limit.limit < 1:
        return None
    if calls <= limit.remaining:
        return 0.0
    wait_s = limit.reset_s if limit.reset_s is not None else _WINDOW_S
    return (wait_s + (calls - limit.remaining - 1) // limit.limit * _WINDOW_S) / 60


def _planned(job: Job, stream: Stream, found: Estimate) -> Estimate:
    try:
        if stream.kept == "windowed":
            return _events(job, stream)
        return {stream.name: _list(job, stream, found)}
    except PermissionDenied as error:
        job.report.warn(f"{stream.name} will be left out: {error}")
        return {stream.name: Planned(stream.name, 1, note="may not be read")}


def _list(job: Job, stream: Stream, found: Estimate) -> Planned:
    rows = job.database.count(stream.name)
    lists = max(job.database.count(stream.parent), 1) if stream.parent else 1
    if recent_since(job, stream):
        return Planned(stream.name, lists, about=True, note="and what is new")
    if rows:
        return Planned(stream.name, max(ceil(rows / _PAGE), lists), about=True)
    if stream.parent:
        refused = found.get(stream.parent, Planned("", 0)).note == "may not be read"
        return Planned(
            stream.name, 0 if refused else lists, about=True, note=f"one or more for each of {stream.parent}"
        )
    sample = _page(job, stream.list, inputs(job, stream, None))
    each = len(sample.records) if stream.details else 0
    if sample.complete:
        return Planned(stream.name, 1 + each)
    return Planned(stream.name, 2 + 2 * each, about=True, note="or more: Calendly does not say how many")


def _events(job: Job, stream: Stream) -> Estimate:
    if job.run.ranges is not None:
        ranges = [schedule.Range(times.read(since), times.read(until)) for since, until in job.run.ranges]
        ranges = [
            schedule.Range(times.read(job.run.position), ranges[job.run.at].until),
            *ranges[job.run.at + 1 :],
        ]
    else:
        ranges = schedule.ranges(due_bands(job), job.clock())
    if job.database.count(EVENTS) == 0:
        events, calls = _sampled(job, stream)
        about = events > _PAGE
        made = {EVENTS: Planned(EVENTS, max(ceil(events / _PAGE), 1), about=about, note=f"{events} events")}
        if INVITEES in job.wanted:
            made[INVITEES] = Planned(INVITEES, calls, about=about, note="one for each event that has any")
        return made
    pages, due = 0, 0
    for one in ranges:
        counted, waiting = _stored(job, one)
        pages += max(ceil(counted / _PAGE), 1)
        due += waiting
    made = {EVENTS: Planned(EVENTS, pages, about=True)}
    if INVITEES in job.wanted:
        note = "and one for each new or changed event"
        made[INVITEES] = Planned(INVITEES, due, about=True, note=note)
    return made


def _stored(job: Job, one: schedule.Range) -> tuple[int, int]:
    """Count the stored events of a range, and those of them whose invitees are due anyway."""
    since, until = (None if moment is None else times.write(moment) for moment in (one.since, one.until))
    between = ("start_time", since, until)
    counted, due = 0, 0
    some: list[Mapping[str, Any]] = []

    def count_due() -> int:
        read_at = job.database.read_below([event["uri"] for event in some])
        return sum(is_due(job, event, read_at.get(event["uri"])) for event in some)

    for event in job.database.rows(EVENTS, between):
        counted += 1
        some.append({name: event[name] for name in ("uri", "end_time", "invitees_counter")})
        if len(some) == _AT_ONCE:
            due += count_due()
            some.clear()
    return counted, due + count_due()


def _sampled(job: Job, stream: Stream) -> tuple[int, int]:
    """Give about how many events there are, and how many of them have invitees, from pages here and there."""
    given = {**job.account.input(stream), **stream.input}
    first = _page(job, stream.list, given)
    if first.complete:
        return len(first.records), sum(map(_has_invitees, first.records))
    last = _page(job, stream.list, {**given, "sort": "start_time:desc", "count": 1}).records
    start, end = _start(first.records[0]), _start(last[0] if last else first.records[-1])
    records = list(first.records)
    rates = [_a_second(first.records, start, end)]
    for number in range(1, _SAMPLES):
        here = start + (end - start) * number / _SAMPLES
        page = _page(job, stream.list, {**given, "min_start_time": times.write(here)}).records
        records += page
        rates.append(_a_second(page, here, end))
    events = max(round(sum(rates) / len(rates) * max((end - start).total_seconds(), 1.0)), len(first.records))
    return events, round(events * sum(map(_has_invitees, records)) / len(records))


def _a_second(page: Sequence[Record], start: datetime, end: datetime) -> float:
    """Give how dense the events of a page lie."""
    last = _start(page[-1]) if len(page) == _PAGE else end
    return len(page) / max((last - start) / timedelta(seconds=1), 1.0)


def _start(event: Record) -> datetime:
    return times.read(event.get("start_time")) or datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _has_invitees(event: Record) -> bool:
    counter = event.get("invitees_counter")
    return not isinstance(counter, dict) or counter.get("total") != 0


def _page(job: Job, action: str, given: Mapping[str, Any]) -> Any:
    result = job.connection.run(action, given)
    job.report.calls += result.calls
    return result
