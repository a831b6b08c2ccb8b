"""Webhook bodies that hold an invitee and their event: taken into the copy without asking Calendly again.

A body is taken only where that is as good as reading: it is newer than the rows, it tells of this account,
and with it the invitees of its event are as many as the event counts. Else the event is read.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from ..contract import Event, Record
from . import times
from .events import EVENTS, INVITEES
from .job import Job
from .report import Counts
from .rows import Row
from .streams import Stream, parts_of, streams
from .writer import Writer

_INVITEE: Final = re.compile(
    r"(https?://[^/]{1,200}/scheduled_events/[A-Za-z0-9_-]{1,99})/invitees/[A-Za-z0-9_-]{1,99}"
)
_DEEPEST: Final = 64
_AROUND: Final = "scheduled_event"


@dataclass(frozen=True, slots=True)
class Body:
    """What a webhook said of an invitee and of their event, and when that happened."""

    told_at: str
    invitee: Record
    event: Record

    @property
    def age(self) -> tuple[str, str]:
        """What grows from an older body about an invitee to a newer one."""
        return times.canonical(self.invitee["updated_at"]) or "", self.told_at

    def written(self) -> str | None:
        """Return it as JSON, None where it is none: nested too deep, or with numbers that are none."""
        fields = {"told_at": self.told_at, "invitee": self.invitee, "event": self.event}
        try:
            return json.dumps(fields, allow_nan=False) if _depth(fields) <= _DEEPEST else None
        except ValueError:
            return None


def _depth(value: object) -> int:
    """Return how many objects and lists stand in each other, counted no further than needed."""
    depth, level = 0, [value]
    while depth <= _DEEPEST and (nested := [one for one in level if isinstance(one, dict | list)]):
        level = [inner for one in nested for inner in (one.values() if isinstance(one, dict) else one)]
        depth += 1
    return depth


def read(text: str) -> Body:
    """Read a body that was written."""
    return Body(**json.loads(text))


def bodies_in(event: Event) -> Iterator[Body]:
    """Find the invitees that an event holds whole: one, or both of a reschedule."""
    for told in (event.payload, event.payload.get("old"), event.payload.get("new")):
        around = told.get(_AROUND) if isinstance(told, dict) else None
        if not isinstance(told, dict) or not isinstance(around, dict):
            continue
        named = _INVITEE.fullmatch(str(told.get("uri")))
        same = named and named[1] == around.get("uri") == told.get("event")
        if same and times.canonical(told.get("updated_at")) and times.canonical(around.get("updated_at")):
            invitee = {name: value for name, value in told.items() if name != _AROUND}
            yield Body(times.canonical(event.created_at) or "", invitee, around)


def take(job: Job, bodies: Sequence[Body], marks: Mapping[str, str]) -> set[str]:
    """Write the bodies that are as good as reading; return the URIs of the invitees that are done with.

    Their marks are taken away.
    """
    if not {EVENTS, INVITEES} <= set(job.wanted):
        return set()
    by_event: dict[str, list[Body]] = {}
    for body in bodies:
        if _is_ours(job, body):
            by_event.setdefault(body.event["uri"], []).append(body)
    taken = {}
    for uri, some in by_event.items():
        job.database.learn(streams()[INVITEES], [body.invitee for body in some])
        if (rows := _rows(job, uri, some)) is not None:
            taken[uri] = rows
    done = {body.invitee["uri"]: body.invitee for uri in taken for body in by_event[uri]}
    if taken:
        _write(job, taken, done, {uri: marks[uri] for uri in done})
    return set(done)


@dataclass(frozen=True, slots=True)
class _Rows:
    """What bodies say that is newer than the rows which are there."""

    event: Row | None
    invitees: dict[str, Row]


def _is_ours(job: Job, body: Body) -> bool:
    """Return whether a body tells of what the account's copy would read."""
    ours, theirs = (urlsplit(uri)[:2] for uri in (job.account.organization, body.event["uri"]))
    members = body.event.get("event_memberships")
    hosts = [one.get("user") for one in members if isinstance(one, dict)] if isinstance(members, list) else []
    return ours == theirs and (job.account.whole or job.account.user in hosts)


def _rows(job: Job, uri: str, bodies: Sequence[Body]) -> _Rows | None:
    """Return the rows that bodies about one event make, None where the event is to be read."""
    newest = max(bodies, key=lambda body: times.canonical(body.event["updated_at"]) or "").event
    event_stored = job.database.stored(EVENTS, [uri]).get(uri)
    known = job.database.below(INVITEES, uri)
    given = {body.invitee["uri"]: body.invitee for body in bodies}
    stored = job.database.stored(INVITEES, list(given))
    event = _newer(job, streams()[EVENTS], newest, event_stored)
    invitees = {
        name: _newer(job, streams()[INVITEES], record, stored.get(name)) for name, record in given.items()
    }
    if event is None or None in invitees.values():
        return None
    made = {name: row for name, row in invitees.items() if row}
    counter = (event or event_stored or {}).get("invitees_counter")
    states = {name: row["status"] for name, row in {**known, **made}.items()}
    counted = {"total": len(states), "active": list(states.values()).count("active")}
    if not isinstance(counter, dict) or any(counter.get(name) != count for name, count in counted.items()):
        return None
    return _Rows(event or None, made)


def _newer(job: Job, stream: Stream, record: Record, stored: Row | None) -> Row | None:
    """Return the row that a record makes, empty where the one that is there is as new.

    None where only Calendly can tell which of them holds.
    """
    (made,) = job.rows(stream, [record])
    if stored is None:
        return made
    told, held = made["updated_at"], stored["updated_at"]
    if stored["missing_since"] is not None or held is None:
        return None
    if told < held:
        return {}
    left_out = {name: stored[name] for name in job.columns[stream.name] if name not in record}
    lost = {name: value for name, value in (stored["other"] or {}).items() if name not in record}
    made |= {**left_out, "other": {**lost, **(made["other"] or {})} or None}
    if told > held:
        return made
    return {} if all(stored[name] == value for name, value in made.items()) else None


def _write(
    job: Job, taken: Mapping[str, _Rows], done: Mapping[str, Record], marks: Mapping[str, str]
) -> None:
    events = [one.event for one in taken.values() if one.event]
    invitees = {uri: row for one in taken.values() for uri, row in one.invitees.items()}
    unread = taken.keys() - job.database.read_below(list(taken)).keys()
    with job.database.writing() as writer:
        counts = {
            EVENTS: writer.put(EVENTS, events, job.run.began),
            INVITEES: writer.put(INVITEES, list(invitees.values()), job.run.began),
        }
        counts |= _put_parts(job, writer, [done[uri] for uri in invitees])
        writer.read_below(sorted(unread), job.run.began)
        writer.unmark(marks)
    job.report.from_webhooks += len(done)
    for name, one in counts.items():
        job.counted(name, one)


def _put_parts(job: Job, writer: Writer, invitees: Collection[Record]) -> dict[str, Counts]:
    """Write what stands inside invitees; what no longer does is missing."""
    counts = {}
    stamp = job.run.began
    for part in parts_of(INVITEES, job.wanted):
        inner = [one for one in map(part.part_in, invitees) if one]
        column = next(name for name, of in part.extra.items() if of == "uri")
        counts[part.name] = writer.put(part.name, job.rows(part, inner), stamp)
        uris = [invitee["uri"] for invitee in invitees]
        counts[part.name].add(writer.unseen(part.name, stamp, below=(column, uris)))
    return counts


def newer(text: str, other: str | None) -> bool:
    """Return whether a written body is newer than another one."""
    return other is None or read(text).age > read(other).age
