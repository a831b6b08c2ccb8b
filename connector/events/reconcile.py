"""Feeds the inbox by looking, and says what a handler is told of what the inbox holds."""

from collections.abc import Iterable

from ..catalog.manifest import manifest
from ..contract import Connection, Event, Params
from .dispatcher import Refine, entry_of
from .inbox import Inbox
from .scope_assignment import told_by
from .webhooks.event import read_event


def reconcile(
    inbox: Inbox,
    connection: Connection,
    events: Iterable[str],
    *,
    now: float,
    since: str | None = None,
    scope: str = "",
    group: str = "",
) -> int:
    """Look once, and put what is not there yet into the inbox; gives how many that were.

    The place to look on from is kept in the inbox, in the transaction that puts the events: a crash leads
    to the same look again. The first look tells nothing but what happened after `since`. Whatever came by
    webhook is known by its id.
    """
    theirs = told_by(events, manifest().triggers)
    place = f"cursor {scope} {group}".strip()
    found = connection.poll(theirs, inbox.state(place) or "", since=since, scope=scope, group=group)
    entries = [entry_of(event) for event in found.events]
    return sum(inbox.put(entries, now=now, states={place: found.cursor}))


def refiner(
    connection: Connection,
    inbox: Inbox,
    events: Iterable[str],
    filters: Params | None = None,
    *,
    halves: bool = False,
) -> Refine:
    """Give what says, of each event in the inbox, what a flow that wants these is told of it."""
    wanted = list(events)

    def find(event_id: str) -> Event | None:
        entry = inbox.find(event_id)
        return read_event(entry.body) if entry else None

    def known(event_id: str) -> bool:
        return bool(inbox.known([event_id]))

    def refine(event: Event) -> tuple[Event, ...]:
        return connection.match(event, wanted, filters, halves=halves, find=find, known=known)

    return refine
