"""An AI agent's side of MCP: the official client, called without async, and what a person was asked."""

from contextlib import ExitStack, asynccontextmanager, contextmanager

import mcp_types as types
from anyio.from_thread import start_blocking_portal
from calendly_connector.hosts.mcp.server import build
from calendly_connector.hosts.mcp.toolset import make_offer
from conftest import NOW_S, OWNER_TOKEN
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

MODES = ["legacy", "2026-07-28"]  # the protocol before and after it lost its handshake


class Agent:
    """Calls a server's tools. `questions` are what the person was asked, who says `reply`."""

    def __init__(self, portal, client, questions):
        self._portal = portal
        self._client = client
        self.questions = questions
        self.calls = 0

    def __getattr__(self, name):
        method = getattr(self._client, name)
        if not callable(method):
            return method
        return lambda *args, **kwargs: self._portal.call(lambda: method(*args, **kwargs))

    def ask(self, tool, **arguments):
        """Call a tool, whatever it gives."""
        self.calls += 1
        return self.call_tool(tool, arguments)

    def get(self, tool, **arguments):
        """Call a tool that must succeed; give its structured answer."""
        result = self.ask(tool, **arguments)
        assert not result.is_error, result.content[0].text
        return result.structured_content

    def refused(self, tool, **arguments):
        """Call a tool that must be refused; give the sentence."""
        result = self.ask(tool, **arguments)
        assert result.is_error
        assert result.structured_content is None
        return result.content[0].text


@contextmanager
def agent_of(server, *, mode="legacy", reply=None):
    """Connect an agent to a server (an object, a command, or a transport); without `reply` it asks nobody."""
    questions = []

    async def answer(_context, params):
        questions.append(params.message)
        return types.ElicitResult(action=reply, content={} if reply == "accept" else None)

    client = Client(server, mode=mode, elicitation_callback=answer if reply else None)
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        stack.enter_context(portal.wrap_async_context_manager(client))
        yield Agent(portal, client, questions)


def serving(connect):
    """Give what connects an agent to a server over a sandbox, whose clock stands at its anchor."""

    @contextmanager
    def serve(sandbox, *, only=(), read_only=False, token=OWNER_TOKEN, mode="legacy", reply=None):
        server, account = build(
            make_offer(only, read_only=read_only), lambda: connect(sandbox, token), clock=lambda: NOW_S
        )
        with agent_of(server, mode=mode, reply=reply) as agent:
            yield agent
        account.close()

    return serve


@asynccontextmanager
async def over_http(url, token):
    """Give a transport to a server behind a bearer token."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        create_mcp_http_client(headers) as http,
        streamable_http_client(url, http_client=http) as streams,
    ):
        yield streams
