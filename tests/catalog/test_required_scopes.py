"""The declared scopes are enough: every action's example runs with a token that has no others."""

import pytest
from calendly_connector.catalog.required_scopes import required_scopes
from calendly_connector.plugin import connector

BY_ITS_INPUTS = {"webhook_subscriptions.create"}  # it also needs the scopes of the events in its inputs
READS = [action for action in connector.actions().values() if action.effect == "read"]
WRITES = [action for action in connector.actions().values() if action.effect != "read"]


@pytest.fixture(scope="module")
def read_only():
    from conftest import _make_sandbox

    with _make_sandbox() as running:
        yield running


def run_with_its_scopes(action, sandbox, connect):
    scopes = list(required_scopes(action.id))
    sandbox.control("POST", "/tokens", {"name": "frugal", "scopes": scopes})
    connect(sandbox, "frugal").run(action.id, dict(action.examples[0]["input"]))


@pytest.mark.parametrize("action", READS, ids=lambda action: action.id)
def test_a_read_needs_no_other_scopes(action, read_only, connect):
    run_with_its_scopes(action, read_only, connect)


@pytest.mark.parametrize(
    "action", [action for action in WRITES if action.id not in BY_ITS_INPUTS], ids=lambda action: action.id
)
def test_a_write_needs_no_other_scopes(action, fresh_sandbox, connect):
    run_with_its_scopes(action, fresh_sandbox, connect)


def test_a_recipe_needs_the_scopes_of_the_defaults_of_its_steps():
    for recipe in ("bookings.create", "links.list", "meetings.list", "availability.edit"):
        assert "users:read" in required_scopes(recipe)


def test_an_action_without_such_defaults_needs_no_users_read():
    assert required_scopes("invitees.list") == ("scheduled_events:read",)
