"""Whose events are delivered: the widest scope that events and role permit, or the requested one."""

import pytest
from calendly_connector.auth.identity import Identity
from calendly_connector.catalog.manifest import manifest
from calendly_connector.errors import InvalidParams
from calendly_connector.events.scope_assignment import assign_scopes, source_events

TRIGGERS = manifest().triggers
USER, ORGANIZATION, GROUP = (
    f"https://api.calendly.com/{kind}/X" for kind in ("users", "organizations", "groups")
)
ALL = source_events(TRIGGERS, TRIGGERS)


def identity(role):
    return Identity(USER, ORGANIZATION, role)


def test_the_source_events_of_a_reschedule_are_returned_once_each():
    wanted = ["invitee.rescheduled", "invitee.created"]
    assert source_events(wanted, TRIGGERS) == ("invitee.canceled", "invitee.created")


@pytest.mark.parametrize("wanted", [[], ["invitee.moved"]])
def test_an_unknown_event_is_rejected_with_the_available_names(wanted):
    with pytest.raises(InvalidParams, match=r"invitee\.rescheduled"):
        source_events(wanted, TRIGGERS)


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_admins_and_owners_get_their_organization_except_for_events_of_users(role):
    shares = {share.scope: share for share in assign_scopes(ALL, TRIGGERS, identity(role))}
    assert sorted(shares) == ["organization", "user"]
    assert set(shares["user"].events) == {event for event in ALL if event.startswith("meeting_recap.")}
    assert sorted(event for share in shares.values() for event in share.events) == sorted(ALL)
    assert (shares["user"].owner, shares["organization"].owner) == (USER, ORGANIZATION)
    assert role in shares["organization"].reason


@pytest.mark.parametrize("role", ["user", None])
def test_other_roles_get_their_own_events(role):
    (share,) = assign_scopes(["invitee.created", "meeting_recap.created"], TRIGGERS, identity(role))
    assert (share.scope, share.owner) == ("user", USER)
    assert "admins and owners" in share.reason


def test_a_named_group_is_used():
    (share,) = assign_scopes(["invitee.created"], TRIGGERS, identity("user"), group=GROUP)
    assert (share.scope, share.owner, share.reason) == ("group", GROUP, "as requested")


@pytest.mark.parametrize(
    ("events", "role", "requested", "message"),
    [
        (["routing_form_submission.created"], "user", {}, "for admins and owners; the token's user is user"),
        (["routing_form_submission.created"], None, {}, "the role of the token's user is unknown"),
        (
            ["routing_form_submission.created"],
            "owner",
            {"scope": "user"},
            "only available with scope organization, not user",
        ),
        (["meeting_recap.created"], "owner", {"group": GROUP}, "only available with scope user, not group"),
        (["invitee.created"], "owner", {"scope": "everybody"}, "organization, user or group"),
        (["invitee.created"], "owner", {"scope": "group"}, "group: is required with scope group"),
        (["invitee.created"], "owner", {"scope": "user", "group": GROUP}, "can't be used with scope user"),
    ],
)
def test_an_unavailable_scope_is_rejected_with_the_reason(events, role, requested, message):
    with pytest.raises(InvalidParams, match=message):
        assign_scopes(events, TRIGGERS, identity(role), **requested)
