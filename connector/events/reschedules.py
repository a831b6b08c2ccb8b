"""A reschedule: Calendly cancels one invitee and creates another, and each half names its partner. Pure."""

from typing import Final

from ..contract import Event, Record
from .webhooks.event import make_event

RESCHEDULED: Final = "invitee.rescheduled"
_PARTNER: Final = {"invitee.canceled": "new_invitee", "invitee.created": "old_invitee"}


def partner(event: Event) -> str | None:
    """Give the URI of the other half's invitee; None for what is no half of a reschedule."""
    uri = event.payload.get(_PARTNER.get(event.kind, ""))
    return uri if isinstance(uri, str) and uri else None


def partner_id(event: Event) -> str:
    """Give the event id of the other half."""
    other = "invitee.created" if event.kind == "invitee.canceled" else "invitee.canceled"
    return make_event(other, "", {"uri": partner(event)}).id


def joined_id(event: Event) -> str:
    """Give the id of the reschedule that a half belongs to: that of its new invitee."""
    new = event.payload.get("uri") if event.kind == "invitee.created" else partner(event)
    return make_event(RESCHEDULED, "", {"new": {"uri": new}}).id


def join(half: Event, other: Record) -> Event:
    """Give the reschedule of a half and its partner's payload; both halves give the same."""
    old, new = (half.payload, other) if half.kind == "invitee.canceled" else (other, half.payload)
    told = new.get("created_at")
    created_at = told if isinstance(told, str) else half.created_at
    return make_event(RESCHEDULED, created_at, {"old": old, "new": new}, half.created_by)
