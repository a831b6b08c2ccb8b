"""Bodies are JSON, and say so: no form of another site can send one without asking first (CORS)."""

from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


class JsonOnly:
    """Rejects requests whose body isn't JSON."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or answer that its type is wrong."""
        if scope["type"] == "http" and scope["method"] in _WITH_BODY:
            kind = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json":
                refusal = {
                    "code": "not_json",
                    "message": "The body isn't declared as JSON.",
                    "fix": "Send `Content-Type: application/json`, and {} if there is nothing to say.",
                    "retryable": False,
                }
                await JSONResponse(refusal, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)(scope, receive, send)
                return
        await self._app(scope, receive, send)
