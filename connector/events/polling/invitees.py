"""Invitees that were booked, canceled, marked as a no-show or unmarked.

Calendly lists meetings only by their start and doesn't say what changed. So a poll lists all meetings from a
day before the last poll on, reads the invitees of those that differ, and compares them. Only the invitee
shows a no-show: the invitees of meetings that ended are read again in growing intervals.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ...catalog.required_fields import uri_in
from ...contract import Event, Record
from ..webhooks.event import invitee_payload, make_event, path_of
from .context import DAY_S, PollContext, Reader, is_since, unix, written
from .cursor import short

KINDS: Final = frozenset(
    {"invitee.created", "invitee.canceled", "invitee_no_show.created", "invitee_no_show.deleted"}
)
_NO_SHOWS: Final = frozenset({"invitee_no_show.created", "invitee_no_show.deleted"})

_BACK_S: Final = DAY_S
_NO_SHOWS_BACK_S: Final = 7 * DAY_S
_NO_SHOWS_MIN_PAUSE_S: Final = 300.0
_NO_SHOWS_PAUSE: Final = 0.25  # of the time since a meeting's end
_CLOCK_MARGIN_S: Final = 120.0  # our clock against Calendly's

# A meeting as it was seen: [start, fingerprint, invitees or None if they weren't read, when they were read].
# An invitee as it was seen: "a" (active) or "c" (canceled), then the short name of the no-show.
_Seen = list[Any]


def poll(
    context: PollContext, reader: Reader, seen: Mapping[str, _Seen]
) -> tuple[list[Event], dict[str, _Seen]]:
    """Return what happened to invitees, and what exists now."""
    begin = _begin(context)
    meetings = reader.read(
        "scheduled_events.list",
        {context.assignment.scope: context.assignment.owner, "min_start_time": written(begin)},
    )
    is_whole = reader.complete
    by_key = {_key(meeting, "scheduled_events.list"): meeting for meeting in meetings}
    to_read = {
        key: meeting for key, meeting in by_key.items() if _is_worth_reading(context, meeting, seen.get(key))
    }
    invitees = dict(zip(to_read, reader.invitees(list(to_read.values())), strict=True))
    events: list[Event] = []
    now_seen: dict[str, _Seen] = {}
    for key, meeting in by_key.items():
        old = seen.get(key)
        start, fingerprint = unix(meeting.get("start_time")) or context.now, _fingerprint(meeting)
        if key not in to_read:
            now_seen[key] = [start, fingerprint, *(old[2:] if old else (None, 0))]
        elif (found := invitees[key]) is not None:
            known = old[2] if old else None
            new_since = context.new_since(_CLOCK_MARGIN_S if old else DAY_S)
            events += [event for one in found for event in _changes(context, meeting, one, known, new_since)]
            now_seen[key] = [start, fingerprint, {_key(one): _state(one) for one in found}, int(context.now)]
        elif old:
            now_seen[key] = old
    if not is_whole:
        now_seen = {**{key: old for key, old in seen.items() if old[0] >= begin}, **now_seen}
    return events, now_seen


def _begin(context: PollContext) -> float:
    back_s = _NO_SHOWS_BACK_S if _wants_no_shows(context) else _BACK_S
    return min(one for one in (context.now, context.last, context.since) if one is not None) - back_s


def _wants_no_shows(context: PollContext) -> bool:
    return not _NO_SHOWS.isdisjoint(context.assignment.events)


def _is_worth_reading(context: PollContext, meeting: Record, old: _Seen | None) -> bool:
    if context.is_baseline or not context.could_fit(meeting) or not _counter(meeting).get("total", 1):
        return False
    if context.last is None:
        return _may_have_changed(meeting, context.since or 0.0) or _may_have_no_show(context, meeting)
    return old is None or old[1] != _fingerprint(meeting) or _is_due_for_no_shows(context, meeting, old)


def _may_have_changed(meeting: Record, start: float) -> bool:
    """Check whether an invitee may have changed since; a meeting of several invitees shows little of it."""
    counter, cancellation = _counter(meeting), meeting.get("cancellation")
    canceled_at = cancellation.get("created_at") if isinstance(cancellation, dict) else None
    return (
        any(is_since(meeting.get(name), start) for name in ("created_at", "updated_at"))
        or (meeting.get("status") == "canceled" and is_since(canceled_at, start))
        or any(counter.get(name) not in (None, 0, 1) for name in ("limit", "total"))
    )


def _may_have_no_show(context: PollContext, meeting: Record) -> bool:
    ended = unix(meeting.get("end_time"))
    return _wants_no_shows(context) and ended is not None and ended <= context.now


def _is_due_for_no_shows(context: PollContext, meeting: Record, old: _Seen) -> bool:
    ended = unix(meeting.get("end_time"))
    if ended is None or not _wants_no_shows(context) or not 0 <= context.now - ended <= _NO_SHOWS_BACK_S:
        return False
    pause_s = max(_NO_SHOWS_MIN_PAUSE_S, _NO_SHOWS_PAUSE * (context.now - ended))
    return bool(old[3] < ended or context.now - old[3] >= pause_s)


def _changes(
    context: PollContext,
    meeting: Record,
    invitee: Record,
    known: Mapping[str, str] | None,
    new_since: float,
) -> Iterator[Event]:
    """Yield what happened to one invitee; `known` is None if this meeting's invitees weren't read before."""
    before = (known or {}).get(_key(invitee))
    is_new = before is None
    if known is not None:
        new_since = 0.0  # an invitee who isn't among those that were read came later
    payload = invitee_payload(invitee, meeting)

    def event(kind: str, at: Any) -> Event:
        return make_event(kind, context.timestamp(at), payload)

    if is_new and is_since(invitee.get("created_at"), new_since):
        yield event("invitee.created", invitee.get("created_at"))
    if _state(invitee)[0] == "c" and (before or "a")[0] == "a":
        at = _canceled_at(invitee)
        if not is_new or is_since(at, new_since):
            yield event("invitee.canceled", at)
    no_show, no_show_before = _state(invitee)[1:], (before or "a")[1:]
    if no_show_before and no_show_before != no_show:
        yield event("invitee_no_show.deleted", None)
    if no_show and no_show_before != no_show:
        at = invitee["no_show"].get("created_at")
        if not is_new or is_since(at, new_since):
            yield event("invitee_no_show.created", at)


def _canceled_at(invitee: Record) -> Any:
    cancellation = invitee.get("cancellation")
    at = cancellation.get("created_at") if isinstance(cancellation, dict) else None
    return at or invitee.get("updated_at")


def _key(record: Record, reply: str = "invitees.list") -> str:
    return short(path_of(uri_in(record, "uri", reply)))


def _state(invitee: Record) -> str:
    no_show = invitee.get("no_show")
    path = path_of(no_show.get("uri")) if isinstance(no_show, dict) else ""
    return ("c" if invitee.get("status") == "canceled" else "a") + (short(path) if path else "")


def _fingerprint(meeting: Record) -> str:
    """Return what differs after anything happened to a meeting's invitees, as far as the meeting shows it."""
    fields = [meeting.get(name) for name in ("status", "updated_at", "invitees_counter", "cancellation")]
    return short(json.dumps(fields, sort_keys=True))


def _counter(meeting: Record) -> Mapping[str, Any]:
    counter = meeting.get("invitees_counter")
    return counter if isinstance(counter, dict) else {}
