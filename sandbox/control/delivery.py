"""Sends webhook messages, none waiting for another, to this machine alone, and again where they fail."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from http import HTTPStatus

from ..clock import Clock
from ..loopback import is_loopback_url
from ..world import subscription_states, times
from ..world.happenings import Happening
from ..world.world import Subscription, World
from . import notices, retries
from .agenda import Agenda, Job
from .delivery_faults import ANSWER_LOST, NOT_POSTED, DeliveryFaults
from .messages import DELIVERED, GIVEN_UP, NOT_SENT, WAITING, Message, Outbox, Outcome
from .notices import Notice
from .posting import NotPostedError, Poster

KEPT = 1000
MOST_AT_ONCE = 20
"""Attempts under way for one subscription; more wait for their turn."""

FRESH, ORIGINAL = "fresh", "original"
RETRY_SIGNATURES = (FRESH, ORIGINAL)

_SHORTEST_NAP_S = 0.001
_SUCCESS = range(200, 300)


class Deliverer:
    """Sends messages by the sandbox's clock; use it in one event loop and close it there."""

    def __init__(self, *, world: World, clock: Clock, poster: Poster, retry_signature: str) -> None:
        self.faults = DeliveryFaults()
        self._world = world
        self._clock = clock
        self._poster = poster
        self._signs_again = retry_signature == FRESH
        self._log: deque[Message] = deque(maxlen=KEPT)  # oldest first
        self._totals: Counter[str] = Counter()
        self._messages = 0
        self._agenda = Agenda()
        self._timer: asyncio.TimerHandle | None = None
        self._outboxes: defaultdict[str, Outbox] = defaultdict(Outbox)
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(MOST_AT_ONCE)
        )
        self._attempts: dict[Message, asyncio.Task[None]] = {}
        self._copies: set[asyncio.Task[None]] = set()

    # What goes in and what is seen

    def send(self, happened: Iterable[Happening]) -> list[Message]:
        """Begin to tell of what happened, and give the messages."""
        now = self._now()
        messages = [
            self._take_in(notice, now)
            for happening in happened
            for notice in notices.notices(self._world, happening, now)
        ]
        self.wake()
        return messages

    async def attempted(self, messages: Iterable[Message]) -> list[Outcome]:
        """Wait for the attempts at messages that are under way; give how all of them fared."""
        messages = list(messages)
        await _ended(self._attempts[message] for message in messages if message in self._attempts)
        return [message.described() for message in messages]

    def log(self) -> list[Outcome]:
        """Give how the latest messages fared, oldest first."""
        return [message.described() for message in self._log]

    def totals(self) -> dict[str, int]:
        """Count all messages by their state, the attempts, and the copies that were sent."""
        names = (WAITING, DELIVERED, GIVEN_UP, NOT_SENT, "attempts", "duplicates")
        return {name: self._totals[name] for name in names}

    # Time

    def wake(self) -> None:
        """End what nobody waits for, begin all that is due, and be woken again for the next of it."""
        self._drop_unwanted()
        for job in self._agenda.take(self._now()):
            self._begin(job)
        if self._timer:
            self._timer.cancel()
            self._timer = None
        next_at = self._agenda.next_at()
        if next_at is not None:
            nap_s = max(_SHORTEST_NAP_S, self._clock.real_s_until(next_at / times.SECOND))
            self._timer = asyncio.get_running_loop().call_later(nap_s, self.wake)

    async def settle(self) -> None:
        """Wait until nothing is under way, and nothing due."""
        self.wake()
        while self._attempts or self._copies:
            await _ended([*self._attempts.values(), *self._copies])
            self.wake()

    async def advance(self, seconds: float, *, wait: bool) -> None:
        """Move the clock forward: at once, or from one moment to the next at which something is due."""
        target = self._clock() + seconds
        if wait:
            await self.settle()
            while (at := self._agenda.next_at()) is not None and at <= times.of_unix(target):
                self._clock.forward_to(at / times.SECOND)
                await self.settle()
        self._clock.forward_to(target)
        if wait:
            await self.settle()
        else:
            self.wake()

    async def close(self) -> None:
        """Leave what is under way."""
        self._agenda.clear()
        if self._timer:
            self._timer.cancel()
        tasks = [*self._attempts.values(), *self._copies]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._poster.close()

    def _now(self) -> int:
        return times.of_unix(self._clock())

    # From the happening to the first attempt

    def _take_in(self, notice: Notice, now: int) -> Message:
        self._messages += 1
        message = Message(self._messages, notice)
        self._log.append(message)
        if not is_loopback_url(notice.url):
            message.state, message.error = NOT_SENT, "not delivered: not loopback"
            self._totals[NOT_SENT] += 1
            return message
        self._totals[WAITING] += 1
        self._outboxes[notice.subscription].waiting.add(message)
        self._plan(message, now + self.faults.held_back(message.number))
        copy_after = self.faults.copy_after(message.number)
        if copy_after is not None:
            self._agenda.put(message, now + copy_after, is_copy=True)
        return message

    def _plan(self, message: Message, at: int) -> None:
        message.next_at = at
        self._agenda.put(message, at)

    def _begin(self, job: Job) -> None:
        message = job.message
        if job.is_copy:
            task = asyncio.create_task(self._copy(message))
            self._copies.add(task)
            task.add_done_callback(self._copies.discard)
        elif message.state == WAITING:
            message.next_at = None
            self._attempts[message] = asyncio.create_task(self._attempt(message))

    # One attempt

    async def _copy(self, message: Message) -> None:
        """Send the same once more; nobody asks what becomes of it."""
        async with self._turns[message.notice.subscription]:
            subscription = notices.find_live(self._world, message.notice.subscription)
            now = self._now()
            if subscription is None or now < self.faults.outage_until:
                return
            message.duplicates += 1
            self._totals["duplicates"] += 1
            try:
                headers = self._signed(message, subscription, now)
                await self._poster.post(message.notice.url, message.notice.body, headers)
            except NotPostedError:
                return

    async def _attempt(self, message: Message) -> None:
        try:
            async with self._turns[message.notice.subscription]:
                subscription = notices.find_live(self._world, message.notice.subscription)
                began = self._now()
                if subscription is not None:
                    await self._try(message, subscription, began)
        finally:
            del self._attempts[message]
        self._conclude(message, began)

    async def _try(self, message: Message, subscription: Subscription, now: int) -> None:
        """Make an attempt, and write down how it went."""
        headers = self._signed(message, subscription, now)  # an attempt that does not get out was signed, too
        fault = self.faults.of_attempt(message.number, len(message.statuses) + 1, now)
        status, error = None, fault if fault in {NOT_POSTED, ANSWER_LOST} else None
        if fault != NOT_POSTED:
            try:
                status = await self._poster.post(message.notice.url, message.notice.body, headers)
            except NotPostedError as not_posted:
                error = str(not_posted)
        self._totals["attempts"] += 1
        message.statuses.append(None if error else status)
        message.error = error
        if message.first_at is None:
            message.first_at = now

    def _signed(self, message: Message, subscription: Subscription, now: int) -> dict[str, str]:
        notice, key = message.notice, subscription.signing_key
        signature = message.signature
        if key and (signature is None or self._signs_again):
            signature = notices.sign(key, now // times.SECOND, notice.body)
            message.signature = message.signature or signature
        return notices.headers(signature)

    # What follows from it

    def _conclude(self, message: Message, began: int) -> None:
        if message.statuses and message.statuses[-1] in _SUCCESS:
            self._end(message, DELIVERED)
            return
        subscription = notices.find_live(self._world, message.notice.subscription)
        if subscription is None:
            self._end(message, GIVEN_UP, self._why_unwanted(message.notice.subscription))
            return
        if message.statuses and message.statuses[-1] == HTTPStatus.GONE:
            self._world.unsubscribe(message.notice.subscription.rpartition("/")[2])
            self._end(message, GIVEN_UP, "the receiver answered 410, which deletes the subscription")
            self._drop_unwanted()
            return
        assert message.first_at is not None  # noqa: S101 - a live subscription was tried
        failing_since = self._outboxes[message.notice.subscription].failed(message, began)
        subscription_states.retry(self._world, subscription, began)
        if retries.disables(failing_since=failing_since, now=began):
            subscription_states.disable(self._world, subscription, self._now())
            self._end(message, GIVEN_UP, "nothing got through for 24 hours")
            self._drop_unwanted()
            return
        at = retries.next_attempt(
            first=message.first_at,
            last=began,
            attempts=len(message.statuses),
            booked_end=message.notice.booked_end,
        )
        if at is None:
            self._end(message, GIVEN_UP, "retried to the end")
        else:
            self._plan(message, at)
            self.wake()

    def _end(self, message: Message, state: str, reason: str | None = None) -> None:
        uri = message.notice.subscription
        message.state, message.reason, message.next_at = state, reason, None
        self._totals[WAITING] -= 1
        self._totals[state] += 1
        outbox = self._outboxes[uri]
        outbox.ended(message)
        subscription = notices.find_live(self._world, uri)
        if subscription and not outbox.retried:
            subscription_states.recover(self._world, subscription, self._now())

    def _drop_unwanted(self) -> None:
        """Give up what waits for subscriptions that get nothing any more, but for what is under way."""
        for uri, outbox in list(self._outboxes.items()):
            if notices.find_live(self._world, uri):
                continue
            for message in outbox.idle(self._attempts.__contains__):
                self._end(message, GIVEN_UP, self._why_unwanted(uri))
            if not outbox.waiting:
                del self._outboxes[uri]

    def _why_unwanted(self, uri: str) -> str:
        subscription = self._world.subscriptions.get(uri.rpartition("/")[2])
        is_disabled = subscription is not None and subscription.record["state"] == "disabled"
        return "the subscription was disabled" if is_disabled else "the subscription or its user is gone"


async def _ended(tasks: Iterable[asyncio.Task[None]]) -> None:
    tasks = list(tasks)
    if tasks:
        await asyncio.wait(tasks)
