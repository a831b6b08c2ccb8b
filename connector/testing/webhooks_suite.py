"""The suite for events that arrive by webhook."""

from dataclasses import replace

import pytest

from ..contract import Connection, SubscriptionState
from ..errors import SignatureError
from .connection_suite import Connect, ConnectionSuite
from .parts import CALLBACK, needed
from .subject import Delivery, Subject


class WebhooksSuite(ConnectionSuite):
    """A webhook has the event that polling finds, nothing unsigned is accepted, subscriptions have states."""

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

    def test_a_subscription_is_listed_as_active_until_it_is_deleted(
        self, connect: Connect, subject: Subject
    ) -> None:
        delivery: Delivery = needed(subject.deliver, "deliver")()
        with connect(delivery.credential) as connection:
            made = connection.subscribe([subject.event_kind], CALLBACK)
            for one in made:
                (state,) = _listed(connection, one.id)
                assert (state.state, state.url, state.uri) == ("active", one.url, one.uri)
                assert set(state.events) == set(one.events)
            for one in made:
                assert connection.unsubscribe(one.id)
                assert not _listed(connection, one.id), "a deleted subscription is still listed"

    def test_a_subscription_that_works_or_has_changed_is_not_repaired(
        self, connect: Connect, subject: Subject
    ) -> None:
        delivery: Delivery = needed(subject.deliver, "deliver")()
        with connect(delivery.credential) as connection:
            made = connection.subscribe([subject.event_kind], CALLBACK)
            (state,) = _listed(connection, made[0].id)
            assert not connection.repair_subscription(state)
            assert not connection.repair_subscription(replace(state, state="disabled", repair="repair it"))
            assert _listed(connection, made[0].id) == [state]
            for one in made:
                connection.unsubscribe(one.id)


def _listed(connection: Connection, subscription_id: str) -> list[SubscriptionState]:
    return [one for one in connection.subscription_states() if one.id == subscription_id]
