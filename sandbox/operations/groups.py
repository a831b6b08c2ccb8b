"""Groups and group relationships."""

from .. import errors
from ..api import access
from ..api.calls import ApiCall, PagedList, Route, SingleRecord
from ..api.parameters import PAGING, Parameter, uri
from ..world import fixtures
from ..world.listings import InMemoryListing
from ..world.population import LARGE

_SCOPES = ("groups:read",)


def list_groups(call: ApiCall) -> PagedList:
    """List the groups of the organization."""
    access.require_own_organization(call.world, call.caller, call.query["organization"])
    access.require_admin(call.caller)
    has_group = call.caller.member.organization == LARGE
    return PagedList(InMemoryListing([call.world.organizations.group()] if has_group else []))


def get_group(call: ApiCall) -> SingleRecord:
    """Get a group: any of the organization for owners and admins, otherwise the caller's own."""
    if call.ids["uuid"] != fixtures.GROUP:
        raise errors.not_found()
    if call.caller.member.number not in call.world.group_members(fixtures.GROUP):
        access.require_group(call.world, call.caller, fixtures.GROUP)
    return SingleRecord(call.world.organizations.group())


def list_relationships(call: ApiCall) -> PagedList:
    """List the relationships of the groups of the organization."""
    organization, group, owner = (call.query[name] for name in ("organization", "group", "owner"))
    if organization is not None:
        access.require_own_organization(call.world, call.caller, organization)
    if group is not None:
        access.require_group(call.world, call.caller, group)
    access.require_admin(call.caller)
    if call.caller.member.organization != LARGE:
        return PagedList(InMemoryListing([]))
    rows = call.world.organizations.relationships().values()
    matching = [row for row in rows if owner is None or row["owner"]["uri"].endswith(f"/{owner}")]
    return PagedList(InMemoryListing(matching))


def get_relationship(call: ApiCall) -> SingleRecord:
    """Get one group relationship."""
    record = call.world.organizations.relationships().get(call.ids["uuid"])
    if record is None:
        raise errors.not_found()
    access.require_group(call.world, call.caller, fixtures.GROUP)
    return SingleRecord(record)


ROUTES = (
    Route(
        "GET /groups",
        "groups.list",
        _SCOPES,
        list_groups,
        (Parameter("organization", uri("organizations"), required=True), *PAGING),
    ),
    Route("GET /groups/{uuid}", "groups.get", _SCOPES, get_group),
    Route(
        "GET /group_relationships",
        "group_relationships.list",
        _SCOPES,
        list_relationships,
        (
            Parameter("organization", uri("organizations")),
            Parameter("owner", uri("organization_memberships", "organizations/invitations")),
            Parameter("group", uri("groups")),
            *PAGING,
        ),
    ),
    Route("GET /group_relationships/{uuid}", "group_relationships.get", _SCOPES, get_relationship),
)
