"""Refuses a request that has the id of one still in flight in its session.

The protocol forbids it. Its library keeps one stream of answers for each id, so that the second request would
take the first one's place, and the first would hang until its client gives up.
"""

import json
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SESSION: Final = "mcp-session-id"


class OneForEachId:
    """Lets one request for each session and id through to an app.

    It reads bodies up to `limit` bytes; the app refuses longer ones.
    """

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app = app
        self._limit = limit
        self._in_flight: set[tuple[str, str]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it."""
        session = Headers(scope=scope).get(_SESSION) if scope["type"] == "http" else None
        if session is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        messages = await self._read(receive)
        id_ = _request_id(b"".join(message.get("body", b"") for message in messages))
        key = (session, id_)
        if id_ and key in self._in_flight:
            sentence = f"A request with the id {id_[:100]} is in flight. Use another id for each."
            # Without its id, so that no client takes it for the answer to the first.
            error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": sentence}}
            await JSONResponse(error, 409)(scope, receive, send)
            return
        if id_:
            self._in_flight.add(key)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                self._in_flight.discard(key)  # before the client sees the end, and may use the id again
            await send(message)

        try:
            await self._app(scope, _replay(messages, receive), answer)
        finally:
            self._in_flight.discard(key)

    async def _read(self, receive: Receive) -> list[Message]:
        messages: list[Message] = []
        size = 0
        while size <= self._limit:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if not message.get("more_body", False):
                break
        return messages


def _request_id(body: bytes) -> str:
    """Return the id of a JSON-RPC request as JSON; empty for anything else, which gets no answer."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    is_request = isinstance(message, dict) and "method" in message and "id" in message
    return json.dumps(message["id"]) if is_request else ""


def _replay(messages: list[Message], receive: Receive) -> Receive:
    waiting = iter(messages)

    async def again() -> Message:
        message = next(waiting, None)
        return await receive() if message is None else message

    return again
