"""Common tasks that a person can start, and what completes their arguments."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from string import Template
from typing import Any, Final

import mcp_types as types
from anyio import to_thread

from ...errors import ConnectorError, InvalidParams, Problem, UnknownAction
from .account import Account
from .elicitation import Context
from .invisible_characters import plain
from .resources import ACTION_TEMPLATE
from .results import protocol_error
from .toolset import Offer, declared, tool_name

_MOST_COMPLETIONS: Final = 100  # the protocol's limit


class Prompts:
    """What `prompts/…` and `completion/complete` are answered with; `clock` gives unix seconds."""

    def __init__(self, offer: Offer, account: Account, clock: Callable[[], float]) -> None:
        self._offer = offer
        self._account = account
        self._clock = clock
        self._prompts: Mapping[str, Mapping[str, Any]] = {
            name: told
            for name, told in declared("prompts.yaml").items()
            if set(told["needs"]) <= offer.actions.keys()
        }

    async def listed(self, _context: Context, _params: object) -> types.ListPromptsResult:
        """Give the prompts whose actions can be reached."""
        return types.ListPromptsResult(prompts=[_prompt(name, told) for name, told in self._prompts.items()])

    async def get(self, _context: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        """Fill a prompt in."""
        try:
            text = self._filled(params.name, params.arguments or {})
        except ConnectorError as error:
            raise protocol_error(error) from None
        message = types.PromptMessage(role="user", content=types.TextContent(type="text", text=text))
        return types.GetPromptResult(
            description=self._prompts[params.name]["description"], messages=[message]
        )

    async def complete(self, _context: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        """Complete an argument from its pick list, or an action's name; nothing where there is no list."""
        try:
            choices = await to_thread.run_sync(self._choices, params.ref, params.argument.name)
        except ConnectorError as error:
            raise protocol_error(error) from None
        typed = params.argument.value.casefold()
        fitting = [choice for choice in choices if typed in choice.casefold()]
        return types.CompleteResult(
            completion=types.Completion(
                values=fitting[:_MOST_COMPLETIONS],
                total=len(fitting),
                has_more=len(fitting) > _MOST_COMPLETIONS,
            )
        )

    def _filled(self, name: str, given: Mapping[str, str]) -> str:
        if name not in self._prompts:
            raise UnknownAction(
                f"There is no prompt {name[:100]!r}.", fix=f"There are {', '.join(self._prompts) or 'none'}."
            )
        told = self._prompts[name]
        fields = told["arguments"]
        problems = [Problem(field, "is no argument of this prompt") for field in given if field not in fields]
        problems += [
            Problem(field, "is missing")
            for field, rule in fields.items()
            if rule.get("required") and not given.get(field)
        ]
        if problems:
            raise InvalidParams(name, problems, fix=f"It takes {', '.join(fields)}.")
        values = {field: given.get(field) or rule.get("default", "") for field, rule in fields.items()}
        today = datetime.fromtimestamp(self._clock(), UTC).strftime("%A, %Y-%m-%d")
        return Template(told["text"]).substitute(values, today=today)

    def _choices(
        self, ref: types.PromptReference | types.ResourceTemplateReference, argument: str
    ) -> list[str]:
        if isinstance(ref, types.ResourceTemplateReference):
            return (
                [tool_name(action) for action in self._offer.actions.values()]
                if ref.uri == ACTION_TEMPLATE
                else []
            )
        pick = self._prompts.get(ref.name, {}).get("arguments", {}).get(argument, {}).get("pick")
        if pick is None:
            return []
        action, field = pick
        return [plain(option.label) for option in self._account.options(self._offer.find(action), field)]


def _prompt(name: str, told: Mapping[str, Any]) -> types.Prompt:
    arguments = [
        types.PromptArgument(
            name=field, description=rule["description"], required=bool(rule.get("required", False))
        )
        for field, rule in told["arguments"].items()
    ]
    return types.Prompt(name=name, title=told["title"], description=told["description"], arguments=arguments)
