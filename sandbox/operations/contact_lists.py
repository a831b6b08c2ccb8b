"""Lists of contacts and saved views; all a user has come in one reply."""

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
    """Give the caller's lists and views."""
    rows = [
        address_book.list_record(call.world, contact_list)
        for contact_list in _own(call)
        if call.query["type"] in {None, contact_list.record["type"]}
    ]
    return FullList(rows, {"pagination": {"count": len(rows), **NO_OTHER_PAGE}})


def create_list(call: ApiCall) -> SingleRecord:
    """Make a list; contacts that are not the caller's stay out of it."""
    world = call.world
    _require_free_name(call, None)
    if sum(1 for _ in _own(call)) >= _MAX_LISTS:
        raise errors.invalid(detail(f"there may be {_MAX_LISTS} lists and views at most"))
    uuid = world.new_uuid("contact_list")
    record = contact_factories.contact_list(
        world.uris.build("contact_lists", uuid),
        name=call.body["name"],
        kind="static_list",
        created_at=times.isoformat(call.now),
    )
    members = {contact.uuid for contact in _known(call)}
    contact_list = ContactList(call.caller.member.number, uuid, record, members)
    world.state.contact_lists[uuid] = contact_list
    world.touch()
    return SingleRecord(address_book.list_record(world, contact_list), status=201)


def get_list(call: ApiCall) -> SingleRecord:
    """Give one list or view."""
    return SingleRecord(address_book.list_record(call.world, _contact_list(call)))


def rename_list(call: ApiCall) -> SingleRecord:
    """Rename a list or view."""
    contact_list = _contact_list(call)
    _require_free_name(call, contact_list.uuid)
    _change(call, contact_list, {"name": call.body["name"]})
    return SingleRecord(address_book.list_record(call.world, contact_list))


def add_contacts(call: ApiCall) -> SingleRecord:
    """Put contacts into a list."""
    contact_list, known = _static(call), _known(call)
    contact_list.members.update(contact.uuid for contact in known)
    return _result(call, contact_list, known)


def remove_contacts(call: ApiCall) -> SingleRecord:
    """Take contacts out of a list."""
    contact_list, known = _static(call), _known(call)
    contact_list.members.difference_update(contact.uuid for contact in known)
    return _result(call, contact_list, known)


def _own(call: ApiCall) -> Iterator[ContactList]:
    own = call.caller.member.number
    return (
        contact_list for contact_list in call.world.state.contact_lists.values() if contact_list.owner == own
    )


def _contact_list(call: ApiCall) -> ContactList:
    return access.own_list(call.world, call.caller, call.ids["uuid"])


def _static(call: ApiCall) -> ContactList:
    contact_list = _contact_list(call)
    if contact_list.view is not None:
        raise errors.already_exists("The contacts of a view are decided by its filters")  # not documented
    return contact_list


def _known(call: ApiCall) -> list[Contact]:
    """Give the contacts of the body that are the caller's."""
    contacts = call.world.state.contacts
    found = (contacts.get(uuid) for uuid in dict.fromkeys(call.body.get("contacts", [])))
    return [contact for contact in found if contact and contact.owner == call.caller.member.number]


def _result(call: ApiCall, contact_list: ContactList, known: list[Contact]) -> SingleRecord:
    _change(call, contact_list, {})
    return SingleRecord({"invalid": len(set(call.body["contacts"])) - len(known)})


def _change(call: ApiCall, contact_list: ContactList, fields: Record) -> None:
    contact_list.record = contact_list.record | fields | {"updated_at": times.isoformat(call.now)}
    call.world.touch()


def _require_free_name(call: ApiCall, except_uuid: str | None) -> None:
    name = address_book.name_key(call.body["name"])
    for contact_list in _own(call):
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
