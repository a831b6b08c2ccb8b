"""Interruptions, races and memory over long runs: `make test-long`."""

import json
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from calendly_connector.plugin import connector
from calendly_connector.sandbox.server import Sandbox

pytestmark = pytest.mark.long

COMMAND = [sys.executable, "-c", "import sys; from calendly_connector.cli import main; sys.exit(main())"]
LIST = ["run", "scheduled_events.list", "organization=~{GetOrganizationUrl}~", "count=10", "--all"]


@pytest.fixture(scope="module")
def large():
    with Sandbox(events=3000, public_origin=True, rate_limit=0) as sandbox:
        yield sandbox


@pytest.fixture
def environment(monkeypatch, large):
    monkeypatch.setenv("CALENDLY_API_URL", large.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("seed", range(20))
def test_an_interruption_at_any_moment_leaves_valid_output_marked_as_incomplete(seed, tmp_path):
    out = tmp_path / "events.json"
    command = [*COMMAND, *LIST, "--format", "json", "--output", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        _until(lambda: out.exists() and out.stat().st_size > 0, process)
        time.sleep(random.Random(seed).uniform(0, 0.4))  # noqa: S311 - the moment is what varies
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    output = json.loads(out.read_bytes())
    uris = {record["uri"] for record in output["records"]}
    assert len(uris) == len(output["records"])
    if output["complete"]:  # interrupted after the work was done
        assert len(uris) == 3000
    else:
        assert process.returncode == 1
        assert "incomplete" in errors
        assert "Traceback" not in errors


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("seed", range(10))
def test_after_a_kill_every_line_but_the_last_is_complete(seed, tmp_path):
    out = tmp_path / "events.jsonl"
    with subprocess.Popen([*COMMAND, *LIST, "--format", "jsonl", "--output", str(out)]) as process:
        _until(lambda: out.exists() and out.stat().st_size > 0, process)
        time.sleep(random.Random(seed).uniform(0, 0.4))  # noqa: S311 - the moment is what varies
        process.kill()
    *lines, _ = out.read_bytes().split(b"\n")
    assert lines
    assert len({json.loads(line)["uri"] for line in lines}) == len(lines)


def test_threads_share_a_connection_and_fetch_the_user_once(large):
    large.control("DELETE", "/requests")
    credential = {"kind": "personal_access_token", "token": "sandbox-owner"}
    with connector.connect(credential, origin=large.url) as connection:

        def call(number):
            rows = {"user": "~{GetUserUrl}~", "count": str(1 + number % 7)}
            return len(connection.run("scheduled_events.list", filter=rows).records), 1 + number % 7

        with ThreadPoolExecutor(16) as pool:
            counts = list(pool.map(call, range(800)))
    assert all(returned == requested for returned, requested in counts)
    assert large.requests()["counts"]["GET /users/me"] == 1


def test_memory_stays_flat_for_long_lists(tmp_path):
    peaks = [_peak_kib(events, tmp_path) for events in (5_000, 100_000)]
    assert peaks[1] <= 1.1 * peaks[0]


def test_memory_stays_flat_for_long_syncs(tmp_path):
    program = (
        "from calendly_connector import sync\n"
        "options = sync.SyncOptions(streams=('scheduled_events',))\n"
        "report = sync.run(connection, f'{sys.argv[1][-5:]}.db', options)\n"
        "count = report.streams['scheduled_events'].new\n"
    )
    peaks = [_peak_kib(events, tmp_path, program) for events in (5_000, 50_000)]
    assert peaks[1] <= 1.1 * peaks[0]


LISTING = (
    "rows = {'organization': '~{GetOrganizationUrl}~'}\n"
    "count = sum(1 for _ in connection.iterate('scheduled_events.list', filter=rows))\n"
)


def _peak_kib(events: int, folder: Path, work: str = LISTING) -> int:
    program = (
        "import resource, sys\n"
        "from calendly_connector.plugin import connector\n"
        "credential = {'kind': 'personal_access_token', 'token': 'sandbox-owner'}\n"
        "connection = connector.connect(credential, origin=sys.argv[1])\n"
        f"{work}"
        "print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    with Sandbox(events=events, public_origin=True, rate_limit=0) as sandbox:
        done = subprocess.run(
            [sys.executable, "-c", program, sandbox.url],
            capture_output=True,
            text=True,
            check=True,
            cwd=folder,
        )
    count, peak = map(int, done.stdout.split())
    assert count == events
    return peak


def _until(condition, process) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert process.poll() is None, "the command ended before it wrote anything"
        assert time.monotonic() < deadline
        time.sleep(0.01)
