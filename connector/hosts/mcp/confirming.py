"""A person's word before something is written, where the client can ask for it.

Until 2025-11-25 the protocol lets a server ask while a call is under way; from 2026-07-28 on the call is
answered with the question and sent again with the reply, under a seal that `server` puts on it.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from ...declarations import Action
from ...errors import ConnectorError

_KEY: Final = "confirm"
_LONGEST: Final = 200  # letters of an argument that are shown
_NOTHING_TO_FILL_IN: Final[types.ElicitRequestedSchema] = {"type": "object", "properties": {}}

Context = ServerRequestContext[Any]


class Declined(ConnectorError):
    """The person said no, or nothing."""

    code = "declined"


def can_ask(context: Context) -> bool:
    """Whether the client can show a person a question."""
    capabilities = context.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


def question(action: Action, arguments: Mapping[str, Any], about: Mapping[str, str]) -> str:
    """Say what is going to be written, so that a person can judge it."""
    lines = [f"{action.title}?"]
    for name, value in arguments.items():
        known = f"{_shown(about[name])}, " if name in about else ""
        lines.append(f"  {name}: {known}{_shown(value)}")
    if action.effect == "destroy":
        lines.append("This cannot be undone.")
    return "\n".join(lines)


async def ask(
    context: Context, params: types.CallToolRequestParams, message: Callable[[], Awaitable[str]]
) -> types.InputRequiredResult | None:
    """Ask; give what has to be sent to the client first, or None for a yes. Raises Declined.

    `message` is not called where the call comes back with the reply.
    """
    reply: types.InputResponse | None
    if context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        reply = await context.session.elicit_form(await message(), _NOTHING_TO_FILL_IN, context.request_id)
    elif params.request_state is None:
        form = types.ElicitRequestFormParams(message=await message(), requested_schema=_NOTHING_TO_FILL_IN)
        return types.InputRequiredResult(
            input_requests={_KEY: types.ElicitRequest(params=form)}, request_state=_KEY
        )
    else:
        reply = (params.input_responses or {}).get(_KEY)
    if not isinstance(reply, types.ElicitResult) or reply.action != "accept":
        raise Declined(
            "The user did not agree, and nothing was sent.",
            fix="Ask what they want instead; do not try again.",
        )
    return None


def _shown(value: Any) -> str:
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = "".join(letter if letter.isprintable() else " " for letter in words)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
