"""Contacts, which belong to a user, and the definitions of custom fields."""

from typing import Any

from .. import errors
from ..api import access
from ..api.calls import ApiCall, FullList, NoContent, PagedList, Route, SingleRecord
from ..api.parameters import PAGING, Parameter, choice, csv, sort, uri
from ..errors import detail
from ..world import address_book, contact_factories, times
from ..world.listings import sorted_listing
from ..world.records import Record
from ..world.state import Contact, CustomFieldDefinition
from . import contact_bodies

_READ, _WRITE = ("contacts:read",), ("contacts:write",)
_EXACT = ("email", "phone_number", "timezone", "country", "state")
_PARTIAL = ("name", "job_title", "company", "city")
_EXCLUDE = Parameter("exclude", choice("custom_fields"))


def list_contacts(call: ApiCall) -> PagedList:
    """List the caller's contacts."""
    query = call.query
    if query["contact_list"] is None:
        contacts = address_book.contacts_of(call.world, call.caller.member.number)
    else:
        contact_list = access.own_list(call.world, call.caller, query["contact_list"])
        contacts = address_book.contacts_in(call.world, contact_list)
    records = [contact.record for contact in contacts if _matches(contact.record, query)]
    ordered = sorted_listing(records, query["sort"] or [("created_at", False)])
    return PagedList(address_book.ContactListing(call.world, ordered, call.now, _excluded_fields(call)))


def _matches(record: Record, query: dict[str, Any]) -> bool:
    def matches(field: str, *, exact: bool) -> bool:
        values = address_book.filter_values(record, field)
        return any(term == value if exact else term in value for term in query[field] for value in values)

    return all(query[field] is None or matches(field, exact=True) for field in _EXACT) and all(
        query[field] is None or matches(field, exact=False) for field in _PARTIAL
    )


def _excluded_fields(call: ApiCall) -> list[str]:
    return [] if call.query["exclude"] is None else [call.query["exclude"]]


def create_contact(call: ApiCall) -> SingleRecord:
    """Create a contact; email addresses must be unique among the caller's contacts."""
    world, owner = call.world, call.caller.member.number
    fields = _fields(call)
    _require_unique_emails(call, fields, None)
    uuid = world.new_uuid("contact")
    record = contact_factories.contact(
        world.uris.build("contacts", uuid), created_at=times.isoformat(call.now), **fields
    )
    contact = world.state.contacts[uuid] = Contact(owner, uuid, record)
    world.touch()
    call.domain_events.append(address_book.contact_event(world, "contact.created", contact, call.now))
    return SingleRecord(address_book.contact_record(world, contact, call.now), status=201)


def get_contact(call: ApiCall) -> SingleRecord:
    """Get one contact."""
    contact = access.own_contact(call.world, call.caller, call.ids["uuid"])
    record = address_book.contact_record(call.world, contact, call.now)
    return SingleRecord(address_book.without(record, _excluded_fields(call)))


def update_contact(call: ApiCall) -> SingleRecord:
    """Update a contact; arrays are replaced in full."""
    world = call.world
    contact = access.own_contact(world, call.caller, call.ids["uuid"])
    fields = _fields(call)
    _require_unique_emails(call, fields, contact.uuid)
    contact.record = contact.record | fields | {"updated_at": times.isoformat(call.now)}
    world.touch()
    call.domain_events.append(address_book.contact_event(world, "contact.updated", contact, call.now))
    return SingleRecord(address_book.contact_record(world, contact, call.now))


def delete_contact(call: ApiCall) -> NoContent:
    """Delete a contact and the notes about it."""
    world, state = call.world, call.world.state
    contact = access.own_contact(world, call.caller, call.ids["uuid"])
    call.domain_events.append(address_book.contact_event(world, "contact.deleted", contact, call.now))
    del state.contacts[contact.uuid]
    for contact_list in state.contact_lists.values():
        contact_list.members.discard(contact.uuid)
    state.notes = {uuid: note for uuid, note in state.notes.items() if note.contact != contact.uuid}
    world.touch()
    return NoContent()


def _fields(call: ApiCall) -> Record:
    """Return the fields of the body in the form of a record."""
    if "custom_fields" not in call.body:
        return call.body
    problems = []
    custom_fields: dict[str, Record] = {}
    for index, field in enumerate(call.body["custom_fields"]):
        definition = _definitions(call).get(field["uuid"])
        if definition is None:
            problems.append(detail("is unknown", f"custom_fields[{index}].uuid"))
            continue
        problem = contact_bodies.check_value(definition.record, field["value"])
        if problem:
            problems.append(detail(problem, f"custom_fields[{index}].value"))
        elif field["value"] is not None:
            custom_fields[field["uuid"]] = contact_factories.custom_field(definition.record, field["value"])
    if problems:
        raise errors.invalid(*problems)
    return call.body | {"custom_fields": list(custom_fields.values())}


def _require_unique_emails(call: ApiCall, fields: Record, except_uuid: str | None) -> None:
    existing = address_book.existing_emails(call.world, call.caller.member.number, except_uuid)
    if any(email["email"].casefold() in existing for email in fields.get("emails", [])):
        raise errors.already_exists("Contact with this email already exists")


# Custom field definitions, which belong to the organization


def list_definitions(call: ApiCall) -> FullList:
    """List all definitions of the organization."""
    return FullList([definition.record for definition in _definitions(call).values()])


def create_definition(call: ApiCall) -> SingleRecord:
    """Create a definition; labels must be unique, ignoring case."""
    body, world = call.body, call.world
    label = body["label"].strip().casefold()
    if any(label == other.record["label"].strip().casefold() for other in _definitions(call).values()):
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
    record = contact_factories.definition(
        world.uris.build("contacts", "custom_field_definitions", uuid),
        created_at=times.isoformat(call.now),
        **(body | {"options": options}),
    )
    world.state.definitions[uuid] = CustomFieldDefinition(call.caller.member.organization, record)
    world.touch()
    return SingleRecord(record, status=201)


def get_definition(call: ApiCall) -> SingleRecord:
    """Get one definition."""
    definition = call.world.state.definitions.get(call.ids["uuid"])
    if definition is None:
        raise errors.not_found()
    if definition.organization != call.caller.member.organization:
        raise errors.denied()
    return SingleRecord(definition.record)


def _definitions(call: ApiCall) -> dict[str, CustomFieldDefinition]:
    own = call.caller.member.organization
    return {
        uuid: definition
        for uuid, definition in call.world.state.definitions.items()
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
