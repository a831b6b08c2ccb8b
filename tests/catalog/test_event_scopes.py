"""Missing scopes of a subscription are named before the call if known, else after its rejection."""

import pytest
from calendly_connector.auth.vault import open_vault
from calendly_connector.catalog.event_scopes import (
    check,
    explained,
    is_missing,
    required_for,
    subscribed_events,
    unknown_scope,
)
from calendly_connector.errors import InvalidParams, PermissionDenied, Rejected
from calendly_connector.plugin import connector
from calendly_connector.sandbox.authorization.apps import WEB as WEB_APP
from sandbox_client import ORGANIZATION
from signing_in import SCOPES, WEB, sign_in
from subscribing import CALLBACK, Memory, at_calendly, subscriptions_of

PATH = "/webhook_subscriptions"
EVENT = "contact.created"
WANTED = {
    "url": "https://hooks.acme.example/scopes",
    "events": [EVENT, "invitee.created"],
    "scope": "organization",
    "organization": ORGANIZATION,
}
LACKING = "contact.created needs contacts:read, which this credential lacks"
FIX = "Create a token with contacts:read and scheduled_events:read and webhooks:write, or sign in again"


def run(connection):
    connection.run("webhook_subscriptions.create", {**WANTED, "signing_key": "0123456789abcdef"})


def request(connection):
    connection.request("POST", PATH, WANTED)


def subscribe(connection):
    connection.subscriptions(Memory()).subscribe(WANTED["events"], CALLBACK)


each_call = pytest.mark.parametrize("create", [run, request, subscribe])


def posts(sandbox):
    return sandbox.requests()["counts"].get(f"POST {PATH}", 0)


@pytest.fixture
def signed_in(fresh_sandbox, monkeypatch):
    """Return a factory for connections of an OAuth app with some scopes, stored or passed."""
    monkeypatch.setenv("CALENDLY_AUTH_URL", fresh_sandbox.url)
    opened = []

    def make(*scopes, stored=False):
        credential = {**sign_in(fresh_sandbox, WEB, scopes), "signing_key": WEB_APP.webhook_key}
        if stored:
            open_vault().put("work", credential)
            credential = {"kind": "stored", "name": "work"}
        opened.append(connector.connect(credential, origin=fresh_sandbox.url))
        return opened[-1]

    yield make
    for connection in opened:
        connection.close()


@pytest.fixture
def underscoped(fresh_sandbox, connect):
    """Return a connection whose personal token lacks the read scope of contacts, without knowing it."""
    scopes = ["groups:read", "organizations:read", "scheduled_events:read", "users:read", "webhooks:write"]
    fresh_sandbox.control("POST", "/tokens", {"name": "poor", "scopes": scopes})
    return connect(fresh_sandbox, "poor")


@each_call
@pytest.mark.parametrize("stored", [False, True])
def test_a_scope_that_was_not_granted_is_named_before_the_call(create, stored, signed_in, fresh_sandbox):
    connection = signed_in(*SCOPES, "webhooks:write", stored=stored)
    with pytest.raises(InvalidParams) as caught:
        create(connection)
    assert caught.value.action == "webhook_subscriptions.create"
    assert [(one.path, one.message) for one in caught.value.problems] == [("events", LACKING)]
    assert caught.value.fix.startswith(FIX)
    assert posts(fresh_sandbox) == 0


@each_call
def test_a_sign_in_that_was_granted_all_of_them_subscribes(create, signed_in, fresh_sandbox):
    create(signed_in(*SCOPES, "contacts:write", "groups:read", "webhooks:write"))
    assert posts(fresh_sandbox) == 1


def test_a_new_sign_in_under_the_same_name_counts_immediately(signed_in, fresh_sandbox):
    connection = signed_in(*SCOPES, "webhooks:write", stored=True)
    connection.run("users.me")
    with pytest.raises(InvalidParams):
        run(connection)
    signed_in(*SCOPES, "contacts:read", "webhooks:write", stored=True)
    run(connection)
    assert posts(fresh_sandbox) == 1


@each_call
def test_scopes_are_named_as_the_likely_cause_of_an_unexplained_rejection(create, underscoped, fresh_sandbox):
    with pytest.raises(Rejected) as caught:
        create(underscoped)
    assert caught.value.status == 400
    assert caught.value.fix == f"The token probably lacks a scope of these events. {FIX} with these scopes."
    assert at_calendly(fresh_sandbox) == {}


@each_call
def test_the_results_of_a_check_are_used_before_the_call(create, underscoped, fresh_sandbox):
    assert underscoped.check(deep=True).scopes["contacts:read"] == "refused"
    with pytest.raises(InvalidParams, match=LACKING):
        create(underscoped)
    assert posts(fresh_sandbox) == 0


def test_the_scope_to_subscribe_is_checked_too(connect, fresh_sandbox):
    fresh_sandbox.control("POST", "/tokens", {"name": "reader", "scopes": ["users:read", "webhooks:read"]})
    connection = connect(fresh_sandbox, "reader")
    with pytest.raises(PermissionDenied):
        request(connection)
    with pytest.raises(InvalidParams, match=r"needs webhooks:write, which this credential lacks"):
        check(["invitee.created"], lambda scope: scope == "webhooks:write")


def test_a_rejection_that_names_an_input_keeps_its_advice(underscoped):
    with pytest.raises(Rejected) as caught:
        underscoped.request("POST", PATH, {**WANTED, "url": "hooks"})
    assert "scope" not in caught.value.fix


@pytest.mark.parametrize(
    ("details", "granted", "named"),
    [
        ([], None, True),
        ([{"message": "is wrong"}], None, True),
        ([{"parameter": "events", "message": "is wrong"}], None, True),
        ([{"parameter": "url", "message": "is wrong"}], None, False),
        ([{"parameter": ["url"], "message": "is wrong"}], None, False),
        ([], {"webhooks:write", "contacts:write"}, False),
        ([], {"default"}, False),
    ],
)
def test_scopes_are_named_only_if_they_may_be_the_cause(details, granted, named):
    error = Rejected("Refused.", fix="As it was.", status=400, details=details)
    error = explained(error, [EVENT], lambda scope: is_missing(scope, granted, {}))
    assert ("contacts:read" in error.fix) is named
    assert named or error.fix == "As it was."


@pytest.mark.parametrize("status", [404, 409, 422])
def test_another_status_keeps_its_own_advice(status):
    error = Rejected("Refused.", fix="As it was.", status=status)
    assert explained(error, [EVENT], unknown_scope).fix == "As it was."


@pytest.mark.parametrize(
    ("method", "path", "body", "events"),
    [
        ("POST", PATH, WANTED, (EVENT, "invitee.created")),
        ("POST", f"{PATH}/", WANTED, (EVENT, "invitee.created")),
        ("POST", PATH, {"events": ["nothing.happened", 5, EVENT]}, (EVENT,)),
        ("POST", PATH, {"events": EVENT}, ()),
        ("POST", PATH, {}, ()),
        ("POST", PATH, None, ()),
        ("GET", PATH, None, ()),
        ("POST", "/contacts", WANTED, ()),
    ],
)
def test_only_a_subscription_subscribes(method, path, body, events):
    assert subscribed_events(method, path, body) == events


def test_only_the_minimum_scopes_are_named():
    assert required_for(["contact.created", "contact.deleted"]) == ("contacts:read", "webhooks:write")
    assert required_for(["meeting_recap.created"]) == ("meeting_recaps:read", "webhooks:write")


def test_all_missing_scopes_are_named(unvisited, connect):
    subscriptions = subscriptions_of(connect(unvisited), is_missing=lambda _scope: True)
    with pytest.raises(InvalidParams) as caught:
        subscriptions.subscribe([EVENT, "meeting_recap.created"], CALLBACK)
    assert [one.message.partition(" needs ")[2].partition(",")[0] for one in caught.value.problems] == [
        "webhooks:write",
        "contacts:read",
        "meeting_recaps:read",
    ]
