"""What Airflow asks of a provider. Every process of Airflow imports this: nothing heavy belongs here."""

from typing import Any

from ...catalog.manifest import manifest
from . import connection_form

_HERE = __package__ or ""


def get_provider_info() -> dict[str, Any]:
    """Describe the provider: its connection form, and where its hook, operators, sensor and trigger are."""
    card = manifest()
    integration = card.name
    return {
        "package-name": "calendly-connector",
        "name": card.name,
        "description": card.summary,
        "integrations": [
            {"integration-name": integration, "external-doc-url": card.docs, "tags": ["service"]}
        ],
        **{
            part: [{"integration-name": integration, "python-modules": [f"{_HERE}.{part}"]}]
            for part in ("hooks", "operators", "sensors", "triggers")
        },
        "connection-types": [
            {
                "connection-type": card.id,
                "hook-class-name": f"{_HERE}.hooks.CalendlyHook",
                "hook-name": card.name,
                "conn-fields": connection_form.conn_fields(),
                "ui-field-behaviour": connection_form.behaviour(),
            }
        ],
    }
