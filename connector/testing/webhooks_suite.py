"""The suite for events that arrive by webhook."""

import pytest

from ..errors import SignatureError
from .connection_suite import Connect, ConnectionSuite
from .parts import needed
from .subject import Delivery, Subject


class WebhooksSuite(ConnectionSuite):
    """A webhook has the same event as polling, and nothing unsigned is accepted."""

    def test_a_signed_webhook_is_received(self, connect: Connect, subject: Subject) -> None:
        delivery: Delivery = needed(subject.deliver, "deliver")()
        with connect(delivery.credential) as connection:
            event = connection.receive(delivery.headers, delivery.body)
            assert event.id == delivery.event_id
            assert connection.trigger([event.kind]).match(event) == (event,)

    def test_an_unsigned_or_changed_webhook_is_rejected(self, connect: Connect, subject: Subject) -> None:
        delivery: Delivery = needed(subject.deliver, "deliver")()
        with connect(delivery.credential) as connection:
            for headers, body in (({}, delivery.body), (delivery.headers, delivery.body + b" ")):
                with pytest.raises(SignatureError):
                    connection.receive(headers, body)
