"""Catches up on missed events: polls, and puts what the inbox doesn't know yet into it.

See docs/decisions/one-inbox.md.
"""

from collections.abc import Iterable

from ..catalog.manifest import manifest
from ..contract import Connection
from .dispatcher import entry_of
from .inbox import Inbox
from .scope_assignment import source_events


def reconcile(
    inbox: Inbox,
    connection: Connection,
    events: Iterable[str],
    *,
    since: str | None = None,
    scope: str = "",
    group: str = "",
) -> int:
    """Poll once and put new events in the inbox. Return how many.

    The cursor is saved in the inbox, in the transaction that puts the events: after a crash the poll is
    repeated. The first poll only sets the baseline, unless `since` says from when on to catch up. Events that
    arrived by webhook have the same ids, so they are not put again.
    """
    trigger = connection.trigger(source_events(events, manifest().triggers))
    name = f"cursor {scope} {group}".strip()
    polled = trigger.poll(inbox.checkpoint(name) or "", since=since, scope=scope, group=group)
    entries = [entry_of(event) for event in polled.events]
    return sum(inbox.put(entries, checkpoints={name: polled.cursor}))
