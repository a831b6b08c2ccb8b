"""Streamable HTTP, behind a door: a bearer token always, and no browser page of somebody else's.

A page that a browser shows can reach servers on this machine, also under a name of its own that it has
pointed here (DNS rebinding). Browsers say which page asks (Origin) and under which name (Host); other clients
send no Origin.
"""

from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from hmac import compare_digest
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ...contract import Connection
from ...errors import UsageError
from ...support.sockets import address, listen
from .in_flight import OneForEachId
from .server import build
from .toolset import Offer

PATH: Final = "/mcp"
TOKEN_VARIABLE: Final = "CALENDLY_MCP_TOKEN"  # noqa: S105 - a variable's name
_SHORTEST_TOKEN: Final = 16
_BODY_LIMIT: Final = 1024 * 1024
_GRACE_S: Final = 2


def check_token(token: str) -> str:
    """Give the token back if it can be one; raises UsageError."""
    if len(token) < _SHORTEST_TOKEN or not (token.isascii() and token.isprintable()) or " " in token:
        raise UsageError(
            f"--http needs {TOKEN_VARIABLE}, a secret of at least {_SHORTEST_TOKEN} letters for clients.",
            fix=f'Make one: export {TOKEN_VARIABLE}="$(openssl rand -hex 32)"',
        )
    return token


def refused(headers: Mapping[str, str], token: str, *, loopback: bool) -> tuple[int, str] | None:
    """Say with which status and sentence a request is refused; None where it may come in.

    `headers` have lower-case names; `loopback` says that the server listens to this machine alone.
    """
    origin, host = headers.get("origin"), headers.get("host", "")
    if origin is not None and not is_loopback(_name(origin)):
        return 403, f"Pages of {origin[:100]} may not use this server. Only those of this machine may."
    if loopback and not is_loopback(_name(f"//{host}")):
        return 421, f"This server is not {host[:100]}. Reach it as localhost or 127.0.0.1."
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not compare_digest(given.strip().encode(), token.encode()):
        return 401, f"Send the header 'Authorization: Bearer …' with the server's {TOKEN_VARIABLE}."
    return None


def is_loopback(name: str) -> bool:
    """Whether a host name or address is this machine's own."""
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


class Door:
    """Lets those requests through to an app that `refused` has nothing against."""

    def __init__(self, app: ASGIApp, token: str, *, loopback: bool) -> None:
        self._app = app
        self._token = token
        self._loopback = loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] == "http":
            no = refused(Headers(scope=scope), self._token, loopback=self._loopback)
            if no is not None:
                status, sentence = no
                error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": sentence}}
                asking = {"WWW-Authenticate": "Bearer"} if status == 401 else None  # noqa: PLR2004 - a status
                await JSONResponse(error, status, headers=asking)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def serve_http(
    offer: Offer,
    connect: Callable[[], Connection],
    token: str,
    *,
    host: str,
    port: int,
    announce: Callable[[str, bool], None],
) -> None:
    """Serve until interrupted; `announce` is told the address, and whether only this machine reaches it."""
    server, account = build(offer, connect)
    at_the_door = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # since the door does it
    app = server.streamable_http_app(
        streamable_http_path=PATH, max_request_body_size=_BODY_LIMIT, transport_security=at_the_door
    )
    listener = listen(host, port)
    loopback = is_loopback(listener.getsockname()[0])
    door = Door(OneForEachId(app, limit=_BODY_LIMIT), token, loopback=loopback)
    settings = uvicorn.Config(
        door, log_config=None, access_log=False, lifespan="on", ws="none", timeout_graceful_shutdown=_GRACE_S
    )
    with closing(listener), closing(account):
        announce(address(listener) + PATH, loopback)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(settings).run(sockets=[listener])


def _name(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
