"""What an agent may read beside its tools: who is signed in, and every action that it can reach."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import mcp_types as types
from anyio import to_thread

from ...catalog.models import Action
from ...contract import Record
from ...errors import ConnectorError, UnknownAction
from . import schemas
from .account import Account
from .elicitation import Context
from .results import document, protocol_error
from .toolset import Offer, tool_name

ACTION_TEMPLATE: Final = "calendly://actions/{action}"
_ACCOUNT: Final = "calendly://account"
_ACTIONS: Final = "calendly://actions"
_JSON: Final = "application/json"
_RESOURCES: Final = {
    _ACCOUNT: (
        "The signed-in account",
        "Who is signed in, their organization and plan, requests left, the present moment.",
    ),
    _ACTIONS: ("All actions", "Every action that can be reached, in one line each."),
}


class Resources:
    """What `resources/…` is answered with; `clock` gives unix seconds."""

    def __init__(self, offer: Offer, account: Account, clock: Callable[[], float]) -> None:
        self._offer = offer
        self._account = account
        self._clock = clock

    async def listed(self, _context: Context, _params: object) -> types.ListResourcesResult:
        """Give the resources."""
        resources = [
            types.Resource(
                uri=uri, name=uri.rpartition("/")[2], title=title, description=words, mime_type=_JSON
            )
            for uri, (title, words) in _RESOURCES.items()
        ]
        return types.ListResourcesResult(resources=resources)

    async def templates(self, _context: Context, _params: object) -> types.ListResourceTemplatesResult:
        """Give the one template."""
        template = types.ResourceTemplate(
            uri_template=ACTION_TEMPLATE,
            name="action",
            title="An action",
            description="All there is to know of an action: inputs, output, examples, scopes.",
            mime_type=_JSON,
        )
        return types.ListResourceTemplatesResult(resource_templates=[template])

    async def read(
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
            return {"now": now, **await to_thread.run_sync(self._account.report)}
        if uri == _ACTIONS:
            return [_line(action) for action in self._offer.actions.values()]
        if uri.startswith(f"{_ACTIONS}/"):
            return _whole(self._offer.find(uri.removeprefix(f"{_ACTIONS}/")))
        raise UnknownAction(
            f"There is no resource {uri[:100]!r}.",
            fix=f"There are {', '.join((*_RESOURCES, ACTION_TEMPLATE))}.",
        )


def _line(action: Action) -> Record:
    return {"action": tool_name(action), "title": action.title, "effect": action.effect}


def _whole(action: Action) -> Record:
    return {
        **_line(action),
        "id": action.id,
        "description": schemas.description(action),
        "input": schemas.input_schema(action),
        "output": dict(action.output),
        "examples": list(action.examples),
        "scopes": list(action.scopes),
        "role": action.role,
        "plan": action.plan,
        "docs": action.docs,
    }
