"""The record shapes beside meetings, as shapes.py has them for meetings. Pure.

URIs and times are taken as the text that goes out.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from .shapes import NO_TRACKING, SCHEDULING_ORIGIN, Record

CONTACT_TEXTS = ("name", "timezone", "job_title", "company", "country", "state", "city", "linkedin")
"""The fields of a contact that are a text or null."""


def contact(uri: str, *, created_at: str, **fields: Any) -> Record:
    """Make a Contact without what follows from meetings; `fields` replace any default."""
    return {
        "uri": uri,
        "emails": [],
        "phone_numbers": [],
        **dict.fromkeys(CONTACT_TEXTS),
        "custom_fields": [],
        "created_at": created_at,
        "updated_at": created_at,
    } | fields


def custom_field(definition: Record, value: Any) -> Record:
    """Make a ContactCustomField."""
    return {"uri": definition["uri"], "label": definition["label"], "value": value}


def definition(uri: str, *, label: str, field_type: str, created_at: str, **fields: Any) -> Record:
    """Make a CustomFieldDefinition."""
    return {
        "uri": uri,
        "label": label,
        "field_type": field_type,
        "currency": None,
        "options": [],
        "source": None,
        "created_at": created_at,
        "updated_at": created_at,
    } | fields


def contact_list(uri: str, *, name: str, kind: str, created_at: str) -> Record:
    """Make a ContactList without its count."""
    return {
        "uri": uri,
        "name": name,
        "type": kind,
        "contact_count": None,
        "created_at": created_at,
        "updated_at": created_at,
    }


def note(uri: str, *, contact: str, created_at: str, **fields: Any) -> Record:
    """Make a Note; `fields` are title, body and remind_at."""
    return {
        "uri": uri,
        "contact": contact,
        "title": None,
        "body": None,
        "remind_at": None,
        "created_at": created_at,
        "updated_at": created_at,
    } | fields


def form(uri: str, *, organization: str, name: str, status: str, **fields: Any) -> Record:
    """Make a RoutingForm; `fields` are questions, created_at and updated_at."""
    return {"uri": uri, "organization": organization, "name": name, "status": status, **fields}


def form_question(uuid: str, name: str, kind: str, choices: Sequence[str] | None) -> Record:
    """Make a RoutingFormQuestion."""
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
    """Make a RoutingFormSubmission; `fields` replace tracking, submitter and the like."""
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
    """Make a MeetingRecap without content."""
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
    """Make what an available MeetingRecap has and others lack."""
    return {
        "summary_md": "## Summary\nPricing talk.",
        "action_items_md": "- Ada sends an offer",
        "discussion_md": "### Pricing\n40 seats.",
        "transcript": f"{uri}/transcript",
        "share_link": f"{SCHEDULING_ORIGIN}/recaps/{share}",
    }


def no_show(uri: str, *, invitee: str, created_at: str) -> Record:
    """Make an InviteeNoShow."""
    return {"uri": uri, "invitee": invitee, "created_at": created_at}


def log_entry(uri: str, *, occurred_at: str, actor: Record, name: str, details: Record) -> Record:
    """Make an ActivityLogEntry; `name` is `Namespace.Action`."""
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
