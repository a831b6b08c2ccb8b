"""Fixtures of the Airflow tests: an Airflow of their own, its connections and a run's context."""

import json
import os
import tempfile
from datetime import UTC, datetime
from types import SimpleNamespace

# Airflow reads its settings and creates its folder when it is imported.
_HOME = tempfile.TemporaryDirectory(prefix="airflow-")
os.environ["AIRFLOW_HOME"] = _HOME.name
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

import pytest  # noqa: E402
from installation import TOKEN, Installation  # noqa: E402
from standalone import Standalone  # noqa: E402


@pytest.fixture(scope="session")
def world():
    """Yield a sandbox with a token that the tests search for in everything Airflow writes."""
    from brief import brief_sandbox
    from calendly_connector.sandbox.operations.routes import SCOPES

    with brief_sandbox(rate_limit=0) as running:
        running.control("POST", "/tokens", {"name": TOKEN, "scopes": sorted(SCOPES)})
        yield running


@pytest.fixture
def fresh_sandbox(make_sandbox):
    """Yield a sandbox of the test's own with the machine's clock, as Airflow uses it."""
    with make_sandbox(now=None) as running:
        yield running


@pytest.fixture
def give_connection(monkeypatch):
    """Return a function that creates an Airflow connection, by default the owner's `calendly_default`."""

    def make(server, name="calendly_default", **fields):
        url = server if isinstance(server, str) else server.url
        fields = {"conn_type": "calendly", "host": url, "password": "sandbox-owner", **fields}
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(fields))

    return make


class TaskInstance:
    """A try of a task; `runs` are the task's earlier runs, oldest first."""

    dag_id, task_id = "dag", "task"

    def __init__(self, runs=(), map_index=-1):
        self.runs = [*runs, self]
        self.run_id = f"run {len(self.runs)}"
        self.map_index = map_index
        self.state = "running"
        self.max_tries = 2
        self.pushed = {}

    def xcom_push(self, key, value):
        self.pushed[key] = value

    def xcom_pull(self, key, map_indexes=None, *, run_id=None, include_prior_dates=False):
        here = [one for one in self.runs if include_prior_dates or one.run_id == (run_id or self.run_id)]
        values = [one.pushed[key] for one in here if key in one.pushed]
        if map_indexes != self.map_index:  # without an index Airflow returns the values of all of them
            return values
        return values[-1] if values else None

    def get_ti_count(self, dag_id, task_ids, map_index):
        assert (dag_id, task_ids, map_index) == (self.dag_id, [self.task_id], self.map_index)
        return len(self.runs)

    def get_task_states(self, dag_id, task_ids, map_index, run_ids):
        assert (dag_id, task_ids, map_index) == (self.dag_id, [self.task_id], self.map_index)
        return {one.run_id: {self.task_id: one.state} for one in self.runs if one.run_id in run_ids}


class StateStore(dict):
    """Airflow's store for the tries of a task in one run."""

    def set(self, key, value):
        self[key] = json.loads(json.dumps(value))

    def delete(self, key):
        self.pop(key, None)


def make_context(runs=()):
    return {
        "ti": TaskInstance(runs),
        "dag_run": SimpleNamespace(start_date=datetime.now(UTC)),
        "task_state_store": StateStore(),
    }


@pytest.fixture
def context():
    """Return the context of a run that starts now."""
    return make_context()


@pytest.fixture
def next_run():
    """Return a function that creates the context of the run after one that ended in a state."""

    def after(context, state="success"):
        context["ti"].state = state
        return make_context(context["ti"].runs)

    return after


@pytest.fixture(scope="session")
def installation(tmp_path_factory, world):
    """Return an Airflow on disk with a database and connections, for the commands."""
    return Installation(tmp_path_factory.mktemp("airflow"), world.url)


@pytest.fixture(scope="session")
def standalone(installation):
    """Yield that Airflow running: API server, scheduler and triggerer."""
    with Standalone(installation) as running:
        yield running
