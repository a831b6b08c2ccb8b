"""SQL databases as a destination: rows of tables in SQLite and PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..declared import DeclaredConnector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..declarations import Declarations
    from .connection import SqlDestination


class SqlConnector(DeclaredConnector):
    """The connector for SQL databases."""

    def _open(self, declarations: Declarations, credential: Mapping[str, str]) -> SqlDestination:
        from .connection import SqlDestination

        return SqlDestination(declarations, credential)


connector = SqlConnector(__name__)
"""What a host finds at the entry point."""
