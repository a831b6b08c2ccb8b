"""Webhook events, their sample payloads, and the state of subscriptions. Pure."""

from typing import NamedTuple

from . import address_book, bookings, domain_events, fixtures, meeting_outcomes, times
from .records import Record
from .state import WebhookSubscription
from .world import World

SCOPES = ("organization", "user", "group")


class WebhookEventRule(NamedTuple):
    """An event's subscription scopes, the read scope it requires, and whether it needs a paid plan."""

    scopes: frozenset[str]
    read_scope: str
    paid: bool = False


_ANY = frozenset(SCOPES)
_USER, _ORGANIZATION = frozenset({"user"}), frozenset({"organization"})

WEBHOOK_EVENTS = {
    "invitee.created": WebhookEventRule(_ANY, "scheduled_events:read"),
    "invitee.canceled": WebhookEventRule(_ANY, "scheduled_events:read"),
    "invitee_no_show.created": WebhookEventRule(_ANY, "scheduled_events:read"),
    "invitee_no_show.deleted": WebhookEventRule(_ANY, "scheduled_events:read"),
    "event_type.created": WebhookEventRule(_ANY, "event_types:read"),
    "event_type.updated": WebhookEventRule(_ANY, "event_types:read"),
    "event_type.deleted": WebhookEventRule(_ANY, "event_types:read"),
    "contact.created": WebhookEventRule(_ANY, "contacts:read"),
    "contact.updated": WebhookEventRule(_ANY, "contacts:read"),
    "contact.deleted": WebhookEventRule(_ANY, "contacts:read"),
    "meeting_recap.created": WebhookEventRule(_USER, "meeting_recaps:read", paid=True),
    "meeting_recap.updated": WebhookEventRule(_USER, "meeting_recaps:read", paid=True),
    "meeting_recap.deleted": WebhookEventRule(_USER, "meeting_recaps:read", paid=True),
    "routing_form_submission.created": WebhookEventRule(_ORGANIZATION, "routing_forms:read", paid=True),
}


# Subscription states


def mark_retrying(world: World, subscription: WebhookSubscription, now: int) -> None:
    """Set `retry_started_at` unless messages are already being retried."""
    if subscription.record["retry_started_at"] is None:
        _change(world, subscription, now, retry_started_at=times.isoformat(now))


def mark_recovered(world: World, subscription: WebhookSubscription, now: int) -> None:
    """Clear `retry_started_at`, because no messages are being retried."""
    if subscription.record["retry_started_at"] is not None:
        _change(world, subscription, now, retry_started_at=None)


def disable(world: World, subscription: WebhookSubscription, now: int) -> None:
    """Disable a subscription permanently."""
    _change(world, subscription, now, state="disabled")


def _change(world: World, subscription: WebhookSubscription, now: int, **changes: str | None) -> None:
    subscription.record |= {**changes, "updated_at": times.isoformat(now)}
    world.touch()


# Sample payloads, from the fixtures of a new world


def sample_payloads(world: World) -> dict[str, Record]:
    """Return a sample payload for each event name."""
    state = world.state
    invitee = _invitee(world, fixtures.ACTIVE_INVITEE)
    no_show = invitee | {"no_show": _without_invitee(state.no_shows[fixtures.NO_SHOW].record)}
    attended = invitee | {"no_show": None}
    event_type = world.population.event_types_by_id[fixtures.INTRO_CALL].record
    deleted = times.isoformat(world.anchor)
    contact, recap = state.contacts[fixtures.CONTACT], state.recaps[fixtures.RECAP]
    payloads = {
        "invitee.created": attended,
        "invitee.canceled": _invitee(world, fixtures.CANCELED_INVITEE),
        "invitee_no_show.created": no_show,
        "invitee_no_show.deleted": attended,
        "event_type.created": domain_events.event_type_payload(event_type),
        "event_type.updated": domain_events.event_type_payload(event_type),
        "event_type.deleted": domain_events.deleted_event_type_payload(event_type, deleted),
        "routing_form_submission.created": state.submissions[fixtures.SUBMISSION_WITH_MESSAGE].record,
    }
    for name in ("contact.created", "contact.updated", "contact.deleted"):
        payloads[name] = address_book.contact_event(world, name, contact, world.anchor).payload
    for name in ("meeting_recap.created", "meeting_recap.updated", "meeting_recap.deleted"):
        payloads[name] = meeting_outcomes.recap_event(world, name, recap, world.anchor).payload
    return payloads


def _invitee(world: World, uuid: str) -> Record:
    ref = world.find_invitee(uuid)
    assert ref is not None  # noqa: S101 - added by the factory
    return bookings.invitee_event(world, "invitee.created", ref).payload


def _without_invitee(no_show: Record) -> Record:
    return {field: no_show[field] for field in ("uri", "created_at")}
