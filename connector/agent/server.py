"""The agent's routes for other machines: Process Flow URLs, and how the agent is."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from ..errors import AgentDatabaseError
from .engine.edge import LARGEST_BODY, PREFIX, Edge
from .readiness import Readiness

BODY_DEADLINE_S: Final = 10.0


def application(*routes: BaseRoute) -> Starlette:
    """Return an application that has these routes, and nothing else."""
    return Starlette(routes=list(routes))


def webhook_routes(edge: Edge) -> list[BaseRoute]:
    """Return the route that receives the events of flows: `POST /flows/<name>/<secret>`."""

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

    return [Route(f"/{PREFIX}/{{name}}/{{secret}}", receive, methods=["POST"])]


def health_routes(health: Callable[[], dict[str, Any]], readiness: Readiness) -> list[BaseRoute]:
    """Return `GET /health`, how the agent is, and `GET /ready`, whether it takes requests.

    Both answer 503 if the database can't be reached, and `/ready` while the process starts or stops.
    """

    async def show_health(_request: Request) -> Response:
        try:
            found = await run_in_threadpool(health)
        except AgentDatabaseError:
            return JSONResponse({"status": "database_unavailable"}, HTTPStatus.SERVICE_UNAVAILABLE)
        return JSONResponse({"status": "ok", **found, "paused_flows": len(found["paused_flows"])})

    async def show_ready(_request: Request) -> Response:
        status = await run_in_threadpool(readiness.status)
        return JSONResponse(
            {"status": status}, HTTPStatus.OK if status == "ready" else HTTPStatus.SERVICE_UNAVAILABLE
        )

    return [Route("/health", show_health), Route("/ready", show_ready)]


async def _body(request: Request) -> bytes:
    """Read a body, or a little more than the largest that is accepted."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            break
    return bytes(body)
