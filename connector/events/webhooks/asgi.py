"""The receiver as an ASGI application, for Starlette, FastAPI, uvicorn and others that run on asyncio."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from ..inbox import Entry
from .receiver import BODY_DEADLINE_S, Receiver, WebhookResponse, reject

AsgiScope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[AsgiScope, Receive, Send], Awaitable[None]]


def asgi(
    receiver: Receiver, *, body_deadline_s: float = BODY_DEADLINE_S, owns_loop: bool = False
) -> Application:
    """Return the application. A body that isn't complete within `body_deadline_s` is answered with 408.

    Set `owns_loop` if the event loop serves nothing else: then it may wait for the disk.
    """
    return _Application(receiver, body_deadline_s, owns_loop=owns_loop)


class _Application:
    """A class, since Starlette's routes call a function with a request instead."""

    def __init__(self, receiver: Receiver, body_deadline_s: float, *, owns_loop: bool) -> None:
        self._receiver = receiver
        self._body_deadline_s = body_deadline_s
        self._writer = _BatchWriter(receiver, owns_loop=owns_loop)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises NotImplementedError for anything but HTTP, as ASGI requires."""
        if scope["type"] != "http":
            raise NotImplementedError(f"Unsupported ASGI scope type: {scope['type']}")
        response = await self._answer(scope, receive)
        if response is None:
            return
        text = response.text.encode()
        headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(text))), *response.headers]
        if response.closes and scope["http_version"].startswith("1"):  # later versions have no such header
            headers.append(("Connection", "close"))
        encoded = [(name.lower().encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": int(response.status), "headers": encoded})
        await send({"type": "http.response.body", "body": text})

    async def _answer(self, scope: AsgiScope, receive: Receive) -> WebhookResponse | None:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        head = self._receiver.begin(scope["method"], scope["query_string"].decode("latin-1"), headers)
        if isinstance(head, WebhookResponse):
            return head
        try:
            async with asyncio.timeout(self._body_deadline_s):
                body = await _read(receive, self._receiver.largest_body)
        except TimeoutError:
            return reject(HTTPStatus.REQUEST_TIMEOUT, "slow_body")
        if body is None:
            reject(HTTPStatus.BAD_REQUEST, "cut_short")  # for the log: the client is gone
            return None
        entry = self._receiver.read(head, body)
        return entry if isinstance(entry, WebhookResponse) else await self._writer.store(entry)


async def _read(receive: Receive, largest: int) -> bytes | None:
    """Read a body, or more than `largest` bytes of it; None if the client disconnected."""
    body = bytearray()
    while len(body) <= largest:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return bytes(body)


class _BatchWriter:
    """Stores entries in a thread; entries that arrive during one transaction share the next one.

    A hop to a thread and back is a large part of the cost of a post. Futures of the loop that the thread sets
    take half as long as `asyncio.to_thread`. If the loop has nothing else to do, a single entry is written
    without the hop.
    """

    def __init__(self, receiver: Receiver, *, owns_loop: bool) -> None:
        self._receiver = receiver
        self._owns_loop = owns_loop
        self._in_progress = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inbox")
        self._waiting: deque[tuple[Entry, asyncio.Future[WebhookResponse]]] = deque()

    async def store(self, entry: Entry) -> WebhookResponse:
        self._in_progress += 1
        try:
            if self._owns_loop and self._in_progress == 1:
                await asyncio.sleep(0)  # lets entries that arrived with this one get here
                if self._in_progress == 1:
                    return self._receiver.store([entry])[0]
            response: asyncio.Future[WebhookResponse] = asyncio.get_running_loop().create_future()
            self._waiting.append((entry, response))
            self._thread.submit(self._write)
            return await response
        finally:
            self._in_progress -= 1

    def _write(self) -> None:
        """Write all waiting entries; an earlier call may have written them already."""
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not batch:
            return
        try:
            responses = self._receiver.store([entry for entry, _ in batch])
        except Exception as error:  # noqa: BLE001 - raised in the coroutine that awaits the response
            for _, waiting in batch:
                _call(waiting, waiting.set_exception, error)
            return
        for (_, waiting), response in zip(batch, responses, strict=True):
            _call(waiting, waiting.set_result, response)


def _call(future: asyncio.Future[WebhookResponse], resolve: Callable[..., None], value: Any) -> None:
    """Resolve a future of a loop from a thread, unless it was canceled."""

    def resolve_once() -> None:
        if not future.done():
            resolve(value)

    with suppress(RuntimeError):  # the loop is closed
        future.get_loop().call_soon_threadsafe(resolve_once)
