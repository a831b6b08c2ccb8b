"""Streams that are read as whole lists, or from the newest record back."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from ..catalog.required_fields import taken_from
from ..contract import Record, Records
from ..errors import NotFound, UnexpectedAnswer, UsageError
from . import times
from .job import Job
from .report import Counts
from .rows import by_uri, row, uri_of
from .streams import Recent, Stream, parts_of, streams
from .writer import Writer

FULL, RECENT = "full.", "recent."


def copy_list(job: Job, stream: Stream) -> None:
    """Read a stream, below every parent where it has one."""
    since = recent_since(job, stream)
    if stream.parent is None:
        complete = _read(job, stream, _listed(job, stream, {}, since), since)
    else:
        complete = True
        for parent in job.database.uris(stream.parent):
            if parent not in job.run.parents:
                complete &= _below(job, stream, parent, since)
    with job.database.writing() as writer:
        job.run.done.append(stream.name)
        job.run.parents.clear()
        if complete:
            writer.state[RECENT + stream.name] = job.run.began
            if since is None:
                writer.state[FULL + stream.name] = job.run.began
        lost = {below.name: writer.orphans(below, job.run.began) for below in _children(job, stream)}
        job.save(writer)
    for name, counts in lost.items():
        job.counted(name, counts)
    job.after_page(stream.name)


def recent_since(job: Job, stream: Stream) -> str | None:
    """Give the time from which records are to be read, None where all are."""
    recent = stream.recent
    last_full = times.read(job.database.state(FULL + stream.name))
    last = times.read(job.database.state(RECENT + stream.name))
    began = times.read(job.run.began)
    if recent is None or last is None or last_full is None or began is None:
        return None
    if began - last_full >= timedelta(days=recent.full_days):
        return None
    return times.write(last - timedelta(days=recent.back_days))


def inputs(job: Job, stream: Stream, since: str | None) -> dict[str, Any]:
    """Give the inputs of a stream's list."""
    given = {**job.account.input(stream), **stream.input}
    if since is not None and stream.recent:
        given |= stream.recent.input
        given |= {stream.recent.since: since} if stream.recent.since else {}
    return given


def _below(job: Job, stream: Stream, parent: str, since: str | None) -> bool:
    try:
        records = _listed(job, stream, {stream.parent_input: parent}, since)
    except UnexpectedAnswer as error:  # one record that nothing can name does not stop the copy
        job.report.warn(str(error))
        return False
    try:
        return _read(job, stream, records, since, parent)
    except NotFound:  # it went between its own list and this one
        return False


def _listed(job: Job, stream: Stream, above: Mapping[str, Any], since: str | None) -> Records:
    """Return a stream's list, not read yet; UnexpectedAnswer where what it is asked for cannot be named."""
    with taken_from(f"the reply to {streams()[stream.parent].list if stream.parent else 'users.me'}"):
        return job.connection.iterate(stream.list, {**inputs(job, stream, since), **above})


def _read(job: Job, stream: Stream, records: Records, since: str | None, parent: str | None = None) -> bool:
    """Read one list, page by page; say whether all of it was read."""
    known = 0
    ended, short = False, False
    for page in records.pages():
        job.called(stream.name, records.calls - known)
        known = records.calls
        short |= not _write(job, stream, page)
        job.report.warn(*records.warnings)
        job.after_page(stream.name)
        if since is not None and stream.recent and _is_old(stream.recent, page, since):
            ended = True
            break
    complete = (ended or records.complete) and not short
    if not complete:
        job.report.warn(f"{stream.name}: Calendly did not give the whole list; the next sync reads it again.")
    if parent is not None and complete:
        job.run.parents.append(parent)
    with job.database.writing() as writer:
        lost = _mark_missing(job, stream, parent, writer) if complete and since is None else {}
        job.save(writer)
    for name, counts in lost.items():
        job.counted(name, counts)
    return complete


def _mark_missing(job: Job, stream: Stream, parent: str | None, writer: Writer) -> dict[str, Counts]:
    below = (stream.link, [parent]) if stream.link and parent else None
    names = [stream.name, *(part.name for part in parts_of(stream.name, job.wanted))]
    return {name: writer.unseen(name, job.run.began, below=below) for name in names}


def _write(job: Job, stream: Stream, page: Sequence[Record]) -> bool:
    """Write a page; say whether all of it could be written.

    Where lists leave fields out, new and changed records are got one by one first.
    """
    same: list[str] = []
    other: list[str] = []
    if stream.details:
        same, other = _sorted_by_change(job, stream, page)
        page = [one for one in job.fetch(lambda uri: _get(job, stream, uri), other) if one]
        job.called(stream.name, len(other))
    short = len(page) < len(other)
    page = list(by_uri(page).values())
    job.database.learn(stream, page)
    with job.database.writing() as writer:
        counts = job.put(writer, stream, page)
        writer.seen(stream.name, same, job.run.began)
    counts[stream.name].read += len(same)
    for name, one in counts.items():
        job.counted(name, one)
    return not short


def _get(job: Job, stream: Stream, uri: str) -> Record | None:
    try:
        return job.connection.run(stream.get or "", {"uuid": uri}).record
    except (NotFound, UsageError):
        return None


def _sorted_by_change(job: Job, stream: Stream, page: Sequence[Record]) -> tuple[list[str], list[str]]:
    """Give the URIs of records that are stored as they are listed, and of all others."""
    columns = job.columns[stream.name]
    listed = {made["uri"]: made for made in (row(record, columns) for record in page)}
    given = {uri_of(record): record.keys() for record in page}
    stored = job.database.stored(stream.name, list(listed))
    same = [
        uri
        for uri, made in listed.items()
        if uri in stored
        and stored[uri]["missing_since"] is None
        and all(stored[uri][name] == made[name] for name in columns.keys() & given[uri])
    ]
    return same, [uri for uri in listed if uri not in same]


def _is_old(recent: Recent, page: Sequence[Record], since: str) -> bool:
    if recent.by is None:
        return False
    start = times.read(since)
    moments = [times.read(record.get(recent.by)) for record in page]
    return bool(moments) and start is not None and all(moment and moment < start for moment in moments)


def _children(job: Job, stream: Stream) -> list[Stream]:
    return [streams()[name] for name in job.wanted if streams()[name].above == stream.name]
