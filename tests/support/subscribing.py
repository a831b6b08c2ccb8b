"""Subscriptions for tests: a store in memory, and the sandbox's side of subscriptions."""

from contextlib import nullcontext
from dataclasses import replace

from calendly_connector.events.subscriptions import Subscriptions

CALLBACK = "https://hooks.acme.example/calendly?tenant=7"
EVENTS = ("invitee.canceled", "invitee.created")


class Memory:
    """A host's store in memory. `log` records the changes to it."""

    def __init__(self):
        self.records = {}
        self.log = []

    def all(self):
        return list(self.records.values())

    def get(self, subscription_id):
        return self.records.get(subscription_id)

    def put(self, subscription):
        self.log.append("confirm" if subscription.uri else "put")
        self.records[subscription.id] = subscription

    def delete(self, subscription_id):
        self.log.append("delete")
        self.records.pop(subscription_id, None)

    def lock(self):
        return nullcontext()


def at_calendly(sandbox):
    """Return the subscriptions that were added to the sandbox, by callback URL."""
    records = [one.record for one in sandbox.world.subscriptions.values()]
    return {record["callback_url"]: record for record in records if "subscription=" in record["callback_url"]}


def key_of(sandbox, url):
    """Return the key with which the sandbox signs posts to a URL."""
    return next(
        one.signing_key for one in sandbox.world.subscriptions.values() if one.record["callback_url"] == url
    )


def assert_subscribed_once(sandbox, store, events=EVENTS, count=1):
    """Assert that Calendly has `count` active subscriptions to these events, and the store their keys."""
    records = at_calendly(sandbox)
    assert len(records) == count
    assert {subscription.url for subscription in store.all()} == set(records)
    for subscription in store.all():
        record = records[subscription.url]
        assert (subscription.uri, record["state"]) == (record["uri"], "active")
        assert set(subscription.events) == set(record["events"]) == set(events)
        assert subscription.signing_key == key_of(sandbox, subscription.url)


def change(sandbox, url, **fields):
    """Change a subscription in the sandbox, unnoticed by the store."""
    for one in sandbox.world.subscriptions.values():
        if one.record["callback_url"] == url:
            one.record.update(fields)


def lose(sandbox, url):
    """Delete a subscription in the sandbox, unnoticed by the store."""
    world = sandbox.world
    uuid = next(uuid for uuid, one in world.subscriptions.items() if one.record["callback_url"] == url)
    world.unsubscribe(uuid)


def older(store, subscription):
    """Make a stored subscription an old one."""
    store.records[subscription.id] = replace(subscription, created_at="2020-01-01T00:00:00Z")


def subscriptions_of(connection, store=None, signer=None, **more):
    return Subscriptions(connection, Memory() if store is None else store, signer, **more)
