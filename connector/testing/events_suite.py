"""The suite for triggers."""

import pytest

from ..contract import Connection, Connector, Trigger
from ..errors import InvalidParams, UsageError
from .catalog_suite import misfits
from .connection_suite import ConnectionSuite
from .parts import needed
from .subject import Subject


class EventsSuite(ConnectionSuite):
    """Polling finds each event once, or says that it can't: its events arrive in another way."""

    def test_a_sample_fits_the_payloads_schema(self, connection: Connection, connector: Connector) -> None:
        for name, trigger in connector.manifest.triggers.items():
            event = connection.trigger([name]).sample()
            assert event.kind == name
            problems = list(misfits(event.payload, trigger.payload))
            assert not problems, f"{name}: its sample {problems[0]}"

    def test_an_unknown_filter_is_an_error(self, connection: Connection, connector: Connector) -> None:
        for name in connector.manifest.triggers:
            with pytest.raises(InvalidParams):
                connection.trigger([name], {"no_such_filter": "x"})

    def test_polling_returns_each_event_once(self, connection: Connection, subject: Subject) -> None:
        trigger = connection.trigger([subject.event_kind])
        if subject.cause_event is None and _refuses_to_poll(trigger):
            return
        cause_event = needed(subject.cause_event, "cause_event")
        first = trigger.poll()
        assert not first.events, "the first poll returned events, but it only sets the baseline"
        event_id = cause_event()
        second = trigger.poll(first.cursor)
        assert [event.id for event in second.events] == [event_id]
        assert not trigger.poll(second.cursor).events, "an event was returned twice"


def _refuses_to_poll(trigger: Trigger) -> bool:
    try:
        trigger.poll()
    except UsageError:
        return True
    return False
