"""Webhooks as a person works with them: an agent with flows, on a sandbox's account."""

import logging

import pytest
from calendly_connector.agent import connectors
from calendly_connector.agent.workspace import Workspace, attention, webhooks
from calendly_connector.contract import SubscriptionState
from calendly_connector.errors import UsageError
from calendly_connector.support.clock import Timing
from engine_waiting import wait_for
from subscribing import at_calendly, change, lose

pytest_plugins = ["flow_fixtures"]

BOOKING = """\
name: bookings
connections:
  calendly: {connector: calendly, credential: calendly}
  agent: {connector: agent}
trigger: {type: triggered, connection: calendly, events: [invitee.created], subscribe: true}
steps:
  - {id: note, connection: agent, action: log.write, filter: {text: A booking}}
"""
ALARM = """\
name: alarm
connections:
  agent: {connector: agent}
trigger:
  type: triggered
  connection: agent
  events: [webhook.disabled, webhook.vanished, webhook.repaired]
steps:
  - {id: note, connection: agent, action: log.write, filter: {text: "~{event.kind}~ ~{event.payload.flow}~"}}
"""


@pytest.fixture
def probed():
    return []


@pytest.fixture
def workspace(agent, vault, probed):
    agent.deploy(BOOKING)
    agent.deploy(ALARM)
    origins = agent.engine.connections._origins
    found = {
        name: agent.engine.connections.connector(name) for name in connectors.installed()
    }  # at the agent's time
    return Workspace(
        agent.engine,
        vault,
        found,
        origins,
        Timing(clock=agent.clock),
        probe=lambda url: probed.append(url) or ["reached"],
    )


def ours(workspace):
    return next(one for one in webhooks.listing(workspace).webhooks if one.subscription.id)


def messages(workspace):
    return [one.message for one in attention.notices(workspace)]


def look(workspace):
    workspace.engine.webhooks.hurry("calendly")


def runs_of(agent, count):
    def find():
        runs = agent.runs("alarm")
        return runs if len(runs) == count else None

    return wait_for(find)


def test_a_subscription_is_listed_with_its_flow_and_its_last_delivery(workspace, agent, calendly):
    one = ours(workspace)
    assert (one.connector, one.credential, one.flow) == ("calendly", "calendly", "bookings")
    assert one.subscription.state == "active"
    assert one.delivered_at is None
    calendly.book()
    wait_for(lambda: agent.runs("bookings"))
    assert ours(workspace).delivered_at == agent.runs("bookings")[0]["created_at"]


def test_a_disabled_one_raises_a_banner_and_an_event_until_it_is_repaired(workspace, agent, calendly, caplog):
    caplog.set_level(logging.INFO, "calendly_connector.agent")
    wait_for(workspace.engine.webhooks.known)
    (url,) = at_calendly(calendly)
    change(calendly, url, state="disabled")
    look(workspace)
    wait_for(lambda: messages(workspace))
    assert messages(workspace) == [
        "A webhook of the flow bookings is disabled. Events that happen now don't arrive."
    ]
    broken = ours(workspace)
    assert webhooks.repair(workspace, broken, "ada@acme.example") == "Repaired."
    wait_for(lambda: not messages(workspace))
    assert ours(workspace).subscription.state == "active"
    kinds = [run["event"]["kind"] for run in runs_of(agent, 2)]
    assert kinds == ["webhook.disabled", "webhook.repaired"]
    assert "webhook.disabled bookings" in caplog.messages
    assert any('"what": "webhook.repair"' in line and "ada@acme.example" in line for line in caplog.messages)
    assert webhooks.repair(workspace, broken, "ada") == "It has changed meanwhile. Look at it again."


def test_a_vanished_one_is_created_again(workspace, calendly):
    wait_for(workspace.engine.webhooks.known)
    (url,) = at_calendly(calendly)
    lose(calendly, url)
    look(workspace)
    wait_for(lambda: messages(workspace))
    assert "has vanished" in messages(workspace)[0]
    webhooks.repair(workspace, ours(workspace), "ada")
    assert len(at_calendly(calendly)) == 1
    wait_for(lambda: not messages(workspace))


def test_one_that_was_deleted_elsewhere_can_be_subscribed_to_again_or_forgotten(workspace, calendly):
    wait_for(workspace.engine.webhooks.known)
    with workspace.open("calendly", "calendly") as connection:
        connection.unsubscribe(ours(workspace).subscription.id)
    look(workspace)
    wait_for(lambda: messages(workspace))
    missed = webhooks.listing(workspace).webhooks[0]
    assert (missed.subscription.state, missed.subscription.repair) == ("vanished", "subscribe again")
    assert webhooks.find(workspace, "calendly", missed.key) == missed
    assert webhooks.repair(workspace, missed, "ada") == "Repaired."
    assert len(at_calendly(calendly)) == 1
    wait_for(lambda: not messages(workspace))
    assert webhooks.delete(workspace, missed, "ada") == "It is no longer watched."


def test_one_that_a_person_deletes_raises_no_banner(workspace, calendly):
    wait_for(workspace.engine.webhooks.known)
    assert webhooks.delete(workspace, ours(workspace), "ada").startswith("Deleted.")
    assert not at_calendly(calendly)
    wait_for(lambda: workspace.engine.webhooks.looks()[0].looked_at)
    assert messages(workspace) == []


def test_a_revoked_credential_is_said_and_what_is_known_stays(workspace, vault):
    wait_for(workspace.engine.webhooks.known)
    vault.put("calendly", {"kind": "personal_access_token", "token": "sandbox-wrong"})
    look(workspace)
    wait_for(lambda: messages(workspace))
    assert messages(workspace)[0].startswith("The webhooks of the credential calendly can't be watched.")
    found = webhooks.listing(workspace)
    assert found.webhooks == ()
    assert [(one.credential, one.looked_at is not None) for one in found.unread] == [("calendly", True)]
    assert workspace.engine.webhooks.known()["calendly"][0].state == "active"


def test_a_short_outage_is_no_banner_and_a_long_one_is(workspace, agent, calendly):
    wait_for(workspace.engine.webhooks.known)
    calendly.fault("status", path="/users/me", status=503, times=100)
    look(workspace)
    wait_for(lambda: workspace.engine.webhooks.looks()[0].failing_since)
    assert messages(workspace) == []
    later = Workspace(
        workspace.engine,
        workspace.vault,
        workspace.connectors,
        workspace.origins,
        Timing(clock=lambda: agent.clock() + webhooks.LASTING_S),
    )
    assert [one.severity for one in attention.notices(later)] == ["warning"]


def test_the_doctor_tries_the_address_of_a_subscription_only(workspace, probed):
    found = webhooks.listing(workspace).webhooks
    one = ours(workspace)
    assert webhooks.diagnose(workspace, one) == ["reached"]
    assert probed == [one.subscription.url]
    foreign = next(one for one in found if one.subscription.state == "foreign")
    for act in (
        webhooks.diagnose,
        lambda *given: webhooks.delete(*given, "ada"),
        lambda *given: webhooks.repair(*given, "ada"),
    ):
        with pytest.raises(UsageError):
            act(workspace, foreign)
    assert len(probed) == 1


def test_an_unknown_one_says_where_to_look(workspace):
    with pytest.raises(UsageError, match="<img src=x>"):
        webhooks.find(workspace, "calendly", "<img src=x>")


@pytest.mark.parametrize(
    ("flow", "url", "short"),
    [
        ("bookings", "https://flows.acme.example/flows/bookings/a-secret", "…/flows/bookings/…"),
        ("", "https://hooks.acme.example/a/secret?with=more", "hooks.acme.example/…"),
        ("", "nonsense", "nonsense/…"),
        ("", "", "/…"),
    ],
)
def test_lists_dont_show_the_secret_of_an_address(flow, url, short):
    state = SubscriptionState("active", "", "", url, (), "user", "", "", "")
    assert webhooks.Webhook("calendly", "work", state, flow).short_url == short
