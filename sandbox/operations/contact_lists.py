"""Contact lists and saved views; one reply lists all of a user."""

from collections.abc import Iterator

from .. import errors
from ..api import access
from ..api.body_schema import BodyField, BodySchema, array, text, uri
from ..api.calls import ApiCall, FullList, Route, SingleRecord
from ..api.paging import NO_OTHER_PAGE
from ..api.parameters import Parameter, choice
from ..errors import detail
from ..world import address_book, contact_factories, times
from ..world.records import Record
from ..world.state import Contact, ContactList

_READ, _WRITE = ("contacts:read",), ("contacts:write",)
_MAX_LISTS = 25
_MAX_CONTACTS = 500


def list_lists(call: ApiCall) -> FullList:
    """List the caller's lists and views."""
    rows = [
        address_book.list_record(call.world, contact_list)
        for contact_list in _own_lists(call)
        if call.query["type"] in {None, contact_list.record["type"]}
    ]
    return FullList(rows, {"pagination": {"count": len(rows), **NO_OTHER_PAGE}})


def create_list(call: ApiCall) -> SingleRecord:
    """Create a list; other users' contacts are ignored."""
    world = call.world
    _require_unique_name(call, None)
    if sum(1 for _ in _own_lists(call)) >= _MAX_LISTS:
        raise errors.invalid(detail(f"there are already {_MAX_LISTS} lists and views, which is the maximum"))
    uuid = world.new_uuid("contact_list")
    record = contact_factories.contact_list(
        world.uris.build("contact_lists", uuid),
        name=call.body["name"],
        kind="static_list",
        created_at=times.isoformat(call.now),
    )
    members = {contact.uuid for contact in _own_contacts(call)}
    contact_list = ContactList(call.caller.member.number, uuid, record, members)
    world.state.contact_lists[uuid] = contact_list
    world.touch()
    return SingleRecord(address_book.list_record(world, contact_list), status=201)


def get_list(call: ApiCall) -> SingleRecord:
    """Get one list or view."""
    return SingleRecord(address_book.list_record(call.world, _contact_list(call)))


def rename_list(call: ApiCall) -> SingleRecord:
    """Rename a list or view."""
    contact_list = _contact_list(call)
    _require_unique_name(call, contact_list.uuid)
    _change(call, contact_list, {"name": call.body["name"]})
    return SingleRecord(address_book.list_record(call.world, contact_list))


def add_contacts(call: ApiCall) -> SingleRecord:
    """Add contacts to a list."""
    contact_list, contacts = _static_list(call), _own_contacts(call)
    contact_list.members.update(contact.uuid for contact in contacts)
    return _result(call, contact_list, contacts)


def remove_contacts(call: ApiCall) -> SingleRecord:
    """Remove contacts from a list."""
    contact_list, contacts = _static_list(call), _own_contacts(call)
    contact_list.members.difference_update(contact.uuid for contact in contacts)
    return _result(call, contact_list, contacts)


def _own_lists(call: ApiCall) -> Iterator[ContactList]:
    own = call.caller.member.number
    return (
        contact_list for contact_list in call.world.state.contact_lists.values() if contact_list.owner == own
    )


def _contact_list(call: ApiCall) -> ContactList:
    return access.own_list(call.world, call.caller, call.ids["uuid"])


def _static_list(call: ApiCall) -> ContactList:
    contact_list = _contact_list(call)
    if contact_list.view is not None:
        raise errors.already_exists("The contacts of a view are determined by its filters")  # not documented
    return contact_list


def _own_contacts(call: ApiCall) -> list[Contact]:
    """Return the contacts in the body that belong to the caller."""
    contacts = call.world.state.contacts
    found = (contacts.get(uuid) for uuid in dict.fromkeys(call.body.get("contacts", [])))
    return [contact for contact in found if contact and contact.owner == call.caller.member.number]


def _result(call: ApiCall, contact_list: ContactList, contacts: list[Contact]) -> SingleRecord:
    _change(call, contact_list, {})
    return SingleRecord({"invalid": len(set(call.body["contacts"])) - len(contacts)})


def _change(call: ApiCall, contact_list: ContactList, fields: Record) -> None:
    contact_list.record = contact_list.record | fields | {"updated_at": times.isoformat(call.now)}
    call.world.touch()


def _require_unique_name(call: ApiCall, except_uuid: str | None) -> None:
    name = address_book.name_key(call.body["name"])
    for contact_list in _own_lists(call):
        if contact_list.uuid != except_uuid and address_book.name_key(contact_list.record["name"]) == name:
            raise errors.already_exists("Contact list with this name already exists")


_NAME = BodyField("name", text(min_length=1), required=True)
_MEMBERS = BodySchema(
    (BodyField("contacts", array(uri("contacts"), min_items=1, max_items=_MAX_CONTACTS), required=True),)
)

ROUTES = (
    Route(
        "GET /contact_lists",
        "contact_lists.list",
        _READ,
        list_lists,
        (Parameter("type", choice("static_list", "dynamic_view")),),
    ),
    Route(
        "POST /contact_lists",
        "contact_lists.create",
        _WRITE,
        create_list,
        body=BodySchema((_NAME, BodyField("contacts", array(uri("contacts"), max_items=_MAX_CONTACTS)))),
    ),
    Route("GET /contact_lists/{uuid}", "contact_lists.get", _READ, get_list),
    Route(
        "PATCH /contact_lists/{uuid}", "contact_lists.update", _WRITE, rename_list, body=BodySchema((_NAME,))
    ),
    Route(
        "POST /contact_lists/{uuid}/memberships",
        "contact_lists.add_contacts",
        _WRITE,
        add_contacts,
        body=_MEMBERS,
    ),
    Route(
        "POST /contact_lists/{uuid}/memberships/removal",
        "contact_lists.remove_contacts",
        _WRITE,
        remove_contacts,
        body=_MEMBERS,
    ),
)
