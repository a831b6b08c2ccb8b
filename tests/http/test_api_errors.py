"""Errors from replies: advice that fits the reason, and the place where the credential is stored."""

import json
import re

import pytest
from calendly_connector.auth.credentials import credential_location, credential_source, find_credential
from calendly_connector.catalog.manifest import catalog
from calendly_connector.errors import (
    InvalidCredential,
    NotFound,
    PermissionDenied,
    Rejected,
    Unauthenticated,
)
from calendly_connector.http.api_errors import CASES, CredentialLocation, error_for
from calendly_connector.http.request import Request
from calendly_connector.plugin import connector
from calendly_connector.sandbox.world import fixtures
from hostile import Hostile, one, reply

KIND = "personal_access_token"
READ = Request("GET", "/scheduled_events")
BOOK = Request("POST", "/invitees")
INVITE = Request("POST", "/organizations/AAAAAAAAAAAAAAAA/invitations")
CANCEL = Request("POST", "/scheduled_events/AAAAAAAAAAAAAAAA/cancellation")
RACE = {
    "title": "Race Condition",
    "message": "A race condition occurred when processing the request. Please try the request again.",
}
GENERIC = "The supplied parameters are invalid."
SLOT_UNAVAILABLE = {
    "title": "Invalid Argument",
    "message": GENERIC,
    "details": [{"parameter": "event.start_time", "message": "is not available", "code": "already_filled"}],
}
NO_SLOT = {"title": "Resource Not Found", "message": "The server could not find the requested resource."}
SEATS = "You have no seats left. Please purchase more seats to send more invitations."
TRIAL = "You already sent all the invitations allotted to you with a trial account."
ORGANIZATION_MISSING = (
    "Please also specify organization when requesting events for a user within your organization."
)
DATA = "You must be an admin/owner with the data requests permission enabled. Contact Calendly support."
SLOTS = "event_type_available_times.list"


def refused(request, status, body):
    return error_for(request, status, {}, json.dumps(body).encode())


def denied(message):
    return {"title": "Permission Denied", "message": message}


@pytest.mark.parametrize(
    ("request_", "status", "body", "fix"),
    [
        (READ, 400, RACE, "Try again."),
        (
            INVITE,
            400,
            {"title": "Already Invited", "message": "No."},
            "Nothing to do: this person is already invited",
        ),
        (
            INVITE,
            400,
            {"title": "Already Organization Member"},
            "Nothing to do: this person is already a member.",
        ),
        (BOOK, 400, SLOT_UNAVAILABLE, f"That slot is taken. Choose another from {SLOTS}."),
        (BOOK, 404, NO_SLOT, f"Choose another time from {SLOTS}."),
        (READ, 404, NO_SLOT, "Check the id"),
        (CANCEL, 403, denied("Event is already canceled"), "Nothing to do: the event is already canceled."),
        (READ, 403, denied(ORGANIZATION_MISSING), "Pass organization as well as user."),
        (READ, 403, denied(DATA), "Ask Calendly support for the data requests permission."),
        (INVITE, 403, denied(SEATS), "Buy more seats in Calendly, or remove members."),
        (INVITE, 403, denied(TRIAL), "Upgrade the trial to a paid plan."),
        (READ, 403, denied("This user is not in your organization"), "from organization_memberships.list."),
        (
            READ,
            403,
            denied("You are not allowed to view this event"),
            "Check that the token's user is allowed to do",
        ),
    ],
)
def test_advice_matches_calendlys_message(request_, status, body, fix):
    assert fix in refused(request_, status, body).fix


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (SEATS, "plan"),
        (TRIAL, "plan"),
        ("Please upgrade to a paid Calendly account.", "plan"),
        ("You do not have permission to access this resource.", "role"),
        (DATA, "other"),
        (ORGANIZATION_MISSING, "other"),
        ("Event is already canceled", "other"),
    ],
)
def test_the_reason_of_a_403_follows_from_its_message(message, reason):
    error = refused(INVITE, 403, denied(message))
    assert isinstance(error, PermissionDenied)
    assert error.reason == reason


def test_advice_about_an_unavailable_slot_does_not_mention_ids():
    error = refused(BOOK, 404, NO_SLOT)
    assert isinstance(error, NotFound)
    assert error.message == (
        "POST /invitees: that time isn't available, or the event type doesn't exist (404)."
    )
    assert "id" not in error.fix.split()


def test_advice_for_a_400_depends_on_whether_calendly_names_the_cause():
    specific = refused(READ, 400, {"title": "Invalid Email", "message": "It cannot be invited."})
    assert str(specific) == (
        "GET /scheduled_events was rejected (400). It cannot be invited. Change the request as Calendly says."
    )
    for body in ({}, {"message": GENERIC}):
        assert refused(READ, 400, body).fix == "Check the inputs: Calendly doesn't say which one it rejects."
    named = {"message": GENERIC, "details": [{"parameter": "count", "message": "must be a number"}]}
    assert refused(READ, 400, named).fix == "Change the request as Calendly says."


def test_wording_of_one_operation_does_not_match_another():
    assert "slot" not in refused(READ, 400, SLOT_UNAVAILABLE).fix
    assert "Nothing to do" not in refused(READ, 403, denied("Event is already canceled")).fix


def test_actions_that_advice_names_exist():
    named = {name for case in CASES for name in re.findall(r"[a-z_]+\.list", case.fix)}
    assert named
    assert named <= catalog().keys()


def test_a_race_condition_is_retried_until_it_succeeds(connect, timer):
    with Hostile(reply(400, RACE), one({"uri": "https://api.calendly.com/notes/A"})) as server:
        connect(server).request("POST", "/notes", {"title": "Hello"})
    assert [request.method for request in server.asked] == ["POST", "POST"]
    assert len(timer.sleeps) == 1


def test_a_lasting_race_condition_is_a_retryable_error(connect):
    with Hostile(reply(400, RACE)) as server, pytest.raises(Rejected) as caught:
        connect(server).request("POST", "/notes", {"title": "Hello"})
    assert caught.value.retryable
    assert caught.value.fix == "Try again."


# Rejections of the sandbox, as seen from the command line


def test_booking_an_unavailable_time_points_to_available_times(connect, sandbox):
    booking = {
        "event_type": "intro",
        "start_time": "2030-01-05T03:00:00Z",
        "location": {"kind": "zoom_conference"},
        "invitee": {"name": "Zoe", "email": "zoe@client.example", "timezone": "Europe/Berlin"},
        "questions_and_answers": [
            {"question": "What would you like to discuss?", "answer": "Pricing", "position": 0}
        ],
    }
    with pytest.raises(NotFound) as caught:
        connect(sandbox).run("invitees.create", booking)
    assert SLOTS in caught.value.fix


def test_canceling_twice_says_nothing_to_do(connect, fresh_sandbox):
    connection = connect(fresh_sandbox)
    organization = f"https://api.calendly.com/organizations/{fixtures.ORGANIZATION}"
    [event] = connection.run(
        "scheduled_events.list",
        {"organization": organization, "status": "active", "min_start_time": "2026-11-19T00:00:00Z"},
        limit=1,
    ).records
    connection.run("scheduled_events.cancel", {"uuid": event["uri"]})
    with pytest.raises(PermissionDenied) as caught:
        connection.run("scheduled_events.cancel", {"uuid": event["uri"]})
    assert caught.value.fix == "Nothing to do: the event is already canceled."


# Where the credential is stored


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ({}, "the credential passed to connect()"),
        (
            {"source": "the Airflow connection 'calendly_default'"},
            "the Airflow connection 'calendly_default'",
        ),
    ],
)
def test_advice_for_a_rejected_token_names_where_it_is_stored(sandbox, monkeypatch, source, place):
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    with connector.connect({"kind": KIND, "token": "made-up"}, origin=sandbox.url, **source) as connection:
        with pytest.raises(Unauthenticated) as caught:
            connection.run("users.me")
        assert caught.value.fix == f"Create a new token in Calendly and put it in {place}."
        assert connection.check().fix == caught.value.fix


def test_advice_for_a_missing_scope_names_where_the_token_is_stored(sandbox):
    credential = {"kind": KIND, "token": "sandbox-events-only"}
    with (
        connector.connect(credential, origin=sandbox.url, source="the 'work' connection") as connection,
        pytest.raises(PermissionDenied) as caught,
    ):
        connection.run("users.me")
    assert caught.value.fix == (
        "Create a token that also has users:read and put it in the 'work' connection."
    )


def test_a_host_without_a_token_is_not_pointed_to_the_environment(unvisited):
    with (
        connector.connect({"kind": KIND}, origin=unvisited.url, source="the 'work' connection") as connection,
        pytest.raises(InvalidCredential) as caught,
    ):
        connection.run("users.me")
    assert caught.value.fix.endswith("put it in the 'work' connection.")
    assert "CALENDLY" not in caught.value.fix


def test_a_stored_credential_is_named_even_if_the_host_passes_a_source():
    location = credential_location(
        {"kind": KIND, "token": "x"}, "Acme & Co", "the 'work' connection", is_for_calendly=False
    )
    assert location.replace_advice() == (
        "Create a new token in Calendly and put it in the stored credential 'Acme & Co' "
        "(calendly-connector vault add 'Acme & Co' --replace)."
    )


@pytest.mark.parametrize(
    ("source", "action", "fix"),
    [
        (
            CredentialLocation(oauth=True, name="acme"),
            "event_types.list",
            "login acme --for event_types.list",
        ),
        (CredentialLocation(oauth=True, name="acme"), "", "login acme --scope event_types:read"),
        (CredentialLocation(oauth=True), "event_types.list", "login NAME --for event_types.list"),
    ],
)
def test_advice_for_a_sign_in_without_a_scope_is_a_login_command(source, action, fix):
    assert source.scope_advice(("event_types:read",), action) == (
        f"Sign in again for event_types:read: calendly-connector {fix}"
    )


@pytest.mark.parametrize(
    ("token", "is_for_calendly", "is_mentioned"),
    [("eyJhbGciOi.made.up", True, False), ("an-old-api-key", True, True), ("sandbox-owner", False, False)],
)
def test_an_unfamiliar_token_is_mentioned(token, is_for_calendly, is_mentioned):
    location = credential_location({"kind": KIND, "token": token}, "", "", is_for_calendly=is_for_calendly)
    assert ("client secret" in location.replace_advice()) is is_mentioned


def test_advice_names_the_environment_variable_that_was_read(monkeypatch):
    for variable in ("CALENDLY_API_TOKEN", "CALENDLY_API_KEY", "calendly_api_token", "CALENDLY_CREDENTIAL"):
        monkeypatch.delenv(variable, raising=False)
    assert credential_source(find_credential()) == "CALENDLY_API_TOKEN, or sign in: calendly-connector login"
    monkeypatch.setenv("CALENDLY_API_KEY", "made-up")
    assert credential_source(find_credential()) == "CALENDLY_API_KEY"
    assert credential_source(find_credential(), "of the MCP server") == "CALENDLY_API_KEY of the MCP server"
    assert credential_source(find_credential("acme")) == ""
