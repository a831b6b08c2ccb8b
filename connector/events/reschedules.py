"""A reschedule: Calendly cancels one invitee and creates another, and each half names the other. Pure."""

from typing import Final

from ..contract import Event, Record
from .webhooks.event import make_event

RESCHEDULED: Final = "invitee.rescheduled"
_OTHER_INVITEE: Final = {"invitee.canceled": "new_invitee", "invitee.created": "old_invitee"}


def other_invitee(event: Event) -> str | None:
    """Return the URI of the other half's invitee; None if the event isn't half of a reschedule."""
    uri = event.payload.get(_OTHER_INVITEE.get(event.kind, ""))
    return uri if isinstance(uri, str) and uri else None


def other_half_id(event: Event) -> str:
    """Return the event id of the other half."""
    other = "invitee.created" if event.kind == "invitee.canceled" else "invitee.canceled"
    return make_event(other, "", {"uri": other_invitee(event)}).id


def reschedule_id(event: Event) -> str:
    """Return the id of the reschedule that a half belongs to: it is made from the new invitee."""
    new = event.payload.get("uri") if event.kind == "invitee.created" else other_invitee(event)
    return make_event(RESCHEDULED, "", {"new": {"uri": new}}).id


def join(half: Event, other: Record) -> Event:
    """Return the reschedule of a half and the other half's payload; both halves lead to the same one."""
    old, new = (half.payload, other) if half.kind == "invitee.canceled" else (other, half.payload)
    created_at = new.get("created_at")
    if not isinstance(created_at, str):
        created_at = half.created_at
    return make_event(RESCHEDULED, created_at, {"old": old, "new": new}, half.created_by)
