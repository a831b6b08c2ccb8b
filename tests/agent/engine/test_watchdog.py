"""Who is alive, who may send, and whose runs are taken over. The clocks are the test's own."""

import threading

import pytest
from calendly_connector.agent.engine import dbos_internals
from calendly_connector.agent.engine import engine as engine_module
from calendly_connector.agent.engine.database import Database, Interrupted
from calendly_connector.agent.engine.executors import Executors
from calendly_connector.agent.engine.watchdog import Loop, Watchdog
from calendly_connector.errors import AgentDatabaseError
from calendly_connector.support.clock import Timing

pytest_plugins = ["engine_fixtures"]

LEASE_S = 10.0


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def executors(database):
    opened = Database(database)
    yield Executors(opened)
    opened.close()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pending(monkeypatch):
    """Return the pending workflows by id, with their executors; a taken one isn't pending any more."""
    pending = {}

    def requeue(workflow, executor, _queue):
        if pending.get(workflow) != executor:
            return False
        del pending[workflow]
        return True

    monkeypatch.setattr(dbos_internals, "pending", lambda: list(pending.items()))
    monkeypatch.setattr(dbos_internals, "active", set)
    monkeypatch.setattr(dbos_internals, "requeue", requeue)
    return pending


@pytest.fixture
def make(executors, clock):
    def make(name):
        executors.join(name, clock.now)
        dead = threading.Event()
        timing = Timing(monotonic=clock)
        watchdog = Watchdog(executors, name, "agent", timing=timing, on_dead=dead.set, lease_s=LEASE_S)
        watchdog.dead = dead
        watchdog.beat()
        return watchdog

    return make


def test_the_runs_of_a_process_without_a_beat_are_taken_over_after_a_lease(make, clock, pending):
    make("other")
    mine = make("mine")
    pending["run"] = "other"
    for _ in range(3):
        assert mine.look() == 0
        clock.now += LEASE_S / 3
        mine.beat()
    clock.now += 0.1
    assert mine.look() == 1


def test_a_process_that_beats_keeps_its_runs(make, clock, pending):
    other, mine = make("other"), make("mine")
    pending["run"] = "other"
    for _ in range(5):
        assert mine.look() == 0
        clock.now += LEASE_S
        other.beat()
    assert pending == {"run": "other"}


def test_a_process_that_left_is_taken_over_at_once(make, executors, pending):
    make("other")
    executors.leave("other")
    pending["run"] = "other"
    assert make("mine").look() == 1


def test_the_runs_of_an_unknown_process_are_taken_over(make, pending):
    pending["run"] = "forgotten"
    assert make("mine").look() == 1


def test_a_process_that_was_declared_dead_hears_of_it_at_its_next_beat(make, executors):
    mine = make("mine")
    executors.declare_dead("mine", executors.beats()["mine"])
    assert not mine.beat()
    assert mine.dead.is_set()
    assert not mine.sure()


def test_a_beat_at_the_last_moment_saves_a_process(make, executors):
    mine = make("mine")
    seen = executors.beats()["mine"]
    mine.beat()
    assert not executors.declare_dead("mine", seen)
    assert mine.beat()


def test_a_dead_process_is_forgotten_when_nothing_of_it_is_pending(make, executors, pending):
    make("other")
    executors.leave("other")
    pending["run"] = "other"
    mine = make("mine")
    mine.look()
    assert "other" in executors.beats()
    mine.look()
    assert "other" not in executors.beats()


def test_an_outage_is_no_reason_to_declare_anybody_dead(make, clock, pending, monkeypatch):
    make("other")
    mine = make("mine")
    mine.look()
    clock.now += LEASE_S * 5
    with monkeypatch.context() as patch:
        patch.setattr(dbos_internals, "pending", _down)
        patch.setattr(Executors, "beats", _down)
        with pytest.raises(AgentDatabaseError):
            mine.look()
    pending["run"] = "other"
    assert mine.look() == 0


def test_what_a_living_process_lost_is_queued_again_after_a_lease(make, clock, pending):
    mine = make("mine")
    pending["run"] = "mine"
    assert mine.look() == 0
    clock.now += LEASE_S
    mine.beat()
    assert mine.look() == 1


def test_a_claim_is_made_once_and_says_when_it_was_sent(executors):
    executors.join("mine", 0.0)
    assert executors.claim("mine", "run", "write#1", 5.0) is None
    assert executors.claim("mine", "run", "write#1", 9.0) == 5.0
    executors.release("run", "write#1")
    assert executors.claim("mine", "run", "write#1", 9.0) is None


@pytest.mark.parametrize("how", ["leave", "bury"])
def test_a_dead_process_claims_nothing(executors, how):
    executors.join("mine", 0.0)
    executors.leave("mine")
    if how == "bury":
        executors.bury("mine")
    with pytest.raises(Interrupted):
        executors.claim("mine", "run", "write#1", 5.0)
    executors.join("other", 0.0)
    assert executors.claim("other", "run", "write#1", 9.0) is None, "the claim of the dead was undone"


def test_a_process_is_sure_of_itself_for_less_than_a_lease(make, clock, executors):
    mine = make("mine")
    clock.now += LEASE_S * 0.8
    executors.leave("mine")
    assert mine.sure(), "nobody could declare it dead yet"
    clock.now += LEASE_S * 0.2
    assert not mine.sure()


def test_a_loop_survives_errors_and_outages():
    calls = []
    done = threading.Event()

    def act():
        calls.append(1)
        if len(calls) == 1:
            raise AgentDatabaseError("It is down.")
        if len(calls) == 2:
            raise ValueError("A fault")
        done.set()

    loop = Loop("test", 0.001, act)
    loop.start()
    assert done.wait(20)
    loop.stop()


def test_waiting_for_the_database_ends_with_the_process(database):
    opened = Database(database)
    opened.stop()
    with pytest.raises(Interrupted):
        opened.patiently(_down)


def _down(*_):
    raise AgentDatabaseError("It is down.")


def test_an_engine_that_stops_no_longer_looks_when_dbos_is_gone(make_engine, monkeypatch):
    engine = make_engine()
    looking, destroyed, found = threading.Event(), threading.Event(), []

    def look():
        looking.set()
        found.append(destroyed.wait(0.3))

    destroy = engine_module.DBOS.destroy

    def destroy_noticed(**options):
        destroyed.set()
        destroy(**options)

    monkeypatch.setattr(engine._watchdog._looking, "_act", look)
    monkeypatch.setattr(engine_module.DBOS, "destroy", destroy_noticed)
    assert looking.wait(10)
    engine.stop()
    assert not any(found)
