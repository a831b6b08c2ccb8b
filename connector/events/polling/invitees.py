"""What happened to invitees: booked, canceled, marked as a no-show or unmarked.

Calendly lists meetings by their start alone and says nowhere what changed. So all meetings from a day
before the last look on are listed again, and the invitees of those that differ are read and compared.
A no-show stands on the invitee alone: meetings that ended are asked for it ever more rarely.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ...catalog.required_fields import uri_in
from ...contract import Event, Record
from ..webhooks.event import make_event, path_of
from . import context
from .context import DAY_S, Look
from .cursor import short

KINDS: Final = frozenset(
    {"invitee.created", "invitee.canceled", "invitee_no_show.created", "invitee_no_show.deleted"}
)
_MARKS: Final = frozenset({"invitee_no_show.created", "invitee_no_show.deleted"})

_BACK_S: Final = DAY_S
_MARKS_BACK_S: Final = 7 * DAY_S
_MARKS_SOONEST_S: Final = 300.0
_MARKS_SHARE: Final = 0.25  # of the time since a meeting's end: so long its invitees are not asked again
_MARGIN_S: Final = 120.0  # our clock against Calendly's

# A meeting as it was seen: [start, what would show a change, invitees or None if not read, when read].
# An invitee as it was seen: "a" or "c" for its status, then the short name of a no-show mark.
_Seen = list[Any]


def look(view: Look, seen: Mapping[str, _Seen]) -> tuple[list[Event], dict[str, _Seen]]:
    """Give what happened to invitees, and what was seen."""
    begin = _begin(view)
    meetings = view.read(
        "scheduled_events.list",
        {view.share.scope: view.share.owner, "min_start_time": context.written(begin)},
    )
    listed_whole = view.complete
    by_key = {_key(meeting, "scheduled_events.list"): meeting for meeting in meetings}
    to_read = {
        key: meeting for key, meeting in by_key.items() if _is_worth_reading(view, meeting, seen.get(key))
    }
    invitees = dict(zip(to_read, view.invitees(list(to_read.values())), strict=True))
    events: list[Event] = []
    now_seen: dict[str, _Seen] = {}
    for key, meeting in by_key.items():
        old = seen.get(key)
        start, mark = context.unix(meeting.get("start_time")) or view.now, _mark(meeting)
        if key not in to_read:
            now_seen[key] = [start, mark, *(old[2:] if old else (None, 0))]
        elif (found := invitees[key]) is not None:
            known = old[2] if old else None
            floor = view.floor(_MARGIN_S if old else DAY_S)
            events += [event for one in found for event in _happened(view, meeting, one, known, floor)]
            now_seen[key] = [start, mark, {_key(one): _state(one) for one in found}, int(view.now)]
        elif old:
            now_seen[key] = old
    if not listed_whole:
        now_seen = {**{key: old for key, old in seen.items() if old[0] >= begin}, **now_seen}
    return events, now_seen


def _begin(view: Look) -> float:
    back = _MARKS_BACK_S if _MARKS & set(view.share.events) else _BACK_S
    return min(one for one in (view.now, view.last, view.since) if one is not None) - back


def _is_worth_reading(view: Look, meeting: Record, old: _Seen | None) -> bool:
    if view.is_baseline or not view.could_fit(meeting) or not _counter(meeting).get("total", 1):
        return False
    if view.last is None:
        return _may_differ_since(meeting, view.since or 0.0) or _may_be_marked(view, meeting)
    return old is None or old[1] != _mark(meeting) or _is_due_for_marks(view, meeting, old)


def _may_differ_since(meeting: Record, floor: float) -> bool:
    """Whether something may have happened to a meeting's invitees; of several, the meeting tells little."""
    counter, cancellation = _counter(meeting), meeting.get("cancellation")
    told = (meeting.get("created_at"), meeting.get("updated_at"))
    canceled_at = cancellation.get("created_at") if isinstance(cancellation, dict) else None
    return (
        any(context.since(time, floor) for time in told)
        or (meeting.get("status") == "canceled" and context.since(canceled_at, floor))
        or any(counter.get(name) not in (None, 0, 1) for name in ("limit", "total"))
    )


def _may_be_marked(view: Look, meeting: Record) -> bool:
    ended = context.unix(meeting.get("end_time"))
    return bool(_MARKS & set(view.share.events)) and ended is not None and ended <= view.now


def _is_due_for_marks(view: Look, meeting: Record, old: _Seen) -> bool:
    ended = context.unix(meeting.get("end_time"))
    if ended is None or not _MARKS & set(view.share.events) or not 0 <= view.now - ended <= _MARKS_BACK_S:
        return False
    pause = max(_MARKS_SOONEST_S, _MARKS_SHARE * (view.now - ended))
    return bool(old[3] < ended or view.now - old[3] >= pause)


def _happened(
    view: Look, meeting: Record, invitee: Record, known: Mapping[str, str] | None, floor: float
) -> Iterator[Event]:
    """Give what happened to one invitee; `known` is None where this meeting's were not read before."""
    was = (known or {}).get(_key(invitee))
    is_new = was is None
    if known is not None:
        floor = 0.0  # whoever is not among those that were read came after
    payload = payload_of(invitee, meeting)

    def event(kind: str, at: Any) -> Event:
        return make_event(kind, at if isinstance(at, str) else context.written(view.now), payload)

    if is_new and context.since(invitee.get("created_at"), floor):
        yield event("invitee.created", invitee.get("created_at"))
    if _state(invitee)[0] == "c" and (was or "a")[0] == "a":
        at = _canceled_at(invitee)
        if not is_new or context.since(at, floor):
            yield event("invitee.canceled", at)
    mark, had = _state(invitee)[1:], (was or "a")[1:]
    if had and had != mark:
        yield event("invitee_no_show.deleted", None)
    if mark and had != mark:
        at = invitee["no_show"].get("created_at")
        if not is_new or context.since(at, floor):
            yield event("invitee_no_show.created", at)


def payload_of(invitee: Record, meeting: Record) -> Record:
    """Give what a webhook would tell of an invitee."""
    return {
        **invitee,
        "scheduled_event": {name: value for name, value in meeting.items() if name != "calendar_event"},
    }


def _canceled_at(invitee: Record) -> Any:
    cancellation = invitee.get("cancellation")
    at = cancellation.get("created_at") if isinstance(cancellation, dict) else None
    return at or invitee.get("updated_at")


def _key(record: Record, reply: str = "invitees.list") -> str:
    return short(path_of(uri_in(record, "uri", reply)))


def _state(invitee: Record) -> str:
    no_show = invitee.get("no_show")
    mark = path_of(no_show.get("uri")) if isinstance(no_show, dict) else ""
    return ("c" if invitee.get("status") == "canceled" else "a") + (short(mark) if mark else "")


def _mark(meeting: Record) -> str:
    """Give what differs after anything happened to a meeting's invitees, as far as the meeting shows it."""
    told = [meeting.get(name) for name in ("status", "updated_at", "invitees_counter", "cancellation")]
    return short(json.dumps(told, sort_keys=True))


def _counter(meeting: Record) -> Mapping[str, Any]:
    counter = meeting.get("invitees_counter")
    return counter if isinstance(counter, dict) else {}
