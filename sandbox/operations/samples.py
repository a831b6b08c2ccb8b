"""Sample webhook data: the envelope that a subscription of a scope would be sent for an event."""

from .. import errors
from ..api.calls import Bare, Call, Route
from ..api.parameters import Parameter, choice, uri
from ..world import times
from ..world.webhook_events import SCOPES, WEBHOOK_EVENTS
from .webhook_subscriptions import require_reach


def get_sample(call: Call) -> Bare:
    """Give a made-up message; it is about the cast, whoever asks."""
    query = call.query
    event, scope = query["event"], query["scope"]
    if scope != "organization" and query[scope] is None:
        raise errors.invalid(errors.detail(f"is required when scope is {scope}", scope))
    if scope not in WEBHOOK_EVENTS[event].allowed:
        raise errors.invalid(errors.detail(f"{event} is not allowed for scope {scope}", "event"))
    require_reach(call, scope, query["organization"], query.get(scope))
    return Bare(
        {
            "created_at": times.write(call.now),
            "created_by": call.caller.member.user["uri"],
            "event": event,
            "payload": call.world.samples[event],
        }
    )


ROUTES = (
    Route(
        "GET /sample_webhook_data",
        "sample_webhook_data.get",
        ("webhooks:read",),
        get_sample,
        (
            Parameter("event", choice(*WEBHOOK_EVENTS), required=True),
            Parameter("organization", uri("organizations"), required=True),
            Parameter("scope", choice(*SCOPES), required=True),
            Parameter("user", uri("users")),
            Parameter("group", uri("groups")),
        ),
    ),
)
