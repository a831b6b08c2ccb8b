"""MCP resources: the signed-in account, and every available action."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import mcp_types as types
from anyio import to_thread

from ...catalog.models import Action
from ...contract import Record
from ...errors import ConnectorError, UnknownAction
from . import schemas
from .elicitation import Context
from .results import document, protocol_error
from .shared_connection import SharedConnection
from .toolset import Toolset, tool_name

ACTION_TEMPLATE: Final = "calendly://actions/{action}"
_ACCOUNT: Final = "calendly://account"
_ACTIONS: Final = "calendly://actions"
_JSON: Final = "application/json"
_RESOURCES: Final = {
    _ACCOUNT: (
        "The signed-in account",
        "User, organization, plan, remaining requests and the current time.",
    ),
    _ACTIONS: ("All actions", "Name, title and effect of every available action."),
}


class Resources:
    """Handles `resources/…`. `clock` returns unix seconds."""

    def __init__(self, toolset: Toolset, calendly: SharedConnection, clock: Callable[[], float]) -> None:
        self._toolset = toolset
        self._calendly = calendly
        self._clock = clock

    async def list_resources(self, _context: Context, _params: object) -> types.ListResourcesResult:
        """List the resources that have a fixed URI."""
        resources = [
            types.Resource(
                uri=uri, name=uri.rpartition("/")[2], title=title, description=text, mime_type=_JSON
            )
            for uri, (title, text) in _RESOURCES.items()
        ]
        return types.ListResourcesResult(resources=resources)

    async def list_templates(self, _context: Context, _params: object) -> types.ListResourceTemplatesResult:
        """List the URI template for single actions."""
        template = types.ResourceTemplate(
            uri_template=ACTION_TEMPLATE,
            name="action",
            title="An action",
            description="Everything about an action: inputs, output, examples and scopes.",
            mime_type=_JSON,
        )
        return types.ListResourceTemplatesResult(resource_templates=[template])

    async def read_resource(
        self, _context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """Read a resource."""
        try:
            content = await self._content(params.uri)
        except ConnectorError as error:
            raise protocol_error(error) from None
        text = types.TextResourceContents(uri=params.uri, mime_type=_JSON, text=document(content))
        return types.ReadResourceResult(contents=[text])

    async def _content(self, uri: str) -> Record | list[Record]:
        if uri == _ACCOUNT:
            now = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            return {"now": now, **await to_thread.run_sync(self._calendly.report)}
        if uri == _ACTIONS:
            return [_summary(action) for action in self._toolset.actions.values()]
        if uri.startswith(f"{_ACTIONS}/"):
            return _details(self._toolset.find(uri.removeprefix(f"{_ACTIONS}/")))
        raise UnknownAction(
            f"Unknown resource {uri[:100]!r}.",
            fix=f"Available resources: {', '.join((*_RESOURCES, ACTION_TEMPLATE))}.",
        )


def _summary(action: Action) -> Record:
    return {"action": tool_name(action), "title": action.title, "effect": action.effect}


def _details(action: Action) -> Record:
    return {
        **_summary(action),
        "id": action.id,
        "description": schemas.description(action),
        "input": schemas.input_schema(action),
        "output": schemas.record_schema(action),
        "examples": list(action.examples),
        "scopes": list(action.scopes),
        "role": action.role,
        "plan": action.plan,
        "docs": action.docs,
    }
