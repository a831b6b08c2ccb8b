"""Event types, contacts and recaps: their records show when they changed since the last poll."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ...catalog.manifest import manifest
from ...catalog.required_fields import uri_in
from ...contract import Event, Record
from ..webhooks.event import last_part, make_event, path_of
from .context import DAY_S, HOUR_S, PollContext, Reader, is_since, unix, written

# A record as it was seen: [updated_at, name, the time in the spec's `start_field`].
_Seen = list[Any]

_RECAPS_BACK_S: Final = 60 * DAY_S


@dataclass(frozen=True, slots=True)
class ResourceSpec:
    """How one family of records is polled.

    `newest_first` is the sort order that lists changes first, "" if there isn't one. `start_field` is the
    time that the list is restricted by, to the last `back_s`; older records are forgotten. Records that were
    created up to `late_s` before the last poll may be listed only now, and count as new.
    """

    action: str
    params: Callable[[PollContext], Record]
    payload: Callable[[PollContext, Record], Record]
    newest_first: str = ""
    start_field: str = ""
    back_s: float = 0.0
    late_s: float = DAY_S
    has_name: bool = False


def _contact(context: PollContext, record: Record) -> Record:
    return {"user_uuid": last_part(context.user), "contact": record}


def _recap(_context: PollContext, record: Record) -> Record:
    event = {name: record[name] for name in ("start_time", "end_time", "attendees") if name in record}
    recap = {name: value for name, value in record.items() if name not in {"event", "status", *event}}
    return {"event": {"uri": record.get("event"), **event}, "recap": recap}


RESOURCES: Final[Mapping[str, ResourceSpec]] = {
    "event_type": ResourceSpec(
        "event_types.list",
        lambda context: {context.assignment.scope: context.assignment.owner},
        lambda _context, record: record,
        has_name=True,
    ),
    "contact": ResourceSpec("contacts.list", lambda _context: {}, _contact, newest_first="updated_at:desc"),
    "meeting_recap": ResourceSpec(
        "meeting_recaps.list",
        lambda context: {"start_time": written(context.now - _RECAPS_BACK_S), "status": "available"},
        _recap,
        start_field="start_time",
        back_s=_RECAPS_BACK_S,
        late_s=_RECAPS_BACK_S,
    ),
}


def poll(
    context: PollContext, reader: Reader, seen: Mapping[str, _Seen], family: str
) -> tuple[list[Event], dict[str, _Seen]]:
    """Return what happened to the records of one family, and what exists now."""
    spec = RESOURCES[family]
    is_whole = not spec.newest_first or f"{family}.deleted" in context.assignment.events
    new_since = context.new_since(spec.late_s if is_whole else HOUR_S)
    events: list[Event] = []
    now_seen: dict[str, _Seen] = {}
    params = spec.params(context) | ({} if is_whole else {"sort": spec.newest_first})
    with reader.stream(spec.action, params) as records:
        for record in records:
            updated_at = record.get("updated_at")
            if not is_whole and not is_since(updated_at, new_since - HOUR_S):
                break
            path = path_of(uri_in(record, "uri", spec.action))
            name = record.get("name") if spec.has_name else None
            now_seen[path] = [updated_at, name, unix(record.get(spec.start_field))]
            if not context.is_baseline:
                events += _changes(context, family, record, seen.get(path), new_since)
    if not is_whole:
        return events, now_seen
    missing = {path: old for path, old in seen.items() if path not in now_seen}
    if not reader.complete:
        return events, {**missing, **now_seen}
    begin = context.now - spec.back_s
    events += [
        _deleted(context, family, path, old)
        for path, old in missing.items()
        if not spec.start_field or (old[2] is not None and old[2] >= begin + DAY_S)
    ]
    return events, now_seen


def _changes(
    context: PollContext, family: str, record: Record, old: _Seen | None, new_since: float
) -> Iterator[Event]:
    created_at, updated_at = record.get("created_at"), record.get("updated_at")
    payload = RESOURCES[family].payload(context, record)
    if old is None and is_since(created_at, new_since):
        yield make_event(f"{family}.created", context.timestamp(created_at), payload)
    elif (old is None and is_since(updated_at, new_since)) or (old and old[0] != updated_at):
        yield make_event(f"{family}.updated", context.timestamp(updated_at), payload)


def _deleted(context: PollContext, family: str, path: str, old: _Seen) -> Event:
    at = written(context.now)  # when it was deleted isn't known
    name = {"name": old[1]} if old[1] else {}
    record = {"uri": f"{manifest().origin}/{path}", **name, "deleted_at": at}
    payload = record if family == "event_type" else {family.rpartition("_")[2]: record}
    return make_event(f"{family}.deleted", at, payload)
