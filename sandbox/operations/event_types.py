"""Event types: those of users and of teams, one-off ones, and their hosts."""

from dataclasses import replace
from html import escape

from .. import errors
from ..api import access
from ..api.calls import Call, Many, One, Route
from ..api.parameters import PAGING, Parameter, boolean, sort, uri
from ..errors import detail
from ..world import cast, happenings, shapes, times
from ..world.happenings import Happening
from ..world.listings import Shelf, sorted_shelf
from ..world.pages import secret_page
from ..world.population import Member, Offer
from ..world.shapes import Record
from . import event_type_forms
from .event_type_forms import CHANGED_EVENT_TYPE, NEW_EVENT_TYPE, ONE_OFF

_READ, _WRITE = ("event_types:read",), ("event_types:write",)
_DEFAULT_ORDER = [("name", False)]
_HOSTS_SINCE_DAYS = 169
_ONE_ON_ONE = errors.invalid(detail("only one-on-one event types can be changed"))


def list_event_types(call: Call) -> Many:
    """Give the event types of one user, or of the organization (those who lead)."""
    query = call.query
    organization, member = query["organization"], None
    if organization is None and query["user"] is None:
        raise errors.invalid(errors.detail("user or organization is required"))
    if query["user_availability_schedule"] is not None and query["user"] is None:
        raise errors.invalid(errors.detail("can only be used with user", "user_availability_schedule"))
    if organization is not None:
        access.require_own_organization(call.world, call.caller, organization)
    if query["user"] is not None:
        member = access.reachable(call.world, call.caller, query["user"])
    else:
        access.require_lead(call.caller)
    offers = (offer for offer in call.world.population.by_offer.values() if _wanted(offer, member, call))
    return Many(sorted_shelf([offer.record for offer in offers], query["sort"] or _DEFAULT_ORDER))


def _wanted(offer: Offer, member: Member | None, call: Call) -> bool:
    query = call.query
    schedule = query["user_availability_schedule"]
    return (
        offer.organization == call.caller.member.organization
        and (member is None or member.number in offer.hosts)
        # A user's schedules serve what is theirs alone; team event types have their own hours.
        and (
            schedule is None
            or (
                member is not None
                and len(offer.hosts) == 1
                and call.world.schedules.follows(offer.uuid, member, schedule)
            )
        )
        and all(query[flag] in {None, offer.record[flag]} for flag in ("active", "admin_managed"))
    )


def get_event_type(call: Call) -> One:
    """Give one event type of the caller's organization."""
    return One(access.offer(call.world, call.caller, call.ids["uuid"]).record)


def create_event_type(call: Call) -> One:
    """Make a one-on-one event type for the caller, or for a colleague by those who lead."""
    world, body = call.world, call.body
    member = access.reachable(world, call.caller, body["owner"])
    own = [offer for offer in world.population.by_offer.values() if member.number in offer.hosts]
    durations = body.get("duration_options")
    defaults: Record = {
        "active": False,
        "duration": durations[0] if durations else 30,
        "locations": None,
        "after_buffer": 0,
        "position": len(own),
        "custom_questions": [],
    } | _described("")
    page = _free_page(member, body["name"], own)
    made = _offer(call, member, body["name"], page, defaults | _changes(body))
    return _put(call, made, "event_type.created", status=201)


def _changes(body: Record) -> Record:
    """Give the fields of an EventType that a body sets."""
    changes = {name: value for name, value in body.items() if name not in {"owner", "name", "description"}}
    if "description" in body:
        changes |= _described(body["description"])
    return changes


def _described(plain: str) -> Record:
    html = f"<p>{escape(plain)}</p>" if plain else None
    return {"description_plain": plain or None, "description_html": html}


def _free_page(member: Member, name: str, own: list[Offer]) -> str:
    """Give an address that none of the user's event types has."""
    taken = {offer.record["scheduling_url"].removeprefix(f"{shapes.SCHEDULING_ORIGIN}/") for offer in own}
    # Booking pages have plain addresses, whatever the name is written in.
    slug = "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in name.lower()).split())
    page = first = f"{member.user['slug']}/{slug or 'meeting'}"
    number = 1
    while page in taken:
        page, number = f"{first}-{number}", number + 1
    return page


def _offer(call: Call, member: Member, name: str, page: str, changes: Record) -> Offer:
    """Make an event type that belongs to a user."""
    uuid, stamp = call.world.new_uuid("made_event_type"), times.write(call.now)
    profile = {"type": "User", "name": member.user["name"], "owner": member.user["uri"]}
    record = shapes.event_type(
        call.world.links.to("event_types", uuid),
        name=name,
        created_at=stamp,
        updated_at=stamp,
        page=page,
        profile=profile,
        **changes,
    )
    return Offer(uuid, member.organization, (member.number,), 1, together=False, record=record)


def _put(call: Call, offer: Offer, event: str, status: int = 200) -> One:
    """Put in an event type and tell of it."""
    call.world.put_offer(offer)
    payload = happenings.of_event_type(offer.record)
    call.happened.append(Happening(event, payload, offer.organization, offer.hosts))
    return One(offer.record, status)


def update_event_type(call: Call) -> One:
    """Change what is given of a one-on-one event type; its address stays."""
    offer = access.own_offer(call.world, call.caller, call.ids["uuid"])
    if offer.record["kind"] != "solo" or offer.record["pooling_type"] is not None:
        raise _ONE_ON_ONE
    changes = _changes(call.body) | {"updated_at": times.write(call.now)}
    if "name" in call.body:
        changes["name"] = call.body["name"]
    return _put(call, replace(offer, record=offer.record | changes), "event_type.updated")


def create_one_off(call: Call) -> One:
    """Make an event type for one meeting, with one host or with several who all attend."""
    world, body = call.world, call.body
    host = access.reachable(world, call.caller, body["host"])
    co_hosts = [access.colleague(world, call.caller, uuid) for uuid in body.get("co_hosts", [])]
    hosts = tuple(dict.fromkeys(member.number for member in (host, *co_hosts)))
    zone: str = body.get("timezone") or host.user["timezone"]
    changes: Record = {
        "duration": body["duration"],
        "locations": [body["location"]] if "location" in body else None,
        "after_buffer": 0,
        "pooling_type": "collective" if len(hosts) > 1 else None,
        "secret": True,
        "slug": None,
        "type": "AdhocEventType",
        "custom_questions": [],
        "start_time_increment": None,
    } | _described("")
    made = replace(
        _offer(call, host, body["name"], secret_page(world, "d"), changes),
        hosts=hosts,
        together=len(hosts) > 1,
        dates=event_type_forms.dates(body["date_setting"], zone, call.now),
    )
    return _put(call, made, "event_type.created", status=201)


def list_hosts(call: Call) -> Many:
    """Give who can be booked for an event type."""
    offer = access.offer(call.world, call.caller, call.query["event_type"])
    members = [call.world.population.members[number] for number in offer.hosts]
    return Many(Shelf([_host(call, offer, member) for member in members]))


def _host(call: Call, offer: Offer, member: Member) -> Record:
    world = call.world
    uuid = world.ids.make(f"host of {offer.uuid}", member.number)
    if (offer.uuid, member.number) == (cast.SALES_DEMO, 0):
        uuid = cast.SALES_DEMO_HOST
    since = times.write(world.anchor - _HOSTS_SINCE_DAYS * times.DAY + 8 * times.HOUR)
    since = max(since, offer.record["created_at"])
    return {
        "uri": world.links.to("event_type_memberships", uuid),
        "event_type": offer.record,
        "member": member.user,
        "created_at": since,
        "updated_at": since,
    }


ROUTES = (
    Route(
        "GET /event_types",
        "event_types.list",
        _READ,
        list_event_types,
        (
            Parameter("user", uri("users")),
            Parameter("organization", uri("organizations")),
            Parameter("active", boolean),
            Parameter("admin_managed", boolean),
            Parameter("user_availability_schedule", uri("user_availability_schedules")),
            Parameter("sort", sort("name", "position", "created_at", "updated_at", several=True)),
            *PAGING,
        ),
    ),
    Route("POST /event_types", "event_types.create", _WRITE, create_event_type, body=NEW_EVENT_TYPE),
    Route("GET /event_types/{uuid}", "event_types.get", _READ, get_event_type),
    Route(
        "PATCH /event_types/{uuid}", "event_types.update", _WRITE, update_event_type, body=CHANGED_EVENT_TYPE
    ),
    Route("POST /one_off_event_types", "one_off_event_types.create", _WRITE, create_one_off, body=ONE_OFF),
    Route(
        "GET /event_type_memberships",
        "event_type_memberships.list",
        _READ,
        list_hosts,
        (Parameter("event_type", uri("event_types"), required=True), *PAGING),
    ),
)
