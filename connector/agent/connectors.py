"""The installed connectors, by the names of their entry points."""

from typing import Any, Final

from ..contract import Connector

NAMESPACE: Final = "integration_platform.connectors"
"""The group of entry points."""

OWN: Final = "agent"
"""The agent's own connector: what it notices starts flows."""


def installed() -> dict[str, Connector]:
    """Return all installed connectors. One that can't be loaded is left out, and logged by stevedore."""
    from stevedore import ExtensionManager

    extensions: Any = ExtensionManager(NAMESPACE)
    return {extension.name: extension.plugin for extension in extensions}
