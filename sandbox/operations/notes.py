"""Private notes about contacts; each user sees only their own."""

from collections.abc import Iterator
from typing import Any

from .. import errors
from ..api import access
from ..api.body_schema import MOMENT, BodyField, BodySchema, Origins, Rule, text, uri
from ..api.calls import ApiCall, PagedList, Route, SingleRecord
from ..api.parameters import PAGING, Parameter
from ..api.parameters import uri as uri_parameter
from ..errors import Body, detail
from ..world import contact_factories, times
from ..world.listings import sorted_listing
from ..world.records import Record
from ..world.state import Note

_MAX_CONTACTS = 10


def list_notes(call: ApiCall) -> PagedList:
    """List the caller's notes about some contacts, newest first; unknown contacts have none."""
    own = call.caller.member.number
    notes = [
        note.record
        for note in call.world.state.notes.values()
        if note.owner == own and note.contact in call.query["contact"]
    ]
    return PagedList(sorted_listing(notes, [("updated_at", True)]))


def create_note(call: ApiCall) -> SingleRecord:
    """Create a note; reminders need a paid plan."""
    contact = access.own_contact(call.world, call.caller, call.body["contact"])
    fields = {name: call.body.get(name) for name in ("title", "body")}
    if "remind_at" in call.body:
        access.require_paid(call.caller)
        fields["remind_at"] = times.isoformat(call.body["remind_at"])
    uuid = call.world.new_uuid("note")
    record = contact_factories.note(
        call.world.uris.build("notes", uuid),
        contact=contact.record["uri"],
        created_at=times.isoformat(call.now),
        **fields,
    )
    call.world.state.notes[uuid] = Note(contact.owner, contact.uuid, record)
    call.world.touch()
    return SingleRecord(record, status=201)


def _content_problems(body: Record) -> Iterator[Body]:
    if "title" not in body and "body" not in body:
        yield detail("title or body is required")


def get_note(call: ApiCall) -> SingleRecord:
    """Get one of the caller's notes."""
    note = call.world.state.notes.get(call.ids["uuid"])
    if note is None or note.owner != call.caller.member.number:
        raise errors.not_found()
    return SingleRecord(note.record)


def _trimmed(max_length: int) -> Rule:
    rule = text(min_length=1, max_length=max_length)

    def read(value: Any, origins: Origins) -> Any:
        return rule(value.strip() if isinstance(value, str) else value, origins)

    return read


_NEW_NOTE = BodySchema(
    (
        BodyField("contact", uri("contacts"), required=True),
        BodyField("title", _trimmed(255), null_in_reply=True),
        BodyField("body", _trimmed(10_000), null_in_reply=True),
        BodyField("remind_at", MOMENT, null_in_reply=True),
    ),
    check=_content_problems,
)

ROUTES = (
    Route(
        "GET /notes",
        "notes.list",
        ("contacts:read",),
        list_notes,
        (Parameter("contact", uri_parameter("contacts"), required=True, max_count=_MAX_CONTACTS), *PAGING),
        strict=True,
    ),
    Route("POST /notes", "notes.create", ("contacts:write",), create_note, body=_NEW_NOTE),
    Route("GET /notes/{uuid}", "notes.get", ("contacts:read",), get_note),
)
