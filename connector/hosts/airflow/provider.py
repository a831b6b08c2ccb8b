"""The provider's entry point. Every Airflow process imports this module, so it imports nothing heavy."""

from typing import Any

from ...catalog.manifest import manifest
from . import connection_form

_PACKAGE = __package__ or ""


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata: its connection type and its modules."""
    card = manifest()
    return {
        "package-name": "calendly-connector",
        "name": card.name,
        "description": card.summary,
        "integrations": [{"integration-name": card.name, "external-doc-url": card.docs, "tags": ["service"]}],
        **{
            part: [{"integration-name": card.name, "python-modules": [f"{_PACKAGE}.{part}"]}]
            for part in ("hooks", "operators", "sensors", "triggers")
        },
        "connection-types": [
            {
                "connection-type": card.id,
                "hook-class-name": f"{_PACKAGE}.hooks.CalendlyHook",
                "hook-name": card.name,
                "conn-fields": connection_form.conn_fields(),
                "ui-field-behaviour": connection_form.ui_behaviour(),
            }
        ],
    }
