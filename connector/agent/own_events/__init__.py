"""The agent as a connector of its own: what it notices starts flows, and flows write to its log.

Hosts find it by the entry point `agent`. Its events come from the watch over webhooks
(`engine/webhook_watch.py`), which starts the flows that name them; nothing is posted, and nothing is polled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..destinations.declared import DeclaredConnector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..destinations.declarations import Declarations
    from .connection import AgentConnection


class AgentConnector(DeclaredConnector):
    """The connector of the agent itself."""

    def _open(self, declarations: Declarations, credential: Mapping[str, str]) -> AgentConnection:
        from .connection import AgentConnection

        return AgentConnection(declarations, credential)


connector = AgentConnector(__name__)
"""What a host finds at the entry point."""
