"""The agent's ASGI application: Process Flow URLs, and how the agent is."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ..errors import AgentDatabaseError
from .engine.edge import LARGEST_BODY, PREFIX, Edge

BODY_DEADLINE_S: Final = 10.0


def application(edge: Edge, health: Callable[[], dict[str, Any]]) -> Starlette:
    """Return the application.

    `POST /flows/<name>/<secret>` receives the events of a flow. `GET /health` says how the agent is; its
    status is 503 if the database can't be reached.
    """

    async def receive(request: Request) -> Response:
        try:
            async with asyncio.timeout(BODY_DEADLINE_S):
                body = await _body(request)
        except TimeoutError:
            return PlainTextResponse("too slow", HTTPStatus.REQUEST_TIMEOUT)
        except ClientDisconnect:
            return PlainTextResponse("cut short", HTTPStatus.BAD_REQUEST)
        target = request.scope["raw_path"].decode("latin-1") + f"?{request.url.query}"
        status, text = await run_in_threadpool(edge.receive, target, request.headers, body)
        return PlainTextResponse(text, status)

    async def show_health(_request: Request) -> Response:
        try:
            found = await run_in_threadpool(health)
        except AgentDatabaseError:
            return JSONResponse({"status": "database_unavailable"}, HTTPStatus.SERVICE_UNAVAILABLE)
        return JSONResponse({"status": "ok", **found, "paused_flows": len(found["paused_flows"])})

    return Starlette(
        routes=[
            Route(f"/{PREFIX}/{{name}}/{{secret}}", receive, methods=["POST"]),
            Route("/health", show_health),
        ]
    )


async def _body(request: Request) -> bytes:
    """Read a body, or a little more than the largest that is accepted."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            break
    return bytes(body)
