"""Event types."""

from . import access, errors
from .calls import Call, Many, One, Route
from .listings import sorted_shelf
from .parameters import PAGING, Parameter, boolean, sort, uri
from .population import Member, Offer

_DEFAULT_ORDER = [("name", False)]


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
    offers = (offer for offer in call.world.population.offers if _wanted(offer, member, call))
    return Many(sorted_shelf([offer.record for offer in offers], query["sort"] or _DEFAULT_ORDER))


def _wanted(offer: Offer, member: Member | None, call: Call) -> bool:
    query = call.query
    schedule = query["user_availability_schedule"]
    return (
        offer.organization == call.caller.member.organization
        and (member is None or member.number in offer.hosts)
        # A user's one schedule serves what is theirs alone; team event types have their own hours.
        and (
            schedule is None or (member is not None and schedule == member.schedule and len(offer.hosts) == 1)
        )
        and all(query[flag] in {None, offer.record[flag]} for flag in ("active", "admin_managed"))
    )


def get_event_type(call: Call) -> One:
    """Give one event type of the caller's organization."""
    offer = call.world.population.by_offer.get(call.ids["uuid"])
    if offer is None:
        raise errors.not_found()
    if offer.organization != call.caller.member.organization:
        raise errors.denied()
    return One(offer.record)


ROUTES = (
    Route(
        "GET /event_types",
        "event_types.list",
        ("event_types:read",),
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
    Route("GET /event_types/{uuid}", "event_types.get", ("event_types:read",), get_event_type),
)
