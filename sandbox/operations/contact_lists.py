"""Lists of contacts and saved views; all a user has come in one reply."""

from collections.abc import Iterator

from .. import errors
from ..api import access
from ..api.body_rules import Field, Form, array, text, uri
from ..api.calls import Call, One, Route, Whole
from ..api.paging import NO_OTHER_PAGE
from ..api.parameters import Parameter, choice
from ..errors import detail
from ..world import address_book, office_shapes, times
from ..world.holdings import Contact, ContactList
from ..world.shapes import Record

_READ, _WRITE = ("contacts:read",), ("contacts:write",)
_MOST_LISTS = 25
_MOST_CONTACTS = 500


def list_lists(call: Call) -> Whole:
    """Give the caller's lists and views."""
    rows = [
        address_book.list_shown(call.world, listed)
        for listed in _own(call)
        if call.query["type"] in {None, listed.record["type"]}
    ]
    return Whole(rows, {"pagination": {"count": len(rows), **NO_OTHER_PAGE}})


def create_list(call: Call) -> One:
    """Make a list; contacts that are not the caller's stay out of it."""
    world = call.world
    _require_free_name(call, None)
    if sum(1 for _ in _own(call)) >= _MOST_LISTS:
        raise errors.invalid(detail(f"there may be {_MOST_LISTS} lists and views at most"))
    uuid = world.new_uuid("contact_list")
    record = office_shapes.contact_list(
        world.links.to("contact_lists", uuid),
        name=call.body["name"],
        kind="static_list",
        created_at=times.write(call.now),
    )
    members = {contact.uuid for contact in _known(call)}
    listed = ContactList(call.caller.member.number, uuid, record, members)
    world.holdings.contact_lists[uuid] = listed
    world.touch()
    return One(address_book.list_shown(world, listed), status=201)


def get_list(call: Call) -> One:
    """Give one list or view."""
    return One(address_book.list_shown(call.world, _listed(call)))


def rename_list(call: Call) -> One:
    """Rename a list or view."""
    listed = _listed(call)
    _require_free_name(call, listed.uuid)
    _change(call, listed, {"name": call.body["name"]})
    return One(address_book.list_shown(call.world, listed))


def add_contacts(call: Call) -> One:
    """Put contacts into a list."""
    listed, known = _static(call), _known(call)
    listed.members.update(contact.uuid for contact in known)
    return _result(call, listed, known)


def remove_contacts(call: Call) -> One:
    """Take contacts out of a list."""
    listed, known = _static(call), _known(call)
    listed.members.difference_update(contact.uuid for contact in known)
    return _result(call, listed, known)


def _own(call: Call) -> Iterator[ContactList]:
    own = call.caller.member.number
    return (listed for listed in call.world.holdings.contact_lists.values() if listed.owner == own)


def _listed(call: Call) -> ContactList:
    return access.own_list(call.world, call.caller, call.ids["uuid"])


def _static(call: Call) -> ContactList:
    listed = _listed(call)
    if listed.view is not None:
        raise errors.already_exists("The contacts of a view are decided by its filters")  # not documented
    return listed


def _known(call: Call) -> list[Contact]:
    """Give the contacts of the body that are the caller's."""
    contacts = call.world.holdings.contacts
    found = (contacts.get(uuid) for uuid in dict.fromkeys(call.body.get("contacts", [])))
    return [contact for contact in found if contact and contact.owner == call.caller.member.number]


def _result(call: Call, listed: ContactList, known: list[Contact]) -> One:
    _change(call, listed, {})
    return One({"invalid": len(set(call.body["contacts"])) - len(known)})


def _change(call: Call, listed: ContactList, fields: Record) -> None:
    listed.record = listed.record | fields | {"updated_at": times.write(call.now)}
    call.world.touch()


def _require_free_name(call: Call, but: str | None) -> None:
    name = address_book.name_key(call.body["name"])
    for listed in _own(call):
        if listed.uuid != but and address_book.name_key(listed.record["name"]) == name:
            raise errors.already_exists("Contact list with this name already exists")


_NAME = Field("name", text(least=1), required=True)
_MEMBERS = Form((Field("contacts", array(uri("contacts"), least=1, most=_MOST_CONTACTS), required=True),))

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
        body=Form((_NAME, Field("contacts", array(uri("contacts"), most=_MOST_CONTACTS)))),
    ),
    Route("GET /contact_lists/{uuid}", "contact_lists.get", _READ, get_list),
    Route("PATCH /contact_lists/{uuid}", "contact_lists.update", _WRITE, rename_list, body=Form((_NAME,))),
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
