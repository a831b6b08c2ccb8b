"""Contacts and the definitions of their custom fields; a contact belongs to the user who has it."""

from typing import Any

from .. import errors
from ..api import access
from ..api.calls import Call, Many, Nothing, One, Route, Whole
from ..api.parameters import PAGING, Parameter, choice, csv, sort, uri
from ..errors import detail
from ..world import address_book, office_shapes, times
from ..world.holdings import Contact, Definition
from ..world.listings import sorted_shelf
from ..world.shapes import Record
from . import contact_bodies

_READ, _WRITE = ("contacts:read",), ("contacts:write",)
_EXACT = ("email", "phone_number", "timezone", "country", "state")
_PARTIAL = ("name", "job_title", "company", "city")
_EXCLUDE = Parameter("exclude", choice("custom_fields"))


def list_contacts(call: Call) -> Many:
    """Give the caller's contacts."""
    query = call.query
    if query["contact_list"] is None:
        contacts = address_book.of_owner(call.world, call.caller.member.number)
    else:
        listed = access.own_list(call.world, call.caller, query["contact_list"])
        contacts = address_book.members_of(call.world, listed)
    wanted = [contact.record for contact in contacts if _wanted(contact.record, query)]
    ordered = sorted_shelf(wanted, query["sort"] or [("created_at", False)])
    return Many(address_book.ShownContacts(call.world, ordered, call.now, _left_out(call)))


def _wanted(record: Record, query: dict[str, Any]) -> bool:
    def found(field: str, *, whole: bool) -> bool:
        values = address_book.values(record, field)
        return any(
            wanted == value if whole else wanted in value for wanted in query[field] for value in values
        )

    return all(query[field] is None or found(field, whole=True) for field in _EXACT) and all(
        query[field] is None or found(field, whole=False) for field in _PARTIAL
    )


def _left_out(call: Call) -> list[str]:
    return [] if call.query["exclude"] is None else [call.query["exclude"]]


def create_contact(call: Call) -> One:
    """Make a contact; no address may be another contact's."""
    world, owner = call.world, call.caller.member.number
    fields = _fields(call)
    _require_free(call, fields, None)
    uuid = world.new_uuid("contact")
    record = office_shapes.contact(
        world.links.to("contacts", uuid), created_at=times.write(call.now), **fields
    )
    contact = world.holdings.contacts[uuid] = Contact(owner, uuid, record)
    world.touch()
    call.happened.append(address_book.told(world, "contact.created", contact, call.now))
    return One(address_book.shown(world, contact, call.now), status=201)


def get_contact(call: Call) -> One:
    """Give one contact."""
    contact = access.own_contact(call.world, call.caller, call.ids["uuid"])
    shown = address_book.shown(call.world, contact, call.now)
    return One(address_book.without(shown, _left_out(call)))


def update_contact(call: Call) -> One:
    """Change a contact; arrays replace those that were there."""
    world = call.world
    contact = access.own_contact(world, call.caller, call.ids["uuid"])
    fields = _fields(call)
    _require_free(call, fields, contact.uuid)
    contact.record = contact.record | fields | {"updated_at": times.write(call.now)}
    world.touch()
    call.happened.append(address_book.told(world, "contact.updated", contact, call.now))
    return One(address_book.shown(world, contact, call.now))


def delete_contact(call: Call) -> Nothing:
    """Delete a contact with the notes about it."""
    world, holdings = call.world, call.world.holdings
    contact = access.own_contact(world, call.caller, call.ids["uuid"])
    call.happened.append(address_book.told(world, "contact.deleted", contact, call.now))
    del holdings.contacts[contact.uuid]
    for listed in holdings.contact_lists.values():
        listed.members.discard(contact.uuid)
    holdings.notes = {uuid: note for uuid, note in holdings.notes.items() if note.contact != contact.uuid}
    world.touch()
    return Nothing()


def _fields(call: Call) -> Record:
    """Give the fields of the body as a record has them."""
    if "custom_fields" not in call.body:
        return call.body
    wrong = []
    kept: dict[str, Record] = {}
    for place, given in enumerate(call.body["custom_fields"]):
        definition = _definitions(call).get(given["uuid"])
        if definition is None:
            wrong.append(detail("is not known", f"custom_fields[{place}].uuid"))
            continue
        complaint = contact_bodies.check_value(definition.record, given["value"])
        if complaint:
            wrong.append(detail(complaint, f"custom_fields[{place}].value"))
        elif given["value"] is not None:
            kept[given["uuid"]] = office_shapes.custom_field(definition.record, given["value"])
    if wrong:
        raise errors.invalid(*wrong)
    return call.body | {"custom_fields": list(kept.values())}


def _require_free(call: Call, fields: Record, but: str | None) -> None:
    taken = address_book.taken_emails(call.world, call.caller.member.number, but)
    if any(email["email"].casefold() in taken for email in fields.get("emails", [])):
        raise errors.already_exists("Contact with this email already exists")


# Custom field definitions, which the whole organization shares


def list_definitions(call: Call) -> Whole:
    """Give all definitions of the organization."""
    return Whole([definition.record for definition in _definitions(call).values()])


def create_definition(call: Call) -> One:
    """Make a definition; labels differ in more than case."""
    body, world = call.body, call.world
    label = body["label"].strip().casefold()
    if any(label == known.record["label"].strip().casefold() for known in _definitions(call).values()):
        raise errors.already_exists("Custom field with this label already exists")
    uuid = world.new_uuid("custom_field_definition")
    options = [
        {
            "uuid": world.new_uuid("custom_field_option"),
            "label": option["label"],
            "color": None,
            "is_active": True,
        }
        for option in body.get("options", [])
    ]
    record = office_shapes.definition(
        world.links.to("contacts", "custom_field_definitions", uuid),
        created_at=times.write(call.now),
        **(body | {"options": options}),
    )
    world.holdings.definitions[uuid] = Definition(call.caller.member.organization, record)
    world.touch()
    return One(record, status=201)


def get_definition(call: Call) -> One:
    """Give one definition."""
    definition = call.world.holdings.definitions.get(call.ids["uuid"])
    if definition is None:
        raise errors.not_found()
    if definition.organization != call.caller.member.organization:
        raise errors.denied()
    return One(definition.record)


def _definitions(call: Call) -> dict[str, Definition]:
    own = call.caller.member.organization
    return {
        uuid: definition
        for uuid, definition in call.world.holdings.definitions.items()
        if definition.organization == own
    }


_DEFINITIONS = "/contacts/custom_field_definitions"
ROUTES = (
    Route(
        "GET /contacts",
        "contacts.list",
        _READ,
        list_contacts,
        (
            *(Parameter(name, csv) for name in (*_EXACT, *_PARTIAL)),
            _EXCLUDE,
            Parameter("contact_list", uri("contact_lists")),
            Parameter("sort", sort("created_at", "updated_at")),
            *PAGING,
        ),
    ),
    Route("POST /contacts", "contacts.create", _WRITE, create_contact, body=contact_bodies.NEW_CONTACT),
    Route("GET /contacts/{uuid}", "contacts.get", _READ, get_contact, (_EXCLUDE,)),
    Route(
        "PATCH /contacts/{uuid}",
        "contacts.update",
        _WRITE,
        update_contact,
        body=contact_bodies.CHANGED_CONTACT,
    ),
    Route("DELETE /contacts/{uuid}", "contacts.delete", _WRITE, delete_contact),
    Route(f"GET {_DEFINITIONS}", "contact_custom_fields.list", _READ, list_definitions),
    Route(
        f"POST {_DEFINITIONS}",
        "contact_custom_fields.create",
        _WRITE,
        create_definition,
        body=contact_bodies.NEW_DEFINITION,
    ),
    Route(f"GET {_DEFINITIONS}/{{uuid}}", "contact_custom_fields.get", _READ, get_definition),
)
