"""Files as a destination: JSON lines and CSV that are appended to, and whole files, below one folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..declared import DeclaredConnector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..declarations import Declarations
    from .connection import FileDestination


class FileConnector(DeclaredConnector):
    """The connector for files."""

    def _open(self, declarations: Declarations, credential: Mapping[str, str]) -> FileDestination:
        from .connection import FileDestination

        return FileDestination(declarations, credential)


connector = FileConnector(__name__)
"""What a host finds at the entry point."""
