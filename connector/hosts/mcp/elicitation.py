"""A person's word before something is written, where the client can ask for it.

Until 2025-11-25 the protocol lets a server ask while a call is under way; from 2026-07-28 on the call is
answered with the question and sent again with the reply, under a seal that `server` puts on it.
"""

import time
from collections.abc import Awaitable, Callable
from secrets import token_urlsafe
from typing import Any, Final

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from ...errors import ConnectorError

GOOD_FOR_S: Final = 600  # how long the seal of a question holds
_KEY: Final = "confirm"
_NOTHING_TO_FILL_IN: Final[types.ElicitRequestedSchema] = {"type": "object", "properties": {}}

Context = ServerRequestContext[Any]


class Declined(ConnectorError):
    """The person said no, or nothing."""

    code = "declined"


class AlreadyAnswered(ConnectorError):
    """A reply came a second time. After a yes the call was sent the first time."""

    code = "already_answered"
    may_have_happened: bool = True


def can_ask(context: Context) -> bool:
    """Whether the client can show a person a question."""
    capabilities = context.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


class Person:
    """Whoever sits at the client. A reply to a question is good for one call, while this server runs."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._answered: dict[str, float] = {}  # questions, and when their seals end for certain

    async def ask(
        self, context: Context, params: types.CallToolRequestParams, message: Callable[[], Awaitable[str]]
    ) -> types.InputRequiredResult | None:
        """Ask; return what has to be sent to the client first, or None for a yes.

        Raises Declined and AlreadyAnswered. `message` is not called where the call comes back with the reply.
        """
        reply: types.InputResponse | None
        if context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            reply = await context.session.elicit_form(
                await message(), _NOTHING_TO_FILL_IN, context.request_id
            )
        elif params.request_state is None:
            form = types.ElicitRequestFormParams(
                message=await message(), requested_schema=_NOTHING_TO_FILL_IN
            )
            return types.InputRequiredResult(
                input_requests={_KEY: types.ElicitRequest(params=form)}, request_state=token_urlsafe(16)
            )
        else:
            self._use_up(params.request_state)
            reply = (params.input_responses or {}).get(_KEY)
        if not isinstance(reply, types.ElicitResult) or reply.action != "accept":
            raise Declined(
                "The user did not agree, and nothing was sent.",
                fix="Ask what they want instead; do not try again.",
            )
        return None

    def _use_up(self, question: str) -> None:
        now = self._monotonic()
        self._answered = {asked: end for asked, end in self._answered.items() if end > now}
        if question in self._answered:
            raise AlreadyAnswered(
                "This question was answered before, and a reply is good for one call.",
                fix="Look whether it has happened. If it has not, make the call without requestState.",
            )
        self._answered[question] = now + GOOD_FOR_S
