"""`sync` killed at any moment, a hundred times, into SQLite and PostgreSQL: `make test-long`."""

import os
import random
import subprocess
import sys
import time

import postgres
import pytest
import sqlalchemy as sa
from calendly_connector.sandbox.server import Sandbox
from copies import tables

pytestmark = pytest.mark.long

TIMES = 100
LONGEST_S = 120
# The true command; small pages, so that a small world has many of them.
COMMAND = [
    sys.executable,
    "-c",
    "import sys\n"
    "from calendly_connector.sync.streams import streams\n"
    "for name in ('scheduled_events', 'contacts', 'event_types'):\n"
    "    streams()[name].input['count'] = 5\n"
    "from calendly_connector.cli import main\n"
    "sys.exit(main())\n",
    "sync",
    "--to",
]


@pytest.fixture(scope="module")
def small():
    started = time.time()
    with Sandbox(events=40, public_origin=True, rate_limit=0, clock=lambda: started) as sandbox:
        yield sandbox


@pytest.fixture
def environment(small):
    return os.environ | {"CALENDLY_API_URL": small.url, "CALENDLY_API_TOKEN": "sandbox-owner"}


@pytest.fixture(params=["sqlite", "postgresql"])
def make_database(request, tmp_path):
    """Give what makes an empty database and gives its URL."""
    if request.param == "sqlite":
        return lambda number: f"sqlite:///{tmp_path / f'{number}.db'}"
    server = request.getfixturevalue("postgres_server")
    return lambda number: postgres.new_database(server, f"kill_{number}")


def run(url, environment, kill_after_s=None):
    """Run a sync; say whether it ended by itself."""
    with subprocess.Popen(
        [*COMMAND, url], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        try:
            _, words = process.communicate(timeout=kill_after_s or LONGEST_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            assert kill_after_s is not None, "the sync did not end"
            return False
    assert process.returncode == 0, words
    return True


def is_begun(url):
    """Whether a killed sync had come to write its position."""
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            query = "SELECT value FROM calendly_sync_state WHERE key = 'run'"
            return connection.exec_driver_sql(query).scalar() not in {None, "null"}
    except sa.exc.DBAPIError:
        return False
    finally:
        engine.dispose()


def test_a_kill_at_any_moment_loses_and_doubles_nothing(make_database, environment):
    undisturbed = make_database("whole")
    began = time.monotonic()
    assert run(undisturbed, environment)
    length_s = time.monotonic() - began
    whole = tables(undisturbed, missing=True)
    assert all(whole.values())
    in_the_middle = 0
    for number in range(TIMES):
        dice = random.Random(number)  # noqa: S311 - the moment is what varies
        url = make_database(number)
        for _ in range(dice.randint(1, 2)):
            if run(url, environment, kill_after_s=dice.uniform(0.2, 1.0) * length_s):
                break
            in_the_middle += is_begun(url)
        run(url, environment)
        assert tables(url, missing=True) == whole, f"seed {number}"
    assert in_the_middle >= TIMES // 5  # else the moments were not where they matter
