"""Sample events, to design a flow with before anything has happened."""

from collections.abc import Callable
from contextlib import suppress

from ..auth.identity import Identity
from ..catalog.manifest import manifest
from ..contract import Connection, Event
from ..errors import CalendlyError, InvalidParams
from .scope_assignment import assign_scopes, source_events
from .webhooks.event import make_event


def sample(connection: Connection, read_identity: Callable[[], Identity], kind: str) -> Event:
    """Return Calendly's sample of an event; the declared one if Calendly has none, or none for this token."""
    specs = manifest().triggers
    if source_events([kind], specs) == (kind,):
        identity = read_identity()
        with suppress(CalendlyError, InvalidParams, KeyError):
            assignment = assign_scopes([kind], specs, identity)[0]
            params = {"event": kind, "organization": identity.organization, "scope": assignment.scope}
            params |= {assignment.scope: assignment.owner}
            record = connection.run("sample_webhook_data.get", params).record or {}
            return make_event(kind, record["created_at"], record["payload"], record.get("created_by"))
    example = specs[kind].examples[0]
    return make_event(kind, example["created_at"], example["payload"], example["created_by"])
