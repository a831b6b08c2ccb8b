"""Users and organization memberships."""

from .. import errors
from ..api import access
from ..api.calls import Call, Many, Nothing, One, Route
from ..api.parameters import PAGING, Parameter, choice, email, uri
from ..world import happenings, times
from ..world.happenings import Happening
from ..world.listings import Shelf
from ..world.population import Member


def get_me(call: Call) -> One:
    """Give the caller."""
    return One(call.caller.member.user)


def get_user(call: Call) -> One:
    """Give a user of the caller's organization."""
    member = call.world.member(call.ids["uuid"])
    if member is None:
        raise errors.not_found()
    return One(access.colleague(call.world, call.caller, member.uuid).user)


def list_memberships(call: Call) -> Many:
    """Give the memberships of the organization (those who lead), or of one user."""
    user, organization = call.query["user"], call.query["organization"]
    if organization is not None:
        access.require_own_organization(call.world, call.caller, organization)
    if user is not None:
        members = [access.reachable(call.world, call.caller, user)]
    elif organization is not None:
        access.require_lead(call.caller)
        own = call.caller.member.organization
        everybody = call.world.population.by_membership.values()
        members = [member for member in everybody if member.organization == own]
    else:
        raise errors.invalid(errors.detail("organization or user is required"))
    return Many(Shelf([member.membership for member in members if _wanted(member, call)]))


def _wanted(member: Member, call: Call) -> bool:
    mail, role = call.query["email"], call.query["role"]
    return (mail is None or member.user["email"] == mail.lower()) and (role is None or member.role == role)


def get_membership(call: Call) -> One:
    """Give one membership: the caller's own, or any of the organization for those who lead."""
    return One(_member(call).membership)


def _member(call: Call) -> Member:
    member = call.world.population.by_membership.get(call.ids["uuid"])
    if member is None:
        raise errors.not_found()
    return access.reachable(call.world, call.caller, member.uuid)


def remove_member(call: Call) -> Nothing:
    """Take a user out of the organization, and with them what is theirs alone; the owner stays."""
    member = _member(call)
    if member.role == "owner":
        raise errors.denied("You cannot remove the owner of the organization.")
    for offer in call.world.leave(member):
        payload = happenings.of_deleted_event_type(offer.record, times.write(call.now))
        call.happened.append(Happening("event_type.deleted", payload, offer.organization, (member.number,)))
    return Nothing()


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
