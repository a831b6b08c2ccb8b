"""Streamable HTTP: always with a bearer token, and never for other sites' pages in a browser.

A web page can reach servers on this machine, also through a host name of its own that resolves to it (DNS
rebinding). Browsers send the page's Origin and the Host name they used; other clients send no Origin.

See docs/decisions/mcp-http-token.md.
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
from .request_ids import UniqueRequestIds
from .server import build
from .toolset import Toolset

PATH: Final = "/mcp"
TOKEN_VARIABLE: Final = "CALENDLY_MCP_TOKEN"  # noqa: S105 - a variable's name
_MIN_TOKEN_LENGTH: Final = 16
_BODY_LIMIT: Final = 1024 * 1024
_SHUTDOWN_S: Final = 2


def check_token(token: str) -> str:
    """Return the token unchanged. Raises UsageError if it is too short or can't be sent in a header."""
    if len(token) < _MIN_TOKEN_LENGTH or not (token.isascii() and token.isprintable()) or " " in token:
        raise UsageError(
            f"--http needs {TOKEN_VARIABLE}, a secret of at least {_MIN_TOKEN_LENGTH} characters.",
            fix=f'Generate one: export {TOKEN_VARIABLE}="$(openssl rand -hex 32)"',
        )
    return token


def rejection(headers: Mapping[str, str], token: str, *, loopback: bool) -> tuple[int, str] | None:
    """Return the status and message for a request that isn't allowed, None for one that is.

    `headers` have lower-case names. `loopback` means that the server is reachable from this machine only.
    """
    origin, host = headers.get("origin"), headers.get("host", "")
    if origin is not None and not is_loopback(_host_name(origin)):
        return 403, f"Pages from {origin[:100]} can't use this server, only pages from this machine."
    if loopback and not is_loopback(_host_name(f"//{host}")):
        return 421, f"This server isn't {host[:100]}. Use localhost or 127.0.0.1."
    scheme, _, sent = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not compare_digest(sent.strip().encode(), token.encode()):
        return 401, f"Send the header 'Authorization: Bearer …' with the server's {TOKEN_VARIABLE}."
    return None


def is_loopback(name: str) -> bool:
    """Whether a host name or address means this machine."""
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


class AccessGuard:
    """ASGI middleware that rejects requests as `rejection` says."""

    def __init__(self, app: ASGIApp, token: str, *, loopback: bool) -> None:
        self._app = app
        self._token = token
        self._loopback = loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reject a request or pass it to the app."""
        if scope["type"] == "http":
            rejected = rejection(Headers(scope=scope), self._token, loopback=self._loopback)
            if rejected is not None:
                status, message = rejected
                error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": message}}
                headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None  # noqa: PLR2004 - a status
                await JSONResponse(error, status, headers=headers)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def serve_http(
    toolset: Toolset,
    connect: Callable[[], Connection],
    token: str,
    *,
    host: str,
    port: int,
    announce: Callable[[str, bool], None],
) -> None:
    """Serve until interrupted.

    `announce` is called with the URL, and whether the server is reachable from this machine only.
    """
    server, calendly = build(toolset, connect)
    no_protection = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # AccessGuard does it
    app = server.streamable_http_app(
        streamable_http_path=PATH, max_request_body_size=_BODY_LIMIT, transport_security=no_protection
    )
    listener = listen(host, port)
    loopback = is_loopback(listener.getsockname()[0])
    guard = AccessGuard(UniqueRequestIds(app, limit=_BODY_LIMIT), token, loopback=loopback)
    settings = uvicorn.Config(
        guard,
        log_config=None,
        access_log=False,
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=_SHUTDOWN_S,
    )
    with closing(listener), closing(calendly):
        announce(address(listener) + PATH, loopback)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(settings).run(sockets=[listener])


def _host_name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
