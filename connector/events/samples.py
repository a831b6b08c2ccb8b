"""Events to design a flow with, before anything has happened."""

from contextlib import suppress

from ..catalog.manifest import manifest
from ..contract import Connection, Event
from ..errors import CalendlyError, InvalidParams
from .matcher import Matcher
from .scope_assignment import share_out, told_by
from .webhooks.event import make_event


def sample(connection: Connection, matcher: Matcher, kind: str) -> Event:
    """Give Calendly's own sample of an event; ours where it has none, or gives none to this token."""
    triggers = manifest().triggers
    if told_by([kind], triggers) == (kind,):
        reach = matcher.reach()
        # To a token that may not have it, or where there is none, the declared one is as good.
        with suppress(CalendlyError, InvalidParams, KeyError):
            share = share_out([kind], triggers, reach)[0]
            asked = {"event": kind, "organization": reach.organization, "scope": share.scope}
            asked |= {share.scope: share.owner}
            record = connection.run("sample_webhook_data.get", asked).record or {}
            return make_event(kind, record["created_at"], record["payload"], record.get("created_by"))
    told = triggers[kind].examples[0]
    return make_event(kind, told["created_at"], told["payload"], told["created_by"])
