"""What the tests of the Airflow provider share: an Airflow of their own, its connections, a run's context."""

import os
import tempfile
from datetime import UTC, datetime
from types import SimpleNamespace

# Airflow reads its settings when it is imported, and makes its folder then.
_HOME = tempfile.TemporaryDirectory(prefix="airflow-")
os.environ["AIRFLOW_HOME"] = _HOME.name
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

import pytest  # noqa: E402
from installation import TOKEN, Installation  # noqa: E402
from standalone import Standalone  # noqa: E402


@pytest.fixture(scope="session")
def world():
    """Give a sandbox with a token that is found wherever it is left behind."""
    from brief import brief_sandbox
    from calendly_connector.sandbox.api.tokens import SCOPES

    with brief_sandbox(rate_limit=0) as running:
        running.control("POST", "/tokens", {"name": TOKEN, "scopes": sorted(SCOPES)})
        yield running


@pytest.fixture
def give_connection(monkeypatch):
    """Give what makes a connection of Airflow, by default `calendly_default` of the owner."""
    import json

    def make(server, name="calendly_default", **fields):
        url = server if isinstance(server, str) else server.url
        given = {"conn_type": "calendly", "host": url, "password": "sandbox-owner", **fields}
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(given))

    return make


class TaskInstance:
    """The XComs of one task over its runs: the latest is given, or as Airflow does without an index, all."""

    def __init__(self, map_index=-1):
        self.map_index = map_index
        self.pushed = {}

    def xcom_push(self, key, value):
        self.pushed.setdefault(key, []).append(value)

    def xcom_pull(self, key, include_prior_dates, map_indexes=None):
        assert include_prior_dates
        values = self.pushed.get(key, [None])
        return values[-1] if map_indexes == self.map_index else values


@pytest.fixture
def context():
    """Give the context of a task's run that begins now."""
    return {"ti": TaskInstance(), "dag_run": SimpleNamespace(start_date=datetime.now(UTC))}


@pytest.fixture(scope="session")
def installation(tmp_path_factory, world):
    """Give an Airflow on disk with a database and connections, for the commands."""
    return Installation(tmp_path_factory.mktemp("airflow"), world.url)


@pytest.fixture(scope="session")
def standalone(installation):
    """Give that Airflow running: API server, scheduler, triggerer."""
    with Standalone(installation) as running:
        yield running
