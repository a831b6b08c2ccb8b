"""Notes about contacts: private, each user sees their own alone."""

from collections.abc import Iterator
from typing import Any

from .. import errors
from ..api import access
from ..api.body_rules import MOMENT, Field, Form, Origins, Rule, text, uri
from ..api.calls import Call, Many, One, Route
from ..api.parameters import PAGING, Parameter
from ..api.parameters import uri as uri_parameter
from ..errors import Body, detail
from ..world import office_shapes, times
from ..world.holdings import Note
from ..world.listings import sorted_shelf
from ..world.shapes import Record

_MOST_CONTACTS = 10


def list_notes(call: Call) -> Many:
    """Give the caller's notes about some contacts, the latest first; unknown contacts have none."""
    own = call.caller.member.number
    notes = [
        note.record
        for note in call.world.holdings.notes.values()
        if note.owner == own and note.contact in call.query["contact"]
    ]
    return Many(sorted_shelf(notes, [("updated_at", True)]))


def create_note(call: Call) -> One:
    """Write a note; reminders are for paid plans."""
    contact = access.own_contact(call.world, call.caller, call.body["contact"])
    fields = {name: call.body.get(name) for name in ("title", "body")}
    if "remind_at" in call.body:
        access.require_paid(call.caller)
        fields["remind_at"] = times.write(call.body["remind_at"])
    uuid = call.world.new_uuid("note")
    record = office_shapes.note(
        call.world.links.to("notes", uuid),
        contact=contact.record["uri"],
        created_at=times.write(call.now),
        **fields,
    )
    call.world.holdings.notes[uuid] = Note(contact.owner, contact.uuid, record)
    call.world.touch()
    return One(record, status=201)


def _says_something(body: Record) -> Iterator[Body]:
    if "title" not in body and "body" not in body:
        yield detail("title or body is required")


def get_note(call: Call) -> One:
    """Give one note of the caller's."""
    note = call.world.holdings.notes.get(call.ids["uuid"])
    if note is None or note.owner != call.caller.member.number:
        raise errors.not_found()
    return One(note.record)


def _trimmed(most: int) -> Rule:
    rule = text(least=1, most=most)

    def read(value: Any, origins: Origins) -> Any:
        return rule(value.strip() if isinstance(value, str) else value, origins)

    return read


_NEW_NOTE = Form(
    (
        Field("contact", uri("contacts"), required=True),
        Field("title", _trimmed(255), null_in_reply=True),
        Field("body", _trimmed(10_000), null_in_reply=True),
        Field("remind_at", MOMENT, null_in_reply=True),
    ),
    check=_says_something,
)

ROUTES = (
    Route(
        "GET /notes",
        "notes.list",
        ("contacts:read",),
        list_notes,
        (Parameter("contact", uri_parameter("contacts"), required=True, most=_MOST_CONTACTS), *PAGING),
        strict=True,
    ),
    Route("POST /notes", "notes.create", ("contacts:write",), create_note, body=_NEW_NOTE),
    Route("GET /notes/{uuid}", "notes.get", ("contacts:read",), get_note),
)
