"""Organizations, their invitations and teams."""

from .. import errors
from ..api import access
from ..api.body_rules import EMAIL, Field, Form
from ..api.calls import Call, Many, Nothing, One, Route
from ..api.parameters import PAGING, Parameter, choice, email, sort, uri
from ..errors import ApiError
from ..world import cast, times
from ..world.listings import Shelf, sorted_shelf
from ..world.shapes import Record

_READ, _WRITE = ("organizations:read",), ("organizations:write",)

# Titles are documented, the sentences are ours.
_NOT_AGAIN_FOR = times.DAY
_ALREADY_INVITED = ApiError(400, "Already Invited", "This person has been invited already.")
_ALREADY_MEMBER = ApiError(400, "Already Organization Member", "This person is in your organization already.")
_NOT_PENDING = ApiError(400, "Invitation Already Accepted", "Only a pending invitation can be revoked.")


def get_organization(call: Call) -> One:
    """Give the caller's organization."""
    return One(call.world.offices.organizations[_own(call, "uuid")])


def _own(call: Call, name: str) -> str:
    """Give the organization id in the path, which must be the caller's."""
    uuid = call.ids[name]
    if uuid not in call.world.offices.organizations:
        raise errors.not_found()
    access.require_own_organization(call.world, call.caller, uuid)
    return uuid


def _invitations(call: Call, name: str) -> dict[str, Record]:
    """Give the invitations of the organization in the path, by id."""
    own = f"/{_own(call, name)}"
    invitations = call.world.offices.invitations
    return {uuid: record for uuid, record in invitations.items() if record["organization"].endswith(own)}


def list_invitations(call: Call) -> Many:
    """Give the invitations of the organization."""
    query = call.query
    records = [
        record
        for record in _invitations(call, "uuid").values()
        if query["status"] in {None, record["status"]}
        and (query["email"] is None or query["email"].lower() == record["email"].lower())
    ]
    return Many(sorted_shelf(records, query["sort"] or [("created_at", False)]))


def invite(call: Call) -> One:
    """Invite somebody who is not there; who was invited some time ago is sent the same invitation again."""
    mail = call.body["email"]
    world, organization = call.world, call.caller.member.organization
    for record in _invitations(call, "uuid").values():
        if record["status"] == "pending" and record["email"].lower() == mail.lower():
            if call.now - times.read(record["last_sent_at"]) < _NOT_AGAIN_FOR:
                raise _ALREADY_INVITED
            world.touch()
            record["last_sent_at"] = times.write(call.now)
            return One(record, status=201)
    member = world.member_of_mail(mail)
    if member is not None and member.organization == organization:
        raise _ALREADY_MEMBER
    if world.offices.organizations[call.ids["uuid"]]["kind"] == "single":
        raise errors.denied("There are no seats left in your organization.")
    world.touch()
    uuid = world.new_uuid("made_invitation")
    return One(world.offices.invite(uuid, mail, times.write(call.now)), status=201)


def get_invitation(call: Call) -> One:
    """Give one invitation."""
    return One(_invitation(call))


def _invitation(call: Call) -> Record:
    record = _invitations(call, "org_uuid").get(call.ids["uuid"])
    if record is None:
        raise errors.not_found()
    return record


def revoke_invitation(call: Call) -> Nothing:
    """Take a pending invitation back."""
    if _invitation(call)["status"] != "pending":
        raise _NOT_PENDING
    call.world.touch()
    del call.world.offices.invitations[call.ids["uuid"]]
    return Nothing()


def list_teams(call: Call) -> Many:
    """Give the teams of the organization, or those a colleague belongs to."""
    member = call.caller.member
    if call.query["user"] is not None:
        member = access.colleague(call.world, call.caller, call.query["user"])
    offices = call.world.offices
    return Many(Shelf([offices.team] if offices.in_team(member) else []))


def get_team(call: Call) -> One:
    """Give one team of the organization."""
    if call.ids["team_uuid"] != cast.TEAM:
        raise errors.not_found()
    if not call.world.offices.in_team(call.caller.member):
        raise errors.denied()
    return One(call.world.offices.team)


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
        body=Form((Field("email", EMAIL, required=True),)),
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
