"""The inbox: what happened is kept here first, each event once, until a handler has taken it.

`open_inbox` gives one in a file of SQLite, or in any database by its address.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

Outcome = Literal["given", "unwanted", "folded"]
"""How an event ended: a handler took it, no filter wanted it, or it became part of another event."""

STATES: Final = ("waiting", "parked", "given", "unwanted", "folded")
"""What an entry may be in: the first two hold a body, the others are how it ended."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event, as the message that Calendly sends; `attempts` counts how often it was claimed."""

    id: str
    kind: str
    created_at: str
    body: bytes
    attempts: int = 0


class Inbox(Protocol):
    """Events until they are given. Threads and processes may share it; times are unix seconds.

    `put` gives True for each new entry, and sets `states` in the same transaction: all of it is on disk
    when it returns. `claim` gives waiting entries that are due, the oldest `created_at` first, and nobody
    else gets them for `lease_s`. `settle` ends an entry, forgets its body and keeps its id, and puts
    `also` in the same transaction. `postpone` lets an entry wait until a time, `park` until `revive`.
    What has ended stays so: settling, postponing or parking it again changes nothing. `find` gives an entry
    with its body where it is still there (waiting or parked). `next_due` is when the next waiting entry may
    be claimed. `counts` has each of `STATES`. `prune` forgets ids of entries that ended before a time: an
    event that comes again after that is new. All raise InboxError, `retryable` where waiting may help.
    """

    @property
    def place(self) -> str: ...
    def put(
        self, entries: Sequence[Entry], *, now: float, states: Mapping[str, str] | None = None
    ) -> list[bool]: ...
    def claim(self, *, now: float, limit: int = 100, lease_s: float = 60.0) -> list[Entry]: ...
    def settle(self, event_id: str, outcome: Outcome, *, now: float, also: Sequence[Entry] = ()) -> None: ...
    def postpone(self, event_id: str, until: float, error: str) -> None: ...
    def park(self, event_id: str, error: str) -> None: ...
    def revive(self) -> int: ...
    def find(self, event_id: str) -> Entry | None: ...
    def known(self, ids: Iterable[str]) -> set[str]: ...
    def next_due(self) -> float | None: ...
    def state(self, name: str) -> str | None: ...
    def counts(self) -> Mapping[str, int]: ...
    def prune(self, before: float) -> int: ...
    def close(self) -> None: ...


def open_inbox(where: str | Path) -> Inbox:
    """Give the inbox in a file of SQLite at a path, or in the database at an address (`kind://…`)."""
    if "://" in str(where):
        from .database import DatabaseInbox

        return DatabaseInbox(str(where))
    from .sqlite import FileInbox

    return FileInbox(Path(where))
