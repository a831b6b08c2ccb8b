"""Sessions: started, found, lengthened and ended; kept as hashes."""

import pytest
import sqlalchemy as sa
from calendly_connector.agent.engine.database import Database
from calendly_connector.agent.engine.tables import SESSIONS
from calendly_connector.agent.web.sessions import IDLE_S, LONGEST_S, Sessions
from calendly_connector.support.clock import Timing

pytest_plugins = ["engine_fixtures"]


class Clock:
    now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tables(database):
    opened = Database(database)
    yield opened
    opened.close()


@pytest.fixture
def sessions(tables, clock):
    return Sessions(tables, Timing(clock=clock))


def rows(tables):
    with tables.transaction() as connection:
        return connection.execute(sa.select(SESSIONS)).all()


def test_a_session_is_found_by_its_token_only(sessions):
    token = sessions.start("ada@acme.example")
    assert sessions.find(token).person == "ada@acme.example"
    assert sessions.find(token[:-1]) is None
    assert sessions.find("") is None


def test_the_database_has_no_token(sessions, tables):
    token = sessions.start("ada")
    assert token not in str(rows(tables))


def test_a_session_ends_when_it_is_not_used(sessions, clock):
    token = sessions.start("ada")
    clock.now += IDLE_S + 1
    assert sessions.find(token) is None


def test_use_lengthens_a_session_up_to_a_limit(sessions, clock):
    token = sessions.start("ada")
    began = clock.now
    while sessions.find(token):
        clock.now += IDLE_S / 2
    assert LONGEST_S <= clock.now - began <= LONGEST_S + IDLE_S


def test_an_ended_session_is_gone_and_old_ones_are_deleted(sessions, clock, tables):
    first, second = sessions.start("ada"), sessions.start("ada")
    sessions.end(first)
    assert sessions.find(first) is None
    assert sessions.find(second) is not None
    clock.now += LONGEST_S
    sessions.start("bo")
    assert [row.person for row in rows(tables)] == ["bo"]
