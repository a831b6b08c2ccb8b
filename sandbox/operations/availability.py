"""Availability schedules of users and of event types."""

from .. import errors
from ..api import access
from ..api.calls import ApiCall, FullList, Route, SingleRecord
from ..api.paging import NO_OTHER_PAGE
from ..api.parameters import Parameter, uri
from ..errors import detail
from ..world.population import EventType, Member
from ..world.records import Record
from .availability_bodies import CHANGED_SCHEDULE, EVENT_TYPE_SCHEDULE, NEW_SCHEDULE, date_problems

_READ, _WRITE = ("availability:read",), ("availability:write",)


def list_schedules(call: ApiCall) -> FullList:
    """List the schedules of a user."""
    member = access.visible_member(call.world, call.caller, call.query["user"])
    return FullList(call.world.schedules.of(member))


def get_schedule(call: ApiCall) -> SingleRecord:
    """Get one schedule."""
    return SingleRecord(call.world.schedules.get(_owner(call), call.ids["uuid"]))


def _owner(call: ApiCall) -> Member:
    """Return the owner of the schedule: the caller, or for owners and admins any colleague."""
    member = call.world.schedules.owner(call.ids["uuid"])
    if member is None:
        raise errors.not_found()
    if member.organization != call.caller.member.organization:
        raise errors.denied()
    return access.visible_member(call.world, call.caller, member.uuid)


def create_schedule(call: ApiCall) -> SingleRecord:
    """Create a schedule for the caller."""
    world, body = call.world, call.body
    _require_future_dates(call, body["rules"], body["timezone"])
    world.touch()
    uuid = world.new_uuid("made_schedule")
    return SingleRecord(world.schedules.create(call.caller.member, uuid, body), status=201)


def update_schedule(call: ApiCall) -> SingleRecord:
    """Update a schedule; `rules` replaces all its rules."""
    world, member, uuid = call.world, _owner(call), call.ids["uuid"]
    if "rules" in call.body:
        zone: str = call.body.get("timezone") or world.schedules.get(member, uuid)["timezone"]
        _require_future_dates(call, call.body["rules"], zone)
    world.touch()
    return SingleRecord(world.schedules.update(member, uuid, call.body))


def _require_future_dates(call: ApiCall, rules: list[Record], zone: str, prefix: str = "") -> None:
    problems = date_problems(rules, call.now, zone)
    if problems:
        raise errors.invalid(
            *(problem | {"parameter": prefix + problem["parameter"]} for problem in problems)
        )


def list_event_type_schedules(call: ApiCall) -> FullList:
    """List the schedules of an event type, one per host."""
    event_type = access.event_type(call.world, call.caller, call.query["event_type"])
    members = [call.world.population.members[number] for number in event_type.hosts]
    rows = [_event_type_schedule(call, event_type, member) for member in members]
    return FullList(rows, {"pagination": NO_OTHER_PAGE | {"count": min(len(rows), 100)}})


def _event_type_schedule(call: ApiCall, event_type: EventType, member: Member) -> Record:
    return {
        "event_type": event_type.record["uri"],
        "availability_setting": "host",
        "availability_rule": call.world.schedules.rule(event_type.uuid, member),
    }


def update_event_type_schedule(call: ApiCall) -> SingleRecord:
    """Set an event type's own availability rules for one host; without rules nothing changes."""
    world = call.world
    event_type = access.own_event_type(world, call.caller, call.query["event_type"])
    rule = call.body.get("availability_rule", {})
    member = _host(call, event_type, rule.get("user"))
    if rule:
        _require_future_dates(call, rule["rules"], rule["timezone"], "availability_rule.")
        world.touch()
        world.schedules.set_rule(event_type.uuid, member, world.new_uuid("availability_rule"), rule)
    return SingleRecord(_event_type_schedule(call, event_type, member))


def _host(call: ApiCall, event_type: EventType, user: str | None) -> Member:
    """Return the host to update: the caller, or for owners and admins the user in the body."""
    path = "availability_rule.user"
    if user is None:
        if call.caller.member.number not in event_type.hosts:
            raise errors.invalid(detail("is required for the rules of another host", path))
        return call.caller.member
    member = access.visible_member(call.world, call.caller, user)
    if member.number not in event_type.hosts:
        raise errors.invalid(detail("must be a host of the event type", path))
    return member


_USER = (Parameter("user", uri("users"), required=True),)
_EVENT_TYPE = (Parameter("event_type", uri("event_types"), required=True),)

ROUTES = (
    Route(
        "GET /user_availability_schedules",
        "user_availability_schedules.list",
        _READ,
        list_schedules,
        _USER,
    ),
    Route(
        "GET /user_availability_schedules/{uuid}",
        "user_availability_schedules.get",
        _READ,
        get_schedule,
    ),
    Route(
        "POST /user_availability_schedules",
        "user_availability_schedules.create",
        _WRITE,
        create_schedule,
        body=NEW_SCHEDULE,
    ),
    Route(
        "PATCH /user_availability_schedules/{uuid}",
        "user_availability_schedules.update",
        _WRITE,
        update_schedule,
        body=CHANGED_SCHEDULE,
    ),
    Route(
        "GET /event_type_availability_schedules",
        "event_type_availability_schedules.list",
        _READ,
        list_event_type_schedules,
        _EVENT_TYPE,
    ),
    Route(
        "PATCH /event_type_availability_schedules",
        "event_type_availability_schedules.update",
        _WRITE,
        update_event_type_schedule,
        _EVENT_TYPE,
        body=EVENT_TYPE_SCHEDULE,
    ),
)
