"""An AI agent's side of MCP: the official client with a synchronous interface."""

import json
from contextlib import ExitStack, asynccontextmanager, contextmanager

import mcp_types as types
from anyio import to_thread
from anyio.from_thread import start_blocking_portal
from calendly_connector.catalog.manifest import catalog
from calendly_connector.contract import CheckReport, Option, OptionPage
from calendly_connector.hosts.mcp.server import build
from calendly_connector.hosts.mcp.toolset import select_tools, tool_name
from conftest import NOW_S, OWNER_TOKEN
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

ACTIONS = {tool_name(action) for action in catalog().values()}
MODES = ["legacy", "2026-07-28"]  # the protocol with and without a handshake


class Agent:
    """Calls a server's tools. `questions` are the questions to the user, which were answered with `reply`."""

    def __init__(self, portal, client, questions):
        self._portal = portal
        self._client = client
        self.questions = questions
        self.calls = 0
        self._tools = {tool.name for tool in self.list_tools().tools}

    def __getattr__(self, name):
        method = getattr(self._client, name)
        if not callable(method):
            return method
        return lambda *args, **kwargs: self._portal.call(lambda: method(*args, **kwargs))

    def call(self, tool, **arguments):
        """Call a tool, or by run_action an action that has none; return the result, an error or not."""
        self.calls += 1
        if tool not in self._tools and tool in ACTIONS:
            return self.call_tool("run_action", {"action": tool, "arguments": arguments})
        return self.call_tool(tool, arguments)

    def get(self, tool, **arguments):
        """Call a tool that must succeed; return its structured answer."""
        result = self.call(tool, **arguments)
        assert not result.is_error, result.content[0].text
        return result.structured_content

    def error(self, tool, **arguments):
        """Call a tool that must fail; return the message."""
        result = self.call(tool, **arguments)
        assert result.is_error
        assert result.structured_content is None
        return result.content[0].text


class Scripted:
    """A connection that returns prepared results in order, and repeats the last one."""

    rate_limit = None

    def __init__(self, *results):
        self._results = list(results)
        self.calls = []

    def run(self, action, params, limit=None):  # noqa: ARG002 - as in a connection
        self.calls.append((action, dict(params)))
        result = self._results.pop(0) if len(self._results) > 1 else self._results[0]
        if isinstance(result, Exception):
            raise result
        return result

    def options(self, _of, _field, _values=None, *, search="", page=None):
        rooms = [Option(f"Room {number}", f"https://x.example/{number}") for number in range(120)]
        start = int(page or 0)
        found = [room for room in rooms if search.casefold() in room.label.casefold()][start:]
        return OptionPage(tuple(found[:100]), str(start + 100) if found[100:] else None)

    def check(self):
        return CheckReport("invalid_token", "Calendly does not accept this token.", "Create a new one.")

    def close(self):
        pass


@contextmanager
def agent_of(server, *, mode="legacy", reply=None, meanwhile=None):
    """Connect an agent to a server (object, command or transport); without `reply` it can't ask its user.

    `meanwhile` is called while the user thinks.
    """
    questions = []

    async def answer(_context, params):
        questions.append(params.message)
        if meanwhile:
            await to_thread.run_sync(meanwhile)
        return types.ElicitResult(action=reply, content={} if reply == "accept" else None)

    client = Client(server, mode=mode, elicitation_callback=answer if reply else None)
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        stack.enter_context(portal.wrap_async_context_manager(client))
        yield Agent(portal, client, questions)


@contextmanager
def scripted(*results):
    """Connect an agent to a server over prepared results; `agent.connection` has its calls."""
    connection = Scripted(*results)
    server, _ = build(select_tools(), lambda: connection)
    with agent_of(server) as agent:
        agent.connection = connection
        yield agent


def serving(connect):
    """Return a function that connects an agent to a server over a sandbox, with a frozen clock."""

    @contextmanager
    def serve(sandbox, *, only=(), read_only=False, token=OWNER_TOKEN, **options):
        server, calendly = build(
            select_tools(only, read_only=read_only), lambda: connect(sandbox, token), clock=lambda: NOW_S
        )
        with agent_of(server, **options) as agent:
            yield agent
        calendly.close()

    return serve


@asynccontextmanager
async def over_http(url, token):
    """Yield a transport to a server that requires a bearer token."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        create_mcp_http_client(headers) as http,
        streamable_http_client(url, http_client=http) as streams,
    ):
        yield streams


def read_resource(agent, uri):
    """Return a resource's content."""
    (content,) = agent.read_resource(uri).contents
    assert content.mime_type == "application/json"
    return json.loads(content.text)


def complete(agent, prompt, argument, typed):
    """Return the completion of a prompt's argument."""
    ref = types.PromptReference(name=prompt)
    return agent.complete(ref, {"name": argument, "value": typed}).completion
