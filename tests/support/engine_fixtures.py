"""Fixtures of the engine's tests, a pytest plugin: an engine on SQLite, and a journal for its flows."""

import shutil
from dataclasses import replace

import pytest
from calendly_connector.agent.engine.connections import Connections
from calendly_connector.agent.engine.engine import Engine
from engine_waiting import QUICK, wait_until_ended
from journal_connector import Journal, in_process
from small_flows import read


@pytest.fixture
def journal():
    return Journal()


@pytest.fixture
def connector(journal):
    return in_process(journal)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """Return a database with all tables, because making them takes a second."""
    path = tmp_path_factory.mktemp("prepared") / "agent.db"
    with Engine(f"sqlite:///{path}", read=read, connections=Connections()):
        pass
    return path


@pytest.fixture
def database(tmp_path, prepared):
    shutil.copy(prepared, tmp_path / "agent.db")
    return f"sqlite:///{tmp_path}/agent.db"


@pytest.fixture
def make_engine(database, connector):
    """Return a function that starts an engine; the last one is stopped at the end."""
    running = []

    def make(*, works=True, load=None, timing=None, telemetry=None, **settings):
        load = load or (lambda _name: connector)
        engine = Engine(
            database,
            read=read,
            connections=Connections(load),
            settings=replace(QUICK, **settings),
            timing=timing,
            telemetry=telemetry,
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
