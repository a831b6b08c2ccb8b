"""Whose events are told: the widest scope that the events and the role allow, or the one asked for."""

import pytest
from calendly_connector.auth.identity import Identity
from calendly_connector.catalog.manifest import manifest
from calendly_connector.errors import InvalidParams
from calendly_connector.events.scope_assignment import share_out, told_by

TRIGGERS = manifest().triggers
USER, ORGANIZATION, GROUP = (
    f"https://api.calendly.com/{kind}/X" for kind in ("users", "organizations", "groups")
)
ALL = told_by(TRIGGERS, TRIGGERS)


def reach(role):
    return Identity(USER, ORGANIZATION, role)


def test_an_event_of_ours_is_told_by_those_of_calendly_each_once():
    wanted = ["invitee.rescheduled", "invitee.created"]
    assert told_by(wanted, TRIGGERS) == ("invitee.canceled", "invitee.created")


@pytest.mark.parametrize("wanted", [[], ["invitee.moved"]])
def test_what_is_no_event_is_refused_with_the_names_of_all(wanted):
    with pytest.raises(InvalidParams, match=r"invitee\.rescheduled"):
        told_by(wanted, TRIGGERS)


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_who_leads_hears_of_the_organization_but_for_what_users_alone_are_told(role):
    shares = {share.scope: share for share in share_out(ALL, TRIGGERS, reach(role))}
    assert sorted(shares) == ["organization", "user"]
    assert set(shares["user"].events) == {event for event in ALL if event.startswith("meeting_recap.")}
    assert sorted(event for share in shares.values() for event in share.events) == sorted(ALL)
    assert (shares["user"].owner, shares["organization"].owner) == (USER, ORGANIZATION)
    assert role in shares["organization"].reason


@pytest.mark.parametrize("role", ["user", None])
def test_all_others_hear_of_themselves(role):
    (share,) = share_out(["invitee.created", "meeting_recap.created"], TRIGGERS, reach(role))
    assert (share.scope, share.owner) == ("user", USER)
    assert "admins and owners" in share.reason


def test_a_group_is_told_where_one_is_named():
    (share,) = share_out(["invitee.created"], TRIGGERS, reach("user"), group=GROUP)
    assert (share.scope, share.owner, share.reason) == ("group", GROUP, "as asked for")


@pytest.mark.parametrize(
    ("events", "role", "asked", "words"),
    [
        (["routing_form_submission.created"], "user", {}, "must be an admin or owner, not user"),
        (["routing_form_submission.created"], None, {}, "not of unknown role"),
        (["routing_form_submission.created"], "owner", {"scope": "user"}, "not of scope user"),
        (["meeting_recap.created"], "owner", {"group": GROUP}, "a user alone, not of scope group"),
        (["invitee.created"], "owner", {"scope": "everybody"}, "organization, user or group"),
        (["invitee.created"], "owner", {"scope": "group"}, "name the group"),
        (["invitee.created"], "owner", {"scope": "user", "group": GROUP}, "does not go with scope user"),
    ],
)
def test_what_cannot_be_told_is_refused_in_words(events, role, asked, words):
    with pytest.raises(InvalidParams, match=words):
        share_out(events, TRIGGERS, reach(role), **asked)
