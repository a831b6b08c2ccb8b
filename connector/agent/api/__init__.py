"""The REST API of the agent, below `/api`: what its pages do, for programs. `openapi.json` describes it.

Its routes only translate: what they do is in `agent/workspace/` and `agent/engine/`.
"""

from fastapi import FastAPI

from ...version import __version__
from ..workspace import Workspace
from . import apps, calls, credentials, errors, flows, runs, status, webhooks
from .json_only import JsonOnly

_ROUTES = (apps, credentials, calls, flows, runs, webhooks, status)


def application(workspace: Workspace) -> FastAPI:
    """Return the application. Who may call it is checked before it."""
    app = FastAPI(
        title="Calendly connector agent",
        summary="Apps, credentials, process flows, runs and webhooks of an agent.",
        description="Send the agent's access token as `Authorization: Bearer …`, and bodies as JSON. Errors "
        "have a `code`, a `message`, and a `fix` that says what to do.",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        responses={
            404: {"model": errors.ErrorBody, "description": "Something that is named doesn't exist."},
            422: {"model": errors.ErrorBody, "description": "The request isn't valid."},
        },
    )
    for module in _ROUTES:
        app.include_router(module.router(workspace))
    errors.add_handlers(app)
    app.add_middleware(JsonOnly)
    return app
