"""What n8n's MCP Client node sends for the workflow of how-to/n8n.md works. n8n is too large to install here.

The node is a client of the MCP SDK: initialize without capabilities, then tools/call, with a bearer token
over streamable HTTP (read in @n8n/n8n-nodes-langchain of n8n 2.40.7).
"""

import json
import re

import httpx
import pytest
from doc_pages import blocks
from locations import DOCS
from served import serving

PAGE = DOCS / "how-to/n8n.md"
TOKEN = "of-the-server" * 3
SOON_S = 30


@pytest.fixture
def url(account):
    """Yield the URL of an MCP server as the page starts it."""
    signed_in = {"CALENDLY_API_URL": account.url, "CALENDLY_API_TOKEN": "sandbox-owner"}
    environment = {**signed_in, "CALENDLY_MCP_TOKEN": TOKEN}
    words = ("mcp", "--http", "--read-only", "--port", "0")
    with serving(*words, until="Listening on", environment=environment) as shown:
        yield re.search(r"Listening on (\S+)\.", shown)[1]


@pytest.fixture
def node():
    (block,) = [block for block in blocks(PAGE) if block.language == "json"]
    workflow = json.loads(block.text)
    nodes = {node["name"]: node for node in workflow["nodes"]}
    for name, outputs in workflow["connections"].items():
        assert {name, *(output["node"] for output in outputs["main"][0])} <= nodes.keys()
    return nodes["Meetings"]["parameters"]


def post(url, method, params=None, *, token=TOKEN, session=None, number=1):
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
    if session:
        headers |= {"Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-06-18"}
    message = {"jsonrpc": "2.0", "method": method, "params": params or {}}
    if not method.startswith("notifications/"):
        message["id"] = number
    return httpx.post(url, json=message, headers=headers, timeout=SOON_S)


def answer(reply):
    """Return the result in a reply: JSON, or the event of a stream."""
    lines = [line.removeprefix("data: ") for line in reply.text.splitlines() if line.startswith("data: {")]
    return json.loads(lines[-1] if lines else reply.text)["result"]


def test_the_workflow_lists_meetings_one_item_each(url, node):
    assert node["serverTransport"] == "httpStreamable"
    assert node["authentication"] == "bearerAuth"
    client = {"clientInfo": {"name": "@n8n/n8n-nodes-langchain.mcpClient", "version": "1.1"}}
    hello = post(url, "initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, **client})
    session = hello.headers.get("mcp-session-id")
    assert answer(hello)["protocolVersion"] == "2025-06-18"
    assert post(url, "notifications/initialized", session=session).status_code == httpx.codes.ACCEPTED
    tools = answer(post(url, "tools/list", session=session, number=2))["tools"]
    tool = next(tool for tool in tools if tool["name"] == node["tool"]["value"])
    assert {"status", "start", "end"} <= tool["inputSchema"]["properties"].keys()
    inputs = {"status": "active", "text": "Noor"}  # the expression's dates are n8n's to compute
    result = answer(
        post(url, "tools/call", {"name": tool["name"], "arguments": inputs}, session=session, number=3)
    )
    (item,) = result["structuredContent"]["records"]
    assert item["invitee_name"] == "Noor van Dijk"
    named = {"start_local", "invitee_name", "invitee_email", "answers", "join_url"}
    assert named <= item.keys()
    assert all(f"`{field}`" in PAGE.read_text("utf-8") for field in named)


def test_a_wrong_token_gets_a_401(url):
    reply = post(url, "initialize", token="wrong")
    assert reply.status_code == httpx.codes.UNAUTHORIZED
    assert "CALENDLY_MCP_TOKEN" in reply.text
