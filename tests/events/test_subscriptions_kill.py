"""Processes that manage subscriptions, killed at every step and during a call: `make test-long`."""

import os
import subprocess
import sys
import time
from itertools import count

import pytest
from calendly_connector.auth.vault import open_vault
from calendly_connector.events.subscriptions import VaultStore
from locations import SUPPORT
from subscribing import CALLBACK, EVENTS, assert_subscribed_once, at_calendly, change, subscriptions_of

pytestmark = pytest.mark.long

COMMAND = [sys.executable, str(SUPPORT / "subscription_worker.py"), "crash"]
LONGEST_S = 60


@pytest.fixture
def sandbox(fresh_sandbox, tmp_path, monkeypatch):
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    monkeypatch.setenv("CALENDLY_API_URL", fresh_sandbox.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    monkeypatch.setenv("CALLBACK", CALLBACK)
    return fresh_sandbox


@pytest.fixture
def store(sandbox):
    assert sandbox.url
    return VaultStore(open_vault())


def crash(what, step, *rest):
    """Run a method in a process that is killed at a step; return whether it finished."""
    done = subprocess.run(
        [*COMMAND, what, str(step), *rest],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    assert done.returncode in {0, -9}, done.stderr
    return done.returncode == 0


def clear(subscriptions, store, sandbox):
    for stored in store.all():
        subscriptions.unsubscribe(stored.id)
    assert at_calendly(sandbox) == {}


def active(sandbox):
    return [url for url, record in at_calendly(sandbox).items() if record["state"] == "active"]


@pytest.mark.parametrize("then", ["subscribe", "prune"])
def test_a_subscribe_killed_anywhere_is_completed_or_undone_by_the_next(then, connect, sandbox, store):
    subscriptions = subscriptions_of(connect(sandbox), store)
    for step in count(1):
        done = crash("subscribe", step)
        assert set(at_calendly(sandbox)) <= {stored.url for stored in store.all()}, "leaked"
        if then == "prune":
            subscriptions.prune(subscriptions.audit(), lambda _finding: True)
            assert not any(one.repair for one in subscriptions.audit())
        subscriptions.subscribe(EVENTS, CALLBACK)
        assert_subscribed_once(sandbox, store)
        clear(subscriptions, store, sandbox)
        if done:
            # Who asks (two calls), put, create, put: before and after each, none of them missed.
            assert step == 11
            return


@pytest.mark.parametrize("what", ["rotate", "prune"])
def test_a_replacement_killed_anywhere_leaves_no_gap_and_is_completed(what, connect, sandbox, store, timer):
    subscriptions = subscriptions_of(connect(sandbox), store, clock=timer)
    for step in count(1):
        (old,) = subscriptions.subscribe(EVENTS, CALLBACK)
        if what == "prune":
            change(sandbox, old.url, state="disabled")
        done = crash(what, step, *([old.id] if what == "rotate" else []))
        assert what == "prune" or active(sandbox), "a gap"
        assert set(at_calendly(sandbox)) <= {stored.url for stored in store.all()}, "leaked"
        subscriptions.prune(subscriptions.audit(), lambda _finding: True)
        assert_subscribed_once(sandbox, store)
        assert not any(one.repair for one in subscriptions.audit())
        clear(subscriptions, store, sandbox)
        if done:
            # Put, create, put, delete, forget; listing all subscriptions asks twice who the user is.
            assert step == {"rotate": 11, "prune": 19}[what]
            return


def test_an_unsubscribe_killed_anywhere_is_completed_by_the_next(connect, sandbox, store):
    subscriptions = subscriptions_of(connect(sandbox), store)
    for step in count(1):
        (subscription,) = subscriptions.subscribe(EVENTS, CALLBACK)
        done = crash("unsubscribe", step, subscription.id)
        assert subscriptions.unsubscribe(subscription.id) is (not done and step < 4)
        assert at_calendly(sandbox) == {}
        assert store.all() == []
        if done:
            assert step == 5
            return


def test_a_kill_during_a_creation_leaves_a_pending_one_that_the_next_resumes(connect, sandbox, store):
    slow = {"kind": "latency", "method": "POST", "path": "/webhook_subscriptions", "latency_s": 30}
    sandbox.control("POST", "/faults", slow)
    with subprocess.Popen([*COMMAND, "subscribe", "1000"], stdout=subprocess.DEVNULL) as process:
        give_up_at = time.monotonic() + LONGEST_S
        while not at_calendly(sandbox):
            assert time.monotonic() < give_up_at
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    (pending,) = store.all()
    assert pending.uri == ""
    (subscription,) = subscriptions_of(connect(sandbox), store).subscribe(EVENTS, CALLBACK)
    assert (subscription.id, subscription.created) == (pending.id, False)
    assert_subscribed_once(sandbox, store)
