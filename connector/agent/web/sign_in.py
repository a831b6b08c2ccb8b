"""Signing in with the agent's access token: by the link that the terminal shows, or by typing it."""

import hmac
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter
from jinja2 import Environment
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ...support.clock import Timing
from ..workspace import audit
from .clients import Clients
from .limits import Throttle
from .sessions import LONGEST_S, Sessions

if TYPE_CHECKING:
    from .sign_in_oidc import OidcSignIn

PATH: Final = "/sign-in"
OWNER: Final = "owner"
_ATTEMPTS: Final = 10
_EVERY_S: Final = 6.0
_LONGEST_TOKEN: Final = 1000


class SignIn:
    """Knows who a request belongs to, and the pages to sign in and out.

    `token` is the access token; None: people sign in by `oidc` only. `cookie` is the name of the session's
    cookie.
    """

    def __init__(
        self,
        token: str | None,
        sessions: Sessions,
        timing: Timing,
        *,
        cookie: str,
        is_secure: bool,
        clients: Clients | None = None,
        oidc: "OidcSignIn | None" = None,
    ) -> None:
        self._token = token
        self._sessions = sessions
        self._cookie = cookie
        self._is_secure = is_secure
        self._clients = clients or Clients()
        self._oidc = oidc
        self._throttle = Throttle(_ATTEMPTS, _EVERY_S, timing)
        self._page = Environment(autoescape=True).from_string(
            files(__package__ or "").joinpath("sign-in.html").read_text(encoding="utf-8")
        )

    def identify(self, request: HTTPConnection) -> str | None:
        """Return who a request belongs to, by its session or, for programs, by its bearer token."""
        if cookie := request.cookies.get(self._cookie):
            found = self._sessions.find(cookie)
            if found and self._may_enter(found.person):
                return found.person
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return OWNER if scheme.lower() == "bearer" and self._is_token(token.strip()) else None

    def _may_enter(self, person: str) -> bool:
        """Whether a person who signed in earlier still may: the allowed people may have changed."""
        if person == OWNER:
            return self._token is not None
        return self._oidc is not None and self._oidc.allows(person)

    def is_public(self, path: str) -> bool:
        """Whether a page is there for those who haven't signed in."""
        return path == PATH or (self._oidc is not None and path in self._oidc.paths)

    def router(self) -> APIRouter:
        """Return the routes of the sign-in."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route(PATH, self._show, methods=["GET"])
        router.add_api_route(PATH, self._sign_in, methods=["POST"])
        router.add_api_route("/sign-out", self._sign_out, methods=["POST"])
        if self._oidc:
            self._oidc.add_routes(router, self)
        return router

    async def _show(self, request: Request) -> Response:
        following = own_path(request.query_params.get("next", "/"))
        token = request.query_params.get("token")
        return self.form(following) if token is None else await self._try(request, token, following)

    async def _sign_in(self, request: Request) -> Response:
        async with request.form(max_files=0, max_fields=4) as form:
            token, following = str(form.get("token", "")), own_path(str(form.get("next", "/")))
        return await self._try(request, token.strip(), following)

    async def _try(self, request: Request, token: str, following: str) -> Response:
        if (denied := self.throttled(request, following)) is not None:
            return denied
        if not self._is_token(token):
            audit.note(self._clients.of(request), "sign_in.reject")
            return self.form(following, "That isn't the agent's access token.", HTTPStatus.FORBIDDEN)
        return await self.let_in(OWNER, following, request)

    def throttled(self, request: Request, following: str) -> Response | None:
        """Count an attempt; return the answer if the client has made too many."""
        if wait_s := self._throttle.wait_s(self._clients.of(request)):
            message = f"Too many attempts. Try again in {max(1, round(wait_s))} s."
            return self.form(following, message, HTTPStatus.TOO_MANY_REQUESTS)
        return None

    async def let_in(self, person: str, following: str, request: Request) -> Response:
        """Start a new session, whatever cookie the browser sent, and send the person on."""
        client = self._clients.of(request)
        self._throttle.forgive(client)
        audit.note(person, "sign_in", client)
        await self._end(request)
        session = await run_in_threadpool(self._sessions.start, person)
        response = RedirectResponse(following, HTTPStatus.SEE_OTHER)
        self.set_cookie(response, self._cookie, session, LONGEST_S)
        return response

    def set_cookie(self, response: Response, name: str, value: str, max_age_s: float) -> None:
        """Set a cookie that only our own server reads."""
        response.set_cookie(
            name,
            value,
            max_age=int(max_age_s),
            secure=self._is_secure,
            httponly=True,
            samesite="lax",  # so that a link to a run, in a chat, finds the person signed in
        )

    async def _sign_out(self, request: Request) -> Response:
        audit.note(await self._end(request), "sign_out")
        response = RedirectResponse(PATH, HTTPStatus.SEE_OTHER)
        response.delete_cookie(self._cookie, secure=self._is_secure, httponly=True, samesite="lax")
        response.headers["clear-site-data"] = '"cache", "storage"'
        return response

    async def _end(self, request: Request) -> str:
        """End the session that a request belongs to; return whose it was."""
        cookie = request.cookies.get(self._cookie)
        if not cookie:
            return ""
        found = await run_in_threadpool(self._sessions.find, cookie)
        await run_in_threadpool(self._sessions.end, cookie)
        return found.person if found else ""

    def _is_token(self, token: str) -> bool:
        return (
            self._token is not None
            and len(token) <= _LONGEST_TOKEN
            and hmac.compare_digest(token.encode(), self._token.encode())
        )

    def form(self, following: str, message: str = "", status: int = HTTPStatus.OK) -> Response:
        """Return the page to sign in."""
        oidc_url = self._oidc.url(following) if self._oidc else ""
        page = self._page.render(
            next=following,
            message=message,
            has_token=self._token is not None,
            oidc_url=oidc_url,
            is_local=not self._is_secure,
        )
        return HTMLResponse(page, status)


def own_path(path: str) -> str:
    """Return a path of our own pages; "/" for an address that leads elsewhere, such as `//evil.example`."""
    is_own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_own and "\\" not in path else "/"
