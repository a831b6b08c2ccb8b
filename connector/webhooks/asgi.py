"""The receiver as an ASGI application, for Starlette, FastAPI, uvicorn and what else runs on asyncio."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from ..inbox import Entry
from .receiver import BODY_DEADLINE_S, Receiver, Reply, refusal

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def asgi(receiver: Receiver, *, body_deadline_s: float = BODY_DEADLINE_S) -> Application:
    """Make the application. A body that is not there within `body_deadline_s` is answered 408."""
    return _Application(receiver, body_deadline_s)


class _Application:
    """No function, since Starlette's routes take those for handlers of requests."""

    def __init__(self, receiver: Receiver, body_deadline_s: float) -> None:
        self._receiver = receiver
        self._body_deadline_s = body_deadline_s
        self._writer = _Writer(receiver)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise NotImplementedError(f"{scope['type']} is not spoken here")  # as ASGI says for a lifespan
        reply = await self._answer(scope, receive)
        if reply is None:
            return
        text = reply.text.encode()
        headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(text))), *reply.headers]
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


class _Batch:
    """Entries for one transaction, and what to answer once it is done."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.replies: list[Reply] = []


class _Writer:
    """Keeps entries in a thread, one transaction at a time: what arrives meanwhile shares the next one."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._turn = asyncio.Lock()
        self._next = _Batch()

    async def keep(self, entry: Entry) -> Reply:
        batch, place = self._next, len(self._next.entries)
        batch.entries.append(entry)
        async with self._turn:
            if not batch.replies:  # the first of a batch writes for all of it
                self._next = _Batch()
                batch.replies = await asyncio.to_thread(self._receiver.keep, batch.entries)
        return batch.replies[place]
