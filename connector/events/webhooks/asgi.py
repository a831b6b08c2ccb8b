"""The receiver as an ASGI application, for Starlette, FastAPI, uvicorn and what else runs on asyncio."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from ..inbox import Entry
from .receiver import BODY_DEADLINE_S, Receiver, Reply, refusal

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def asgi(
    receiver: Receiver, *, body_deadline_s: float = BODY_DEADLINE_S, owns_loop: bool = False
) -> Application:
    """Make the application. A body that is not there within `body_deadline_s` is answered 408.

    `owns_loop` says that the event loop serves nothing else, so it may wait for the disk.
    """
    return _Application(receiver, body_deadline_s, owns_loop=owns_loop)


class _Application:
    """No function, since Starlette's routes take those for handlers of requests."""

    def __init__(self, receiver: Receiver, body_deadline_s: float, *, owns_loop: bool) -> None:
        self._receiver = receiver
        self._body_deadline_s = body_deadline_s
        self._writer = _Writer(receiver, owns_loop=owns_loop)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise NotImplementedError(f"{scope['type']} is not spoken here")  # as ASGI says for a lifespan
        reply = await self._answer(scope, receive)
        if reply is None:
            return
        text = reply.text.encode()
        headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(text))), *reply.headers]
        if reply.closes and scope["http_version"].startswith("1"):  # later versions have no such header
            headers.append(("Connection", "close"))
        encoded = [(name.lower().encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": int(reply.status), "headers": encoded})
        await send({"type": "http.response.body", "body": text})

    async def _answer(self, scope: Scope, receive: Receive) -> Reply | None:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        head = self._receiver.begin(scope["method"], scope["query_string"].decode("latin-1"), headers)
        if isinstance(head, Reply):
            return head
        try:
            async with asyncio.timeout(self._body_deadline_s):
                body = await _read(receive, self._receiver.largest_body)
        except TimeoutError:
            return refusal(HTTPStatus.REQUEST_TIMEOUT, "slow_body")
        if body is None:
            refusal(HTTPStatus.BAD_REQUEST, "cut_short")  # for the log: nobody is there to be answered
            return None
        entry = self._receiver.read(head, body)
        return entry if isinstance(entry, Reply) else await self._writer.keep(entry)


async def _read(receive: Receive, largest: int) -> bytes | None:
    """Read a body, or one byte too much of it at least; None where the client has gone."""
    body = bytearray()
    while len(body) <= largest:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return bytes(body)


class _Writer:
    """Keeps entries in a thread, one transaction at a time: what arrives meanwhile shares the next one.

    A hop to a thread and back is a large part of what a post costs, so that this is done by hand: futures of
    the loop, set from the thread, take half as long as `asyncio.to_thread`. Where the loop has nothing else
    to do, an entry that comes alone is written without the hop.
    """

    def __init__(self, receiver: Receiver, *, owns_loop: bool) -> None:
        self._receiver = receiver
        self._owns_loop = owns_loop
        self._under_way = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inbox")
        self._waiting: deque[tuple[Entry, asyncio.Future[Reply]]] = deque()

    async def keep(self, entry: Entry) -> Reply:
        self._under_way += 1
        try:
            if self._owns_loop and self._under_way == 1:
                await asyncio.sleep(0)  # what has arrived with this one gets here first
                if self._under_way == 1:
                    return self._receiver.keep([entry])[0]
            reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
            self._waiting.append((entry, reply))
            self._thread.submit(self._write)
            return await reply
        finally:
            self._under_way -= 1

    def _write(self) -> None:
        """Write everything that waits; an earlier turn may have left nothing."""
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not batch:
            return
        try:
            replies = self._receiver.keep([entry for entry, _ in batch])
        except Exception as error:  # noqa: BLE001 - it is raised where the reply is awaited
            for _, waiting in batch:
                _call(waiting, waiting.set_exception, error)
            return
        for (_, waiting), reply in zip(batch, replies, strict=True):
            _call(waiting, waiting.set_result, reply)


def _call(future: asyncio.Future[Reply], settle: Callable[..., None], value: Any) -> None:
    """Settle a future of a loop from a thread, unless nobody waits for it any more."""

    def settle_once() -> None:
        if not future.done():
            settle(value)

    with suppress(RuntimeError):  # the loop has ended
        future.get_loop().call_soon_threadsafe(settle_once)
