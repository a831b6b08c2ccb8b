"""The inbox: what happened is kept here first, each event once, until a handler has taken it.

`open_inbox` gives one in a file of SQLite, or in any database by its address.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Outcome = Literal["given", "unwanted", "folded"]
"""How an event ended: a handler took it, no filter wanted it, or it became part of another event."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event, as the message that Calendly sends; `attempts` counts those to give it."""

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
    `find` gives an entry with its body where it is still there (waiting or parked). `prune` forgets ids of
    entries that ended before a time. All raise InboxError.
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
