"""Connections of flows: connectors by their entry points, credentials by their names in a store."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from ...contract import Connection, Connector, CredentialStore
from ..connectors import NAMESPACE
from ..flows.model import FlowConnection
from .outcomes import ConnectorMissing


def installed(name: str) -> Connector:
    """Return an installed connector. Raises ConnectorMissing."""
    from stevedore import DriverManager
    from stevedore.exception import NoMatches

    try:
        driver: Any = DriverManager(NAMESPACE, name).driver
    except (ImportError, NoMatches, RuntimeError):
        raise ConnectorMissing(
            f"The connector {name!r} isn't installed, or can't be loaded.",
            fix="Install the package that has it, then restart the agent.",
        ) from None
    return cast("Connector", driver)


class Connections:
    """Opens the connections that flows name. `origins` are for sandboxes, by the name of the connector.

    A credential is read when its connection is opened, so a new one is used from the next step on.
    """

    def __init__(
        self,
        load: Callable[[str], Connector] = installed,
        store: CredentialStore | None = None,
        origins: Mapping[str, str] | None = None,
    ) -> None:
        self._load = load
        self._store = store
        self._origins = origins or {}
        self._connectors: dict[str, Connector] = {}

    def connector(self, name: str) -> Connector:
        """Return a connector. Raises ConnectorMissing."""
        if name not in self._connectors:
            self._connectors[name] = self._load(name)
        return self._connectors[name]

    def open(self, wanted: FlowConnection) -> Connection:
        """Open a connection, without using the network. Raises an error if it can't be used."""
        connector = self.connector(wanted.connector)
        stored = {"kind": "stored", "name": wanted.credential}
        return connector.connect(
            stored if wanted.credential else _without_fields(connector),
            origin=self._origins.get(wanted.connector),
            source=f"the credential {wanted.credential!r}" if wanted.credential else "",
            store=self._store,
        )


def _without_fields(connector: Connector) -> dict[str, str]:
    """Return the credential of a connector that needs none: its first kind that requires no field."""
    for kind in connector.manifest.credentials.values():
        if not kind.needs_sign_in and not any(field.required for field in kind.fields):
            return {"kind": kind.id}
    return {}
