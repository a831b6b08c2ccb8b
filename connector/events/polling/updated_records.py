"""Event types, contacts, recaps: their records say when they changed, and are compared with the last look."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ...catalog.manifest import manifest
from ...catalog.required_fields import uri_in
from ...contract import Event, Record
from ..webhooks.event import make_event, path_of
from . import context
from .context import DAY_S, HOUR_S, Look

# A record as it was seen: [updated_at, name, the time that its list begins with must not be later].
_Seen = list[Any]

_RECAPS_BACK_S: Final = 60 * DAY_S


@dataclass(frozen=True, slots=True)
class Shelf:
    """How one kind of thing is listed: where it begins, the order that shows changes first, what is told.

    `field` is the time that the beginning of the list is about; things from before it are forgotten.
    What was created up to `late_s` before the last look may only now be listed, and is news.
    """

    action: str
    values: Callable[[Look], Record]
    payload: Callable[[Look, Record], Record]
    newest_first: str = ""
    field: str = ""
    back_s: float = 0.0
    late_s: float = DAY_S
    is_named: bool = False


def _contact(view: Look, record: Record) -> Record:
    return {"user_uuid": view.user.rpartition("/")[2], "contact": record}


def _recap(_view: Look, record: Record) -> Record:
    event = {name: record[name] for name in ("start_time", "end_time", "attendees") if name in record}
    told = {name: value for name, value in record.items() if name not in {"event", "status", *event}}
    return {"event": {"uri": record.get("event"), **event}, "recap": told}


SHELVES: Final[Mapping[str, Shelf]] = {
    "event_type": Shelf(
        "event_types.list",
        lambda view: {view.share.scope: view.share.owner},
        lambda _view, record: record,
        is_named=True,
    ),
    "contact": Shelf("contacts.list", lambda _view: {}, _contact, newest_first="updated_at:desc"),
    "meeting_recap": Shelf(
        "meeting_recaps.list",
        lambda view: {"start_time": context.written(view.now - _RECAPS_BACK_S), "status": "available"},
        _recap,
        field="start_time",
        back_s=_RECAPS_BACK_S,
        late_s=_RECAPS_BACK_S,
    ),
}


def look(view: Look, seen: Mapping[str, _Seen], family: str) -> tuple[list[Event], dict[str, _Seen]]:
    """Give what happened to things of one kind, and what was seen."""
    shelf = SHELVES[family]
    whole = not shelf.newest_first or f"{family}.deleted" in view.share.events
    floor = view.floor(shelf.late_s if whole else HOUR_S)
    events: list[Event] = []
    now_seen: dict[str, _Seen] = {}
    values = shelf.values(view) | ({} if whole else {"sort": shelf.newest_first})
    with view.reading(shelf.action, values) as records:
        for record in records:
            updated_at = record.get("updated_at")
            if not whole and not context.since(updated_at, floor - HOUR_S):
                break
            path = path_of(uri_in(record, "uri", shelf.action))
            told = (record.get("name") if shelf.is_named else None, context.unix(record.get(shelf.field)))
            now_seen[path] = [updated_at, *told]
            if not view.is_baseline:
                events += _happened(view, family, record, seen.get(path), floor)
    gone = {path: old for path, old in seen.items() if path not in now_seen}
    if not whole:
        return events, now_seen
    if not view.complete:
        return events, {**gone, **now_seen}
    begin = view.now - shelf.back_s
    events += [
        _gone(view, family, path, old)
        for path, old in gone.items()
        if not shelf.field or (old[2] is not None and old[2] >= begin + DAY_S)
    ]
    return events, now_seen


def _happened(view: Look, family: str, record: Record, old: _Seen | None, floor: float) -> Iterator[Event]:
    created_at, updated_at = record.get("created_at"), record.get("updated_at")
    payload = SHELVES[family].payload(view, record)
    if old is None and context.since(created_at, floor):
        yield make_event(f"{family}.created", _text(view, created_at), payload)
    elif (old is None and context.since(updated_at, floor)) or (old and old[0] != updated_at):
        yield make_event(f"{family}.updated", _text(view, updated_at), payload)


def _gone(view: Look, family: str, path: str, old: _Seen) -> Event:
    """Tell that a record is there no more; when that was is not known."""
    at = context.written(view.now)
    left = {"uri": f"{manifest().origin}/{path}"} | ({"name": old[1]} if old[1] else {})
    if family == "event_type":
        return make_event(f"{family}.deleted", at, {**left, "deleted_at": at})
    subject = family.rpartition("_")[2]
    return make_event(f"{family}.deleted", at, {subject: {**left, "deleted_at": at}})


def _text(view: Look, at: Any) -> str:
    return at if isinstance(at, str) else context.written(view.now)
