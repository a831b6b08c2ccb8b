"""Puts the agent's server together: webhooks, pages and API behind the guard."""

from collections.abc import Sequence
from typing import Final

from fastapi import FastAPI
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Scope

from . import api
from .engine.edge import PREFIX
from .pages import register
from .web import credential_sign_in
from .web.guard import Guard
from .web.sign_in import SignIn
from .web.sites import Site
from .workspace import Workspace

_WEBHOOK_PARTS: Final = 3
_HEALTH: Final = frozenset({"/health", "/ready"})


def application(workspace: Workspace, routes: Sequence[BaseRoute], site: Site, people: SignIn) -> ASGIApp:
    """Return the application of an agent with pages.

    `routes` are those for other machines, which need no session: webhooks, and how the agent is.
    """
    app = FastAPI(title="Calendly connector agent", docs_url=None, redoc_url=None, openapi_url=None)
    app.router.routes += routes
    app.include_router(people.router())
    app.include_router(credential_sign_in.router(workspace))
    app.mount("/api", api.application(workspace))
    register(app, workspace)
    return Guard(
        app,
        site=site,
        identify=people.identify,
        is_open=is_open,
        is_public=lambda scope: people.is_public(scope["path"]),
    )


def is_open(scope: Scope) -> bool:
    """Whether a request is a webhook, or asks for the agent's health: these have their own checks."""
    if scope["type"] != "http":
        return bool(scope["type"] == "lifespan")
    path, method = str(scope["path"]), str(scope["method"])
    is_webhook = path.startswith(f"/{PREFIX}/") and len(path.strip("/").split("/")) == _WEBHOOK_PARTS
    return path in _HEALTH or (is_webhook and method == "POST")
