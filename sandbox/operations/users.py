"""Users and organization memberships."""

from .. import errors
from ..api import access
from ..api.calls import ApiCall, NoContent, PagedList, Route, SingleRecord
from ..api.parameters import PAGING, Parameter, choice, email, uri
from ..world import domain_events, times
from ..world.domain_events import DomainEvent
from ..world.listings import InMemoryListing
from ..world.population import Member


def get_me(call: ApiCall) -> SingleRecord:
    """Get the caller."""
    return SingleRecord(call.caller.member.user)


def get_user(call: ApiCall) -> SingleRecord:
    """Get a user of the caller's organization."""
    member = call.world.member(call.ids["uuid"])
    if member is None:
        raise errors.not_found()
    return SingleRecord(access.colleague(call.world, call.caller, member.uuid).user)


def list_memberships(call: ApiCall) -> PagedList:
    """List the memberships of one user or, for owners and admins, of the organization."""
    user, organization = call.query["user"], call.query["organization"]
    if organization is not None:
        access.require_own_organization(call.world, call.caller, organization)
    if user is not None:
        members = [access.visible_member(call.world, call.caller, user)]
    elif organization is not None:
        access.require_admin(call.caller)
        own = call.caller.member.organization
        all_members = call.world.population.by_membership.values()
        members = [member for member in all_members if member.organization == own]
    else:
        raise errors.invalid(errors.detail("organization or user is required"))
    return PagedList(InMemoryListing([member.membership for member in members if _matches(member, call)]))


def _matches(member: Member, call: ApiCall) -> bool:
    address, role = call.query["email"], call.query["role"]
    return (address is None or member.user["email"] == address.lower()) and (
        role is None or member.role == role
    )


def get_membership(call: ApiCall) -> SingleRecord:
    """Get one membership: the caller's own or, for owners and admins, any of the organization."""
    return SingleRecord(_member(call).membership)


def _member(call: ApiCall) -> Member:
    member = call.world.population.by_membership.get(call.ids["uuid"])
    if member is None:
        raise errors.not_found()
    return access.visible_member(call.world, call.caller, member.uuid)


def remove_member(call: ApiCall) -> NoContent:
    """Remove a user and the event types without other hosts; the owner can't be removed."""
    member = _member(call)
    if member.role == "owner":
        raise errors.denied("You cannot remove the owner of the organization.")
    for event_type in call.world.remove_member(member):
        payload = domain_events.deleted_event_type_payload(event_type.record, times.isoformat(call.now))
        call.domain_events.append(
            DomainEvent("event_type.deleted", payload, event_type.organization, (member.number,))
        )
    return NoContent()


ROUTES = (
    Route("GET /users/me", "users.me", ("users:read",), get_me),
    Route("GET /users/{uuid}", "users.get", ("users:read",), get_user),
    Route(
        "GET /organization_memberships",
        "organization_memberships.list",
        ("organizations:read",),
        list_memberships,
        (
            Parameter("email", email),
            Parameter("organization", uri("organizations")),
            Parameter("user", uri("users")),
            Parameter("role", choice("owner", "admin", "user")),
            *PAGING,
        ),
    ),
    Route(
        "GET /organization_memberships/{uuid}",
        "organization_memberships.get",
        ("organizations:read",),
        get_membership,
    ),
    Route(
        "DELETE /organization_memberships/{uuid}",
        "organization_memberships.delete",
        ("organizations:write",),
        remove_member,
        role="admin",
    ),
)
