"""The life of one webhook message, and how its subscription fares. No keys and no bodies are shown."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..world import times
from .notices import Notice

WAITING, DELIVERED, GIVEN_UP, NOT_SENT = "waiting", "delivered", "given_up", "not_sent"

Outcome = dict[str, Any]


@dataclass(eq=False)
class Message:
    """A message from its happening to its end; moments are microseconds.

    Attributes:
        number: counted from 1 over all messages of a sandbox.
        state: waiting (for its first attempt, its end, or a retry), delivered, given_up or not_sent.
        statuses: what each attempt was answered with, None for no answer.
        error: what the last attempt failed with, where it was not a status.
        reason: why it was given up.
        first_at: when the first attempt was made.
        next_at: when the next attempt will be made.
        signature: that of the first attempt.
        duplicates: copies that were sent.
    """

    number: int
    notice: Notice
    state: str = WAITING
    statuses: list[int | None] = field(default_factory=list)
    error: str | None = None
    reason: str | None = None
    first_at: int | None = None
    next_at: int | None = None
    signature: str | None = None
    duplicates: int = 0

    def described(self) -> Outcome:
        """Give it as JSON values."""
        return {
            "event": self.notice.event,
            "subscription": self.notice.subscription,
            "url": self.notice.url,
            "state": self.state,
            "attempts": len(self.statuses),
            "statuses": list(self.statuses),
            "status": self.statuses[-1] if self.statuses else None,
            "error": self.error,
            "next_attempt_at": None if self.next_at is None else times.write(self.next_at),
            "delivered": self.state == DELIVERED,
            "given_up": self.state == GIVEN_UP,
            "reason": self.reason,
            "duplicates": self.duplicates,
        }


@dataclass
class Outbox:
    """What one subscription has yet to get.

    Attributes:
        waiting: its messages that have not come to their end.
        retried: those of them that failed before.
        failing_since: the first failure since something got through; None where nothing failed since.
    """

    waiting: set[Message] = field(default_factory=set)
    retried: set[Message] = field(default_factory=set)
    failing_since: int | None = None

    def failed(self, message: Message, now: int) -> int:
        """Note a failed attempt; give since when nothing gets through."""
        self.retried.add(message)
        if self.failing_since is None:
            self.failing_since = now
        return self.failing_since

    def ended(self, message: Message) -> None:
        """Note that a message has come to its end."""
        self.waiting.discard(message)
        self.retried.discard(message)
        if message.state == DELIVERED:
            self.failing_since = None

    def idle(self, is_under_way: Callable[[Message], bool]) -> list[Message]:
        """Give the messages that nothing is being done about, oldest first."""
        idle = (message for message in self.waiting if not is_under_way(message))
        return sorted(idle, key=lambda message: message.number)
