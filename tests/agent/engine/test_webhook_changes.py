"""Subscriptions that others created for a flow, such as an action of a flow, count as the flow's."""

from dataclasses import replace

from calendly_connector.agent.engine.webhook_changes import SUBSCRIBE_AGAIN, changes, of_flows
from calendly_connector.contract import SubscriptionState

ADDRESS = "https://flows.acme.example/flows/booking/secret"
BY_ACTION = SubscriptionState(
    "foreign",
    "",
    "uri-1",
    ADDRESS,
    ("invitee.created",),
    "organization",
    "o",
    "It was not created by this connector.",
)
OWN = SubscriptionState(
    "active", "1" * 32, "uri-2", f"{ADDRESS}?subscription={'1' * 32}", ("invitee.created",), "user", "u"
)
STOPPED = replace(BY_ACTION, sends=False)


def flow_of(url):
    return "booking" if url.startswith(ADDRESS) else ""


def test_one_that_an_action_created_is_active_while_the_application_sends():
    (found,) = of_flows([BY_ACTION], flow_of)
    assert (found.state, found.repair) == ("active", "")


def test_one_that_is_disabled_needs_the_flow_to_subscribe_again():
    (found,) = of_flows([STOPPED], flow_of)
    assert (found.state, found.repair) == ("disabled", SUBSCRIBE_AGAIN)
    assert "stopped sending" in found.message


def test_one_that_is_disabled_is_no_fault_if_another_one_does_its_work():
    assert [one.state for one in of_flows([STOPPED, OWN], flow_of)] == ["foreign", "active"]


def test_others_stay_foreign():
    elsewhere = replace(BY_ACTION, url="https://elsewhere.acme.example/")
    orphaned = replace(BY_ACTION, id="2" * 32)
    assert of_flows([elsewhere, orphaned], flow_of) == [elsewhere, orphaned]


def test_the_watch_says_once_that_it_was_disabled():
    def look(known, listed):
        return changes(known, [listed], credential="work", flow_of=flow_of, now=1.0)

    first = look({}, BY_ACTION)
    assert first.events == []
    second = look({one.key: one for one in first.stored}, STOPPED)
    assert [(kind, one.flow) for kind, one in second.events] == [("webhook.disabled", "booking")]
    assert look({one.key: one for one in second.stored}, STOPPED).events == []
