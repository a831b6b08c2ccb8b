"""The state of webhook deliveries and of their subscriptions. JSON output has no keys and no bodies."""

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
    """One webhook delivery; times are in microseconds.

    Attributes:
        number: sequential number in this sandbox, from 1.
        state: waiting (for an attempt or its result), delivered, given_up or not_sent.
        statuses: HTTP status of each attempt, None if there was no reply.
        error: error of the last attempt if it got no reply.
        reason: why the delivery was given up.
        first_at: time of the first attempt.
        next_at: time of the next attempt.
        signature: signature of the first attempt.
        duplicates: number of duplicates sent.
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
        """Return the status as JSON values."""
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
    """The outstanding deliveries of one subscription.

    Attributes:
        waiting: deliveries that are not finished.
        retried: those that have failed at least once.
        failing_since: time of the first failure since the last success, None if there was none.
    """

    waiting: set[WebhookDelivery] = field(default_factory=set)
    retried: set[WebhookDelivery] = field(default_factory=set)
    failing_since: int | None = None

    def failed(self, delivery: WebhookDelivery, now: int) -> int:
        """Record a failed attempt; return the time of the first failure since the last success."""
        self.retried.add(delivery)
        if self.failing_since is None:
            self.failing_since = now
        return self.failing_since

    def ended(self, delivery: WebhookDelivery) -> None:
        """Record that a delivery is finished."""
        self.waiting.discard(delivery)
        self.retried.discard(delivery)
        if delivery.state == DELIVERED:
            self.failing_since = None

    def idle(self, is_in_progress: Callable[[WebhookDelivery], bool]) -> list[WebhookDelivery]:
        """Return the deliveries without an attempt in progress, oldest first."""
        idle = (delivery for delivery in self.waiting if not is_in_progress(delivery))
        return sorted(idle, key=lambda delivery: delivery.number)


class DeliveryJob(NamedTuple):
    """A scheduled attempt or duplicate; sorts by due time (microseconds), then by order of scheduling."""

    at: int
    order: int
    delivery: WebhookDelivery
    is_copy: bool


class DeliveryQueue:
    """The jobs that have not started."""

    def __init__(self) -> None:
        self._jobs: list[DeliveryJob] = []  # a heap
        self._added = 0

    def add(self, delivery: WebhookDelivery, at: int, *, is_copy: bool = False) -> None:
        """Schedule a job."""
        heappush(self._jobs, DeliveryJob(at, self._added, delivery, is_copy))
        self._added += 1

    def next_at(self) -> int | None:
        """Return when the next job is due, None if there are no jobs."""
        return self._jobs[0].at if self._jobs else None

    def pop_due(self, now: int) -> Iterator[DeliveryJob]:
        """Remove and yield the due jobs."""
        while self._jobs and self._jobs[0].at <= now:
            yield heappop(self._jobs)

    def clear(self) -> None:
        """Remove all jobs."""
        self._jobs.clear()
