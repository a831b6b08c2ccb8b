"""HTTP as a destination: any JSON API, and webhooks such as Slack's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..declared import DeclaredConnector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..declarations import Declarations
    from .connection import HttpDestination


class HttpConnector(DeclaredConnector):
    """The connector for HTTP."""

    def _open(self, declarations: Declarations, credential: Mapping[str, str]) -> HttpDestination:
        from .connection import HttpDestination

        return HttpDestination(declarations, credential)


connector = HttpConnector(__name__)
"""What a host finds at the entry point."""
