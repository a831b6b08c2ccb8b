"""The suite for writes whose reply was lost."""

import time

import pytest

from ..contract import Connection
from ..errors import ConnectorError
from .connection_suite import Connect, ConnectionSuite
from .parts import needed
from .subject import Subject

_LONG_AGO_S = 3600.0  # a write of that age isn't under way any more


class LostReplySuite(ConnectionSuite):
    """`settle` finds out what happened, and never writes."""

    def test_a_write_that_happened_is_found_and_never_repeated(
        self, connection: Connection, subject: Subject
    ) -> None:
        write = needed(subject.lost_reply, "lost_reply")
        sent_at, inputs, before = time.time(), write.inputs(), write.writes()
        write.lose()
        with pytest.raises(ConnectorError) as caught:
            connection.run(write.action, inputs)
        assert getattr(caught.value, "may_have_happened", False), (
            "the error doesn't say that it may have happened"
        )
        assert write.writes() == before + 1
        settled = connection.settle(write.action, inputs, sent_at=sent_at)
        assert write.writes() == before + 1, "settling repeated the write"
        assert settled.state == "done", settled.message
        assert settled.record

    def test_a_write_that_did_not_happen_is_not_found(self, connection: Connection, subject: Subject) -> None:
        write = needed(subject.lost_reply, "lost_reply")
        before, sent_at = write.writes(), time.time() - _LONG_AGO_S
        settled = connection.settle(write.action, write.inputs(), sent_at=sent_at)
        assert write.writes() == before, "settling carried out the write"
        assert settled.state == "not_done", settled.message

    def test_a_look_up_that_fails_leaves_it_unknown(self, connect: Connect, subject: Subject) -> None:
        write = needed(subject.lost_reply, "lost_reply")
        credential, _ = subject.bad_credentials[0]
        with connect(credential) as connection:
            settled = connection.settle(write.action, write.inputs(), sent_at=time.time())
        assert settled.state == "unknown", settled.message
        assert settled.fix, "it doesn't say what a person can do"
