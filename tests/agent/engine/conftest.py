"""Fixtures of the engine's tests: an engine on SQLite, a journal that its flows write to, and a way to wait."""

import time

import pytest
from calendly_connector.agent.engine.connections import Connections
from calendly_connector.agent.engine.engine import Engine
from calendly_connector.agent.engine.moves import Settling
from journal_connector import Journal, in_process
from small_flows import read

PATIENCE_S = 60


@pytest.fixture
def journal():
    return Journal()


@pytest.fixture
def connector(journal):
    return in_process(journal)


@pytest.fixture
def database(tmp_path):
    return f"sqlite:///{tmp_path}/agent.db"


@pytest.fixture
def make_engine(database, connector):
    """Return a function that starts an engine; the last one is stopped at the end."""
    running = []

    def make(**options):
        settings = {"look_every_s": 0.02, "lease_s": 1.0, "settling": Settling(grace_s=0.05, most_s=0.5)}
        load = options.pop("load", lambda _name: connector)
        works = options.pop("works", True)
        engine = Engine(
            options.pop("url", database), read=read, connections=Connections(load), **settings | options
        )
        running.append(engine)
        engine.start(works=works)
        return engine

    yield make
    for engine in running:
        engine.stop()


@pytest.fixture
def engine(make_engine):
    return make_engine()


@pytest.fixture
def deploy(engine):
    """Return a function that deploys a flow of one or more steps."""
    import small_flows

    def deploy(*steps, **options):
        text = small_flows.text(*steps, **options)
        engine.deploy(text, read(text))

    return deploy


@pytest.fixture
def ended(engine):
    """Return a function that waits until a run has ended, and shows it."""
    return lambda run_id, state="": wait_until_ended(engine, run_id, state)


def wait_until_ended(engine, run_id, state=""):
    """Wait until a run is in a state, or isn't under way any more."""
    under_way = {"waiting", "running", "delayed"}
    return wait_for(lambda: (shown := engine.show(run_id))["state"] not in under_way and shown or None
                    if not state else (shown := engine.show(run_id))["state"] == state and shown or None)


def wait_for(find):
    """Return the first true value that a function returns."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := find()):
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)
    return found
