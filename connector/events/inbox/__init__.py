"""The inbox: every event is stored here once, before anything else happens, until a handler is done with it.

`open_inbox` opens one in an SQLite file, or in any database by its URL. There are two implementations: the
file needs only the standard library, and stores a single event several times as fast as SQLAlchemy does.

See docs/decisions/two-inboxes.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

from ...errors import InboxError

FinalState = Literal["delivered", "filtered", "merged"]
"""How an event was completed: handled, wanted by no trigger, or made part of another event."""

STATES: Final = ("waiting", "dead", "delivered", "filtered", "merged")
"""The states of an entry. Entries in the first two have a body, the others are completed."""

FORMAT: Final = 2
RENAMED_STATES: Final = {"parked": "dead", "given": "delivered", "unwanted": "filtered", "folded": "merged"}
"""The states of format 1, and what they are called since format 2."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event, as the message that Calendly sends. `attempts` counts how often it was claimed."""

    id: str
    kind: str
    created_at: str
    body: bytes
    attempts: int = 0


class Inbox(Protocol):
    """Events until they are completed. Threads and processes may share it; times are unix seconds.

    `place` is its path or URL, without a password. All methods raise InboxError; it is `retryable` if waiting
    may help. What is completed stays so: completing, deferring or burying it again changes nothing.
    """

    place: str

    def put(self, entries: Sequence[Entry], *, checkpoints: Mapping[str, str] | None = None) -> list[bool]:
        """Store new entries and set checkpoints in one transaction, on disk. Return whether each is new."""

    def claim(self, *, now: float, limit: int = 100, lease_s: float = 60.0) -> list[Entry]:
        """Return waiting entries that are due, the oldest first, and lease them for `lease_s`."""

    def complete(self, event_id: str, state: FinalState, *, now: float, also: Sequence[Entry] = ()) -> None:
        """Complete an entry, which drops its body, and put the entries `also`, in one transaction."""

    def defer(self, event_id: str, until: float, error: str) -> None:
        """Make an entry wait until a time."""

    def bury(self, event_id: str, error: str) -> None:
        """Mark an entry as dead: it isn't claimed until it is requeued."""

    def requeue(self) -> int:
        """Make all dead entries due, with no attempts counted. Return how many."""

    def find(self, event_id: str) -> Entry | None:
        """Return an entry that isn't completed."""

    def known(self, ids: Iterable[str]) -> set[str]:
        """Return those ids that were put and not pruned."""

    def next_due(self) -> float | None:
        """Return when the next waiting entry is due; None if none is waiting."""

    def checkpoint(self, name: str) -> str | None:
        """Return the text that `put` stored under a name."""

    def counts(self) -> Mapping[str, int]:
        """Return the number of entries in each of `STATES`."""

    def prune(self, before: float) -> int:
        """Forget entries completed before a time; one that arrives again is new. Return how many."""

    def close(self) -> None:
        """Close the connections. A later call opens them again."""


def open_inbox(place: str | Path) -> Inbox:
    """Open the inbox in the SQLite file at a path or the database at a URL; create it if missing."""
    if "://" in str(place):
        from .database import DatabaseInbox

        return DatabaseInbox(str(place))
    from .sqlite import FileInbox

    return FileInbox(Path(place))


def newer_version(place: str) -> InboxError:
    """Return the error for an inbox that this version can't read."""
    return permanent(
        f"The inbox {place} was written by a newer version.",
        "Update calendly-connector. Nothing was changed.",
    )


def permanent(message: str, fix: str) -> InboxError:
    """Return an error that a retry doesn't resolve."""
    return InboxError(message, fix=fix, retryable=False)
