"""Who may come in: an ASGI middleware before everything that the agent serves.

It checks the address that was asked for (against DNS rebinding), where a request comes from (against forged
requests of other sites), the session, and the size of bodies. It adds the headers that keep a browser safe
(docs/decisions/agent-pages.md).
"""

import secrets
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .bodies import BODY_DEADLINE_S, Body
from .limits import LARGEST_BODY, LARGEST_HEAD
from .sites import Site

PERSON: Final = "agent.person"
"""The key in a request's scope of who signed in."""

ORIGIN: Final = "agent.origin"
"""The key of the address at which that person uses the agent, such as `https://agent.acme.example`."""

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LONGEST_LENGTH: Final = 20  # digits
_PAGE: Final = b"<script"
_POLICY_VIOLATION: Final = 1008  # of a WebSocket
RECHECK_S: Final = 60.0  # how often a WebSocket's session is looked up
_PERMISSIONS: Final = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"

_REFUSALS: Final = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too large",
    HTTPStatus.REQUEST_TIMEOUT: "too slow",
}

Identify = Callable[[HTTPConnection], str | None]
"""Returns who a request belongs to, or None. It may use the database."""


class Guard:
    """The middleware.

    `site` has the addresses at which people reach the agent, and `identify` knows who a request belongs to.
    Requests that are `public`, such as the sign-in, need no session; those that are `open`, such as webhooks,
    have their own checks.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        site: Site,
        identify: Identify,
        is_open: Callable[[Scope], bool],
        is_public: Callable[[Scope], bool],
        body_deadline_s: float = BODY_DEADLINE_S,
        recheck_s: float = RECHECK_S,
    ) -> None:
        self._app = app
        self._site = site
        self._identify = identify
        self._is_open = is_open
        self._is_public = is_public
        self._body_deadline_s = body_deadline_s
        self._recheck_s = recheck_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or answer that it may not come in."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        if self._is_open(scope):
            await self._app(scope, receive, self._with_headers(send))
            return
        _drop(scope, b"x-forwarded-prefix")  # NiceGUI writes it into its pages
        if (denied := await self._denied(scope)) is not None:
            await _answer(denied, scope, receive, send, self._headers)
            return
        if scope["type"] == "websocket":
            await self._app(scope, self._while_signed_in(scope, receive, send), send)
            return
        await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = Body(receive, self._body_deadline_s)
        is_answered = is_refused = False

        async def sending(message: Message) -> None:
            nonlocal is_answered, is_refused
            if body.refused and not is_answered:
                is_answered = is_refused = True
                refusal = PlainTextResponse(_REFUSALS[body.refused], body.refused, {"connection": "close"})
                await _answer(refusal, scope, receive, send, self._headers)
            elif not is_refused:
                is_answered = True
                await send(message)

        try:
            await self._app(scope, body.receive, self._with_headers(sending))
        except ClientDisconnect:
            if body.refused and not is_answered:  # otherwise the client is gone
                await sending({"type": "http.response.start"})

    def _while_signed_in(self, scope: Scope, receive: Receive, send: Send) -> Receive:
        """Return a `receive` of a WebSocket that ends with the session: a page may stay open for days."""
        checked_at = time.monotonic()

        async def receiving() -> Message:
            nonlocal checked_at
            message = await receive()
            if message["type"] != "websocket.receive" or time.monotonic() - checked_at < self._recheck_s:
                return message
            checked_at = time.monotonic()
            if await run_in_threadpool(self._identify, HTTPConnection(scope)) is not None:
                return message
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return {"type": "websocket.disconnect", "code": _POLICY_VIOLATION}

        return receiving

    async def _denied(self, scope: Scope) -> Response | None:
        """Return the answer to a request that may not come in."""
        request = HTTPConnection(scope)
        if not self._site.has_host(request.headers.get("host", "")):
            return PlainTextResponse("This isn't the agent's address.", HTTPStatus.MISDIRECTED_REQUEST)
        if sum(len(name) + len(value) for name, value in scope["headers"]) > LARGEST_HEAD:
            return PlainTextResponse("too large", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        is_safe = scope["type"] == "http" and scope["method"] in _SAFE
        if not is_safe and not self._is_same_site(request):
            return PlainTextResponse("The request comes from another site.", HTTPStatus.FORBIDDEN)
        if _length(request) > LARGEST_BODY:
            return PlainTextResponse("too large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        person = await run_in_threadpool(self._identify, request)
        if person is not None:
            scope[PERSON] = person
            scope[ORIGIN] = self._site.origin_at(request.headers.get("host", ""))
            return None
        if self._is_public(scope):
            return None
        if (
            scope["type"] == "http"
            and scope["method"] == "GET"
            and "text/html" in request.headers.get("accept", "")
        ):
            asked = scope["path"] + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/sign-in?next={quote(asked, safe='')}", HTTPStatus.SEE_OTHER)
        return PlainTextResponse("Sign in first.", HTTPStatus.UNAUTHORIZED)

    def _is_same_site(self, request: HTTPConnection) -> bool:
        """Whether a request that may change something comes from our own pages, or from no page at all.

        A browser says where it comes from, in `Origin` or at least in `Sec-Fetch-Site`. Only a program that
        isn't one, and so has no cookie, may say nothing.
        """
        origin = request.headers.get("origin")
        if origin is not None:
            return self._site.has_origin(origin)
        if request.scope["type"] != "http":
            return False
        from_where = request.headers.get("sec-fetch-site")
        return from_where == "same-origin" or (from_where is None and "cookie" not in request.headers)

    def _with_headers(self, send: Send) -> Send:
        """Return a `send` that adds the headers, and a nonce to the scripts of a page."""
        nonce = secrets.token_urlsafe(16)
        start: Message | None = None
        page = bytearray()

        async def sending(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                is_page = headers.get("content-type", "").startswith("text/html")
                self._headers(headers, nonce if is_page else "")
                if is_page:
                    start = message  # until its whole body is known
                    return
            elif start is not None and message["type"] == "http.response.body":
                page.extend(message.get("body", b""))
                if message.get("more_body"):
                    return
                # What strangers wrote is escaped in a page, so that each of these is ours.
                body = bytes(page).replace(_PAGE, f'<script nonce="{nonce}"'.encode())
                MutableHeaders(scope=start)["content-length"] = str(len(body))
                await send(start)
                message = {"type": "http.response.body", "body": body}
            await send(message)

        return sending

    def _headers(self, headers: MutableHeaders, nonce: str = "") -> None:
        headers["content-security-policy"] = self._site.policy(nonce)
        headers["cross-origin-opener-policy"] = "same-origin"
        headers["cross-origin-resource-policy"] = "same-origin"
        headers["permissions-policy"] = _PERMISSIONS
        headers["referrer-policy"] = "same-origin"  # without one, forms send no `Origin`
        headers["x-content-type-options"] = "nosniff"
        headers["x-frame-options"] = "DENY"
        headers.setdefault("cache-control", "no-store")
        if self._site.is_secure:
            headers["strict-transport-security"] = "max-age=31536000"


def _drop(scope: Scope, name: bytes) -> None:
    scope["headers"] = [pair for pair in scope["headers"] if pair[0] != name]


def _length(request: HTTPConnection) -> int:
    text = request.headers.get("content-length", "0")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_LENGTH else 0


async def _answer(
    response: Response,
    scope: Scope,
    receive: Receive,
    send: Send,
    add_headers: Callable[[MutableHeaders], None],
) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        return
    add_headers(response.headers)
    await response(scope, receive, send)
