"""What a tool gives back, in MCP's words; nothing leaves here with a secret or an invisible character."""

import json
from typing import Any

import mcp_types as types
from mcp.shared.exceptions import MCPError

from ...contract import Record
from ...errors import ConnectorError, InvalidParams
from ...support.redaction import redact_all
from .invisible_characters import plain
from .schemas import in_tool_names, inputs_of


def answer(content: Record) -> types.CallToolResult:
    """Give an answer, structured and as text for clients that read nothing else."""
    clean = redact_all(plain(content))
    return types.CallToolResult(content=[_text(clean)], structured_content=clean)


def refusal(error: ConnectorError) -> types.CallToolResult:
    """Give an error that the agent can act on: a sentence that says what to do, then the rest as JSON."""
    told = _told(error)
    sentence = types.TextContent(type="text", text=f"{told.pop('message')} {told.pop('fix', '')}".strip())
    told.pop("problems", None)  # the sentence names them all
    return types.CallToolResult(is_error=True, content=[sentence, _text({"error": told})])


def protocol_error(error: ConnectorError) -> MCPError:
    """Give an error for a request that is no tool call."""
    told = _told(error)
    return MCPError(types.INVALID_PARAMS, f"{told['message']} {told.get('fix', '')}".strip(), told)


def document(content: Any) -> str:
    """Write a resource's content."""
    return json.dumps(redact_all(plain(content)), ensure_ascii=False, indent=2)


def _told(error: ConnectorError) -> Record:
    told: Record = redact_all(plain(error.to_dict()))
    if isinstance(error, InvalidParams) and "calendly-connector" in error.fix:
        told["fix"] = f"It takes {', '.join(inputs_of(error.action))}."  # an agent has no terminal
    told |= {name: in_tool_names(told[name]) for name in ("message", "fix")}
    return {name: value for name, value in told.items() if value not in (None, "", [], ())}


def _text(content: Any) -> types.TextContent:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return types.TextContent(type="text", text=text)
