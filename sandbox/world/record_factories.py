"""Build the records of the API, one function per type. Pure.

URIs and times are strings, as in the records.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from .records import NO_TRACKING, SCHEDULING_ORIGIN, Record, slug_of


def user(uri: str, *, name: str, email: str, organization: str, created_at: str, updated_at: str) -> Record:
    """Return a User."""
    slug = slug_of(name)
    return {
        "uri": uri,
        "name": name,
        "slug": slug,
        "email": email,
        "scheduling_url": f"{SCHEDULING_ORIGIN}/{slug}",
        "timezone": "Europe/Berlin",
        "time_notation": "24h",
        "avatar_url": None,
        "created_at": created_at,
        "updated_at": updated_at,
        "current_organization": organization,
        "resource_type": "User",
        "locale": "en",
    }


_MEMBER_FIELDS = (
    "uri",
    "name",
    "slug",
    "email",
    "scheduling_url",
    "timezone",
    "avatar_url",
    "locale",
    "created_at",
    "updated_at",
)


def membership(uri: str, *, role: str, user: Record, joined_at: str) -> Record:
    """Return the OrganizationMembership of a User."""
    return {
        "uri": uri,
        "role": role,
        "user": {field: user[field] for field in _MEMBER_FIELDS},
        "organization": user["current_organization"],
        "created_at": joined_at,
        "updated_at": joined_at,
    }


def question(name: str, position: int, *, choices: tuple[str, ...] = (), required: bool = False) -> Record:
    """Return a custom question: multiple choice if it has choices, otherwise text."""
    return {
        "name": name,
        "type": "multi_select" if choices else "text",
        "position": position,
        "enabled": True,
        "required": required,
        "answer_choices": list(choices),
        "include_other": bool(choices),
    }


def event_type(uri: str, *, name: str, created_at: str, updated_at: str, page: str, **changes: Any) -> Record:
    """Return an EventType; `page` is the path of its booking page, `changes` override defaults."""
    return {
        "uri": uri,
        "name": name,
        "active": True,
        "admin_managed": False,
        "booking_method": "instant",
        "color": "#0099ff",
        "created_at": created_at,
        "updated_at": updated_at,
        "deleted_at": None,
        "description_html": "<p>A first talk.</p>",
        "description_plain": "A first talk.",
        "duration": 30,
        "duration_options": None,
        "internal_note": None,
        "is_paid": False,
        "kind": "solo",
        "locale": "en",
        "locations": [
            {"kind": "zoom_conference"},
            {"kind": "physical", "location": "Torstr. 1, Berlin", "additional_info": "2nd floor"},
            {"kind": "ask_invitee"},
        ],
        "pooling_type": None,
        "position": 0,
        "profile": None,
        "scheduling_url": f"{SCHEDULING_ORIGIN}/{page}",
        "secret": False,
        "slug": page.rpartition("/")[2],
        "type": "StandardEventType",
        "custom_questions": [question("What would you like to discuss?", 0, required=True)],
        "start_time_increment": 30,
        "before_buffer": 0,
        "after_buffer": 15,
    } | changes


def host(user: Record, buffered_start_time: str, buffered_end_time: str) -> Record:
    """Return an EventMembership, one host of an event."""
    return {
        "user": user["uri"],
        "user_email": user["email"],
        "user_name": user["name"],
        "buffered_start_time": buffered_start_time,
        "buffered_end_time": buffered_end_time,
    }


def event(
    uri: str, *, event_type: Record, location: Record | None, hosts: list[Record], **times: str
) -> Record:
    """Return an active Event without invitees; `times` are start_time, end_time, created_at, updated_at."""
    return {
        "uri": uri,
        "name": event_type["name"],
        "meeting_notes_plain": None,
        "meeting_notes_html": None,
        "status": "active",
        "start_time": times["start_time"],
        "end_time": times["end_time"],
        "event_type": event_type["uri"],
        "location": location,
        "invitees_counter": {"total": 0, "active": 0, "limit": 1},
        "created_at": times["created_at"],
        "updated_at": times["updated_at"],
        "event_memberships": hosts,
        "event_guests": [],
        "calendar_event": None,
    }


def invitee(event_uri: str, uuid: str, *, email: str, name: str, created_at: str, **changes: Any) -> Record:
    """Return an active Invitee; `changes` override defaults."""
    return {
        "uri": f"{event_uri}/invitees/{uuid}",
        "email": email,
        "first_name": None,
        "last_name": None,
        "name": name,
        "status": "active",
        "questions_and_answers": [],
        "timezone": "Europe/Amsterdam",
        "event": event_uri,
        "created_at": created_at,
        "updated_at": created_at,
        "tracking": NO_TRACKING,
        "text_reminder_number": None,
        "rescheduled": False,
        "old_invitee": None,
        "new_invitee": None,
        "cancel_url": f"{SCHEDULING_ORIGIN}/cancellations/{uuid}",
        "reschedule_url": f"{SCHEDULING_ORIGIN}/reschedulings/{uuid}",
        "routing_form_submission": None,
        "payment": None,
        "no_show": None,
        "reconfirmation": None,
        "scheduling_method": None,
        "invitee_scheduled_by": None,
    } | changes


def share(uri: str, *, event_type: Record, booking_url: str, **fields: Any) -> Record:
    """Return a Share; `fields` are contact, created_at, status and share_override."""
    return {
        "uri": uri,
        "scheduling_links": [scheduling_link(booking_url, event_type)],
        "contact": fields["contact"],
        "created_at": fields["created_at"],
        "status": fields["status"],
        "share_override": fields["share_override"],
    }


def scheduling_link(booking_url: str, event_type: Record) -> Record:
    """Return a SchedulingLink to an EventType."""
    return {"booking_url": booking_url, "owner": event_type["uri"], "owner_type": "EventType"}


def cancellation(canceled_by: str, canceler_type: str, reason: str | None, created_at: str) -> Record:
    """Return a Cancellation; `canceler_type` is host or invitee."""
    return {
        "canceled_by": canceled_by,
        "reason": reason,
        "canceler_type": canceler_type,
        "created_at": created_at,
    }


def answer(question: Record, text: str) -> Record:
    """Return an answer to a custom question."""
    return {"question": question["name"], "answer": text, "position": question["position"]}


def subscription(uri: str, *, created_at: str, **fields: Any) -> Record:
    """Return an active WebhookSubscription; `fields` are `url` and fields of the record."""
    return {
        "uri": uri,
        "callback_url": fields["url"],
        "created_at": created_at,
        "updated_at": created_at,
        "retry_started_at": None,
        "state": "active",
        "events": fields["events"],
        "scope": fields["scope"],
        "organization": fields["organization"],
        "user": fields.get("user"),
        "group": fields.get("group"),
        "creator": fields["creator"],
    }


_ZOOM: Record = {
    "type": "zoom",
    "status": "pushed",
    "join_url": "https://zoom.example/j/91234567890?pwd=x",
    "data": {
        "id": 91234567890,
        "settings": {
            "global_dial_in_numbers": [{"country": "DE", "number": "+49 69 0000 0000", "type": "toll"}]
        },
        "extra": {"intl_numbers_url": "https://zoom.example/u/abc"},
        "password": "402913",
    },
}

_CONFERENCES = {
    "zoom_conference": "zoom",
    "gotomeeting_conference": "gotomeeting",
}  # kind -> type, if they differ


def event_location(kind: Record, invitee_location: str) -> Record:
    """Return an Event's location for one of an event type; `invitee_location` is the invitee's input."""
    name: str = kind["kind"]
    if name == "zoom_conference":
        return _ZOOM
    if name.endswith("_conference"):
        join_url = f"https://meet.example/{quote(invitee_location.lower().replace(' ', '-'), safe='')}"
        return conference(_CONFERENCES.get(name, name), "pushed", join_url)
    if name == "physical":
        address = {field: kind.get(field) for field in ("location", "additional_info")}
        return {"type": name, **address}
    return {"type": name, "location": kind.get("phone_number") or kind.get("location") or invitee_location}


def conference(kind: str, status: str, join_url: str | None = None) -> Record:
    """Return the location of an Event with a conference."""
    return {"type": kind, "status": status, "join_url": join_url, "data": None}


def organization(uri: str, *, name: str, kind: str, plan: str, stage: str, **stamps: str) -> Record:
    """Return an Organization; `stamps` are created_at and updated_at."""
    return {"uri": uri, "name": name, "kind": kind, "plan": plan, "stage": stage, **stamps}


def team(uri: str, name: str, organization: str, page: str) -> Record:
    """Return a Team; `page` is the path of its booking page."""
    return {
        "uri": uri,
        "name": name,
        "organization": organization,
        "scheduling_url": f"{SCHEDULING_ORIGIN}/{page}",
    }


def invitation(uri: str, organization: str, email: str, moment: str) -> Record:
    """Return a pending OrganizationInvitation."""
    return {
        "uri": uri,
        "organization": organization,
        "email": email,
        "status": "pending",
        "created_at": moment,
        "updated_at": moment,
        "last_sent_at": moment,
    }


def form(uri: str, *, organization: str, name: str, status: str, **fields: Any) -> Record:
    """Return a RoutingForm; `fields` are questions, created_at and updated_at."""
    return {"uri": uri, "organization": organization, "name": name, "status": status, **fields}


def form_question(uuid: str, name: str, kind: str, choices: Sequence[str] | None) -> Record:
    """Return a RoutingFormQuestion."""
    return {
        "uuid": uuid,
        "name": name,
        "type": kind,
        "required": True,
        "answer_choices": None if choices is None else list(choices),
    }


def submission(
    uri: str, form: Record, answers: Iterable[str | None], *, result: Record, created_at: str, **fields: Any
) -> Record:
    """Return a RoutingFormSubmission; `fields` override tracking, submitter and other defaults."""
    return {
        "uri": uri,
        "routing_form": form["uri"],
        "questions_and_answers": [
            {"question_uuid": question["uuid"], "question": question["name"], "answer": answer}
            for question, answer in zip(form["questions"], answers, strict=True)
        ],
        "tracking": NO_TRACKING,
        "result": result,
        "submitter": None,
        "submitter_type": None,
        "created_at": created_at,
        "updated_at": created_at,
    } | fields


def recap(uri: str, event: Record, invitees: Iterable[Record], *, status: str, created_at: str) -> Record:
    """Return a MeetingRecap without content."""
    attendees = [(True, host["user_email"], host["user_name"]) for host in event["event_memberships"]]
    attendees += [(False, invitee["email"], invitee["name"]) for invitee in invitees]
    return {
        "uri": uri,
        "event": event["uri"],
        "status": status,
        "name": event["name"],
        "location": event["location"],
        "start_time": event["start_time"],
        "end_time": event["end_time"],
        "created_at": created_at,
        "updated_at": created_at,
        "attendees": [
            {"host": host, "user_email": email, "user_name": name} for host, email, name in attendees
        ],
        "summary_md": None,
        "action_items_md": None,
        "discussion_md": None,
        "transcript": None,
        "share_link": None,
    }


def recap_content(uri: str, share: str) -> Record:
    """Return the fields that only a MeetingRecap with the status Available has."""
    return {
        "summary_md": "## Summary\nPricing talk.",
        "action_items_md": "- Ada sends an offer",
        "discussion_md": "### Pricing\n40 seats.",
        "transcript": f"{uri}/transcript",
        "share_link": f"{SCHEDULING_ORIGIN}/recaps/{share}",
    }


def no_show(uri: str, *, invitee: str, created_at: str) -> Record:
    """Return an InviteeNoShow."""
    return {"uri": uri, "invitee": invitee, "created_at": created_at}


def log_entry(uri: str, *, occurred_at: str, actor: Record, name: str, details: Record) -> Record:
    """Return an ActivityLogEntry; `name` is `Namespace.Action`."""
    namespace, _, action = name.partition(".")
    return {
        "uri": uri,
        "occurred_at": occurred_at,
        "actor": actor,
        "details": details,
        "fully_qualified_name": name,
        "namespace": namespace,
        "action": action,
        "organization": actor["organization"]["uri"],
    }
