"""Subscriptions through the contract: their states, and repair, with a sandbox."""

import pytest
from calendly_connector.plugin import connector
from conftest import OWNER_TOKEN
from subscribing import EVENTS, at_calendly, change, lose

CALLBACK = "https://hooks.acme.example/calendly"


@pytest.fixture
def connection(fresh_sandbox, tmp_path, monkeypatch):
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    credential = {"kind": "personal_access_token", "token": OWNER_TOKEN}
    with connector.connect(credential, origin=fresh_sandbox.url) as connection:
        yield connection


def state(connection, url):
    return next((one for one in connection.subscription_states() if one.url == url), None)


def ours(connection):
    return [one for one in connection.subscription_states() if one.id]


@pytest.mark.parametrize(
    ("breaks", "expected"),
    [
        (lambda sandbox, url: change(sandbox, url, state="disabled"), "disabled"),
        (lose, "vanished"),
    ],
    ids=["disabled", "vanished"],
)
def test_a_broken_subscription_is_created_again(connection, fresh_sandbox, breaks, expected):
    (made,) = connection.subscribe(EVENTS, CALLBACK)
    breaks(fresh_sandbox, made.url)
    found = state(connection, made.url)
    assert found.state == expected
    assert "create it again" in found.repair
    assert connection.repair_subscription(found)
    (now,) = ours(connection)
    assert (now.state, set(now.events)) == ("active", set(EVENTS))
    assert now.id != made.id
    assert list(at_calendly(fresh_sandbox)) == [now.url]
    assert not connection.repair_subscription(found)  # it has changed since


def test_a_vanished_one_whose_work_another_does_is_only_forgotten(connection, fresh_sandbox):
    (old,) = connection.subscribe(EVENTS, CALLBACK)
    lose(fresh_sandbox, old.url)
    found = state(connection, old.url)
    with connection.subscriptions()._store.lock():
        manager = connection.subscriptions()
        record = manager._store.get(old.id)
        manager._create(manager._new(CALLBACK, record, record.organization))
    assert connection.repair_subscription(found)
    assert [one.state for one in ours(connection)] == ["active"]


def test_posts_that_fail_have_a_time_and_a_foreign_one_has_no_repair(connection, fresh_sandbox):
    (made,) = connection.subscribe(EVENTS, CALLBACK)
    change(fresh_sandbox, made.url, retry_started_at="2026-11-18T09:00:00.000000Z")
    found = state(connection, made.url)
    assert (found.state, found.since) == ("failing", "2026-11-18T09:00:00.000000Z")
    foreign = [one for one in connection.subscription_states() if not one.id]
    assert {one.state for one in foreign} == {"foreign"}
    assert not any(one.repair for one in foreign)
    assert any(one.sends for one in foreign)


def test_an_orphan_says_that_it_may_be_another_installations(connection):
    (made,) = connection.subscribe(EVENTS, CALLBACK)
    connection.subscriptions()._store.delete(made.id)
    found = state(connection, made.url)
    assert (found.state, found.repair) == ("foreign", "delete it")
    assert "another installation" in found.message
