"""`calendly-connector flow remove`."""

import base64
import json

import pytest
from calendly_connector.auth.vault import open_vault
from terminal import at_terminal, caller

BOOKED = """\
name: booked
connections: {calendly: {connector: calendly, credential: work}}
trigger: {type: triggered, connection: calendly, events: [invitee.created], subscribe: true}
steps:
  - {id: me, connection: calendly, action: users.me}
"""
BY_HAND = """\
name: by-hand
connections: {calendly: {connector: calendly, credential: work}}
trigger: {type: manual}
steps:
  - {id: me, connection: calendly, action: users.me}
"""


@pytest.fixture
def call(capsys, monkeypatch):
    return caller(capsys, monkeypatch)


@pytest.fixture(autouse=True)
def account(fresh_sandbox, tmp_path, monkeypatch):
    """Return a sandbox whose token is in the vault as `work`. The agent's database is a new file."""
    from calendly_connector.cli.agent_options import make_engine

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALENDLY_API_URL", fresh_sandbox.url)
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    monkeypatch.setenv("CALENDLY_CONNECTOR_KEY", base64.b64encode(bytes(32)).decode())
    monkeypatch.setenv("CALENDLY_AGENT_DATABASE", str(tmp_path / "agent.db"))
    open_vault().put("work", {"kind": "personal_access_token", "token": "sandbox-owner"})
    engine = make_engine("sqlite:///agent.db", base_url="https://flows.acme.example")
    engine.start(works=False)
    engine.stop()
    return fresh_sandbox


@pytest.fixture
def deploy(call, tmp_path):
    """Return a function that deploys the text of a flow."""

    def deploy(text):
        (tmp_path / "flow.yaml").write_text(text, encoding="utf-8")
        assert call("flow", "deploy", "flow.yaml")[0] == 0

    return deploy


def test_a_flow_is_removed_with_its_subscription(call, deploy):
    deploy(BOOKED)
    assert call("flow", "remove", "booked") == (
        0,
        "booked is removed.\n  Deleted 1 webhook subscription.\n",
        "",
    )
    assert json.loads(call("flow", "list", "--json")[1]) == []
    listed = json.loads(call("webhooks", "list", "--credential", "work", "--json")[1])["subscriptions"]
    assert [one["url"] for one in listed if "/flows/booked/" in one["url"]] == []


def test_unknown_flows_are_an_error_and_nothing_is_removed(call, deploy):
    deploy(BY_HAND)
    code, _, err = call("flow", "remove", "by-hand", "none")
    assert (code, err) == (
        2,
        "calendly-connector: No flow named 'none' is deployed. List the flows: flow list.\n",
    )
    assert len(json.loads(call("flow", "list", "--json")[1])) == 1


def test_a_flow_whose_credential_is_gone_is_removed_by_force(call, deploy):
    deploy(BOOKED)
    deploy(BY_HAND)
    open_vault().delete("work")
    code, out, err = call("flow", "remove", "booked")
    assert (code, out) == (1, "")
    assert "its webhook subscription can't be deleted" in err
    assert "--force" in err
    code, out, _ = call("flow", "remove", "by-hand", "booked", "--json")
    assert code == 1
    assert [(one["name"], one["removed"]) for one in json.loads(out)] == [
        ("by-hand", True),
        ("booked", False),
    ]
    code, out, err = call("flow", "remove", "booked", "--force")
    assert (code, out) == (0, "booked is removed.\n")
    assert err.startswith("warning: a webhook subscription of booked is left:")


def test_a_terminal_asks_first(deploy):
    deploy(BY_HAND)
    code, shown = at_terminal("flow", "remove", "by-hand", answers=[("Continue?", "n")])
    assert code == 1
    assert "Nothing was changed." in shown
    code, shown = at_terminal("flow", "remove", "by-hand", answers=[("Continue?", "y")])
    assert code == 0
    assert shown.endswith("by-hand is removed.\n")
