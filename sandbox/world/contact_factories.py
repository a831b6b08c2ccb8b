"""One function per record shape around contacts, as record_factories.py has them for all else. Pure.

URIs and times are taken as the text that goes out.
"""

from typing import Any

from .records import Record

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
