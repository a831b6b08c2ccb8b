"""MCP tools: one for each action in the toolset, and helpers to reach the others. No action is named here."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import mcp_types as types
from anyio import to_thread

from ...calls.blanks import is_blank, without_blanks
from ...catalog.explanations import explain
from ...catalog.models import Action
from ...contract import Record
from ...errors import ConnectorError, InvalidParams, Problem, UnknownAction
from . import schemas
from .elicitation import Confirmation, Context, can_ask
from .preflight import NothingToDo, Preflight, is_dry_run
from .results import protocol_error, tool_error, tool_result
from .shared_connection import SharedConnection
from .toolset import Toolset, declared, tool_name

_MAX_CHARACTERS: Final = 256_000  # of arguments as JSON
_MAX_OPTIONS: Final = 50


class Tools:
    """Handles `tools/list` and `tools/call`. `clock` returns unix seconds."""

    def __init__(self, toolset: Toolset, calendly: SharedConnection, clock: Callable[[], float]) -> None:
        self._toolset = toolset
        self._calendly = calendly
        self._preflight = Preflight(calendly, clock)
        self._confirmation = Confirmation()

    async def list_tools(self, _context: Context, _params: object) -> types.ListToolsResult:
        """List all tools on one page."""
        return types.ListToolsResult(tools=self.all())

    def all(self) -> list[types.Tool]:
        """Return all tools, actions first."""
        helpers = map(self._helper_tool, self._toolset.helpers)
        # The full form of a short one is found with search_actions.
        tool = _short_tool if "search_actions" in self._toolset.helpers else _full_tool
        return [*map(tool, self._toolset.tools.values()), *helpers]

    async def call_tool(
        self, context: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Call a tool. An unknown tool is a protocol error; every other error is a result for the agent."""
        name, arguments = params.name, params.arguments or {}
        try:
            if name in self._toolset.tools:
                return await self._call_action(context, params, self._toolset.tools[name], arguments)
            if name not in self._toolset.helpers:
                raise protocol_error(self._unknown_tool(name))
            arguments = _check_helper_arguments(name, arguments)
            if name == "run_action":
                inputs = arguments.get("arguments", {})
                action = self._toolset.find(arguments["action"], inputs)
                return await self._call_action(context, params, action, inputs)
            helper = self._search if name == "search_actions" else self._options
            return tool_result(await to_thread.run_sync(partial(helper, **arguments)))
        except NothingToDo as plan:
            return tool_result(plan.answer)
        except ConnectorError as error:
            return tool_error(error)

    async def _call_action(
        self,
        context: Context,
        params: types.CallToolRequestParams,
        action: Action,
        arguments: Mapping[str, Any],
    ) -> types.CallToolResult | types.InputRequiredResult:
        _check_size(action.id, arguments)
        arguments = without_blanks(action, arguments)
        if action.effect != "read" and not is_dry_run(action, arguments) and can_ask(context):
            await to_thread.run_sync(self._calendly.preview, action, arguments)
            message = partial(to_thread.run_sync, self._preflight.question, action, arguments)
            # Recipes find by themselves what they change, and that may change while the person thinks.
            is_found = "dry_run" in action.inputs
            question = await self._confirmation.ask(context, params, message, check_again=is_found)
            if question is not None:
                return question
        return tool_result(await to_thread.run_sync(self._calendly.answer, action, arguments))

    def _search(self, query: str, limit: float) -> Record:
        found, limit = self._toolset.search(query), int(limit)  # 3.0 is an integer in JSON Schema
        return {
            "actions": [_search_result(action) for action in found[:limit]],
            "also": [tool_name(action) for action in found[limit:]],
        }

    def _options(self, action: str, input: str, query: str, values: Mapping[str, Any]) -> Record:  # noqa: A002 - the tool's own input
        page = self._calendly.options(self._toolset.find(action), input, values, search=query)
        options = [{"label": option.label, "value": option.value} for option in page.options[:_MAX_OPTIONS]]
        complete = page.next_page is None and len(page.options) <= _MAX_OPTIONS
        answer: Record = {"options": options, "complete": complete}
        return answer | ({"reason": page.reason} if page.reason else {})

    def _unknown_tool(self, name: str) -> UnknownAction:
        try:
            action = self._toolset.find(name)
        except UnknownAction as error:
            return error
        return UnknownAction(
            f"{name[:100]!r} is not a tool.", fix=f"Call run_action with {tool_name(action)}."
        )

    def _helper_tool(self, name: str) -> types.Tool:
        helper = declared("tools.yaml")["helpers"][name]
        reads = name != "run_action" or all(
            action.effect == "read" for action in self._toolset.actions.values()
        )
        hints = {"readOnlyHint": reads, "destructiveHint": not reads, "idempotentHint": reads}
        return _tool(name, helper["title"], helper["description"], helper["input"], helper["output"], hints)


def _full_tool(action: Action) -> types.Tool:
    description, inputs = schemas.description(action), schemas.input_schema(action)
    outputs = schemas.output_schema(action)
    return _tool(tool_name(action), action.title, description, inputs, outputs, action.hints)


def _short_tool(action: Action) -> types.Tool:
    description, inputs = schemas.short_description(action), schemas.short_input_schema(action)
    outputs = schemas.output_schema(action)
    return _tool(tool_name(action), action.title, description, inputs, outputs, action.hints)


def _tool(
    name: str,
    title: str,
    description: str,
    inputs: dict[str, Any],
    outputs: dict[str, Any],
    hints: Mapping[str, bool],
) -> types.Tool:
    annotations = types.ToolAnnotations.model_validate({"openWorldHint": True, **hints})
    return types.Tool(
        name=name,
        title=title,
        description=description,
        input_schema=inputs,
        output_schema=outputs,
        annotations=annotations,
    )


def _search_result(action: Action) -> Record:
    return {
        "action": tool_name(action),
        "title": action.title,
        "description": schemas.description(action),
        "effect": action.effect,
        "input": schemas.input_schema(action),
    }


def _check_helper_arguments(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a helper's arguments with defaults. Raises InvalidParams."""
    _check_size(name, arguments)
    schema = declared("tools.yaml")["helpers"][name]["input"]
    arguments = {key: value for key, value in arguments.items() if not is_blank(value)}
    if problems := explain(schema, arguments):
        raise InvalidParams(name, problems, fix=f"Inputs: {', '.join(schema['properties'])}.")
    defaults = {key: rule["default"] for key, rule in schema["properties"].items() if "default" in rule}
    return {**defaults, **arguments}


def _check_size(name: str, arguments: Mapping[str, Any]) -> None:
    size = len(json.dumps(arguments))
    if size > _MAX_CHARACTERS:
        problem = Problem("", f"arguments have {size:,} characters; the maximum is {_MAX_CHARACTERS:,}")
        raise InvalidParams(name, [problem], fix="Send less.")
