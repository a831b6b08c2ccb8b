"""Records that webhook events told of: marked, then read again one by one, wherever they lie in time."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from ..contract import Event, Record
from ..errors import NotFound, PermissionDenied, UsageError
from . import bodies
from .events import EVENTS, writing_events
from .job import Job
from .rows import by_uri
from .streams import Stream, streams
from .writer import Writer

_AT_ONCE: Final = 50
_NAMED: Final = re.compile(r"(https?://[^/]+/(\w+)/[A-Za-z0-9_-]+)(?:/invitees/[A-Za-z0-9_-]+)?")
_INSIDE: Final = ("scheduled_event", "event", "contact", "recap", "old", "new")
_NAMING: Final = ("uri", "event", "old_invitee", "new_invitee", "submitter")


def told_of(event: Event) -> set[str]:
    """Give the URIs of the records that an event tells of; an invitee's is that of their scheduled event."""
    around = [event.payload, *(event.payload.get(name) for name in _INSIDE)]
    named = [one.get(name) for one in around if isinstance(one, dict) for name in _NAMING]
    found = [_NAMED.fullmatch(uri) for uri in named if isinstance(uri, str)]
    return {match[1] for match in found if match and (stream := streams().get(match[2])) and stream.get}


def told_by(events: Iterable[Event]) -> dict[str, str | None]:
    """Return what events tell of: URIs of records to read again, and of invitees with their body."""
    told: dict[str, str | None] = {}
    for event in events:
        held = [(body, text) for body in bodies.bodies_in(event) if (text := body.written())]
        whole = {body.event["uri"] for body, _ in held}
        told |= {uri: None for uri in told_of(event) - whole if uri not in told}
        for body, text in held:
            uri = body.invitee["uri"]
            if bodies.newer(text, told.get(uri)):
                told[uri] = text
    return told


def copy_marked(job: Job) -> None:
    """Take up what webhooks told of: bodies that hold an invitee are used, all else is read again."""
    marks = job.database.marks()
    by_stream: dict[str, dict[str, dict[str, str]]] = {}
    for uri, mark in _left(job, marks).items():
        match = _NAMED.fullmatch(uri)
        record, stream = (match[1], match[2]) if match else (uri, "")
        by_stream.setdefault(stream, {}).setdefault(record, {})[uri] = mark
    for name in job.wanted:
        marked = list(by_stream.get(name, {}).items())
        for start in range(0, len(marked), _AT_ONCE):
            _read(job, streams()[name], dict(marked[start : start + _AT_ONCE]))


def _left(job: Job, marks: Mapping[str, tuple[str, str | None]]) -> dict[str, str]:
    """Take the bodies that are as good as reading; return the marks that are left."""
    left = {uri: mark for uri, (mark, _) in marks.items()}
    held = [bodies.read(body) for _, body in marks.values() if body]
    for start in range(0, len(held), _AT_ONCE):
        done = bodies.take(job, held[start : start + _AT_ONCE], left)
        left = {uri: mark for uri, mark in left.items() if uri not in done}
        job.after_page(EVENTS)
    return left


def _read(job: Job, stream: Stream, marked: Mapping[str, Mapping[str, str]]) -> None:
    """Read records again; each is marked by its own URI, or by those of its invitees."""
    answers = job.fetch(lambda uri: _get(job, stream, uri), marked)
    job.called(stream.name, len(answers))
    gone = [uri for uri, answer in zip(marked, answers, strict=True) if answer is None]
    records = [answer for answer in answers if isinstance(answer, dict)]
    for answer in answers:
        if isinstance(answer, str):
            job.report.warn(answer)
    with _writing(job, stream, records) as writer:
        lost = {stream.name: writer.missing(stream.name, job.run.began, uris=gone)}
        for name in job.wanted:
            if streams()[name].above == stream.name:
                lost[name] = writer.orphans(streams()[name], job.run.began)
        writer.unmark({uri: mark for marks in marked.values() for uri, mark in marks.items()})
    for name, counts in lost.items():
        job.counted(name, counts)
    job.after_page(stream.name)


def _get(job: Job, stream: Stream, uri: str) -> Record | str | None:
    """Give a record, None where there is none any more, or a warning where it may not be read."""
    try:
        return job.connection.run(stream.get or "", {"uuid": uri}).record
    except NotFound:
        return None
    except (PermissionDenied, UsageError) as error:
        return f"{stream.name}: what a webhook event marked was not read: {error.message}"


@contextmanager
def _writing(job: Job, stream: Stream, records: Sequence[Record]) -> Iterator[Writer]:
    if stream.name == EVENTS:
        with writing_events(job, stream, records) as writer:
            yield writer
        return
    job.database.learn(stream, records)
    with job.database.writing() as writer:
        counts = job.put(writer, stream, list(by_uri(records).values()))
        yield writer
    for name, one in counts.items():
        job.counted(name, one)
