"""Read requests from the server and send replies to it, complete or broken by a fault."""

import asyncio
import socket
import struct

from starlette.types import Receive, Scope, Send

from .api.http_messages import HttpRequest, HttpResponse
from .faults import Fault

TRANSPORT = "calendly_connector.transport"
"""The scope key under which the server stores the connection, for faults that break it."""

_PIECES = 8


async def read_request(scope: Scope, receive: Receive) -> HttpRequest:
    """Return a request with its complete body."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return HttpRequest(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        authorization=_header(scope, b"authorization"),
        content_type=_header(scope, b"content-type"),
        body=body,
    )


def _header(scope: Scope, name: bytes) -> str | None:
    """Return the first header of a name, None if missing."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


async def send_response(
    response: HttpResponse, fault: Fault | None, scope: Scope, receive: Receive, send: Send
) -> None:
    """Send a reply, broken in the way of a fault if there is one."""
    kind = fault.kind if fault else None
    pause_s = fault.latency_s if fault else 0.0
    half = len(response.body) // 2
    if pause_s and kind != "slow":
        await asyncio.sleep(pause_s)
    await _start(response, send)
    if kind == "slow":
        size = max(1, -(-len(response.body) // _PIECES))
        for offset in range(0, len(response.body), size):
            await asyncio.sleep(pause_s / _PIECES)
            await _send_piece(response.body[offset : offset + size], send, more=True)
    elif kind in {"truncate", "reset"}:
        await _send_piece(response.body[:half], send, more=True)
        _close(scope[TRANSPORT], reset=kind == "reset")
        await receive()  # wait for the disconnect: the server reports an error if we return before it
        return
    await _send_piece(b"" if kind == "slow" else response.body, send, more=False)


async def _start(response: HttpResponse, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    if response.status != 204:  # noqa: PLR2004 - No Content has no length either
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})


async def _send_piece(body: bytes, send: Send, *, more: bool) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


def _close(transport: asyncio.Transport, *, reset: bool) -> None:
    """Close a connection after sending everything, or reset it: with a linger time of 0 it ends with RST."""
    if not reset:
        transport.close()
        return
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
