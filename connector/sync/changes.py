"""Records that webhook events reported as changed, wherever they lie in time.

Invitees whose webhook body is as good as a call are written from the body, everything else is read again.
A body is as good as a call if it is newer than the rows, belongs to the account that is synced, and, with
it, an event has as many invitees as it counts.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from ..contract import Event, Record
from ..errors import NotFound, PermissionDenied, UsageError
from ..support import timestamps
from .context import SyncContext
from .events import EVENTS, INVITEES, events_transaction
from .rows import Row, by_uri
from .streams import StreamSpec, embedded_streams, streams
from .tables import Transaction

_BATCH: Final = 50
_MAX_DEPTH: Final = 64  # of a body's objects and lists
_RECORD_URI: Final = re.compile(r"(https?://[^/]+/(\w+)/[A-Za-z0-9_-]+)(?:/invitees/[A-Za-z0-9_-]+)?")
_INVITEE_URI: Final = re.compile(
    r"(https?://[^/]{1,200}/scheduled_events/[A-Za-z0-9_-]{1,99})/invitees/[A-Za-z0-9_-]{1,99}"
)
_OUTER_EVENT: Final = "scheduled_event"
_INNER_OBJECTS: Final = (_OUTER_EVENT, "event", "contact", "recap", "old", "new")
_URI_FIELDS: Final = ("uri", "event", "old_invitee", "new_invitee", "submitter")


@dataclass(frozen=True, slots=True)
class InviteeBody:
    """An invitee and their event in a webhook body. `told_at`, its name in databases, is when it happened."""

    told_at: str
    invitee: Record
    event: Record

    @property
    def age(self) -> tuple[str, str]:
        """A sort key: bodies about an invitee from older to newer."""
        return timestamps.normalize(self.invitee["updated_at"]) or "", self.told_at

    def to_json(self) -> str | None:
        """Return the body as JSON, None if it is nested too deeply or contains numbers such as NaN."""
        fields = {"told_at": self.told_at, "invitee": self.invitee, "event": self.event}
        level: list[Any] = [fields]
        for _ in range(_MAX_DEPTH):
            level = [
                inner
                for one in level
                if isinstance(one, dict | list)
                for inner in (one.values() if isinstance(one, dict) else one)
            ]
        if any(isinstance(one, dict | list) for one in level):
            return None
        try:
            return json.dumps(fields, allow_nan=False)
        except ValueError:
            return None


def is_newer(body: str, other: str | None) -> bool:
    """Check whether a body in JSON is newer than another one."""
    return other is None or InviteeBody(**json.loads(body)).age > InviteeBody(**json.loads(other)).age


def changes_in(events: Iterable[Event]) -> dict[str, str | None]:
    """Return the records that events are about: URIs to read again, and URIs of invitees with their body."""
    changes: dict[str, str | None] = {}
    for event in events:
        bodies = [(body, text) for body in _invitee_bodies(event) if (text := body.to_json())]
        complete = {body.event["uri"] for body, _ in bodies}
        changes |= {uri: None for uri in affected_uris(event) - complete if uri not in changes}
        for body, text in bodies:
            uri = body.invitee["uri"]
            if is_newer(text, changes.get(uri)):
                changes[uri] = text
    return changes


def affected_uris(event: Event) -> set[str]:
    """Return the URIs of the records that an event is about. An invitee counts as their scheduled event."""
    objects = [event.payload, *(event.payload.get(name) for name in _INNER_OBJECTS)]
    values = [one.get(name) for one in objects if isinstance(one, dict) for name in _URI_FIELDS]
    matches = [_RECORD_URI.fullmatch(value) for value in values if isinstance(value, str)]
    return {match[1] for match in matches if match and (stream := streams().get(match[2])) and stream.get}


def _invitee_bodies(event: Event) -> Iterator[InviteeBody]:
    """Yield the invitees that are complete in an event: one, or both of a reschedule."""
    for payload in (event.payload, event.payload.get("old"), event.payload.get("new")):
        outer = payload.get(_OUTER_EVENT) if isinstance(payload, dict) else None
        if not isinstance(payload, dict) or not isinstance(outer, dict):
            continue
        match = _INVITEE_URI.fullmatch(str(payload.get("uri")))
        is_consistent = match and match[1] == outer.get("uri") == payload.get("event")
        if is_consistent and all(timestamps.normalize(one.get("updated_at")) for one in (payload, outer)):
            invitee = {name: value for name, value in payload.items() if name != _OUTER_EVENT}
            yield InviteeBody(timestamps.normalize(event.created_at) or "", invitee, outer)


def sync_changes(sync: SyncContext) -> None:
    """Write the marked records: from their bodies where possible, otherwise by reading them again."""
    marks = sync.database.marks()
    if not marks:
        return
    left = {uri: mark for uri, (mark, _) in marks.items()}
    bodies = [InviteeBody(**json.loads(text)) for _, text in marks.values() if text]
    for start in range(0, len(bodies), _BATCH):
        for uri in _write_bodies(sync, bodies[start : start + _BATCH], left):
            del left[uri]
        sync.after_page(EVENTS)
    by_stream: dict[str, dict[str, dict[str, str]]] = {}
    for uri, mark in left.items():
        match = _RECORD_URI.fullmatch(uri)
        record, stream = (match[1], match[2]) if match else (uri, "")
        by_stream.setdefault(stream, {}).setdefault(record, {})[uri] = mark
    for name in sync.wanted:
        marked = list(by_stream.get(name, {}).items())
        for start in range(0, len(marked), _BATCH):
            _read_marked(sync, streams()[name], dict(marked[start : start + _BATCH]))


def _read_marked(sync: SyncContext, stream: StreamSpec, marked: Mapping[str, Mapping[str, str]]) -> None:
    """Read records again. Each is marked by its own URI, or by those of its invitees."""
    results = sync.fetch(lambda uri: _get(sync, stream, uri), marked)
    sync.report.add_calls(stream.name, len(results))
    gone = [uri for uri, result in zip(marked, results, strict=True) if result is None]
    records = [result for result in results if isinstance(result, dict)]
    sync.report.warn(*(result for result in results if isinstance(result, str)))
    with ExitStack() as stack:
        if stream.name == EVENTS:
            transaction = stack.enter_context(events_transaction(sync, stream, records))
        else:
            sync.database.add_answer_columns(stream, records)
            transaction = stack.enter_context(sync.transaction())
            sync.write(transaction, stream, list(by_uri(records).values()))
        transaction.mark_missing(stream.name, uris=gone)
        transaction.mark_orphans_missing(stream.name, sync.wanted)
        transaction.delete_marks({uri: mark for marks in marked.values() for uri, mark in marks.items()})
    sync.after_page(stream.name)


def _get(sync: SyncContext, stream: StreamSpec, uri: str) -> Record | str | None:
    """Return a record, None if it no longer exists, or a warning if it can't be read."""
    try:
        return sync.connection.run(stream.get or "", {"uuid": uri}).record
    except NotFound:
        return None
    except (PermissionDenied, UsageError) as error:
        return f"{stream.name}: a record that a webhook event marked was not read: {error.message}"


def _write_bodies(sync: SyncContext, bodies: Sequence[InviteeBody], marks: Mapping[str, str]) -> set[str]:
    """Write the bodies that are as good as a call and delete their marks; return the invitees' URIs."""
    if not {EVENTS, INVITEES} <= set(sync.wanted):
        return set()
    by_event: dict[str, list[InviteeBody]] = {}
    for body in bodies:
        if _is_in_view(sync, body):
            by_event.setdefault(body.event["uri"], []).append(body)
    events: list[Row] = []
    invitees: list[Row] = []
    done: dict[str, list[InviteeBody]] = {}
    for uri, some in by_event.items():
        sync.database.add_answer_columns(streams()[INVITEES], [body.invitee for body in some])
        if (rows := _newer_rows(sync, uri, some)) is not None:
            done[uri] = some
            events += rows[0]
            invitees += rows[1]
    records = {body.invitee["uri"]: body.invitee for some in done.values() for body in some}
    if done:
        unread = done.keys() - sync.database.children_read_at(list(done)).keys()
        with sync.transaction() as transaction:
            transaction.write_rows(EVENTS, events)
            transaction.write_rows(INVITEES, invitees)
            _write_embedded(sync, transaction, [records[row["uri"]] for row in invitees])
            transaction.set_children_read(sorted(unread))
            transaction.delete_marks({uri: marks[uri] for uri in records})
        sync.report.from_webhooks += len(records)
    return set(records)


def _write_embedded(sync: SyncContext, transaction: Transaction, invitees: Sequence[Record]) -> None:
    """Write the records inside invitees, and mark as missing those that are no longer there."""
    for stream in embedded_streams(INVITEES, sync.wanted):
        inner = [one for one in map(stream.embedded_record, invitees) if one]
        transaction.write_rows(stream.name, sync.to_rows(stream, inner))
        column = next(name for name, source in stream.outer_columns.items() if source == "uri")
        transaction.mark_missing(stream.name, below=(column, [invitee["uri"] for invitee in invitees]))


def _is_in_view(sync: SyncContext, body: InviteeBody) -> bool:
    """Check whether the sync would read the event of a body."""
    ours, theirs = (urlsplit(uri)[:2] for uri in (sync.account.organization, body.event["uri"]))
    members = body.event.get("event_memberships")
    hosts = [one.get("user") for one in members if isinstance(one, dict)] if isinstance(members, list) else []
    return ours == theirs and (sync.account.user is None or sync.account.user in hosts)


def _newer_rows(
    sync: SyncContext, uri: str, bodies: Sequence[InviteeBody]
) -> tuple[list[Row], list[Row]] | None:
    """Return the rows of an event and its invitees that bodies change, None if the event must be read."""
    newest = max(bodies, key=lambda body: timestamps.normalize(body.event["updated_at"]) or "").event
    stored_event = sync.database.rows_by_uri(EVENTS, [uri]).get(uri)
    event = _newer_row(sync, streams()[EVENTS], newest, stored_event)
    records = {body.invitee["uri"]: body.invitee for body in bodies}
    stored = sync.database.rows_by_uri(INVITEES, list(records))
    rows = [
        _newer_row(sync, streams()[INVITEES], record, stored.get(name)) for name, record in records.items()
    ]
    if event is None or None in rows:
        return None
    invitees = [row for row in rows if row]
    statuses = sync.database.children_statuses(INVITEES, uri) | {
        row["uri"]: row["status"] for row in invitees
    }
    expected = {"total": len(statuses), "active": list(statuses.values()).count("active")}
    counter = (event or stored_event or {}).get("invitees_counter")
    if not isinstance(counter, dict) or any(counter.get(name) != count for name, count in expected.items()):
        return None
    return [event] if event else [], invitees


def _newer_row(sync: SyncContext, stream: StreamSpec, record: Record, stored: Row | None) -> Row | None:
    """Return the row of a record from a body, empty if the stored row is at least as new.

    None if only Calendly knows which one is right.
    """
    (row,) = sync.to_rows(stream, [record])
    if stored is None:
        return row
    new, old = row["updated_at"], stored["updated_at"]
    if stored["missing_since"] is not None or old is None:
        return None
    if new < old:
        return {}
    # A body omits some fields, which keep their values.
    kept = {name: stored[name] for name in sync.database.kinds[stream.name] if name not in record}
    other = {name: value for name, value in (stored["other"] or {}).items() if name not in record}
    row |= {**kept, "other": {**other, **(row["other"] or {})} or None}
    if new > old:
        return row
    return {} if all(stored[name] == value for name, value in row.items()) else None
