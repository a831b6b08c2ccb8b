"""Organizations, invitations, teams, groups, and removed users."""

import json

import pytest
from calendly_connector.sandbox.world import fixtures
from sandbox_client import ADMIN, GROUP, ORGANIZATION, OWNER, PAYLOADS, PUBLIC, serving

INVITATIONS = f"/organizations/{fixtures.ORGANIZATION}/invitations"
MEMBER_GROUP_PATHS = ("/groups", "/group_relationships")


@pytest.fixture(scope="module")
def shared_call():
    with serving() as client:
        yield client


@pytest.fixture
def call():
    with serving() as client:
        yield client


@pytest.mark.parametrize(
    "name",
    ["getOrganization", "getTeam", "getGroup", "getGroupRelationship", "getOrganizationInvitation"],
)
def test_the_documented_examples_work(shared_call, name):
    documented = json.loads((PAYLOADS / f"{name}.json").read_text())["body"]["resource"]
    record = shared_call.ok("GET", documented["uri"].removeprefix(PUBLIC))
    stamps = {"created_at", "updated_at", "status", "user", "owner", "last_sent_at"}
    assert {key: record[key] for key in record if key not in stamps} == {
        key: value for key, value in documented.items() if key not in stamps
    }


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/organizations/none", 404),
        (f"/organizations/{fixtures.ORGANIZATION}", 403),
        ("/teams/none", 404),
        (f"/teams/{fixtures.TEAM}", 403),
        ("/groups/none", 404),
        (f"/groups/{fixtures.GROUP}", 403),
        ("/group_relationships/none", 404),
        (f"/group_relationships/{fixtures.OWNER_RELATIONSHIP}", 403),
        (f"{INVITATIONS}/{fixtures.INVITATION}", 403),
        (INVITATIONS, 403),
        ("/organizations/none/invitations", 404),
    ],
)
def test_other_organizations_see_nothing(shared_call, path, status):
    assert shared_call("GET", path, "sandbox-free").status_code == status


def test_ids_with_line_breaks_are_not_found(shared_call):
    reply = shared_call.http.delete(
        "/organization_memberships/%0A%00", headers={"Authorization": "Bearer sandbox-owner"}
    )
    assert (reply.status_code, reply.json()["title"]) == (404, "Resource Not Found")


def test_the_small_organization_has_no_teams_and_no_groups(shared_call):
    own = shared_call.member(-1).user["current_organization"]
    assert shared_call.ok("GET", "/teams", "sandbox-free") == []
    assert shared_call.ok("GET", "/groups", "sandbox-free", organization=own) == []
    assert shared_call.ok("GET", "/group_relationships", "sandbox-free") == []
    assert (
        shared_call.ok("GET", "/organizations/" + own.rpartition("/")[2], "sandbox-free")["stage"] == "free"
    )


def test_a_user_without_a_role_cannot_see_invitations_and_groups(shared_call):
    assert shared_call("GET", INVITATIONS, "sandbox-member").status_code == 403
    assert (
        shared_call("POST", INVITATIONS, "sandbox-member", json={"email": "x@y.example"}).status_code == 403
    )
    for path in MEMBER_GROUP_PATHS:
        assert shared_call("GET", path, "sandbox-member", organization=ORGANIZATION).status_code == 403
    assert (
        shared_call("GET", f"/groups/{fixtures.GROUP}", "sandbox-member").status_code == 200
    )  # a group of theirs
    assert shared_call("GET", f"/organizations/{fixtures.ORGANIZATION}", "sandbox-member").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", f"/organizations/{fixtures.ORGANIZATION}", "organizations:read"),
        ("DELETE", f"/organization_memberships/{fixtures.OWNER_MEMBERSHIP}", "organizations:write"),
        ("POST", INVITATIONS, "organizations:write"),
        ("DELETE", f"{INVITATIONS}/{fixtures.INVITATION}", "organizations:write"),
        ("GET", "/teams", "organizations:read"),
        ("GET", "/groups", "groups:read"),
        ("GET", "/group_relationships", "groups:read"),
    ],
)
def test_scopes_are_checked_first(shared_call, method, path, scope):
    reply = shared_call(method, path, "sandbox-users-only")
    assert (reply.status_code, reply.json()["required_scopes"]) == (403, [scope])


def test_invitations_are_filtered_sorted_and_paged(shared_call):
    rows = shared_call.ok("GET", INVITATIONS)
    assert [row["status"] for row in rows] == ["accepted", "declined", "pending"]
    assert shared_call.ok("GET", INVITATIONS, sort="created_at:desc") == rows[::-1]
    assert shared_call.ok("GET", INVITATIONS, status="declined") == [rows[1]]
    assert shared_call.ok("GET", INVITATIONS, email="CARLA@acme.example") == [rows[2]]
    assert shared_call("GET", INVITATIONS, count=1).json()["pagination"]["next_page_token"]
    assert rows[0]["user"] == ADMIN
    assert set(shared_call.problems("GET", INVITATIONS, status="open", email="x", count=0)) == {
        "status",
        "email",
        "count",
    }


def test_an_invitation_is_created_and_revoked(call):
    created = call.ok("POST", INVITATIONS, json={"email": "Zoe@acme.example"})
    path = created["uri"].removeprefix(PUBLIC)
    assert (created["status"], "user" in created) == ("pending", False)
    assert call.ok("GET", path) == created
    assert call("POST", INVITATIONS, json={"email": "zoe@ACME.example"}).json()["title"] == "Already Invited"
    assert call("DELETE", path).status_code == 204
    assert [call(method, path).status_code for method in ("GET", "DELETE")] == [404, 404]
    assert created not in call.ok("GET", INVITATIONS)
    assert call.ok("POST", INVITATIONS, json={"email": "zoe@acme.example"})["uri"] != created["uri"]


def test_the_documented_invitation_is_sent_again_but_not_twice_a_day(call):
    body = json.loads((PAYLOADS / "requests/InviteUser.json").read_text())
    before = call.ok("GET", f"{INVITATIONS}/{fixtures.INVITATION}")
    after = call.ok("POST", INVITATIONS, json=body)
    assert after == before | {"last_sent_at": "2026-11-18T11:06:40.000000Z"}
    assert call("POST", INVITATIONS, json=body).status_code == 400


def test_members_invalid_emails_and_full_organizations_are_not_invited(call):
    reply = call("POST", INVITATIONS, json={"email": fixtures.ADMIN_EMAIL.upper()})
    assert reply.json()["title"] == "Already Organization Member"
    assert call.problems("POST", INVITATIONS, json={"email": "nobody"}) == {
        "email": "must be a valid email address"
    }
    assert call.problems("POST", INVITATIONS, json={}) == {"email": "is required"}
    small = call.member(-1).user["current_organization"].removeprefix(PUBLIC)
    no_seat = call("POST", f"{small}/invitations", "sandbox-free", json={"email": "x@y.example"})
    assert (no_seat.status_code, "seats" in no_seat.json()["message"]) == (403, True)


def test_only_a_pending_invitation_can_be_revoked(call):
    for row in call.ok("GET", INVITATIONS):
        status = call("DELETE", row["uri"].removeprefix(PUBLIC)).status_code
        assert status == (204 if row["status"] == "pending" else 400)
    owners = [row["owner"]["type"] for row in call.ok("GET", "/group_relationships")]
    assert owners == ["OrganizationMembership"] * 4  # the invited person was removed with the invitation


def test_all_users_belong_to_the_team(shared_call):
    teams = shared_call.ok("GET", "/teams")
    assert teams == shared_call.ok("GET", "/teams", "sandbox-member", user=ADMIN)
    assert teams[0]["uri"] == shared_call.ok("GET", f"/event_types/{fixtures.SALES_DEMO}")["profile"]["owner"]
    assert shared_call("GET", "/teams", user=f"{PUBLIC}/users/none").status_code == 403


def test_the_group_has_the_right_number_of_existing_members(shared_call):
    (group,) = shared_call.ok("GET", "/groups", organization=ORGANIZATION)
    rows = shared_call.ok("GET", "/group_relationships", group=GROUP, organization=ORGANIZATION)
    members = [row["owner"] for row in rows if row["owner"]["type"] == "OrganizationMembership"]
    assert group["member_count"] == len(members) == 4
    for owner in members:
        record = shared_call.ok("GET", owner["uri"].removeprefix(PUBLIC))
        assert record == {key: value for key, value in owner.items() if key != "type"}
    (invited,) = [row["owner"] for row in rows if row["role"] == "member" and row["owner"] not in members]
    assert shared_call.ok("GET", invited["uri"].removeprefix(PUBLIC))["email"] == fixtures.INVITED_EMAIL
    for row in rows:
        assert shared_call.ok("GET", row["uri"].removeprefix(PUBLIC)) == row
        assert shared_call.ok("GET", "/group_relationships", owner=row["owner"]["uri"]) == [row]
    assert shared_call.problems("GET", "/groups") == {"organization": "is required"}
    assert set(shared_call.problems("GET", "/group_relationships", owner=OWNER)) == {"owner"}
    assert shared_call("GET", "/group_relationships", group=f"{PUBLIC}/groups/none").status_code == 403


def test_a_removed_user_disappears_everywhere(call):
    gone = call.member(2)
    path = f"/organization_memberships/{gone.membership_uuid}"
    own = call.ok("GET", "/event_types", user=gone.user["uri"])
    events = call.ok("GET", "/scheduled_events", organization=ORGANIZATION, user=gone.user["uri"])
    assert call("DELETE", path, "sandbox-member").status_code == 403
    assert call("DELETE", path, "sandbox-admin").status_code == 204
    assert call("DELETE", path).status_code == call("GET", path).status_code == 404
    left = call.ok("GET", "/organization_memberships", organization=ORGANIZATION)
    assert gone.membership not in left
    assert len(left) == 7
    assert call("GET", f"/users/{gone.uuid}").status_code == 404
    assert call("GET", "/users/me", "sandbox-member").status_code == 401
    solo = [row for row in own if row["profile"] and row["profile"]["type"] == "User"]
    assert solo
    for row in solo:
        assert call("GET", row["uri"].removeprefix(PUBLIC)).status_code == 404
    everything = call.ok("GET", "/event_types", organization=ORGANIZATION, count=100)
    assert not [row for row in everything if row in solo]
    hosts = call.ok(
        "GET", "/event_type_memberships", event_type=f"{PUBLIC}/event_types/{fixtures.SALES_DEMO}"
    )
    assert gone.user["uri"] not in [row["member"]["uri"] for row in hosts]
    assert call.ok("GET", f"/groups/{fixtures.GROUP}")["member_count"] == 3
    for event in events:  # scheduled meetings stay
        assert call("GET", event["uri"].removeprefix(PUBLIC)).status_code == 200


def test_owners_and_other_organizations_users_cannot_be_removed(call):
    assert call("DELETE", f"/organization_memberships/{fixtures.OWNER_MEMBERSHIP}").status_code == 403
    small = f"/organization_memberships/{call.member(-1).membership_uuid}"
    assert call("DELETE", small).status_code == 403
    assert call("DELETE", "/organization_memberships/none").status_code == 404


def test_a_removed_user_can_be_invited_again(call):
    gone = call.member(2)
    body = {"email": gone.user["email"]}
    assert call("POST", INVITATIONS, json=body).status_code == 400
    call.ok("DELETE", f"/organization_memberships/{gone.membership_uuid}")
    assert call.ok("POST", INVITATIONS, json=body)["status"] == "pending"
