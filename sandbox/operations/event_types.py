"""Event types of users and teams, one-off event types, and hosts."""

from dataclasses import replace
from html import escape

from .. import errors
from ..api import access
from ..api.calls import ApiCall, PagedList, Route, SingleRecord
from ..api.parameters import PAGING, Parameter, boolean, sort, uri
from ..errors import detail
from ..world import domain_events, fixtures, record_factories, times
from ..world.domain_events import DomainEvent
from ..world.listings import InMemoryListing, sorted_listing
from ..world.population import EventType, Member
from ..world.records import SCHEDULING_ORIGIN, Record
from . import event_type_bodies
from .event_type_bodies import CHANGED_EVENT_TYPE, NEW_EVENT_TYPE, ONE_OFF

_READ, _WRITE = ("event_types:read",), ("event_types:write",)
_DEFAULT_ORDER = [("name", False)]
_HOSTS_SINCE_DAYS = 169
_ONE_ON_ONE = errors.invalid(detail("only one-on-one event types can be changed"))


def list_event_types(call: ApiCall) -> PagedList:
    """List the event types of one user or, for owners and admins, of the organization."""
    query = call.query
    organization, member = query["organization"], None
    if organization is None and query["user"] is None:
        raise errors.invalid(errors.detail("user or organization is required"))
    if query["user_availability_schedule"] is not None and query["user"] is None:
        raise errors.invalid(errors.detail("can only be used with user", "user_availability_schedule"))
    if organization is not None:
        access.require_own_organization(call.world, call.caller, organization)
    if query["user"] is not None:
        member = access.visible_member(call.world, call.caller, query["user"])
    else:
        access.require_admin(call.caller)
    event_types = (
        event_type
        for event_type in call.world.population.event_types_by_id.values()
        if _matches(event_type, member, call)
    )
    return PagedList(
        sorted_listing([event_type.record for event_type in event_types], query["sort"] or _DEFAULT_ORDER)
    )


def _matches(event_type: EventType, member: Member | None, call: ApiCall) -> bool:
    query = call.query
    schedule = query["user_availability_schedule"]
    return (
        event_type.organization == call.caller.member.organization
        and (member is None or member.number in event_type.hosts)
        # Only event types with a single host use that user's schedules; team event types have their own.
        and (
            schedule is None
            or (
                member is not None
                and len(event_type.hosts) == 1
                and call.world.schedules.uses(event_type.uuid, member, schedule)
            )
        )
        and all(query[flag] in {None, event_type.record[flag]} for flag in ("active", "admin_managed"))
    )


def get_event_type(call: ApiCall) -> SingleRecord:
    """Get one event type of the caller's organization."""
    return SingleRecord(access.event_type(call.world, call.caller, call.ids["uuid"]).record)


def create_event_type(call: ApiCall) -> SingleRecord:
    """Create a one-on-one event type for the caller or, for owners and admins, for a colleague."""
    world, body = call.world, call.body
    member = access.visible_member(world, call.caller, body["owner"])
    own = [
        event_type
        for event_type in world.population.event_types_by_id.values()
        if member.number in event_type.hosts
    ]
    durations = body.get("duration_options")
    defaults: Record = {
        "active": False,
        "duration": durations[0] if durations else 30,
        "locations": None,
        "after_buffer": 0,
        "position": len(own),
        "custom_questions": [],
    } | _description_fields("")
    page = _unique_page(member, body["name"], own)
    event_type = _new_event_type(call, member, body["name"], page, defaults | _changes(body))
    return _save(call, event_type, "event_type.created", status=201)


def _changes(body: Record) -> Record:
    """Return the fields of an EventType that a body sets."""
    changes = {name: value for name, value in body.items() if name not in {"owner", "name", "description"}}
    if "description" in body:
        changes |= _description_fields(body["description"])
    return changes


def _description_fields(plain: str) -> Record:
    html = f"<p>{escape(plain)}</p>" if plain else None
    return {"description_plain": plain or None, "description_html": html}


def _unique_page(member: Member, name: str, own: list[EventType]) -> str:
    """Return the path of a booking page that none of the user's event types has."""
    existing = {
        event_type.record["scheduling_url"].removeprefix(f"{SCHEDULING_ORIGIN}/") for event_type in own
    }
    # Booking pages have ASCII paths, even if the name isn't ASCII.
    slug = "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in name.lower()).split())
    page = base = f"{member.user['slug']}/{slug or 'meeting'}"
    number = 1
    while page in existing:
        page, number = f"{base}-{number}", number + 1
    return page


def _new_event_type(call: ApiCall, member: Member, name: str, page: str, changes: Record) -> EventType:
    """Return a new event type that belongs to a user."""
    uuid, stamp = call.world.new_uuid("made_event_type"), times.isoformat(call.now)
    profile = {"type": "User", "name": member.user["name"], "owner": member.user["uri"]}
    record = record_factories.event_type(
        call.world.uris.build("event_types", uuid),
        name=name,
        created_at=stamp,
        updated_at=stamp,
        page=page,
        profile=profile,
        **changes,
    )
    return EventType(uuid, member.organization, (member.number,), 1, collective=False, record=record)


def _save(call: ApiCall, event_type: EventType, event: str, status: int = 200) -> SingleRecord:
    """Store an event type and add a webhook event."""
    call.world.put_event_type(event_type)
    payload = domain_events.event_type_payload(event_type.record)
    call.domain_events.append(DomainEvent(event, payload, event_type.organization, event_type.hosts))
    return SingleRecord(event_type.record, status)


def update_event_type(call: ApiCall) -> SingleRecord:
    """Update a one-on-one event type; its booking page stays the same."""
    event_type = access.own_event_type(call.world, call.caller, call.ids["uuid"])
    if event_type.record["kind"] != "solo" or event_type.record["pooling_type"] is not None:
        raise _ONE_ON_ONE
    changes = _changes(call.body) | {"updated_at": times.isoformat(call.now)}
    if "name" in call.body:
        changes["name"] = call.body["name"]
    return _save(call, replace(event_type, record=event_type.record | changes), "event_type.updated")


def create_one_off(call: ApiCall) -> SingleRecord:
    """Create an event type for one meeting; if there are several hosts, all of them attend."""
    world, body = call.world, call.body
    host = access.visible_member(world, call.caller, body["host"])
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
    } | _description_fields("")
    event_type = replace(
        _new_event_type(call, host, body["name"], world.new_booking_path("d"), changes),
        hosts=hosts,
        collective=len(hosts) > 1,
        dates=event_type_bodies.dates(body["date_setting"], zone, call.now),
    )
    return _save(call, event_type, "event_type.created", status=201)


def list_hosts(call: ApiCall) -> PagedList:
    """List the hosts of an event type."""
    event_type = access.event_type(call.world, call.caller, call.query["event_type"])
    members = [call.world.population.members[number] for number in event_type.hosts]
    return PagedList(InMemoryListing([_host(call, event_type, member) for member in members]))


def _host(call: ApiCall, event_type: EventType, member: Member) -> Record:
    world = call.world
    uuid = world.ids.make(f"host of {event_type.uuid}", member.number)
    if (event_type.uuid, member.number) == (fixtures.SALES_DEMO, 0):
        uuid = fixtures.SALES_DEMO_HOST
    since = times.isoformat(world.anchor - _HOSTS_SINCE_DAYS * times.DAY + 8 * times.HOUR)
    since = max(since, event_type.record["created_at"])
    return {
        "uri": world.uris.build("event_type_memberships", uuid),
        "event_type": event_type.record,
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
