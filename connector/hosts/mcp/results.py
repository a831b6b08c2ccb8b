"""Answers and errors as MCP results. Secrets and invisible characters are removed here."""

import json
from typing import Any, Final

import mcp_types as types
from mcp.shared.exceptions import MCPError

from ...contract import Record
from ...errors import AmbiguousMeeting, ConnectorError, InvalidParams
from ...support.invisible_characters import strip_invisible
from ...support.redaction import redact_all
from .schemas import in_tool_names, input_names

_MAX_CANDIDATES: Final = 20  # the message says how many there are


def tool_result(content: Record) -> types.CallToolResult:
    """Return an answer as structured content, and as text for clients that read only text."""
    clean = redact_all(strip_invisible(content))
    return types.CallToolResult(content=[_text(clean)], structured_content=clean)


def tool_error(error: ConnectorError) -> types.CallToolResult:
    """Return an error that an agent can act on: message and fix as text, then the details as JSON."""
    fields = _error_fields(error)
    message = types.TextContent(type="text", text=f"{fields.pop('message')} {fields.pop('fix', '')}".strip())
    fields.pop("problems", None)  # the message lists them
    return types.CallToolResult(is_error=True, content=[message, _text({"error": fields})])


def protocol_error(error: ConnectorError) -> MCPError:
    """Return an error for a request that isn't a tool call."""
    fields = _error_fields(error)
    return MCPError(types.INVALID_PARAMS, f"{fields['message']} {fields.get('fix', '')}".strip(), fields)


def document(content: Any) -> str:
    """Return a resource's content as indented JSON."""
    return json.dumps(redact_all(strip_invisible(content)), ensure_ascii=False, indent=2)


def _error_fields(error: ConnectorError) -> Record:
    fields: Record = redact_all(strip_invisible(error.to_dict()))
    if isinstance(error, InvalidParams) and "calendly-connector" in error.fix:
        # An agent has no terminal to run the suggested command in.
        fields["fix"] = f"Inputs: {', '.join(input_names(error.action))}."
    if isinstance(error, AmbiguousMeeting):
        fields["candidates"] = fields["candidates"][:_MAX_CANDIDATES]
        fields["fix"] = "If it isn't clear which one the user means, ask; then pass its `uri` as `what`."
    fields |= {name: in_tool_names(fields[name]) for name in ("message", "fix")}
    return {name: value for name, value in fields.items() if value not in (None, "", [], ())}


def _text(content: Any) -> types.TextContent:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return types.TextContent(type="text", text=text)
