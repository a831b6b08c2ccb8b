"""Organizations, invitations and teams."""

from .. import errors
from ..api import access
from ..api.body_schema import EMAIL, BodyField, BodySchema
from ..api.calls import ApiCall, NoContent, PagedList, Route, SingleRecord
from ..api.parameters import PAGING, Parameter, choice, email, sort, uri
from ..errors import ApiError
from ..world import fixtures, times
from ..world.listings import InMemoryListing, sorted_listing
from ..world.records import Record

_READ, _WRITE = ("organizations:read",), ("organizations:write",)

_RESEND_INTERVAL = times.DAY
# The titles are documented, the messages aren't.
_ALREADY_INVITED = ApiError(400, "Already Invited", "This person has already been invited.")
_ALREADY_MEMBER = ApiError(400, "Already Organization Member", "This person is already in your organization.")
_NOT_PENDING = ApiError(400, "Invitation Already Accepted", "Only a pending invitation can be revoked.")


def get_organization(call: ApiCall) -> SingleRecord:
    """Get the caller's organization."""
    return SingleRecord(call.world.organizations.by_id[_own_uuid(call, "uuid")])


def _own_uuid(call: ApiCall, name: str) -> str:
    """Return the organization id in the path; raise 403 if it isn't the caller's."""
    uuid = call.ids[name]
    if uuid not in call.world.organizations.by_id:
        raise errors.not_found()
    access.require_own_organization(call.world, call.caller, uuid)
    return uuid


def _invitations(call: ApiCall, name: str) -> dict[str, Record]:
    """Return the invitations of the organization in the path, by id."""
    suffix = f"/{_own_uuid(call, name)}"
    invitations = call.world.organizations.invitations
    return {uuid: record for uuid, record in invitations.items() if record["organization"].endswith(suffix)}


def list_invitations(call: ApiCall) -> PagedList:
    """List the invitations of the organization."""
    query = call.query
    records = [
        record
        for record in _invitations(call, "uuid").values()
        if query["status"] in {None, record["status"]}
        and (query["email"] is None or query["email"].lower() == record["email"].lower())
    ]
    return PagedList(sorted_listing(records, query["sort"] or [("created_at", False)]))


def invite(call: ApiCall) -> SingleRecord:
    """Invite a person; a pending invitation that is at least a day old is sent again."""
    address = call.body["email"]
    world, organization = call.world, call.caller.member.organization
    for record in _invitations(call, "uuid").values():
        if record["status"] == "pending" and record["email"].lower() == address.lower():
            if call.now - times.parse(record["last_sent_at"]) < _RESEND_INTERVAL:
                raise _ALREADY_INVITED
            world.touch()
            record["last_sent_at"] = times.isoformat(call.now)
            return SingleRecord(record, status=201)
    member = world.member_by_email(address)
    if member is not None and member.organization == organization:
        raise _ALREADY_MEMBER
    if world.organizations.by_id[call.ids["uuid"]]["kind"] == "single":
        raise errors.denied("There are no seats left in your organization.")
    world.touch()
    uuid = world.new_uuid("made_invitation")
    return SingleRecord(world.organizations.invite(uuid, address, times.isoformat(call.now)), status=201)


def get_invitation(call: ApiCall) -> SingleRecord:
    """Get one invitation."""
    return SingleRecord(_invitation(call))


def _invitation(call: ApiCall) -> Record:
    record = _invitations(call, "org_uuid").get(call.ids["uuid"])
    if record is None:
        raise errors.not_found()
    return record


def revoke_invitation(call: ApiCall) -> NoContent:
    """Revoke a pending invitation."""
    if _invitation(call)["status"] != "pending":
        raise _NOT_PENDING
    call.world.touch()
    del call.world.organizations.invitations[call.ids["uuid"]]
    return NoContent()


def list_teams(call: ApiCall) -> PagedList:
    """List the teams of the organization, or those of a colleague."""
    member = call.caller.member
    if call.query["user"] is not None:
        member = access.colleague(call.world, call.caller, call.query["user"])
    organizations = call.world.organizations
    return PagedList(InMemoryListing([organizations.team] if organizations.in_team(member) else []))


def get_team(call: ApiCall) -> SingleRecord:
    """Get one team of the organization."""
    if call.ids["team_uuid"] != fixtures.TEAM:
        raise errors.not_found()
    if not call.world.organizations.in_team(call.caller.member):
        raise errors.denied()
    return SingleRecord(call.world.organizations.team)


ROUTES = (
    Route("GET /organizations/{uuid}", "organizations.get", _READ, get_organization),
    Route(
        "GET /organizations/{uuid}/invitations",
        "organization_invitations.list",
        _READ,
        list_invitations,
        (
            Parameter("sort", sort("created_at")),
            Parameter("email", email),
            Parameter("status", choice("pending", "accepted", "declined")),
            *PAGING,
        ),
        role="admin",
    ),
    Route(
        "POST /organizations/{uuid}/invitations",
        "organization_invitations.create",
        _WRITE,
        invite,
        body=BodySchema((BodyField("email", EMAIL, required=True),)),
        role="admin",
    ),
    Route(
        "GET /organizations/{org_uuid}/invitations/{uuid}",
        "organization_invitations.get",
        _READ,
        get_invitation,
        role="admin",
    ),
    Route(
        "DELETE /organizations/{org_uuid}/invitations/{uuid}",
        "organization_invitations.delete",
        _WRITE,
        revoke_invitation,
        role="admin",
    ),
    Route("GET /teams", "teams.list", _READ, list_teams, (Parameter("user", uri("users")), *PAGING)),
    Route("GET /teams/{team_uuid}", "teams.get", _READ, get_team),
)
