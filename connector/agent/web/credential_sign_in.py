"""The two routes of a sign-in by OAuth: to the application, and back with the person's consent.

The cookie binds a sign-in to the browser that began it: a stranger's code, in a link, is rejected.
"""

import logging
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ...errors import ConnectorError, SignInFailed
from ..workspace import Workspace, sign_ins
from ..workspace.credentials import page_of
from ..workspace.pending_sign_ins import SignIn
from .guard import ORIGIN, PERSON

CONNECT: Final = "/credentials/connect"
FAILED: Final = "/credentials/sign-in-failed"
_COOKIE: Final = "agent-connect"
_LIFE_S: Final = 600
_LOGGER: Final = logging.getLogger("calendly_connector.agent")


def router(workspace: Workspace) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(include_in_schema=False)

    async def leave(request: Request, sign_in_id: str) -> Response:
        found = workspace.sign_ins.leave(sign_in_id, _person(request))
        if found is None:
            return _to(FAILED)
        address, browser = found
        response = _to(address)
        response.set_cookie(
            _COOKIE,
            browser,
            max_age=_LIFE_S,
            path=sign_ins.CALLBACK,
            secure=str(request.scope.get(ORIGIN, "")).startswith("https:"),
            httponly=True,
            samesite="lax",  # the application sends the browser back
        )
        return response

    async def come_back(request: Request) -> Response:
        response = _to(await run_in_threadpool(_finished, workspace, request))
        response.delete_cookie(_COOKIE, path=sign_ins.CALLBACK, httponly=True, samesite="lax")
        return response

    routes.add_api_route(f"{CONNECT}/{{sign_in_id}}", leave, methods=["GET"])
    routes.add_api_route(sign_ins.CALLBACK, come_back, methods=["GET"])
    return routes


def _finished(workspace: Workspace, request: Request) -> str:
    """Return the page that a person is sent to when they come back."""
    sign_in: SignIn | None = None
    query = request.url.query
    try:
        sign_in = workspace.sign_ins.come_back(query, request.cookies.get(_COOKIE, ""), _person(request))
        sign_ins.finish(workspace, sign_in, query)
    except ConnectorError as error:
        return _failed(workspace, error, sign_in)
    except Exception:
        _LOGGER.exception("A sign-in failed")
        wrong = SignInFailed("Something went wrong.", fix="Look at the agent's log.", reason="unexpected")
        return _failed(workspace, wrong, sign_in)
    page = page_of(sign_in.name)
    return f"{page}{'&' if '?' in page else '?'}saved=1"


def _failed(workspace: Workspace, error: ConnectorError, sign_in: SignIn | None) -> str:
    return f"{FAILED}?id={quote(workspace.sign_ins.fail(error, sign_in))}"


def _person(request: Request) -> str:
    return str(request.scope.get(PERSON, ""))


def _to(address: str) -> RedirectResponse:
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)
