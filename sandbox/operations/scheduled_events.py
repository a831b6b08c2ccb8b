"""Scheduled events and their invitees."""

from .. import errors
from ..api import access
from ..api.body_schema import BodyField, BodySchema, text
from ..api.calls import ApiCall, PagedList, Route, SingleRecord
from ..api.parameters import PAGING, Parameter, choice, email, moment, sort, uri
from ..world import bookings
from ..world.bookings import NotPossibleError
from ..world.listings import EventListing, EventQuery, sorted_listing

_ORGANIZATION_REQUIRED = (
    "Please also specify organization when requesting events for a user within your organization."
)
_SCOPES = ("scheduled_events:read",)


def list_events(call: ApiCall) -> PagedList:
    """List the events of a user, a group or the organization."""
    query = call.query
    return PagedList(
        EventListing(
            call.world,
            EventQuery(
                organization=call.caller.member.organization,
                hosts=_hosts(call),
                email=query["invitee_email"],
                canceled=None if query["status"] is None else query["status"] == "canceled",
                since=query["min_start_time"],
                before=query["max_start_time"],
                descending=bool(query["sort"] and query["sort"][0][1]),
            ),
        )
    )


def _hosts(call: ApiCall) -> frozenset[int] | None:
    """Return the requested hosts, None for all; raise 403 if the caller may not see their events."""
    world, caller = call.world, call.caller
    user, organization, group = (call.query[name] for name in ("user", "organization", "group"))
    if user is None and organization is None and group is None:
        raise errors.invalid(errors.detail("organization, user, or group is required"))
    if user is not None and group is not None:
        raise errors.invalid(errors.detail("cannot be combined with user", "group"))
    if organization is not None:
        access.require_own_organization(world, caller, organization)
    if user is not None:
        member = access.visible_member(world, caller, user)
        if member is not caller.member and organization is None:
            raise errors.denied(_ORGANIZATION_REQUIRED)
        return frozenset({member.number})
    if group is not None:
        access.require_group(world, caller, group)
        return world.group_members(group)
    access.require_admin(caller)
    return None


def get_event(call: ApiCall) -> SingleRecord:
    """Get one event."""
    return SingleRecord(call.world.event(access.visible_event(call.world, call.caller, call.ids["uuid"])))


def list_invitees(call: ApiCall) -> PagedList:
    """List the invitees of one event."""
    query = call.query
    invitees = call.world.invitees(access.visible_event(call.world, call.caller, call.ids["uuid"]))
    matching = [
        invitee
        for invitee in invitees
        if query["status"] in {None, invitee["status"]}
        and (query["email"] is None or query["email"].lower() == invitee["email"].lower())
    ]
    return PagedList(sorted_listing(matching, query["sort"] or [("created_at", False)]))


def get_invitee(call: ApiCall) -> SingleRecord:
    """Get one invitee of an event."""
    number = access.visible_event(call.world, call.caller, call.ids["event_uuid"])
    ref = call.world.find_invitee(call.ids["invitee_uuid"])
    if ref is None or ref.event != number:
        raise errors.not_found()
    return SingleRecord(call.world.invitees(number)[ref.position])


def cancel_event(call: ApiCall) -> SingleRecord:
    """Cancel an event for all invitees."""
    number = access.visible_event(call.world, call.caller, call.ids["uuid"])
    positions = range(len(call.world.invitees(number)))
    name = call.caller.member.user["name"]
    try:
        canceled = bookings.cancel(
            call.world,
            call.now,
            number,
            positions,
            reason=call.body.get("reason"),
            canceler_type="host",
            name=name,
        )
    except NotPossibleError:
        raise errors.denied("Event is already canceled") from None  # not documented
    for ref in canceled:
        call.domain_events.append(bookings.invitee_event(call.world, "invitee.canceled", ref))
    return SingleRecord(call.world.event(number)["cancellation"], status=201)


ROUTES = (
    Route(
        "GET /scheduled_events",
        "scheduled_events.list",
        _SCOPES,
        list_events,
        (
            Parameter("user", uri("users")),
            Parameter("organization", uri("organizations")),
            Parameter("group", uri("groups")),
            Parameter("invitee_email", email),
            Parameter("status", choice("active", "canceled")),
            Parameter("sort", sort("start_time")),
            Parameter("min_start_time", moment),
            Parameter("max_start_time", moment),
            *PAGING,
        ),
    ),
    Route("GET /scheduled_events/{uuid}", "scheduled_events.get", _SCOPES, get_event),
    Route(
        "POST /scheduled_events/{uuid}/cancellation",
        "scheduled_events.cancel",
        ("scheduled_events:write",),
        cancel_event,
        body=BodySchema((BodyField("reason", text(max_length=10_000), null_in_reply=True),)),
    ),
    Route(
        "GET /scheduled_events/{uuid}/invitees",
        "invitees.list",
        _SCOPES,
        list_invitees,
        (
            Parameter("status", choice("active", "canceled")),
            Parameter("sort", sort("created_at")),
            Parameter("email", email),
            *PAGING,
        ),
    ),
    Route("GET /scheduled_events/{event_uuid}/invitees/{invitee_uuid}", "invitees.get", _SCOPES, get_invitee),
)
