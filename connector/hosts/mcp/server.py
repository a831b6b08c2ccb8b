"""The server: tools, resources and prompts over one account, whatever carries them."""

import time
from collections.abc import Callable
from contextlib import closing

from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.stdio import stdio_server

from ...contract import Connection
from ...manifest import manifest
from .account import Account
from .offer import Offer, declared
from .prompts import Prompts
from .resources import Resources
from .tools import Tools


def build(
    offer: Offer, connect: Callable[[], Connection], *, clock: Callable[[], float] = time.time
) -> tuple[Server, Account]:
    """Give the server, and its account to be closed at the end; the first call that needs it connects."""
    card = manifest()
    account = Account(connect)
    tools, resources = Tools(offer, account), Resources(offer, account, clock)
    prompts = Prompts(offer, account, clock)
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
    # A reply to a question is good for the call it was asked about, and for ten minutes.
    server.middleware.append(RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience=card.id))
    return server, account


def serve_stdio(offer: Offer, connect: Callable[[], Connection]) -> None:
    """Serve the process that started us, over standard input and output, until it closes them."""
    import anyio

    async def serve() -> None:
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    server, account = build(offer, connect)
    with closing(account):
        anyio.run(serve)
