"""Processes that are killed at random moments: every event's effects happen exactly once.

The seed is fixed, so the moments are the same in every run, as far as a machine allows. `make test-endurance`
has the full lengths.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import calendly_connector
import pytest
import sqlalchemy as sa
from calendly_connector.agent.engine import tables
from calendly_connector.agent.engine.connections import Connections
from calendly_connector.agent.engine.engine import Engine
from endurance import rounds
from engine_waiting import wait_for
from journal_connector import FATAL, Journal, serve
from small_flows import event, read, step, text

pytest_plugins = ["engine_fixtures"]
pytestmark = pytest.mark.long

WORKER = Path(__file__).parents[2] / "support" / "engine_worker.py"
LEASE_S = 1.0
SLOWEST_S = 0.05  # the journal's replies
FLOW = text(
    step("one", text="~{event.id}~ one"),
    step("each", for_each="~{event.payload.list}~", text="~{event.id}~ ~{item}~", at_once=3),
    step("last", action="entries.put", text="~{event.id}~ last ~{one.record.text}~"),
)


def effects(number):
    return [f"event-{number} {part}" for part in ("one", "a", "b", "c", f"last event-{number} one")]


class Workers:
    """Processes that work on a database, and one that only queues events."""

    def __init__(self, database, server, count, lease_s):
        self.database, self.port = database, server.server_address[1]
        self.count, self.lease_s = count, lease_s
        self.running = []

    def keep_running(self):
        self.running = [worker for worker in self.running if worker.poll() is None]
        while len(self.running) < self.count:
            self.start()

    def start(self, package=None):
        """Start a process, of another version of the package if its folder is given."""
        command = [sys.executable, str(WORKER), self.database, str(self.port), str(self.lease_s)]
        worker = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | ({"PYTHONPATH": str(package)} if package else {}),
        )
        self.running.append(worker)
        return worker

    def kill(self, worker, how=signal.SIGKILL):
        worker.send_signal(how)
        worker.wait(30)

    def end(self):
        for worker in self.running:
            worker.kill()
            worker.wait(30)


@contextmanager
def world(database, count, lease_s=LEASE_S):
    journal = Journal()
    server = serve(journal, SLOWEST_S)
    workers = Workers(database, server, count, lease_s)
    sender = Engine(database, read=read, connections=Connections())
    sender.start(works=False)
    sender.deploy(FLOW, read(FLOW))
    try:
        yield journal, workers, sender
    finally:
        workers.end()
        sender.stop()
        server.shutdown()
        server.server_close()


def wait_for_a_write(journal, sender):
    """Wait until something is written, or everything was."""
    seen = len(journal.entries)
    wait_for(lambda: len(journal.entries) > seen or not sender.runs.find(states=("waiting",), limit=1))


def send(sender, number):
    sender.start_run("notes", event(number, list=["a", "b", "c"]))


def check(sender, journal, count, failed=0):
    """Wait until all runs are done, and check that each effect happened once."""
    expected = Counter(effect for number in range(count) for effect in effects(number))

    def under_way():
        return sender.runs.find(states=("waiting", "delayed"), limit=5)

    deadline = time.monotonic() + 120 + count
    while under_way():
        assert time.monotonic() < deadline, [sender.show(run.id) for run in under_way()]
        time.sleep(0.1)
    others = [run.note for run in sender.runs.find(states=("failed", "needs_person", "paused"))]
    assert len(others) == failed, others
    assert Counter(journal.texts()) == expected


def test_kills_at_random_moments_on_sqlite(database):
    chance = Random(16)  # noqa: S311 - moments, not secrets
    kills = rounds(6, 200)
    with world(database, 1) as (journal, workers, sender):
        sent = 0
        for _ in range(kills):
            workers.keep_running()
            for _ in range(3):
                send(sender, sent)
                sent += 1
            wait_for_a_write(journal, sender)
            time.sleep(chance.uniform(0, 1.0))
            workers.kill(workers.running[0])
        workers.keep_running()
        check(sender, journal, sent)


def test_kills_at_random_moments_of_three_processes_on_postgresql(postgres_url):
    chance = Random(17)  # noqa: S311 - moments, not secrets
    kills = rounds(6, 200)
    with world(postgres_url, 3) as (journal, workers, sender):
        sent = 0
        for _ in range(kills):
            workers.keep_running()
            for _ in range(4):
                send(sender, sent)
                sent += 1
            time.sleep(chance.uniform(0.3, 1.5))
            workers.kill(chance.choice(workers.running))
        workers.keep_running()
        check(sender, journal, sent)


def test_postgresql_restarts_while_a_dead_process_is_taken_over():
    import postgres

    chance = Random(18)  # noqa: S311 - moments, not secrets
    binaries = postgres.programs()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: sh .ci/have postgres")
    with postgres.restartable_cluster(binaries) as (server, restart):
        database = postgres.new_database(server, "agent")
        with world(database, 3) as (journal, workers, sender):
            sent = 0
            for _ in range(rounds(2, 20)):
                workers.keep_running()
                for _ in range(10):
                    send(sender, sent)
                    sent += 1
                wait_for_a_write(journal, sender)
                workers.kill(chance.choice(workers.running))
                time.sleep(LEASE_S * chance.uniform(0.5, 1.5))  # the others are about to take over
                restart(down_s=chance.uniform(0, 2 * LEASE_S))
            workers.keep_running()
            check(sender, journal, sent)


@pytest.fixture
def newer():
    """Return a folder with a newer version of the package, whose tables have one more migration."""
    installed = Path(calendly_connector.__file__).parent
    with TemporaryDirectory() as folder:
        package = Path(folder) / "calendly_connector"
        shutil.copytree(installed, package, ignore=shutil.ignore_patterns("__pycache__"))
        (package / "version.py").write_text('__version__ = "99.0.0"\n')
        with (package / "agent" / "engine" / "tables.py").open("a") as file:
            file.write(MIGRATION)
        yield folder


MIGRATION = """

def _next(connection):
    connection.exec_driver_sql("ALTER TABLE agent_runs ADD COLUMN rating INTEGER")
    connection.exec_driver_sql("CREATE TABLE agent_next (id INTEGER)")


MIGRATIONS = (*MIGRATIONS, _next)
"""


def processes(sender):
    return set(sender._executors.beats())


def is_migrated(sender):
    with sender.database.transaction() as connection:
        return connection.scalar(sa.select(tables.SCHEMA.c.version)) == len(tables.MIGRATIONS) + 1


def test_a_rolling_restart_hands_over_to_another_version(postgres_url, newer):
    with world(postgres_url, 2) as (journal, workers, sender):
        workers.keep_running()
        sent = 0
        for number in range(rounds(2, 20)):
            package = None if number % 2 else newer  # forward, and back again
            for old in list(workers.running):
                for _ in range(5):
                    send(sender, sent)
                    sent += 1
                wait_for_a_write(journal, sender)
                known = processes(sender)
                workers.start(package)
                wait_for(lambda before=known: processes(sender) - before)  # both work
                old.send_signal(signal.SIGTERM)
                old.wait(60)
                workers.running.remove(old)
            assert is_migrated(sender)
        check(sender, journal, sent)


def test_old_processes_go_on_with_a_database_that_a_newer_one_migrated(postgres_url, newer):
    with world(postgres_url, 2, lease_s=5) as (journal, workers, sender):
        workers.keep_running()
        old = list(workers.running)
        wait_for(lambda: len(processes(sender)) == len(old))
        for number in range(10):
            send(sender, number)
        new = workers.start(newer)
        wait_for(lambda: is_migrated(sender))
        workers.kill(new)
        for number in range(10, 20):
            send(sender, number)
        check(sender, journal, 20)
        assert [worker.poll() for worker in old] == [None, None]


def test_a_process_that_slept_does_not_send_what_others_took_over(postgres_url):
    with world(postgres_url, 1) as (journal, workers, sender):
        workers.keep_running()
        sleeper = workers.running[0]
        for number in range(4):
            send(sender, number)
        wait_for(lambda: journal.entries)
        (sleeping,) = sender._executors.beats()
        sleeper.send_signal(signal.SIGSTOP)
        workers.count = 2
        workers.keep_running()
        wait_for(lambda: sender._executors.beats().get(sleeping) is None)
        sleeper.send_signal(signal.SIGCONT)
        check(sender, journal, 4)
        assert sleeper.wait(60) is not None, "it ends, because others declared it dead"


def test_an_event_that_ends_every_process_blocks_no_other(postgres_url, monkeypatch):
    monkeypatch.setenv("MOST_STARTS", "6")
    flow = text(step(), name="fatal")
    with world(postgres_url, 2) as (journal, workers, sender):
        sender.deploy(flow, read(flow))
        fatal = sender.start_run("fatal", event(text=FATAL))
        for number in range(4):
            send(sender, number)

        def given_up():
            workers.keep_running()
            return sender.dead_letters()

        (letter,) = wait_for(given_up, patience_s=240)
        assert (letter["id"], letter["note"]["code"]) == (fatal, "given_up")
        workers.keep_running()
        wait_for(lambda: not sender.runs.find(states=("waiting",)))
        assert Counter(journal.texts()) == Counter(
            effect for number in range(4) for effect in effects(number)
        )
