"""The life of one webhook delivery, and how its subscription fares. No keys and no bodies are shown."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any, NamedTuple

from ..world import times
from .webhook_messages import WebhookMessage

WAITING, DELIVERED, GIVEN_UP, NOT_SENT = "waiting", "delivered", "given_up", "not_sent"

Outcome = dict[str, Any]


@dataclass(eq=False)
class WebhookDelivery:
    """A delivery from its event to its end; moments are microseconds.

    Attributes:
        number: counted from 1 over all deliveries of a sandbox.
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
    message: WebhookMessage
    state: str = WAITING
    statuses: list[int | None] = field(default_factory=list)
    error: str | None = None
    reason: str | None = None
    first_at: int | None = None
    next_at: int | None = None
    signature: str | None = None
    duplicates: int = 0

    def to_json(self) -> Outcome:
        """Give it as JSON values."""
        return {
            "event": self.message.event,
            "subscription": self.message.subscription,
            "url": self.message.url,
            "state": self.state,
            "attempts": len(self.statuses),
            "statuses": list(self.statuses),
            "status": self.statuses[-1] if self.statuses else None,
            "error": self.error,
            "next_attempt_at": None if self.next_at is None else times.isoformat(self.next_at),
            "delivered": self.state == DELIVERED,
            "given_up": self.state == GIVEN_UP,
            "reason": self.reason,
            "duplicates": self.duplicates,
        }


@dataclass
class Outbox:
    """What one subscription has yet to get.

    Attributes:
        waiting: its deliveries that have not come to their end.
        retried: those of them that failed before.
        failing_since: the first failure since something got through; None where nothing failed since.
    """

    waiting: set[WebhookDelivery] = field(default_factory=set)
    retried: set[WebhookDelivery] = field(default_factory=set)
    failing_since: int | None = None

    def failed(self, delivery: WebhookDelivery, now: int) -> int:
        """Note a failed attempt; give since when nothing gets through."""
        self.retried.add(delivery)
        if self.failing_since is None:
            self.failing_since = now
        return self.failing_since

    def ended(self, delivery: WebhookDelivery) -> None:
        """Note that a delivery has come to its end."""
        self.waiting.discard(delivery)
        self.retried.discard(delivery)
        if delivery.state == DELIVERED:
            self.failing_since = None

    def idle(self, is_under_way: Callable[[WebhookDelivery], bool]) -> list[WebhookDelivery]:
        """Give the deliveries that nothing is being done about, oldest first."""
        idle = (delivery for delivery in self.waiting if not is_under_way(delivery))
        return sorted(idle, key=lambda delivery: delivery.number)


class DeliveryJob(NamedTuple):
    """An attempt at a delivery or a copy of it; due at a moment (microseconds), then by order."""

    at: int
    order: int
    delivery: WebhookDelivery
    is_copy: bool


class DeliveryQueue:
    """The jobs that are not begun yet."""

    def __init__(self) -> None:
        self._jobs: list[DeliveryJob] = []  # a heap
        self._planned = 0

    def add(self, delivery: WebhookDelivery, at: int, *, is_copy: bool = False) -> None:
        """Plan a job."""
        heappush(self._jobs, DeliveryJob(at, self._planned, delivery, is_copy))
        self._planned += 1

    def next_at(self) -> int | None:
        """Give when the next job is due."""
        return self._jobs[0].at if self._jobs else None

    def pop_due(self, now: int) -> Iterator[DeliveryJob]:
        """Give the jobs that are due, and forget them."""
        while self._jobs and self._jobs[0].at <= now:
            yield heappop(self._jobs)

    def clear(self) -> None:
        """Forget all jobs."""
        self._jobs.clear()
