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
from destinations import tables
from endurance import rounds

pytestmark = pytest.mark.long

TIMES = rounds(25, 100)
LONGEST_S = 120
# The real command with small pages, so that there are many of them.
PROGRAM = """
import sys
from calendly_connector.sync.streams import streams
for name in ("scheduled_events", "contacts", "event_types"):
    streams()[name].input["count"] = 5
from calendly_connector.cli import main
sys.exit(main())
"""
COMMAND = [sys.executable, "-c", PROGRAM, "sync", "--to"]


@pytest.fixture(scope="module")
def small():
    started = time.time()
    with Sandbox(events=60, public_origin=True, rate_limit=0, clock=lambda: started) as sandbox:
        yield sandbox


@pytest.fixture
def environment(small):
    return os.environ | {"CALENDLY_API_URL": small.url, "CALENDLY_API_TOKEN": "sandbox-owner"}


@pytest.fixture(params=["sqlite", "postgresql"])
def make_database(request, tmp_path):
    """Return a function that creates an empty database and returns its URL."""
    if request.param == "sqlite":
        return lambda number: f"sqlite:///{tmp_path / f'{number}.db'}"
    server = request.getfixturevalue("postgres_server")
    return lambda number: postgres.new_database(server, f"kill_{number}")


def run(url, environment, sandbox, *, requests=None, then_s=0.0):
    """Run a sync and kill it after some requests; return whether it finished, and its number of requests."""
    sandbox.control("DELETE", "/requests")
    with subprocess.Popen(
        [*COMMAND, url], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        give_up_at = time.monotonic() + LONGEST_S
        while not ended(process, 0.002) and (requests is None or made(sandbox) < requests):
            assert time.monotonic() < give_up_at
        killed = not ended(process, then_s)
        process.kill()
        _, err = process.communicate()
    assert killed or process.returncode == 0, err
    return not killed, made(sandbox)


def ended(process, within_s):
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def made(sandbox):
    return sum(sandbox.requests()["counts"].values())


def is_begun(url):
    """Check whether a killed sync had written its checkpoint."""
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            query = "SELECT count(*) FROM calendly_sync_state WHERE key LIKE 'run.%%' AND value <> 'null'"
            return connection.exec_driver_sql(query).scalar_one() > 0
    except sa.exc.DBAPIError:
        return False
    finally:
        engine.dispose()


def test_a_kill_at_any_moment_neither_loses_nor_duplicates_rows(make_database, environment, small):
    complete = make_database("whole")
    _, most = run(complete, environment, small)
    whole = tables(complete, missing=True)
    assert all(whole.values())
    in_the_middle = 0
    for number in range(TIMES):
        rng = random.Random(number)  # noqa: S311 - the moment is what varies
        url = make_database(number)
        for _ in range(rng.randint(1, 2)):
            done, _ = run(
                url,
                environment,
                small,
                requests=rng.randint(1, most),
                then_s=rng.uniform(0, 0.03),
            )
            if done:
                break
            in_the_middle += is_begun(url)
        run(url, environment, small)
        assert tables(url, missing=True) == whole, f"seed {number}"
    assert in_the_middle >= TIMES // 2  # otherwise most kills came too early
