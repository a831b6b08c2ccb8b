"""Reads requests from and sends replies to the server, whole or in the ways that faults ask for."""

import asyncio
import socket
import struct

from starlette.types import Receive, Scope, Send

from .api.http_messages import HttpRequest, HttpResponse
from .faults import Fault

TRANSPORT = "calendly_connector.transport"
"""Where the server leaves the connection in the scope, for the one fault that needs it."""

_PIECES = 8


async def read_request(scope: Scope, receive: Receive) -> HttpRequest:
    """Give a request with its whole body."""
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
    """Give a header, the first where there are several."""
    return next((value.decode("latin-1") for given, value in scope["headers"] if given == name), None)


async def send_response(
    response: HttpResponse, fault: Fault | None, scope: Scope, receive: Receive, send: Send
) -> None:
    """Send a reply, spoiled if a fault says so."""
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
        _end(scope[TRANSPORT], abruptly=kind == "reset")
        await receive()  # the disconnect: returning before it would count as a mistake of the application
        return
    await _send_piece(b"" if kind == "slow" else response.body, send, more=False)


async def _start(response: HttpResponse, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    if response.status != 204:  # noqa: PLR2004 - No Content has no length either
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})


async def _send_piece(body: bytes, send: Send, *, more: bool) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


def _end(transport: asyncio.Transport, *, abruptly: bool) -> None:
    """End a connection once all is sent, or abruptly: with no time to linger the end is RST, not FIN."""
    if not abruptly:
        transport.close()
        return
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
