"""Rejects a request whose id is still in use by another request of its session.

The protocol forbids it. The MCP library keeps one response stream per id, so the second request would take
the first one's stream, and the first would hang until its client gives up.
"""

import json
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SESSION_HEADER: Final = "mcp-session-id"


class UniqueRequestIds:
    """ASGI middleware that lets one request per session and id through at a time.

    It reads bodies up to `limit` bytes; the app rejects longer ones.
    """

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app = app
        self._limit = limit
        self._in_flight: set[tuple[str, str]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reject a request or pass it to the app."""
        session = Headers(scope=scope).get(_SESSION_HEADER) if scope["type"] == "http" else None
        if session is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        messages = await self._read(receive)
        id_ = _request_id(b"".join(message.get("body", b"") for message in messages))
        key = (session, id_)
        if id_ and key in self._in_flight:
            text = f"Request id {id_[:100]} is already in flight. Use a different id for each request."
            # Sent without the id, so the client doesn't take it for the answer to the first request.
            error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": text}}
            await JSONResponse(error, 409)(scope, receive, send)
            return
        if id_:
            self._in_flight.add(key)

        async def send_and_release(message: Message) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                self._in_flight.discard(key)  # before the client sees the end and may reuse the id
            await send(message)

        try:
            await self._app(scope, _replay(messages, receive), send_and_release)
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
    """Return the id of a JSON-RPC request as JSON, "" for anything that gets no answer."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    is_request = isinstance(message, dict) and "method" in message and "id" in message
    return json.dumps(message["id"]) if is_request else ""


def _replay(messages: list[Message], receive: Receive) -> Receive:
    remaining = iter(messages)

    async def receive_again() -> Message:
        message = next(remaining, None)
        return await receive() if message is None else message

    return receive_again
