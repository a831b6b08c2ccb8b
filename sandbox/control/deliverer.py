"""Send webhook deliveries concurrently, to loopback only, and retry failed ones."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from http import HTTPStatus

from ..clock import SandboxClock
from ..loopback import is_loopback_url
from ..world import times, webhooks
from ..world.domain_events import DomainEvent
from ..world.state import WebhookSubscription
from ..world.world import World
from . import retry_policy, webhook_messages
from .deliveries import (
    DELIVERED,
    GIVEN_UP,
    NOT_SENT,
    WAITING,
    DeliveryJob,
    DeliveryQueue,
    Outbox,
    Outcome,
    WebhookDelivery,
)
from .delivery_faults import ANSWER_LOST, NOT_POSTED, DeliveryFaults
from .webhook_client import PostFailedError, WebhookClient
from .webhook_messages import WebhookMessage

MAX_LOG_ENTRIES = 1000
MAX_CONCURRENT = 20
"""Concurrent attempts per subscription."""

FRESH, ORIGINAL = "fresh", "original"
RETRY_SIGNATURES = (FRESH, ORIGINAL)

_MIN_DELAY_S = 0.001
_SUCCESS = range(200, 300)


class Deliverer:
    """Sends deliveries on the sandbox's clock. Use and close it in one event loop."""

    def __init__(
        self, *, world: World, clock: SandboxClock, client: WebhookClient, retry_signature: str
    ) -> None:
        self.faults = DeliveryFaults()
        self._world = world
        self._clock = clock
        self._client = client
        self._sign_retries = retry_signature == FRESH
        self._log: deque[WebhookDelivery] = deque(maxlen=MAX_LOG_ENTRIES)  # oldest first
        self._totals: Counter[str] = Counter()
        self._count = 0
        self._queue = DeliveryQueue()
        self._timer: asyncio.TimerHandle | None = None
        self._outboxes: defaultdict[str, Outbox] = defaultdict(Outbox)
        self._slots: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(MAX_CONCURRENT)
        )
        self._attempts: dict[WebhookDelivery, asyncio.Task[None]] = {}
        self._copies: set[asyncio.Task[None]] = set()

    # Sending and status

    def send(self, domain_events: Iterable[DomainEvent]) -> list[WebhookDelivery]:
        """Start the deliveries for domain events and return them."""
        now = self._now()
        deliveries = [
            self._enqueue(message, now)
            for event in domain_events
            for message in webhook_messages.messages_for(self._world, event, now)
        ]
        self.wake()
        return deliveries

    async def wait_for_attempts(self, deliveries: Iterable[WebhookDelivery]) -> list[Outcome]:
        """Wait for the attempts in progress; return the status of all deliveries."""
        deliveries = list(deliveries)
        await _wait_for(self._attempts[delivery] for delivery in deliveries if delivery in self._attempts)
        return [delivery.to_json() for delivery in deliveries]

    def log(self) -> list[Outcome]:
        """Return the status of the latest deliveries, oldest first."""
        return [delivery.to_json() for delivery in self._log]

    def totals(self) -> dict[str, int]:
        """Return the number of deliveries in each state, of attempts and of duplicates."""
        names = (WAITING, DELIVERED, GIVEN_UP, NOT_SENT, "attempts", "duplicates")
        return {name: self._totals[name] for name in names}

    # Time

    def wake(self) -> None:
        """Give up undeliverable messages, start all due jobs, and set a timer for the next one."""
        self._drop_undeliverable()
        for job in self._queue.pop_due(self._now()):
            self._start(job)
        if self._timer:
            self._timer.cancel()
            self._timer = None
        next_at = self._queue.next_at()
        if next_at is not None:
            delay_s = max(_MIN_DELAY_S, self._clock.real_s_until(next_at / times.SECOND))
            self._timer = asyncio.get_running_loop().call_later(delay_s, self.wake)

    async def settle(self) -> None:
        """Wait until no delivery is in progress or due."""
        self.wake()
        while self._attempts or self._copies:
            await _wait_for([*self._attempts.values(), *self._copies])
            self.wake()

    async def advance(self, seconds: float, *, wait: bool) -> None:
        """Move the clock forward: in one step, or with `wait` stopping at each time a job is due."""
        target = self._clock() + seconds
        if wait:
            await self.settle()
            while (at := self._queue.next_at()) is not None and at <= times.from_unix(target):
                self._clock.forward_to(at / times.SECOND)
                await self.settle()
        self._clock.forward_to(target)
        if wait:
            await self.settle()
        else:
            self.wake()

    async def close(self) -> None:
        """Cancel all deliveries and close the client."""
        self._queue.clear()
        if self._timer:
            self._timer.cancel()
        tasks = [*self._attempts.values(), *self._copies]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.close()

    def _now(self) -> int:
        return times.from_unix(self._clock())

    # Scheduling

    def _enqueue(self, message: WebhookMessage, now: int) -> WebhookDelivery:
        self._count += 1
        delivery = WebhookDelivery(self._count, message)
        self._log.append(delivery)
        if not is_loopback_url(message.url):
            delivery.state, delivery.error = NOT_SENT, "not delivered: not loopback"
            self._totals[NOT_SENT] += 1
            return delivery
        self._totals[WAITING] += 1
        self._outboxes[message.subscription].waiting.add(delivery)
        self._schedule(delivery, now + self.faults.delay(delivery.number))
        copy_after = self.faults.copy_after(delivery.number)
        if copy_after is not None:
            self._queue.add(delivery, now + copy_after, is_copy=True)
        return delivery

    def _schedule(self, delivery: WebhookDelivery, at: int) -> None:
        delivery.next_at = at
        self._queue.add(delivery, at)

    def _start(self, job: DeliveryJob) -> None:
        delivery = job.delivery
        if job.is_copy:
            task = asyncio.create_task(self._copy(delivery))
            self._copies.add(task)
            task.add_done_callback(self._copies.discard)
        elif delivery.state == WAITING:
            delivery.next_at = None
            self._attempts[delivery] = asyncio.create_task(self._attempt(delivery))

    # Attempts

    async def _copy(self, delivery: WebhookDelivery) -> None:
        """Send a duplicate; its result is ignored."""
        async with self._slots[delivery.message.subscription]:
            subscription = webhook_messages.find_live(self._world, delivery.message.subscription)
            now = self._now()
            if subscription is None or now < self.faults.outage_until:
                return
            delivery.duplicates += 1
            self._totals["duplicates"] += 1
            try:
                headers = self._signed_headers(delivery, subscription, now)
                await self._client.post(delivery.message.url, delivery.message.body, headers)
            except PostFailedError:
                return

    async def _attempt(self, delivery: WebhookDelivery) -> None:
        try:
            async with self._slots[delivery.message.subscription]:
                subscription = webhook_messages.find_live(self._world, delivery.message.subscription)
                started_at = self._now()
                if subscription is not None:
                    await self._post(delivery, subscription, started_at)
        finally:
            del self._attempts[delivery]
        self._finish_attempt(delivery, started_at)

    async def _post(self, delivery: WebhookDelivery, subscription: WebhookSubscription, now: int) -> None:
        """Make one attempt and record its result."""
        # A lost message counts as signed, too.
        headers = self._signed_headers(delivery, subscription, now)
        fault = self.faults.attempt_outcome(delivery.number, len(delivery.statuses) + 1, now)
        status, error = None, fault if fault in {NOT_POSTED, ANSWER_LOST} else None
        if fault != NOT_POSTED:
            try:
                status = await self._client.post(delivery.message.url, delivery.message.body, headers)
            except PostFailedError as failure:
                error = str(failure)
        self._totals["attempts"] += 1
        delivery.statuses.append(None if error else status)
        delivery.error = error
        if delivery.first_at is None:
            delivery.first_at = now

    def _signed_headers(
        self, delivery: WebhookDelivery, subscription: WebhookSubscription, now: int
    ) -> dict[str, str]:
        message, key = delivery.message, subscription.signing_key
        signature = delivery.signature
        if key and (signature is None or self._sign_retries):
            signature = webhook_messages.sign(key, now // times.SECOND, message.body)
            delivery.signature = delivery.signature or signature
        return webhook_messages.headers(signature)

    # Results

    def _finish_attempt(self, delivery: WebhookDelivery, started_at: int) -> None:
        if delivery.statuses and delivery.statuses[-1] in _SUCCESS:
            self._finish(delivery, DELIVERED)
            return
        subscription = webhook_messages.find_live(self._world, delivery.message.subscription)
        if subscription is None:
            self._finish(delivery, GIVEN_UP, self._undeliverable_reason(delivery.message.subscription))
            return
        if delivery.statuses and delivery.statuses[-1] == HTTPStatus.GONE:
            self._world.unsubscribe(delivery.message.subscription.rpartition("/")[2])
            self._finish(delivery, GIVEN_UP, "the receiver returned 410, which deletes the subscription")
            self._drop_undeliverable()
            return
        assert delivery.first_at is not None  # noqa: S101 - set by the attempt
        failing_since = self._outboxes[delivery.message.subscription].failed(delivery, started_at)
        webhooks.mark_retrying(self._world, subscription, started_at)
        if retry_policy.should_disable(failing_since=failing_since, now=started_at):
            webhooks.disable(self._world, subscription, self._now())
            self._finish(delivery, GIVEN_UP, "no delivery succeeded for 24 hours")
            self._drop_undeliverable()
            return
        at = retry_policy.next_attempt(
            first=delivery.first_at,
            last=started_at,
            attempts=len(delivery.statuses),
            booked_end=delivery.message.booked_end,
        )
        if at is None:
            self._finish(delivery, GIVEN_UP, "the retry period ended")
        else:
            self._schedule(delivery, at)
            self.wake()

    def _finish(self, delivery: WebhookDelivery, state: str, reason: str | None = None) -> None:
        uri = delivery.message.subscription
        delivery.state, delivery.reason, delivery.next_at = state, reason, None
        self._totals[WAITING] -= 1
        self._totals[state] += 1
        outbox = self._outboxes[uri]
        outbox.ended(delivery)
        subscription = webhook_messages.find_live(self._world, uri)
        if subscription and not outbox.retried:
            webhooks.mark_recovered(self._world, subscription, self._now())

    def _drop_undeliverable(self) -> None:
        """Give up waiting deliveries of inactive subscriptions, except those in progress."""
        for uri, outbox in list(self._outboxes.items()):
            if webhook_messages.find_live(self._world, uri):
                continue
            for delivery in outbox.idle(self._attempts.__contains__):
                self._finish(delivery, GIVEN_UP, self._undeliverable_reason(uri))
            if not outbox.waiting:
                del self._outboxes[uri]

    def _undeliverable_reason(self, uri: str) -> str:
        subscription = self._world.subscriptions.get(uri.rpartition("/")[2])
        is_disabled = subscription is not None and subscription.record["state"] == "disabled"
        return "the subscription was disabled" if is_disabled else "the subscription or its user was deleted"


async def _wait_for(tasks: Iterable[asyncio.Task[None]]) -> None:
    tasks = list(tasks)
    if tasks:
        await asyncio.wait(tasks)
