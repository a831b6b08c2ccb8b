"""The pages that lead to the OpenID provider, and back."""

import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ...errors import ConnectorError, NoAnswer, SignInFailed
from ..workspace import audit
from .oidc import OidcSettings, Provider
from .pending import VALID_S, Pending, PendingSignIns

if TYPE_CHECKING:
    from .sign_in import SignIn

START: Final = "/sign-in/start"
CALLBACK: Final = "/sign-in/callback"
_LONGEST_REPLY: Final = 4096
_LONGEST_PATH: Final = 2000


class OidcSignIn:
    """Begins and finishes sign-ins at a provider. `cookie` marks the browser that began one."""

    paths = frozenset({START, CALLBACK})

    def __init__(
        self, settings: OidcSettings, provider: Provider, pending: PendingSignIns, *, cookie: str
    ) -> None:
        self._settings = settings
        self._provider = provider
        self._pending = pending
        self._cookie = cookie

    def allows(self, person: str) -> bool:
        """Whether a person may sign in."""
        return self._settings.allows(person)

    def url(self, following: str) -> str:
        """Return the address that begins a sign-in, and then leads to a page."""
        return f"{START}?next={quote(following, safe='')}"

    def add_routes(self, router: APIRouter, people: "SignIn") -> None:
        """Add the routes, which let people in."""
        from .sign_in import own_path

        async def start(request: Request) -> Response:
            following = own_path(request.query_params.get("next", "/"))[:_LONGEST_PATH]
            if (denied := people.throttled(request, following)) is not None:
                return denied
            try:
                url, browser = await run_in_threadpool(self._start, following)
            except ConnectorError as error:
                return _refuse(people, following, error)
            response = RedirectResponse(url, HTTPStatus.SEE_OTHER)
            people.set_cookie(response, self._cookie, browser, VALID_S)
            return response

        async def finish(request: Request) -> Response:
            if (denied := people.throttled(request, "/")) is not None:
                return denied
            reply = {name: value[:_LONGEST_REPLY] for name, value in request.query_params.items()}
            browser = request.cookies.get(self._cookie, "")
            following = "/"
            try:
                pending = await run_in_threadpool(self._pending.take, reply.get("state", ""), browser)
                if pending is None:
                    raise SignInFailed(
                        "The sign-in took too long, was used before, or began in another browser.",
                        fix="Sign in again.",
                        reason="state",
                    )
                following = pending.following
                email = await run_in_threadpool(self._provider.finish, reply, pending.nonce, pending.verifier)
            except ConnectorError as error:
                return _refuse(people, following, error)
            response = await people.let_in(email, following, request)
            people.set_cookie(response, self._cookie, "", 0)
            return response

        router.add_api_route(START, start, methods=["GET"])
        router.add_api_route(CALLBACK, finish, methods=["GET"])

    def _start(self, following: str) -> tuple[str, str]:
        started = self._provider.start()
        browser = secrets.token_urlsafe(32)
        self._pending.keep(started.state, browser, Pending(started.nonce, started.verifier, following))
        return started.url, browser


def _refuse(people: "SignIn", following: str, error: ConnectorError) -> Response:
    is_down = isinstance(error, NoAnswer)
    audit.note("", "sign_in.reject", error.reason if isinstance(error, SignInFailed) else error.code)
    status = HTTPStatus.SERVICE_UNAVAILABLE if is_down else HTTPStatus.FORBIDDEN
    return people.form(following, f"{error.message} {error.fix}", status)
