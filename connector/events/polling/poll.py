"""What happened since the last poll: the same events, with the same ids, as by webhook.

See docs/decisions/coming-into-sight.md.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from ...auth.identity import Identity, group_uri, read_identity
from ...catalog.manifest import manifest
from ...contract import Connection, Event, Polled
from ...errors import InvalidParams, Problem
from ..conditions import OF_MEETING
from ..matcher import Matcher
from ..reschedules import RESCHEDULED
from ..scope_assignment import ScopeAssignment, assign_scopes
from . import cursor, invitees, routing_forms, updated_records
from .context import DAY_S, PollContext, Reader, unix, written
from .cursor import Cursor, short

_RESCHEDULES_FOR_S: Final = 8 * DAY_S  # the two halves of a reschedule may be found this far apart


def poll(
    connection: Connection,
    matcher: Matcher,
    text: str,
    *,
    now: float,
    since: str | None = None,
    scope: str = "",
    group: str = "",
) -> Polled:
    """Poll once, from the cursor `text`. Without one, return only what happened after `since`."""
    before = cursor.read(text)
    begin = read_since(since) if before.since is None else before.since
    identity = Identity(**before.identity) if before.identity else read_identity(connection.run)
    sources = matcher.filter.sources
    assignments = assign_scopes(
        sources, manifest().triggers, identity, scope=scope, group=group_uri(connection, group)
    )
    is_narrowed = not matcher.filter.filters.keys().isdisjoint(OF_MEETING)
    found: list[Event] = []
    seen: dict[str, dict[str, Any]] = {}
    readers: list[Reader] = []
    for assignment in assignments:
        context = PollContext(assignment, identity.user, now, before.at, begin)
        if is_narrowed:
            context = replace(context, could_fit=matcher.could_fit)
        for family in sorted(_families(assignment)):
            key = f"{assignment.scope} {short(assignment.owner)} {family}"
            last = before.at if key in before.seen else None
            readers.append(Reader(connection))
            events, seen[key] = _poll_family(
                replace(context, last=last), readers[-1], before.seen.get(key, {}), family
            )
            found += [event for event in events if event.kind in sources]
    rescheduled = {key: at for key, at in before.rescheduled.items() if at >= now - _RESCHEDULES_FOR_S}
    delivered = set(before.delivered)
    matched = [one for one in _matched(matcher, found, rescheduled, now) if _name(one, now) not in delivered]
    return Polled(
        events=tuple(sorted(matched, key=lambda event: unix(event.created_at) or now)),
        cursor=cursor.write(Cursor(now, asdict(identity), seen, rescheduled)),
        complete=all(reader.complete for reader in readers),
        calls=sum(reader.calls for reader in readers),
        warnings=tuple(dict.fromkeys(warning for reader in readers for warning in reader.warnings)),
    )


def first(polled: Polled, count: int, text: str, since: str | None = None) -> Polled:
    """Return the first events of a poll, and a cursor whose poll returns the others and what is new.

    `text` and `since` are what was passed to the poll.
    """
    if count >= len(polled.events):
        return polled
    before, after = cursor.read(text), cursor.read(polled.cursor)
    before.identity = after.identity
    before.since = read_since(since) if before.since is None else before.since
    before.delivered += [_name(event, after.at) for event in polled.events[:count]]
    return replace(polled, events=polled.events[:count], cursor=cursor.write(before))


def read_since(since: str | None) -> float | None:
    """Return `since` as unix seconds. Raises InvalidParams."""
    if since is None:
        return None
    moment = unix(since)
    if moment is None:
        raise InvalidParams("since", [Problem("", "must be a UTC time such as 2026-11-17T15:00:00Z")])
    return moment


def _name(event: Event, at: float | None) -> str:
    """Return what identifies an event in every poll: some ids end with the time of the poll."""
    return short(event.id if at is None else event.id.removesuffix(f"@{written(at)}"))


def _families(assignment: ScopeAssignment) -> set[str]:
    """Return the families of records to read for the events of an assignment."""
    return {"invitee" if event in invitees.KINDS else event.partition(".")[0] for event in assignment.events}


def _poll_family(
    context: PollContext, reader: Reader, seen: Mapping[str, Any], family: str
) -> tuple[list[Event], dict[str, Any]]:
    if family == "invitee":
        return invitees.poll(context, reader, seen)
    if family == "routing_form_submission":
        return routing_forms.poll(context, reader, seen)
    if family == "event_type" and context.assignment.scope == "group":
        raise InvalidParams(
            "events",
            [Problem("", "event types of a group can't be polled")],
            fix="Use webhooks, or scope organization.",
        )
    return updated_records.poll(context, reader, seen, family)


@dataclass(frozen=True, slots=True)
class _PolledEvents:
    """The events of this poll, and the reschedules of earlier ones, as a matcher asks for them."""

    by_id: Mapping[str, Event]
    rescheduled: Mapping[str, float]

    def find(self, event_id: str) -> Event | None:
        return self.by_id.get(event_id)

    def is_known(self, event_id: str) -> bool:
        return short(event_id) in self.rescheduled


def _matched(
    matcher: Matcher, found: Iterable[Event], rescheduled: dict[str, float], now: float
) -> Iterator[Event]:
    """Yield the events that fit, each reschedule once."""
    by_id = {event.id: event for event in found}
    seen = _PolledEvents(by_id, rescheduled)
    for event in by_id.values():
        for one in matcher.match(event, seen):
            if one.kind == RESCHEDULED:
                rescheduled[short(one.id)] = now
            yield one
