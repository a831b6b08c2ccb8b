"""The MCP server: tools, resources and prompts over one shared connection, for any transport."""

import logging
import time
from collections.abc import Callable
from contextlib import closing
from typing import Final

from mcp.server.context import CallNext, HandlerResult
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR
from pydantic import ValidationError

from ...catalog.manifest import manifest
from ...contract import Connection
from .elicitation import REPLY_TTL_S, Context
from .prompts import Prompts
from .resources import Resources
from .shared_connection import SharedConnection
from .tools import Tools
from .toolset import Toolset, declared

_LOGGER: Final = logging.getLogger(__name__)


def build(
    toolset: Toolset, connect: Callable[[], Connection], *, clock: Callable[[], float] = time.time
) -> tuple[Server, SharedConnection]:
    """Return the server, and its connection, which the caller closes. Connects on the first call."""
    card = manifest()
    calendly = SharedConnection(connect)
    tools = Tools(toolset, calendly, clock)
    resources, prompts = Resources(toolset, calendly, clock), Prompts(toolset, calendly, clock)
    server = Server(
        card.id,
        version=card.version,
        title=card.name,
        description=card.summary,
        instructions=declared("tools.yaml")["instructions"],
        on_list_tools=tools.list_tools,
        on_call_tool=tools.call_tool,
        on_list_resources=resources.list_resources,
        on_list_resource_templates=resources.list_templates,
        on_read_resource=resources.read_resource,
        on_list_prompts=prompts.list_prompts,
        on_get_prompt=prompts.get_prompt,
        on_completion=prompts.complete,
    )
    server.middleware.append(_hide_internals)
    # A reply is valid only for the call that it was asked about, and only for a limited time.
    seal = RequestStateSecurity.ephemeral(ttl=REPLY_TTL_S)
    server.middleware.append(RequestStateBoundary(seal, default_audience=card.id))
    return server, calendly


async def _hide_internals(ctx: Context, call_next: CallNext) -> HandlerResult:
    """Log a bug instead of sending its text to the client, as the library does up to 2025-11-25."""
    try:
        return await call_next(ctx)
    except (MCPError, ValidationError):
        raise
    except Exception:
        _LOGGER.exception("%s failed", ctx.method)
        raise MCPError(
            INTERNAL_ERROR,
            "Internal error in the connector. Its standard error has the details; report them as a bug.",
        ) from None


def serve_stdio(toolset: Toolset, connect: Callable[[], Connection]) -> None:
    """Serve the parent process over standard input and output until it closes them."""
    import anyio

    async def serve() -> None:
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    server, calendly = build(toolset, connect)
    with closing(calendly):
        anyio.run(serve)
