"""Elicitation: asks a person to confirm a write, if the client supports it.

Up to protocol version 2025-11-25 the server asks during the call. From 2026-07-28 on it answers the call with
the question, and the client sends the call again with the reply; `server` seals the question's state.

See docs/decisions/consent.md.
"""

import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, Final

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from ...errors import ConnectorError

REPLY_TTL_S: Final = 600  # how long a question can be answered
_KEY: Final = "confirm"
_EMPTY_FORM: Final[types.ElicitRequestedSchema] = {"type": "object", "properties": {}}

Context = ServerRequestContext[Any]


class Declined(ConnectorError):
    """The person said no or dismissed the question."""

    code = "declined"


class AlreadyAnswered(ConnectorError):
    """A reply arrived a second time. If it was a yes, the first one sent the call."""

    code = "already_answered"

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.may_have_happened = True


def can_ask(context: Context) -> bool:
    """Whether the client can show a question to a person."""
    capabilities = context.session.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


class Outdated(ConnectorError):
    """What the call would do is no longer what the person was asked about."""

    code = "outdated"


class Confirmation:
    """Asks for confirmations. Each reply is valid for one call while this server runs."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._answered: dict[str, float] = {}  # question ids, and when their seals have expired

    async def ask(
        self,
        context: Context,
        params: types.CallToolRequestParams,
        message: Callable[[], Awaitable[str]],
        *,
        check_again: bool = False,
    ) -> types.InputRequiredResult | None:
        """Ask; return the question to send to the client first, or None after a yes.

        With `check_again`, a yes is valid only if `message` still returns the same question; otherwise it is
        not called if the call already carries the reply. Raises Declined, AlreadyAnswered and Outdated.
        """
        reply: types.InputResponse | None
        if context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            question = await message()
            asked = _digest(question)
            reply = await context.session.elicit_form(question, _EMPTY_FORM, context.request_id)
        elif params.request_state is None:
            question = await message()
            form = types.ElicitRequestFormParams(message=question, requested_schema=_EMPTY_FORM)
            return types.InputRequiredResult(
                input_requests={_KEY: types.ElicitRequest(params=form)},
                request_state=f"{token_urlsafe(16)}.{_digest(question)}",
            )
        else:
            self._use_once(params.request_state)
            asked = params.request_state.rpartition(".")[2]
            reply = (params.input_responses or {}).get(_KEY)
        if not isinstance(reply, types.ElicitResult) or reply.action != "accept":
            raise Declined(
                "The user did not confirm, so nothing was sent.",
                fix="Ask what they want instead. Do not retry.",
            )
        if check_again and _digest(await message()) != asked:
            raise Outdated(
                "What the call would do has changed since the user was asked, so nothing was sent.",
                fix="Call again; the user is asked again.",
            )
        return None

    def _use_once(self, question_id: str) -> None:
        now = self._monotonic()
        self._answered = {answered: end for answered, end in self._answered.items() if end > now}
        if question_id in self._answered:
            raise AlreadyAnswered(
                "This question has already been answered; a reply is valid for one call.",
                fix="Check whether the call succeeded. If not, call again without requestState.",
            )
        self._answered[question_id] = now + REPLY_TTL_S


def _digest(question: str) -> str:
    return sha256(question.encode()).hexdigest()
