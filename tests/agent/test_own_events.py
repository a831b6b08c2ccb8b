"""The agent as a connector of its own: the conformance suite, its trigger and its log."""

import logging

import pytest
from calendly_connector.agent.own_events import connector
from calendly_connector.contract import Event
from calendly_connector.errors import InvalidParams, UsageError
from calendly_connector.testing import EventsSuite, ExpectedCall, FailingCall, Subject

CREDENTIAL = {"kind": "none"}
LINE = {"level": "warning", "text": "A webhook was disabled."}


class TestAgent(EventsSuite):
    @pytest.fixture
    def subject(self):
        return Subject(
            connector=connector,
            environment={},
            credential=CREDENTIAL,
            bad_credentials=(),
            user_name="agent",
            single=ExpectedCall("log.write", LINE, LINE),
            invalid_calls=(
                FailingCall("unknown_input", "log.write", {"text": "a", "levle": "info"}, ("levle", "level")),
                FailingCall("missing_input", "log.write", {}, ("text",)),
            ),
            failing_calls=(),
            reset=lambda: None,
            event_kind="webhook.disabled",
            secrets=(),
        )


@pytest.fixture
def connection():
    with connector.connect(CREDENTIAL) as connection:
        yield connection


def happened(kind="webhook.disabled", flow="booking"):
    return Event("1", kind, "2026-11-17T15:00:00Z", None, {"flow": flow})


def test_a_trigger_wants_its_events_only(connection):
    trigger = connection.trigger(["webhook.disabled", "webhook.vanished"])
    assert trigger.match(happened())
    assert not trigger.match(happened("webhook.repaired"))


def test_a_filter_wants_one_flow(connection):
    trigger = connection.trigger(["webhook.disabled"], {"flow": "booking"})
    assert trigger.match(happened())
    assert not trigger.match(happened(flow="another"))


def test_a_filter_is_a_text(connection):
    with pytest.raises(InvalidParams, match="must be a text"):
        connection.trigger(["webhook.disabled"], {"flow": 7})


def test_nothing_can_be_subscribed_to_or_polled_and_the_error_says_what_to_do(connection):
    with pytest.raises(UsageError, match="without `subscribe`"):
        connection.subscribe(["webhook.disabled"], "https://flows.acme.example")
    with pytest.raises(UsageError, match="triggered"):
        connection.trigger(["webhook.disabled"]).poll()


def test_a_line_of_the_log_is_one_line(connection, caplog):
    caplog.set_level(logging.INFO, "calendly_connector.agent.flows")
    connection.run("log.write", {"text": "one\nERROR two"})
    assert caplog.messages == ["one ERROR two"]
    assert caplog.records[0].levelname == "INFO"
