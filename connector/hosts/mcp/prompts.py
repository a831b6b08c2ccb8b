"""Common tasks as MCP prompts, and completion of their arguments."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from string import Template
from typing import Any, Final

import mcp_types as types
from anyio import to_thread

from ...errors import ConnectorError, InvalidParams, Problem, UnknownAction
from .elicitation import Context
from .resources import ACTION_TEMPLATE
from .results import protocol_error
from .shared_connection import SharedConnection
from .toolset import Toolset, declared, tool_name

_MAX_COMPLETIONS: Final = 100  # the protocol's limit


class Prompts:
    """Handles `prompts/…` and `completion/complete`. `clock` returns unix seconds."""

    def __init__(self, toolset: Toolset, calendly: SharedConnection, clock: Callable[[], float]) -> None:
        self._toolset = toolset
        self._calendly = calendly
        self._clock = clock
        self._prompts: Mapping[str, Mapping[str, Any]] = {
            name: prompt
            for name, prompt in declared("prompts.yaml").items()
            if set(prompt["needs"]) <= toolset.actions.keys()
        }

    async def list_prompts(self, _context: Context, _params: object) -> types.ListPromptsResult:
        """List the prompts whose actions are all available."""
        return types.ListPromptsResult(
            prompts=[_prompt(name, prompt) for name, prompt in self._prompts.items()]
        )

    async def get_prompt(
        self, _context: Context, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult:
        """Fill in a prompt."""
        try:
            text = self._fill_in(params.name, params.arguments or {})
        except ConnectorError as error:
            raise protocol_error(error) from None
        message = types.PromptMessage(role="user", content=types.TextContent(type="text", text=text))
        return types.GetPromptResult(
            description=self._prompts[params.name]["description"], messages=[message]
        )

    async def complete(self, _context: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        """Complete a prompt's argument from its pick list, or an action's name."""
        try:
            values, is_whole = await to_thread.run_sync(
                self._choices, params.ref, params.argument.name, params.argument.value
            )
        except ConnectorError as error:
            raise protocol_error(error) from None
        return types.CompleteResult(
            completion=types.Completion(
                values=values[:_MAX_COMPLETIONS],
                total=len(values) if is_whole else None,
                has_more=not is_whole or len(values) > _MAX_COMPLETIONS,
            )
        )

    def _fill_in(self, name: str, arguments: Mapping[str, str]) -> str:
        if name not in self._prompts:
            available = ", ".join(self._prompts) or "none"
            raise UnknownAction(f"Unknown prompt {name[:100]!r}.", fix=f"Available prompts: {available}.")
        prompt = self._prompts[name]
        fields = prompt["arguments"]
        problems = [
            Problem(field, "is not an argument of this prompt") for field in arguments if field not in fields
        ]
        problems += [
            Problem(field, "is missing")
            for field, rule in fields.items()
            if rule.get("required") and not arguments.get(field)
        ]
        if problems:
            raise InvalidParams(name, problems, fix=f"Arguments: {', '.join(fields)}.")
        values = {field: arguments.get(field) or rule.get("default", "") for field, rule in fields.items()}
        today = datetime.fromtimestamp(self._clock(), UTC).strftime("%A, %Y-%m-%d")
        return Template(prompt["text"]).substitute(values, today=today)

    def _choices(
        self, ref: types.PromptReference | types.ResourceTemplateReference, argument: str, typed: str
    ) -> tuple[list[str], bool]:
        """Return what contains the typed text, and whether that is all."""
        if isinstance(ref, types.ResourceTemplateReference):
            names = map(tool_name, self._toolset.actions.values()) if ref.uri == ACTION_TEMPLATE else ()
            return [name for name in names if typed.casefold() in name.casefold()], True
        pick_list = self._prompts.get(ref.name, {}).get("arguments", {}).get(argument, {}).get("pick")
        if pick_list is None:
            return [], True
        action, field = pick_list
        page = self._calendly.options(self._toolset.find(action), field, search=typed)
        return [option.label for option in page.options], page.next_page is None


def _prompt(name: str, prompt: Mapping[str, Any]) -> types.Prompt:
    arguments = [
        types.PromptArgument(
            name=field, description=rule["description"], required=bool(rule.get("required", False))
        )
        for field, rule in prompt["arguments"].items()
    ]
    return types.Prompt(
        name=name, title=prompt["title"], description=prompt["description"], arguments=arguments
    )
