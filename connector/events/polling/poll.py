"""What happened since the last look, found by looking: the same events with the same ids as by webhook."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import Any, Final

from ...auth.identity import Identity, group_uri, read_identity
from ...catalog.manifest import manifest
from ...contract import Connection, Event, Polled
from ...errors import InvalidParams, Problem
from .. import filters
from ..event_filter import Wants
from ..matcher import Matcher
from ..reschedules import RESCHEDULED
from ..scope_assignment import Share, share_out
from . import context, cursor, invitees, routing_forms, updated_records
from .context import DAY_S, Look
from .cursor import Cursor, short

_JOINED_FOR_S: Final = 8 * DAY_S  # how long the halves of one reschedule may lie apart in what is seen


def poll(
    connection: Connection,
    matcher: Matcher,
    wants: Wants,
    text: str,
    *,
    now: float,
    since: str | None = None,
    scope: str = "",
    group: str = "",
) -> Polled:
    """Look once. Without a cursor nothing is told but what happened after `since`; with one, what is new."""
    before = cursor.read(text)
    begin = read_since(since) if before.since is None else before.since
    reach = Identity(**before.reach) if before.reach else read_identity(connection.run)
    about = group_uri(connection, group)
    shares = share_out(wants.told_by, manifest().triggers, reach, scope=scope, group=about)
    views: list[Look] = []
    found: list[Event] = []
    seen: dict[str, dict[str, Any]] = {}
    for share in shares:
        view = Look(connection, share, reach.user, now, before.at, begin)
        if "event_type" in wants.filters or "host" in wants.filters or "group" in wants.filters:
            view.could_fit = partial(_could_fit, matcher, wants)
        for name in sorted(_families(share)):
            key = f"{share.scope} {short(share.owner)} {name}"
            view.last = before.at if key in before.seen else None
            events, seen[key] = _look(view, before.seen.get(key, {}), name)
            found += [event for event in events if event.kind in wants.told_by]
        views.append(view)
    joined = {key: at for key, at in before.joined.items() if at >= now - _JOINED_FOR_S}
    taken = set(before.told)
    told = [one for one in _told(matcher, wants, found, joined, now) if _name(one, now) not in taken]
    return Polled(
        events=tuple(sorted(told, key=lambda event: context.unix(event.created_at) or now)),
        cursor=cursor.write(Cursor(now, asdict(reach), seen, joined)),
        complete=all(view.complete for view in views),
        calls=sum(view.calls for view in views),
        warnings=tuple(dict.fromkeys(warning for view in views for warning in view.warnings)),
    )


def first(polled: Polled, count: int, text: str, since: str | None = None) -> Polled:
    """Return the first events of a look and a cursor that tells the others, with what is new, next time.

    `text` and `since` are what the look was given.
    """
    if count >= len(polled.events):
        return polled
    before, after = cursor.read(text), cursor.read(polled.cursor)
    before.reach = after.reach
    before.since = read_since(since) if before.since is None else before.since
    before.told += [_name(event, after.at) for event in polled.events[:count]]
    return replace(polled, events=polled.events[:count], cursor=cursor.write(before))


def _name(event: Event, at: float | None) -> str:
    """Return what names an event in every look: the id of some ends with the time of the look."""
    return short(event.id if at is None else event.id.removesuffix(f"@{context.written(at)}"))


def _families(share: Share) -> set[str]:
    """Give the kinds of things to look at for the events of a share."""
    return {"invitee" if event in invitees.KINDS else event.partition(".")[0] for event in share.events}


def _look(view: Look, seen: Mapping[str, Any], name: str) -> tuple[list[Event], dict[str, Any]]:
    if name == "invitee":
        return invitees.look(view, seen)
    if name == "routing_form_submission":
        return routing_forms.look(view, seen)
    if name == "event_type" and view.share.scope == "group":
        raise InvalidParams(
            "events",
            [Problem("", "event types of a group cannot be looked at")],
            fix="Take a webhook, or the scope organization.",
        )
    return updated_records.look(view, seen, name)


def _told(
    matcher: Matcher, wants: Wants, found: Iterable[Event], joined: dict[str, float], now: float
) -> Iterable[Event]:
    """Join the halves of reschedules, each once, and apply the filters."""
    by_id = {event.id: event for event in found}
    for event in by_id.values():
        for one in matcher.match(event, wants, by_id.get, lambda event_id: short(event_id) in joined):
            if one.kind == RESCHEDULED:
                joined[short(one.id)] = now
            yield one


def _could_fit(matcher: Matcher, wants: Wants, meeting: dict[str, Any]) -> bool:
    return filters.could_fit(meeting, wants.filters, matcher.members(wants))


def read_since(since: str | None) -> float | None:
    """Read the time after which a first look tells, as seconds. Raises InvalidParams."""
    if since is None:
        return None
    moment = context.unix(since)
    if moment is None:
        raise InvalidParams("since", [Problem("", "must be a UTC time such as 2026-11-17T15:00:00Z")])
    return moment
