"""The server: tools, resources and prompts over one account, whatever carries them."""

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
from .account import Account
from .elicitation import GOOD_FOR_S, Context
from .prompts import Prompts
from .resources import Resources
from .tools import Tools
from .toolset import Offer, declared

_LOGGER: Final = logging.getLogger(__name__)


def build(
    offer: Offer, connect: Callable[[], Connection], *, clock: Callable[[], float] = time.time
) -> tuple[Server, Account]:
    """Give the server, and its account to be closed at the end; the first call that needs it connects."""
    card = manifest()
    account = Account(connect)
    tools = Tools(offer, account, clock)
    resources, prompts = Resources(offer, account, clock), Prompts(offer, account, clock)
    server = Server(
        card.id,
        version=card.version,
        title=card.name,
        description=card.summary,
        instructions=declared("tools.yaml")["instructions"],
        on_list_tools=tools.listed,
        on_call_tool=tools.call,
        on_list_resources=resources.listed,
        on_list_resource_templates=resources.templates,
        on_read_resource=resources.read,
        on_list_prompts=prompts.listed,
        on_get_prompt=prompts.get,
        on_completion=prompts.complete,
    )
    server.middleware.append(_keep_internals)
    # A reply to a question is good for the call it was asked about, and for ten minutes.
    seal = RequestStateSecurity.ephemeral(ttl=GOOD_FOR_S)
    server.middleware.append(RequestStateBoundary(seal, default_audience=card.id))
    return server, account


async def _keep_internals(ctx: Context, call_next: CallNext) -> HandlerResult:
    """Leave the words of a bug in the log: up to 2025-11-25 the library sends them to the client."""
    try:
        return await call_next(ctx)
    except (MCPError, ValidationError):
        raise
    except Exception:
        _LOGGER.exception("%s failed", ctx.method)
        raise MCPError(
            INTERNAL_ERROR, "The connector itself failed. Its standard error says where; please report it."
        ) from None


def serve_stdio(offer: Offer, connect: Callable[[], Connection]) -> None:
    """Serve the process that started us, over standard input and output, until it closes them."""
    import anyio

    async def serve() -> None:
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    server, account = build(offer, connect)
    with closing(account):
        anyio.run(serve)
