"""Build records related to contacts, one function per type; see `record_factories` for all others. Pure.

URIs and times are strings, as in the records.
"""

from typing import Any

from .records import Record

CONTACT_TEXTS = ("name", "timezone", "job_title", "company", "country", "state", "city", "linkedin")
"""The fields of a contact that are a string or null."""


def contact(uri: str, *, created_at: str, **fields: Any) -> Record:
    """Return a Contact without the dates of meetings; `fields` override defaults."""
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
    """Return a ContactCustomField."""
    return {"uri": definition["uri"], "label": definition["label"], "value": value}


def definition(uri: str, *, label: str, field_type: str, created_at: str, **fields: Any) -> Record:
    """Return a CustomFieldDefinition."""
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
    """Return a ContactList without its count."""
    return {
        "uri": uri,
        "name": name,
        "type": kind,
        "contact_count": None,
        "created_at": created_at,
        "updated_at": created_at,
    }


def note(uri: str, *, contact: str, created_at: str, **fields: Any) -> Record:
    """Return a Note; `fields` are title, body and remind_at."""
    return {
        "uri": uri,
        "contact": contact,
        "title": None,
        "body": None,
        "remind_at": None,
        "created_at": created_at,
        "updated_at": created_at,
    } | fields
