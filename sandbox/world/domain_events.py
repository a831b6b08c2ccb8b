"""Events for webhook subscriptions, with one function per documented payload. Pure."""

from dataclasses import dataclass

from .records import Record

_NOT_IN_EVENTS = {"calendar_event"}
_NOT_IN_EVENT_TYPES = {"description_html"}
_HOST_FIELDS = ("user", "user_email", "user_name")
_RECAP_EVENT_FIELDS = ("name", "start_time", "end_time", "location", "attendees")
_RECAP_FIELDS = ("uri", "transcript", "summary_md", "action_items_md", "discussion_md", "share_link")
_STAMPS = ("created_at", "updated_at")
_NOT_IN_CONTACTS = {"first_email_date", "last_email_date"}


@dataclass(frozen=True)
class DomainEvent:
    """An event in an organization that concerns `members` (user numbers)."""

    name: str
    payload: Record
    organization: int
    members: tuple[int, ...] = ()


def invitee_payload(event: Record, invitee: Record) -> Record:
    """Return the payload of `invitee.*` and `invitee_no_show.*`."""
    scheduled_event = {field: value for field, value in event.items() if field not in _NOT_IN_EVENTS}
    scheduled_event["event_memberships"] = [
        {field: host[field] for field in _HOST_FIELDS} for host in event["event_memberships"]
    ]
    return invitee | {"scheduled_event": scheduled_event}


def event_type_payload(event_type: Record) -> Record:
    """Return the payload of `event_type.created` and `event_type.updated`."""
    return {field: value for field, value in event_type.items() if field not in _NOT_IN_EVENT_TYPES}


def deleted_event_type_payload(event_type: Record, deleted_at: str) -> Record:
    """Return the payload of `event_type.deleted`."""
    return event_type_payload(event_type | {"deleted_at": deleted_at, "active": False})


def contact_payload(user_uuid: str, contact: Record, creation_source: str) -> Record:
    """Return the payload of `contact.created` and `contact.updated`."""
    fields = {field: value for field, value in contact.items() if field not in _NOT_IN_CONTACTS}
    return {"user_uuid": user_uuid, "contact": fields | {"creation_source": creation_source}}


def deleted_contact_payload(user_uuid: str, contact: Record, deleted_at: str) -> Record:
    """Return the payload of `contact.deleted`."""
    return {"user_uuid": user_uuid, "contact": {"uri": contact["uri"], "deleted_at": deleted_at}}


def recap_payload(recap: Record) -> Record:
    """Return the payload of `meeting_recap.created` and `meeting_recap.updated`."""
    return {
        "created_at": recap["created_at"],
        "event": {"uri": recap["event"]} | {field: recap[field] for field in _RECAP_EVENT_FIELDS},
        "recap": {field: recap[field] for field in (*_RECAP_FIELDS, *_STAMPS)},
    }


def deleted_recap_payload(recap: Record, deleted_at: str) -> Record:
    """Return the payload of `meeting_recap.deleted`."""
    return {"event": {"uri": recap["event"]}, "recap": {"uri": recap["uri"], "deleted_at": deleted_at}}
