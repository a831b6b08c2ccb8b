"""Subscriptions for tests: a store that is made with one line, and what a sandbox has of them."""

from contextlib import nullcontext
from dataclasses import replace

from calendly_connector.events.subscriptions import Subscriptions

CALLBACK = "https://hooks.acme.example/calendly?tenant=7"
EVENTS = ("invitee.canceled", "invitee.created")


class Memory:
    """A store of a host: a dict. `log` says what was done to it."""

    def __init__(self):
        self.kept = {}
        self.log = []

    def all(self):
        return list(self.kept.values())

    def get(self, subscription_id):
        return self.kept.get(subscription_id)

    def put(self, subscription):
        self.log.append("confirm" if subscription.uri else "put")
        self.kept[subscription.id] = subscription

    def delete(self, subscription_id):
        self.log.append("delete")
        self.kept.pop(subscription_id, None)

    def lock(self):
        return nullcontext()


def at_calendly(sandbox):
    """Give the records that the sandbox has beside those it began with, by callback address."""
    records = [one.record for one in sandbox.world.subscriptions.values()]
    return {record["callback_url"]: record for record in records if "subscription=" in record["callback_url"]}


def key_of(sandbox, url):
    """Give the key with which the sandbox signs what it posts to an address."""
    return next(
        one.signing_key for one in sandbox.world.subscriptions.values() if one.record["callback_url"] == url
    )


def assert_subscribed_once(sandbox, store, events=EVENTS, count=1):
    """Assert that Calendly has so many subscriptions of these events, active, and that we hold their keys."""
    records = at_calendly(sandbox)
    assert len(records) == count
    assert {subscription.url for subscription in store.all()} == set(records)
    for subscription in store.all():
        record = records[subscription.url]
        assert (subscription.uri, record["state"]) == (record["uri"], "active")
        assert set(subscription.events) == set(record["events"]) == set(events)
        assert subscription.signing_key == key_of(sandbox, subscription.url)


def change(sandbox, url, **fields):
    """Change a record at Calendly, as time or other people do."""
    for one in sandbox.world.subscriptions.values():
        if one.record["callback_url"] == url:
            one.record.update(fields)


def lose(sandbox, url):
    """Delete a record at Calendly behind our back."""
    world = sandbox.world
    uuid = next(uuid for uuid, one in world.subscriptions.items() if one.record["callback_url"] == url)
    world.unsubscribe(uuid)


def older(store, subscription):
    """Let a subscription be an old one."""
    store.kept[subscription.id] = replace(subscription, created_at="2020-01-01T00:00:00Z")


def subscriptions_of(connection, store=None, signer=None, **more):
    return Subscriptions(connection, Memory() if store is None else store, signer, **more)
