"""Scheduled events, range by range of start times, with the invitees of those that need it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from ..catalog.required_fields import taken_from
from ..contract import Record
from ..errors import NotFound, PermissionDenied, UnexpectedAnswer
from . import schedule, times
from .job import Job
from .report import Counts
from .rows import by_uri, row, uri_of
from .streams import Stream, streams
from .writer import Writer

EVENTS: Final = "scheduled_events"
INVITEES: Final = "invitees"
WINDOWS: Final = "windows."
_WATCHED: Final = ("status", "updated_at", "invitees_counter")
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _Below:
    """The invitees of one event; `closed` where Calendly does not show them."""

    event: str
    records: list[Record] = field(default_factory=list)
    calls: int = 0
    complete: bool = True
    closed: bool = False
    warnings: tuple[str, ...] = ()


def copy_events(job: Job, stream: Stream) -> None:
    """Read the ranges of this run from where it stopped, then note when they were read."""
    run = job.run
    if run.ranges is None:
        bands = due_bands(job)
        run.bands = [band.name for band in bands]
        run.ranges = [[_text(one.since), _text(one.until)] for one in schedule.ranges(bands, job.clock())]
        run.last = job.database.ends(EVENTS, "start_time")[1] or _last_start(job, stream)
    while run.at < len(run.ranges):
        since, until = run.ranges[run.at]
        _read_range(job, stream, since, until)
    with job.database.writing() as writer:
        run.done.append(stream.name)
        for name in _stamped(job) if not run.short else ():
            stamps = job.database.state(WINDOWS + name) or {}
            writer.state[WINDOWS + name] = stamps | dict.fromkeys(run.bands, run.began)
        job.save(writer)


def due_bands(job: Job) -> list[schedule.Band]:
    """Give the bands that are to be read now; one that was read without invitees counts as not read."""
    read_at = [job.database.state(WINDOWS + name) or {} for name in _stamped(job)]
    return schedule.due(schedule.bands(job.options.window_days), read_at, job.clock())


def is_due(job: Job, event: Mapping[str, Any], read_at: str | None) -> bool:
    """Whether the invitees of an event that did not change are to be read all the same."""
    if read_at is not None and _counter(event).get("active") == 0:
        return False  # nobody is left who could fail to come
    return schedule.invitees_due(
        times.read(event.get("end_time")), times.read(read_at), job.clock(), job.options.no_show_days
    )


@contextmanager
def writing_events(job: Job, stream: Stream, page: Sequence[Record]) -> Iterator[Writer]:
    """Read the invitees of the events that need it, and write both in one transaction, which is given."""
    events = by_uri(page)
    changed = _changed(job, events)
    wanted = INVITEES in job.wanted
    read_at = job.database.read_below(list(events)) if wanted else {}
    due = [
        event
        for uri, event in events.items()
        if wanted and (uri in changed or is_due(job, event, read_at.get(uri)))
    ]
    all_below = job.fetch(lambda event: _read_invitees(job, event), due)
    _tell(job, all_below)
    job.database.learn(streams()[INVITEES], [record for below in all_below for record in below.records])
    with job.database.writing() as writer:
        counts = job.put(writer, stream, list(events.values()))
        # Whoever reads the invitees next must not take them for read.
        writer.forget_below([*changed, *(below.event for below in all_below)])
        counts |= _put_invitees(job, writer, all_below)
        yield writer
    for name, one in counts.items():
        job.counted(name, one)


def _read_range(job: Job, stream: Stream, since: str | None, until: str | None) -> None:
    """Read a range from the position on, page by page."""
    run = job.run
    start = times.read(run.position)
    after = since if start is None else _text(start - _SECOND)  # more may start at the very same time
    bounds = {"min_start_time": after, "max_start_time": until}
    given = {name: moment for name, moment in bounds.items() if moment}
    records = job.connection.iterate(stream.list, {**job.account.input(stream), **stream.input, **given})
    known = 0
    for page in records.pages():
        job.called(stream.name, records.calls - known)
        known = records.calls
        job.report.warn(*records.warnings)
        starts = [str(record["start_time"]) for record in page if times.read(record.get("start_time"))]
        run.position = max([run.position or "", *starts]) or None
        with writing_events(job, stream, page) as writer:
            job.save(writer)
        job.after_page(stream.name, _share(job))
    if not records.complete:
        run.short = True
        job.report.warn(f"{stream.name}: Calendly did not give the whole list; the next sync reads it again.")
    run.at, run.position = run.at + 1, None
    with job.database.writing() as writer:
        lost = _mark_missing(job, writer, since, until) if records.complete else {}
        job.save(writer)
    for name, counts in lost.items():
        job.counted(name, counts)


def _last_start(job: Job, stream: Stream) -> str | None:
    """Ask for the last event, so that a first sync can tell how far it is."""
    given = {**job.account.input(stream), **stream.input, "sort": "start_time:desc", "count": 1}
    found = job.connection.run(stream.list, given)
    job.called(stream.name, found.calls)
    start = found.records[0].get("start_time") if found.records else None
    return start if isinstance(start, str) else None


def _share(job: Job) -> float | None:
    run = job.run
    position, last = times.read(run.position), times.read(run.last)
    first = times.read(job.database.ends(EVENTS, "start_time")[0])
    if position is None or last is None or first is None:
        return None
    ranges = [schedule.Range(times.read(since), times.read(until)) for since, until in run.ranges or ()]
    return schedule.share(ranges, run.at, position, first, last)


def _read_invitees(job: Job, event: Record) -> _Below:
    """Read the invitees of one event; without a call where its counter says that there are none."""
    uri, stream = uri_of(event), streams()[INVITEES]
    if _counter(event).get("total") == 0:
        return _Below(uri)
    try:
        with taken_from(f"the reply to {streams()[EVENTS].list}"):
            records = job.connection.iterate(stream.list, {stream.parent_input: uri})
    except UnexpectedAnswer as error:  # one event that nothing can name does not stop the copy
        return _Below(uri, complete=False, warnings=(str(error),))
    try:
        found = list(records)
    except NotFound:  # it went after it was listed, or is not there yet: the next list will say
        return _Below(uri, calls=1, complete=False)
    except PermissionDenied:
        return _Below(uri, calls=1, complete=False, closed=True)
    return _Below(uri, found, records.calls, records.complete, warnings=records.warnings)


def _put_invitees(job: Job, writer: Writer, all_below: Sequence[_Below]) -> dict[str, Counts]:
    if not all_below:
        return {}
    stamp = job.run.began
    counts = job.put(writer, streams()[INVITEES], [record for below in all_below for record in below.records])
    whole = [below.event for below in all_below if below.complete]
    for name, one in counts.items():
        one.add(writer.unseen(name, stamp, below=(streams()[name].link or "", whole)))
    writer.read_below([below.event for below in all_below if below.complete or below.closed], stamp)
    return counts


def _tell(job: Job, all_below: Sequence[_Below]) -> None:
    for below in all_below:
        job.called(INVITEES, below.calls)
        job.report.warn(*below.warnings)
        if below.closed:
            job.report.warn("invitees: this token may not see those of some events.")
        elif not below.complete:
            job.report.warn("invitees: Calendly did not give a whole list; the next sync reads it again.")


def _changed(job: Job, events: Mapping[str, Record]) -> set[str]:
    """Give the URIs of events that differ from their rows in what their invitees could have to do with."""
    stored = job.database.stored(EVENTS, list(events), (*_WATCHED, "missing_since"))
    columns = {name: job.columns[EVENTS][name] for name in _WATCHED}
    shown = {uri: row(event, columns) for uri, event in events.items()}
    return {
        uri
        for uri in events
        if uri not in stored
        or stored[uri]["missing_since"] is not None
        or any(stored[uri][name] != shown[uri][name] for name in _WATCHED)
    }


def _mark_missing(job: Job, writer: Writer, since: str | None, until: str | None) -> dict[str, Counts]:
    """Mark what a whole range did not show, but for its very ends: those may belong to the neighbours."""
    first, last = times.read(since), times.read(until)
    inner = ("start_time", _text(first and first + _SECOND), _text(last and last - _SECOND))
    stamp = job.run.began
    lost = {EVENTS: writer.unseen(EVENTS, stamp, between=inner)}
    for name in job.wanted:
        if streams()[name].above == EVENTS:
            lost[name] = writer.orphans(streams()[name], stamp)
    return lost


def _counter(event: Mapping[str, Any]) -> Mapping[str, Any]:
    counter = event.get("invitees_counter")
    return counter if isinstance(counter, dict) else {}


def _stamped(job: Job) -> list[str]:
    return [name for name in (EVENTS, INVITEES) if name in job.wanted]


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else times.write(moment)
