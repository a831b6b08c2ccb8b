"""The events a webhook can be subscribed to, and what each asks of the subscriber. Data."""

from typing import NamedTuple

SCOPES = ("organization", "user", "group")


class WebhookEvent(NamedTuple):
    """Which subscription scopes an event allows, the read scope it needs, whether only paid plans have it."""

    allowed: frozenset[str]
    needs: str
    paid: bool = False


_ANY = frozenset(SCOPES)
_USER, _ORGANIZATION = frozenset({"user"}), frozenset({"organization"})

WEBHOOK_EVENTS = {
    "invitee.created": WebhookEvent(_ANY, "scheduled_events:read"),
    "invitee.canceled": WebhookEvent(_ANY, "scheduled_events:read"),
    "invitee_no_show.created": WebhookEvent(_ANY, "scheduled_events:read"),
    "invitee_no_show.deleted": WebhookEvent(_ANY, "scheduled_events:read"),
    "event_type.created": WebhookEvent(_ANY, "event_types:read"),
    "event_type.updated": WebhookEvent(_ANY, "event_types:read"),
    "event_type.deleted": WebhookEvent(_ANY, "event_types:read"),
    "contact.created": WebhookEvent(_ANY, "contacts:read"),
    "contact.updated": WebhookEvent(_ANY, "contacts:read"),
    "contact.deleted": WebhookEvent(_ANY, "contacts:read"),
    "meeting_recap.created": WebhookEvent(_USER, "meeting_recaps:read", paid=True),
    "meeting_recap.updated": WebhookEvent(_USER, "meeting_recaps:read", paid=True),
    "meeting_recap.deleted": WebhookEvent(_USER, "meeting_recaps:read", paid=True),
    "routing_form_submission.created": WebhookEvent(_ORGANIZATION, "routing_forms:read", paid=True),
}
