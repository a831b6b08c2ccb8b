"""The tools: one for each action that is shown, and a few that reach the others. None names an action."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import mcp_types as types
from anyio import to_thread

from ...calls.blanks import is_blank, without_blanks
from ...catalog.models import Action
from ...catalog.validation import explain
from ...contract import Record
from ...errors import ConnectorError, InvalidParams, Problem, UnknownAction
from . import schemas
from .account import Account
from .consent import Consent
from .elicitation import Context, Person, can_ask
from .results import answer, protocol_error, refusal
from .toolset import Offer, declared, tool_name

_MOST_LETTERS: Final = 256_000  # of arguments as JSON
_MOST_OPTIONS: Final = 50


class Tools:
    """What `tools/list` and `tools/call` are answered with; `clock` gives unix seconds."""

    def __init__(self, offer: Offer, account: Account, clock: Callable[[], float]) -> None:
        self._offer = offer
        self._account = account
        self._consent = Consent(account, clock)
        self._person = Person()

    async def listed(self, _context: Context, _params: object) -> types.ListToolsResult:
        """Give all tools; there are few enough for one page."""
        return types.ListToolsResult(tools=self.all())

    def all(self) -> list[types.Tool]:
        """Give all tools, those of the actions first."""
        return [*map(_action_tool, self._offer.tools.values()), *map(self._helper_tool, self._offer.helpers)]

    async def call(
        self, context: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Call a tool. An unknown one is an error of the protocol, all else is told to the agent."""
        name, arguments = params.name, params.arguments or {}
        try:
            if name in self._offer.tools:
                return await self._act(context, params, self._offer.tools[name], arguments)
            if name not in self._offer.helpers:
                raise protocol_error(self._no_tool(name))
            arguments = _checked_helper(name, arguments)
            if name == "run_action":
                inputs = arguments.get("arguments", {})
                action = self._offer.find(arguments["action"], inputs)
                return await self._act(context, params, action, inputs)
            told = self._search if name == "search_actions" else self._options
            return answer(await to_thread.run_sync(partial(told, **arguments)))
        except ConnectorError as error:
            return refusal(error)

    async def _act(
        self,
        context: Context,
        params: types.CallToolRequestParams,
        action: Action,
        arguments: Mapping[str, Any],
    ) -> types.CallToolResult | types.InputRequiredResult:
        _refuse_huge(action.id, arguments)
        arguments = without_blanks(action, arguments)
        if action.effect != "read" and can_ask(context):
            await to_thread.run_sync(self._account.check_call, action, arguments)
            question = partial(to_thread.run_sync, self._consent.question, action, arguments)
            asked = await self._person.ask(context, params, question)
            if asked is not None:
                return asked
        return answer(await to_thread.run_sync(self._account.run, action, arguments))

    def _search(self, query: str, limit: float) -> Record:
        found, most = self._offer.search(query), int(limit)  # 3.0 is a whole number in JSON
        return {
            "actions": [_told(action) for action in found[:most]],
            "also": [tool_name(action) for action in found[most:]],
        }

    def _options(self, action: str, input: str, query: str) -> Record:  # noqa: A002 - the tool's own word
        found = self._offer.find(action)
        options = [
            {"label": option.label, "value": option.value}
            for option in self._account.options(found, input)
            if query.casefold() in option.label.casefold()
        ]
        return {"options": options[:_MOST_OPTIONS], "complete": len(options) <= _MOST_OPTIONS}

    def _no_tool(self, name: str) -> UnknownAction:
        try:
            action = self._offer.find(name)
        except UnknownAction as error:
            return error
        return UnknownAction(
            f"{name[:100]!r} is not a tool.", fix=f"Call run_action with {tool_name(action)}."
        )

    def _helper_tool(self, name: str) -> types.Tool:
        told = declared("tools.yaml")["helpers"][name]
        reads = name != "run_action" or all(
            action.effect == "read" for action in self._offer.actions.values()
        )
        hints = {"readOnlyHint": reads, "destructiveHint": not reads, "idempotentHint": reads}
        return _tool(name, told["title"], told["description"], told["input"], told["output"], hints)


def _action_tool(action: Action) -> types.Tool:
    words = schemas.description(action)
    inputs, outputs = schemas.tool_schema(action), schemas.output_schema(action)
    return _tool(tool_name(action), action.title, words, inputs, outputs, action.hints)


def _tool(
    name: str,
    title: str,
    description: str,
    inputs: dict[str, Any],
    outputs: dict[str, Any],
    hints: Mapping[str, bool],
) -> types.Tool:
    annotations = types.ToolAnnotations.model_validate({"title": title, "openWorldHint": True, **hints})
    return types.Tool(
        name=name,
        title=title,
        description=description,
        input_schema=inputs,
        output_schema=outputs,
        annotations=annotations,
    )


def _told(action: Action) -> Record:
    return {
        "action": tool_name(action),
        "title": action.title,
        "description": schemas.description(action),
        "effect": action.effect,
        "input": schemas.input_schema(action),
    }


def _checked_helper(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    _refuse_huge(name, arguments)
    schema = declared("tools.yaml")["helpers"][name]["input"]
    arguments = {key: value for key, value in arguments.items() if not is_blank(value)}
    if problems := explain(schema, arguments):
        raise InvalidParams(name, problems, fix=f"It takes {', '.join(schema['properties'])}.")
    defaults = {key: rule["default"] for key, rule in schema["properties"].items() if "default" in rule}
    return {**defaults, **arguments}


def _refuse_huge(name: str, arguments: Mapping[str, Any]) -> None:
    letters = len(json.dumps(arguments))
    if letters > _MOST_LETTERS:
        problem = Problem("", f"the arguments are {letters:,} letters long; {_MOST_LETTERS:,} is the most")
        raise InvalidParams(name, [problem], fix="Send less.")
