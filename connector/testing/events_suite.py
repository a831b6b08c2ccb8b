"""The suite for triggers, by polling and by webhook."""

import pytest

from ..contract import Connection, Connector
from ..errors import InvalidParams, SignatureError
from .catalog_suite import misfits
from .connection_suite import UNKNOWN, Connect, ConnectionSuite, given
from .subject import Delivery, Subject


class EventsSuite(ConnectionSuite):
    """Polling and webhooks find the same events, each once, and nothing unsigned is accepted."""

    def test_a_sample_fits_the_payloads_schema(self, connection: Connection, connector: Connector) -> None:
        for name, trigger in connector.manifest.triggers.items():
            event = connection.trigger([name]).sample()
            assert event.kind == name
            problems = list(misfits(event.payload, trigger.payload))
            assert not problems, f"{name}: its sample {problems[0]}"

    def test_an_unknown_event_or_filter_is_an_error(
        self, connection: Connection, connector: Connector
    ) -> None:
        with pytest.raises(InvalidParams):
            connection.trigger([UNKNOWN])
        for name in connector.manifest.triggers:
            with pytest.raises(InvalidParams):
                connection.trigger([name], {"no_such_filter": "x"})

    def test_polling_returns_each_event_once(self, connection: Connection, subject: Subject) -> None:
        cause_event = given(subject.cause_event, "cause_event")
        trigger = connection.trigger([subject.event_kind])
        first = trigger.poll()
        assert not first.events, "the first poll returned events, but it only sets the baseline"
        event_id = cause_event()
        second = trigger.poll(first.cursor)
        assert [event.id for event in second.events] == [event_id]
        assert not trigger.poll(second.cursor).events, "an event was returned twice"

    def test_a_signed_webhook_is_received(self, connect: Connect, subject: Subject) -> None:
        delivery: Delivery = given(subject.deliver, "deliver")()
        with connect(delivery.credential) as connection:
            event = connection.receive(delivery.headers, delivery.body)
            assert event.id == delivery.event_id
            assert connection.trigger([event.kind]).match(event) == (event,)

    def test_an_unsigned_or_changed_webhook_is_rejected(self, connect: Connect, subject: Subject) -> None:
        delivery: Delivery = given(subject.deliver, "deliver")()
        with connect(delivery.credential) as connection:
            for headers, body in (({}, delivery.body), (delivery.headers, delivery.body + b" ")):
                with pytest.raises(SignatureError):
                    connection.receive(headers, body)

    def test_unsubscribing_something_unknown_is_harmless(self, connection: Connection) -> None:
        assert connection.unsubscribe(UNKNOWN) is False
