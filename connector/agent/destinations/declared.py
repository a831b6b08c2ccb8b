"""A connector whose declarations are one file. Its connections are all that it has to define."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...contract import Connector
from .declarations import Declarations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...contract import CredentialStore, OAuth
    from .connection import Destination
    from .declarations import DeclaredAction, DeclaredManifest


class DeclaredConnector(Connector):
    """A connector with the declarations of a package; its connections are of a class of that package.

    It must not define `__len__` or `__bool__`: for a falsy object stevedore returns the class instead.
    """

    def __init__(self, package: str) -> None:
        self._declarations = Declarations(package)

    @property
    def manifest(self) -> DeclaredManifest:
        return self._declarations.manifest

    def actions(self) -> Mapping[str, DeclaredAction]:
        return self._declarations.actions

    def oauth(self, kind: str = "oauth") -> OAuth:
        """Raise UsageError: nobody signs in to a destination in a browser."""
        from ...errors import UsageError
        from ...support.redaction import quoted

        raise UsageError(f"Credentials of the kind {quoted(kind)} need no sign-in.")

    def connect(
        self,
        credential: Mapping[str, str],
        *,
        origin: str | None = None,
        source: str = "",
        store: CredentialStore | None = None,
    ) -> Destination:
        """Return a connection, without using the network.

        The credential says where the destination is, so `origin` isn't used, and messages about it need no
        `source`.
        """
        from .credentials import load

        del origin, source
        return self._open(self._declarations, load(self.manifest, credential, store))

    def _open(self, declarations: Declarations, credential: Mapping[str, str]) -> Destination:
        """Return a connection with a checked credential."""
        raise NotImplementedError
