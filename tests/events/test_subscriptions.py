"""Subscriptions: created once, split, replaced, deleted, repaired; lost replies; the receiver's keys."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from calendly_connector.auth.vault import open_vault
from calendly_connector.errors import (
    CalendlyDown,
    InvalidCredential,
    InvalidParams,
    NoAnswer,
    PermissionDenied,
    Rejected,
    UnexpectedAnswer,
    UsageError,
)
from calendly_connector.events.subscriptions import Signer, SigningKeys, VaultStore, signer_of
from calendly_connector.events.subscriptions.urls import base_of, checked, id_in, with_id
from calendly_connector.events.webhooks.signature import sign, verify
from calendly_connector.plugin import connector
from calendly_connector.sandbox.authorization.apps import WEB as WEB_APP
from locations import SUPPORT
from sandbox_client import GROUP, ORGANIZATION, OWNER
from signing_in import SCOPES, WEB, sign_in
from subscribing import (
    CALLBACK,
    EVENTS,
    Memory,
    assert_subscribed_once,
    at_calendly,
    change,
    key_of,
    lose,
    older,
    subscriptions_of,
)

WORKER = SUPPORT / "subscription_worker.py"
PATH = "/webhook_subscriptions"
ID = "0123456789abcdef" * 2


@pytest.fixture
def store():
    return Memory()


@pytest.fixture
def subscriptions(connect, fresh_sandbox, store, timer):
    return subscriptions_of(connect(fresh_sandbox), store, clock=timer)


def posts(sandbox):
    return sandbox.requests()["counts"].get(f"POST {PATH}", 0)


def inject_fault(sandbox, kind, **more):
    sandbox.control("POST", "/faults", {"kind": kind, "method": "POST", "path": PATH, **more})


def kinds(subscriptions):
    return [finding.kind for finding in subscriptions.audit() if finding.kind not in {"foreign", "unlisted"}]


def approve_all(_finding):
    return True


# --- addresses


@pytest.mark.parametrize(
    ("callback", "spelled"),
    [
        ("https://Hooks.Acme.example:443", "https://hooks.acme.example/"),
        ("HTTPS://hooks.acme.example/A?b=%20&c", "https://hooks.acme.example/A?b=%20&c"),
        ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
        ("http://[::1]:80/x", "http://[::1]/x"),
        ("http://LOCALHOST/x", "http://localhost/x"),
    ],
)
def test_an_address_is_normalized_and_keeps_its_query(callback, spelled):
    assert checked(callback) == spelled
    own = with_id(spelled, ID)
    assert own == f"{spelled}{'&' if '?' in spelled else '?'}subscription={ID}"
    assert (id_in(own), base_of(own), id_in(spelled)) == (ID, spelled, "")


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        ("", "must start with https://"),
        ("hooks.acme.example/x", "must start with https://"),
        ("ftp://hooks.acme.example/x", "must be an http"),
        ("https:///x", "must be an http"),
        ("https://hooks.acme.example:0/x", "must be an http"),
        ("https://hooks.acme.example:99999/x", "isn't a valid URL"),
        ("https://[::1/x", "isn't a valid URL"),
        ("https://hooks.acme.example/a b", "must be an http"),
        ("https://hooks.acme.example/\n", "must be an http"),
        ("https://h\N{LATIN SMALL LETTER O WITH DIAERESIS}oks.example/", "punycode"),
        ("https://hooks.acme.example\\@evil.example/", "must be an http"),
        ("https://ada:made-up-password@hooks.acme.example/x", "password"),
        ("https://hooks.acme.example/x#part", "fragment"),
        ("http://hooks.acme.example/x", "must be https"),
        ("http://127.0.0.1.acme.example/x", "must be https"),
        (f"https://hooks.acme.example/x?subscription={ID}", "reserved for the id"),
        ("https://hooks.acme.example/x?a&%73ubscription=", "reserved for the id"),
    ],
)
def test_an_invalid_callback_is_rejected_before_the_network(callback, message, connect, unvisited, store):
    subscriptions = subscriptions_of(connect(unvisited), store)
    with pytest.raises(InvalidParams, match=message) as raised:
        subscriptions.subscribe(EVENTS, callback)
    assert "made-up-password" not in str(raised.value)
    assert store.log == []


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.acme.example/x?subscription=short",
        f"https://hooks.acme.example/x?subscription={ID}&subscription={ID}",
        f"https://hooks.acme.example/x?subscription={ID.upper()}",
        f"https://hooks.acme.example/x#subscription={ID}",
        "https://[::1/?subscription",
        "",
    ],
)
def test_a_foreign_address_has_no_id(url):
    assert id_in(url) == ""
    assert isinstance(base_of(url), str)


# --- subscribe


def test_a_subscription_is_stored_with_its_key_before_calendly_is_asked(
    subscriptions, store, fresh_sandbox, timer
):
    (subscription,) = subscriptions.subscribe(EVENTS, CALLBACK)
    assert store.log == ["put", "confirm"]
    assert_subscribed_once(fresh_sandbox, store)
    assert subscription.url == f"{CALLBACK}&subscription={subscription.id}"
    assert (subscription.scope, subscription.owner, subscription.created) == (
        "organization",
        ORGANIZATION,
        True,
    )
    (stored,) = store.all()
    assert len(stored.signing_key) == 64
    assert stored.signing_key not in repr(stored)
    header = sign(b"{}", key_of(fresh_sandbox, subscription.url), int(timer()))
    assert verify(header, b"{}", SigningKeys(store)(subscription.id), timer())


def test_an_equal_subscription_is_reused_despite_order_and_spelling(subscriptions, store, fresh_sandbox):
    (first,) = subscriptions.subscribe(EVENTS, CALLBACK)
    (second,) = subscriptions.subscribe(reversed(EVENTS), CALLBACK.replace("https://hooks", "HTTPS://Hooks"))
    assert (second.id, second.uri, second.created) == (first.id, first.uri, False)
    assert posts(fresh_sandbox) == 1
    assert_subscribed_once(fresh_sandbox, store)


@pytest.mark.parametrize(
    ("events", "callback", "more"),
    [
        (["invitee.created"], CALLBACK, {}),
        (EVENTS, CALLBACK.replace("7", "8"), {}),
        (EVENTS, CALLBACK, {"scope": "user"}),
        (EVENTS, CALLBACK, {"group": GROUP}),
    ],
)
def test_a_different_subscription_is_created(events, callback, more, subscriptions, fresh_sandbox):
    subscriptions.subscribe(EVENTS, CALLBACK)
    (subscription,) = subscriptions.subscribe(events, callback, **more)
    assert subscription.created
    assert len(at_calendly(fresh_sandbox)) == 2


def test_a_reschedule_subscribes_to_its_halves_and_one_name_is_accepted(subscriptions):
    (subscription,) = subscriptions.subscribe("invitee.rescheduled", CALLBACK)
    assert set(subscription.events) == {"invitee.canceled", "invitee.created"}


def test_events_of_different_scopes_are_split_into_subscriptions(subscriptions, store, fresh_sandbox):
    events = ["invitee.created", "meeting_recap.created", "routing_form_submission.created"]
    by_scope = {one.scope: one for one in subscriptions.subscribe(events, CALLBACK)}
    assert by_scope["user"].events == ("meeting_recap.created",)
    assert (by_scope["user"].owner, by_scope["organization"].owner) == (OWNER, ORGANIZATION)
    assert (
        len({stored.signing_key for stored in store.all()})
        == len({one.url for one in by_scope.values()})
        == 2
    )
    assert set(at_calendly(fresh_sandbox)) == {one.url for one in by_scope.values()}
    assert not any(one.created for one in subscriptions.subscribe(events, CALLBACK))


def test_a_member_gets_their_own_events_and_organization_scope_is_rejected(connect, fresh_sandbox, store):
    subscriptions = subscriptions_of(connect(fresh_sandbox, "sandbox-member"), store)
    (subscription,) = subscriptions.subscribe(EVENTS, CALLBACK)
    assert subscription.scope == "user"
    assert "admins and owners" in subscription.reason
    with pytest.raises(InvalidParams, match="for admins and owners"):
        subscriptions.subscribe(["routing_form_submission.created"], CALLBACK)
    with pytest.raises(PermissionDenied):
        subscriptions.subscribe(EVENTS, CALLBACK, scope="organization")
    assert_subscribed_once(fresh_sandbox, store)


@pytest.mark.parametrize("group", [GROUP, GROUP.rpartition("/")[2], "sales"])
def test_a_group_can_be_a_uri_an_id_or_a_name(group, subscriptions, fresh_sandbox):
    (subscription,) = subscriptions.subscribe(EVENTS, CALLBACK, group=group)
    assert (subscription.scope, subscription.owner) == ("group", GROUP)
    assert at_calendly(fresh_sandbox)[subscription.url]["group"] == GROUP
    assert not subscriptions.subscribe(EVENTS, CALLBACK, scope="group", group=GROUP)[0].created


def test_a_failed_part_undoes_the_whole_subscribe(connect, fresh_sandbox, store):
    fresh_sandbox.control(
        "POST",
        "/tokens",
        {
            "name": "poor",
            "scopes": [
                "users:read",
                "organizations:read",
                "webhooks:write",
                "scheduled_events:read",
                "groups:read",
            ],
        },
    )
    subscriptions = subscriptions_of(connect(fresh_sandbox, "poor"), store)
    with pytest.raises(Rejected, match="meeting_recaps:read and webhooks:write"):
        subscriptions.subscribe([*EVENTS, "meeting_recap.created"], CALLBACK)
    assert at_calendly(fresh_sandbox) == {}
    assert store.all() == []


def test_an_existing_subscription_is_not_undone_with_the_rest(connect, fresh_sandbox, store):
    rich = subscriptions_of(connect(fresh_sandbox), store)
    rich.subscribe(EVENTS, CALLBACK)
    inject_fault(fresh_sandbox, "status", status=403)
    with pytest.raises(PermissionDenied):
        rich.subscribe([*EVENTS, "meeting_recap.created"], CALLBACK)
    assert_subscribed_once(fresh_sandbox, store)


@pytest.mark.parametrize("state", ["disabled", "gone"])
def test_an_equal_subscription_that_is_disabled_is_replaced(state, subscriptions, store, fresh_sandbox):
    (first,) = subscriptions.subscribe(EVENTS, CALLBACK)
    if state == "disabled":
        change(fresh_sandbox, first.url, state="disabled")
    else:
        lose(fresh_sandbox, first.url)
    (second,) = subscriptions.subscribe(EVENTS, CALLBACK)
    assert second.created
    assert second.id != first.id
    assert_subscribed_once(fresh_sandbox, store)


def test_a_bad_token_is_reported(connect, fresh_sandbox, store):
    subscriptions = subscriptions_of(connect(fresh_sandbox, "made-up-bad-token"), store)
    with pytest.raises(Exception, match="token") as raised:
        subscriptions.subscribe(EVENTS, CALLBACK)
    assert raised.value.code == "unauthenticated"


# --- lost replies


@pytest.mark.parametrize("fault", ["reset", "truncate"])
def test_a_creation_whose_answer_was_lost_is_found_by_its_address(fault, subscriptions, store, fresh_sandbox):
    inject_fault(fresh_sandbox, fault)
    (subscription,) = subscriptions.subscribe(EVENTS, CALLBACK)
    assert subscription.created
    assert posts(fresh_sandbox) == 1
    assert_subscribed_once(fresh_sandbox, store)


@pytest.mark.parametrize(
    "fault", [{"kind": "status", "status": 500}, {"kind": "html"}, {"kind": "not_json"}, {"kind": "empty"}]
)
def test_a_creation_that_never_arrived_is_repeated_with_the_same_id(
    fault, subscriptions, store, fresh_sandbox
):
    inject_fault(fresh_sandbox, **fault)
    (subscription,) = subscriptions.subscribe(EVENTS, CALLBACK)
    assert posts(fresh_sandbox) == 2
    assert store.log == ["put", "confirm"]
    assert subscription.id in subscription.url
    assert_subscribed_once(fresh_sandbox, store)


class LateLists:
    """A connection whose first lists are empty, as if new subscriptions appeared late."""

    def __init__(self, connection, hidden):
        self._connection = connection
        self._hidden = hidden

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def iterate(self, action, params):
        stream = self._connection.iterate(action, params)
        self._hidden -= 1
        return stream if self._hidden < 0 else EmptyStream()


class EmptyStream:
    complete = True

    def __iter__(self):
        return iter(())


def test_a_conflict_with_our_own_subscription_confirms_it(connect, fresh_sandbox, store):
    inject_fault(fresh_sandbox, "reset")
    subscriptions = subscriptions_of(LateLists(connect(fresh_sandbox), 1), store)
    subscriptions.subscribe(EVENTS, CALLBACK)
    assert posts(fresh_sandbox) == 2  # the second one was a 409
    assert_subscribed_once(fresh_sandbox, store)


def test_an_unknown_creation_stays_pending_and_is_resumed(connect, fresh_sandbox, store):
    inject_fault(fresh_sandbox, "status", status=502, times=2)
    subscriptions = subscriptions_of(connect(fresh_sandbox), store)
    with pytest.raises(CalendlyDown):
        subscriptions.subscribe(EVENTS, CALLBACK)
    (pending,) = store.all()
    assert pending.uri == ""
    assert kinds(subscriptions) == ["pending"]
    (subscription,) = subscriptions.subscribe(EVENTS, CALLBACK)
    assert subscription.id == pending.id
    assert_subscribed_once(fresh_sandbox, store)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 400}, Rejected),
        ({"kind": "status", "status": 403}, PermissionDenied),
    ],
)
def test_a_rejected_creation_leaves_nothing(fault, error, subscriptions, store, fresh_sandbox):
    inject_fault(fresh_sandbox, **fault)
    with pytest.raises(error):
        subscriptions.subscribe(EVENTS, CALLBACK)
    assert store.all() == []
    assert at_calendly(fresh_sandbox) == {}


class RepliesWithoutUri(LateLists):
    """A connection whose creations get a reply without a URI."""

    def run(self, action, params=None):
        result = self._connection.run(action, params)
        if action != "webhook_subscriptions.create":
            return result
        return replace(result, record={"state": "active"})


def test_a_reply_without_a_uri_counts_as_lost(connect, fresh_sandbox, store):
    subscriptions_of(RepliesWithoutUri(connect(fresh_sandbox), 0), store).subscribe(EVENTS, CALLBACK)
    assert posts(fresh_sandbox) == 1
    assert_subscribed_once(fresh_sandbox, store)


class FailingWrites:
    """A connection that can read; its writes never arrive."""

    def __init__(self, connection, error):
        self._connection = connection
        self._error = error

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def run(self, action, params=None):
        if action == "webhook_subscriptions.create":
            raise self._error
        return self._connection.run(action, params)


def test_a_call_that_never_arrived_leaves_nothing(connect, fresh_sandbox, store):
    error = NoAnswer("x refused the connection.", reason="refused")
    with pytest.raises(NoAnswer):
        subscriptions_of(FailingWrites(connect(fresh_sandbox), error), store).subscribe(EVENTS, CALLBACK)
    assert store.all() == []


def test_an_incomplete_list_proves_nothing(connect, fresh_sandbox, store):
    class Cut(EmptyStream):
        complete = False

    class Cutting(LateLists):
        def iterate(self, *_asked):
            return Cut()

    subscriptions_of(connect(fresh_sandbox), store).subscribe(EVENTS, CALLBACK)
    subscriptions = subscriptions_of(Cutting(connect(fresh_sandbox), 0), store)
    with pytest.raises(UnexpectedAnswer, match="broke off"):
        subscriptions.subscribe(EVENTS, CALLBACK)


# --- unsubscribe, rotate


def test_unsubscribe_can_be_repeated(subscriptions, store, fresh_sandbox):
    (subscription,) = subscriptions.subscribe(EVENTS, CALLBACK)
    assert subscriptions.unsubscribe(subscription.id)
    assert not subscriptions.unsubscribe(subscription.id)
    assert at_calendly(fresh_sandbox) == {}
    assert store.all() == []


def test_a_subscription_that_calendly_deleted_can_be_unsubscribed(subscriptions, store, fresh_sandbox):
    (subscription,) = subscriptions.subscribe(EVENTS, CALLBACK)
    lose(fresh_sandbox, subscription.url)
    assert subscriptions.unsubscribe(subscription.id)
    assert store.all() == []


def test_a_pending_subscription_is_looked_up_before_its_key_is_deleted(subscriptions, store, fresh_sandbox):
    (subscription,) = subscriptions.subscribe(EVENTS, CALLBACK)
    store.records[subscription.id] = replace(store.records[subscription.id], uri="")
    assert subscriptions.unsubscribe(subscription.id)
    assert at_calendly(fresh_sandbox) == {}


def test_a_key_is_kept_if_calendly_cannot_be_reached(subscriptions, store, fresh_sandbox):
    (subscription,) = subscriptions.subscribe(EVENTS, CALLBACK)
    fresh_sandbox.control("POST", "/faults", {"kind": "status", "status": 403, "method": "DELETE"})
    with pytest.raises(PermissionDenied):
        subscriptions.unsubscribe(subscription.id)
    assert_subscribed_once(fresh_sandbox, store)


def test_rotate_creates_the_new_subscription_before_deleting_the_old(subscriptions, store, fresh_sandbox):
    (old,) = subscriptions.subscribe(EVENTS, CALLBACK)
    old_key = store.records[old.id].signing_key
    fresh_sandbox.control("DELETE", "/requests")
    new = subscriptions.rotate(old.id)
    calls = [row["method"] for row in fresh_sandbox.requests()["requests"]]
    assert calls == ["POST", "DELETE"]
    assert (new.created, new.events, new.scope) == (True, old.events, old.scope)
    assert new.id != old.id
    assert store.records[new.id].signing_key != old_key
    assert_subscribed_once(fresh_sandbox, store)


def test_a_rejected_rotation_keeps_the_old_subscription(subscriptions, store, fresh_sandbox):
    (old,) = subscriptions.subscribe(EVENTS, CALLBACK)
    inject_fault(fresh_sandbox, "status", status=403)
    with pytest.raises(PermissionDenied):
        subscriptions.rotate(old.id)
    assert [stored.id for stored in store.all()] == [old.id]
    assert_subscribed_once(fresh_sandbox, store)


def test_a_foreign_subscription_is_not_rotated(subscriptions):
    with pytest.raises(UsageError, match="No subscription"):
        subscriptions.rotate(ID)


# --- OAuth


@pytest.fixture
def app(fresh_sandbox, monkeypatch):
    monkeypatch.setenv("CALENDLY_AUTH_URL", fresh_sandbox.url)
    scopes = (*SCOPES, "webhooks:write", "groups:read")
    credential = {**sign_in(fresh_sandbox, WEB, scopes), "signing_key": WEB_APP.webhook_key}
    with connector.connect(credential, origin=fresh_sandbox.url) as connection:
        yield connection, credential


def test_an_app_has_one_key_which_is_neither_sent_nor_stored(app, fresh_sandbox, store):
    connection, credential = app
    signer = signer_of(credential)
    subscriptions = connection.subscriptions(store)
    (subscription,) = subscriptions.subscribe(EVENTS, CALLBACK)
    (stored,) = store.all()
    assert (stored.client, stored.signing_key) == ("sandbox-web", "")
    assert WEB_APP.webhook_key not in repr(signer)
    assert key_of(fresh_sandbox, subscription.url) == WEB_APP.webhook_key
    assert SigningKeys(store, signer)(subscription.id) == [WEB_APP.webhook_key]
    assert (
        SigningKeys(store)(subscription.id)
        == SigningKeys(store, Signer("another", "key"))(subscription.id)
        == []
    )
    assert not subscriptions.subscribe(EVENTS, CALLBACK)[0].created
    with pytest.raises(UsageError, match="one key for all"):
        subscriptions.rotate(subscription.id)
    assert subscriptions.unsubscribe(subscription.id)


@pytest.mark.parametrize(("fault", "times"), [("reset", 1), ("truncate", 1), ("empty", 2), ("not_json", 2)])
def test_a_lost_answer_to_an_app_is_found_too(fault, times, app, fresh_sandbox, store):
    inject_fault(fresh_sandbox, fault)
    connection, credential = app
    subscriptions_of(connection, store, signer_of(credential)).subscribe(EVENTS, CALLBACK)
    assert posts(fresh_sandbox) == times
    assert len(at_calendly(fresh_sandbox)) == 1


def test_an_app_whose_key_is_missing_subscribes_to_nothing(connect, unvisited, store):
    signer = signer_of({"kind": "oauth", "client_id": "made-up"})
    with pytest.raises(InvalidCredential, match="no signing_key"):
        subscriptions_of(connect(unvisited), store, signer).subscribe(EVENTS, CALLBACK)
    assert store.log == []


# --- the receiver's keys


def test_the_receiver_notices_new_and_deleted_subscriptions(subscriptions, store, timer):
    keys = SigningKeys(store, monotonic=timer)
    assert keys(ID) == []
    (subscription,) = subscriptions.subscribe(EVENTS, CALLBACK)
    assert keys(subscription.id) == []
    timer.now += 1
    assert keys(subscription.id) == [store.records[subscription.id].signing_key]
    subscriptions.unsubscribe(subscription.id)
    assert keys(subscription.id)
    timer.now += 30
    assert keys(subscription.id) == []


def test_posts_with_unknown_ids_do_not_read_the_store_each_time(timer):
    class Counting(Memory):
        reads = 0

        def all(self):
            self.reads += 1
            return []

    store = Counting()
    keys = SigningKeys(store, monotonic=timer)
    for number in range(100):
        assert keys(f"{number:032x}") == []
    assert store.reads == 1


# --- audit and prune


def test_a_healthy_subscription_needs_no_repair(subscriptions, fresh_sandbox):
    subscriptions.subscribe(EVENTS, CALLBACK)
    found = subscriptions.audit()
    assert [one.kind for one in found] == ["healthy", "foreign", "foreign"]
    assert not any(one.repair for one in found)
    before = dict(at_calendly(fresh_sandbox))
    assert subscriptions.prune(found, approve_all) == []
    assert at_calendly(fresh_sandbox) == before


def test_a_retrying_subscription_is_reported_and_not_repaired(subscriptions, fresh_sandbox):
    (subscription,) = subscriptions.subscribe(EVENTS, CALLBACK)
    change(fresh_sandbox, subscription.url, retry_started_at="2026-11-18T10:00:00.000000Z")
    finding = subscriptions.audit()[0]
    assert (finding.kind, finding.repair) == ("retrying", "")
    assert "2026-11-18T10:00" in finding.message


def break_subscription(how, subscriptions, store, sandbox):
    """Create a subscription and break it as `how` says."""
    (subscription,) = subscriptions.subscribe(EVENTS, CALLBACK)
    if how == "disabled":
        change(sandbox, subscription.url, state="disabled")
    elif how == "orphaned":
        store.records.clear()
    elif how == "forgotten":
        lose(sandbox, subscription.url)
    elif how == "pending":
        store.records[subscription.id] = replace(store.records[subscription.id], uri="")
    elif how == "pending, not there":
        lose(sandbox, subscription.url)
        store.records[subscription.id] = replace(store.records[subscription.id], uri="")
    elif how == "duplicated":
        older(store, store.records.pop(subscription.id))
        saved = dict(store.records)
        store.records.clear()
        subscriptions.subscribe(EVENTS, CALLBACK)
        store.records |= saved
    elif how == "disabled, replaced":
        saved = dict(store.records)
        store.records.clear()
        subscriptions.subscribe(EVENTS, CALLBACK)
        store.records |= saved
        change(sandbox, subscription.url, state="disabled")
    return subscription


SPOILED = {
    "disabled": ("disabled", 1),
    "orphaned": ("orphaned", 0),
    "forgotten": ("forgotten", 0),
    "pending": ("pending", 1),
    "pending, not there": ("pending", 1),
    "duplicated": ("duplicated", 1),
    "disabled, replaced": ("duplicated", 1),
}


@pytest.mark.parametrize("how", SPOILED)
def test_problems_are_found_and_repaired_only_with_consent(how, subscriptions, store, fresh_sandbox):
    kind, left = SPOILED[how]
    subscription = break_subscription(how, subscriptions, store, fresh_sandbox)
    found = subscriptions.audit()
    (finding,) = [one for one in found if one.repair]
    assert (finding.kind, finding.id, finding.url) == (kind, subscription.id, subscription.url)
    before, stored = dict(at_calendly(fresh_sandbox)), dict(store.records)
    (repair,) = subscriptions.prune(found, lambda _: False)
    assert repair.outcome == "left"
    assert (at_calendly(fresh_sandbox), store.records) == (before, stored)
    (repair,) = subscriptions.prune(found, approve_all)
    assert (repair.outcome, repair.message) == ("done", "")
    assert_subscribed_once(fresh_sandbox, store, count=left)
    assert not any(one.repair for one in subscriptions.audit())
    (again,) = subscriptions.prune(found, approve_all)
    assert again.outcome == "changed"
    assert_subscribed_once(fresh_sandbox, store, count=left)


def test_the_newer_key_wins(subscriptions, store, fresh_sandbox, timer):
    (old,) = subscriptions.subscribe(EVENTS, CALLBACK)
    (stored,) = store.all()
    store.records.clear()
    timer.now += 0.001
    (new,) = subscriptions.subscribe(EVENTS, CALLBACK)
    store.records = {stored.id: stored} | store.records
    assert subscriptions.subscribe(EVENTS, CALLBACK)[0].id == new.id
    subscriptions.prune(subscriptions.audit(), approve_all)
    assert old.id not in store.records
    assert_subscribed_once(fresh_sandbox, store)


def test_an_older_subscription_with_more_events_is_not_a_duplicate(subscriptions, fresh_sandbox, timer):
    subscriptions.subscribe(EVENTS, CALLBACK)
    timer.now += 1
    subscriptions.subscribe(["invitee.created"], CALLBACK)
    assert kinds(subscriptions) == ["healthy", "overlapping"]
    assert subscriptions.prune(subscriptions.audit(), approve_all) == []
    assert len(at_calendly(fresh_sandbox)) == 2


def test_equal_events_of_other_addresses_or_scopes_are_not_duplicates(subscriptions):
    subscriptions.subscribe(EVENTS, CALLBACK)
    subscriptions.subscribe(EVENTS, CALLBACK.replace("7", "8"))
    subscriptions.subscribe(EVENTS, CALLBACK, scope="user")
    assert kinds(subscriptions) == ["healthy"] * 3


def test_a_failed_repair_is_reported_and_the_others_continue(subscriptions, store, fresh_sandbox):
    break_subscription("orphaned", subscriptions, store, fresh_sandbox)
    (other,) = subscriptions.subscribe(EVENTS, CALLBACK.replace("7", "8"))
    lose(fresh_sandbox, other.url)
    fresh_sandbox.control(
        "POST", "/faults", {"kind": "status", "status": 403, "method": "DELETE", "times": 1, "after": 1}
    )
    outcomes = {one.finding.kind: one for one in subscriptions.prune(subscriptions.audit(), approve_all)}
    assert outcomes["forgotten"].outcome == "done"
    assert outcomes["orphaned"].outcome == "failed"
    assert outcomes["orphaned"].message


def test_a_subscription_that_cannot_be_listed_is_unseen_not_forgotten(connect, fresh_sandbox, store):
    subscriptions_of(connect(fresh_sandbox), store).subscribe([*EVENTS, "meeting_recap.created"], CALLBACK)
    member = subscriptions_of(connect(fresh_sandbox, "sandbox-member"), store)
    found = member.audit()
    assert {one.kind for one in found if one.id} == {"unseen"}
    assert any("admins and owners" in one.message for one in found)
    assert member.prune(found, approve_all) == []
    assert len(store.all()) == 2


def test_a_subscription_of_another_organization_is_unseen(subscriptions, store, fresh_sandbox):
    (subscription,) = subscriptions.subscribe(EVENTS, CALLBACK)
    lose(fresh_sandbox, subscription.url)
    elsewhere = ORGANIZATION.rpartition("/")[0] + "/" + "0" * 8
    store.records[subscription.id] = replace(
        store.records[subscription.id], organization=elsewhere, owner=elsewhere
    )
    finding = next(one for one in subscriptions.audit() if one.id and one.kind == "unseen")
    assert "a different organization" in finding.message
    assert finding.repair == ""


def test_lists_that_the_token_may_not_read_are_named(connect, fresh_sandbox, store):
    fresh_sandbox.control(
        "POST", "/tokens", {"name": "poor", "scopes": ["users:read", "organizations:read", "webhooks:write"]}
    )
    found = subscriptions_of(connect(fresh_sandbox, "poor"), store).audit()
    assert [one.scope for one in found if one.kind == "unlisted"] == ["group"]


def test_changes_during_an_audit_are_not_misreported(connect, fresh_sandbox, store):
    other = subscriptions_of(connect(fresh_sandbox), store)
    (old,) = other.subscribe(EVENTS, CALLBACK)

    class Busy(LateLists):
        def iterate(self, action, params):
            records = list(self._connection.iterate(action, params))
            if not store.get(old.id):
                return Whole(records)
            other.unsubscribe(old.id)
            other.subscribe(EVENTS, CALLBACK.replace("7", "8"))
            return Whole(records)

    class Whole(EmptyStream):
        def __init__(self, records):
            self._records = records

        def __iter__(self):
            return iter(self._records)

    found = subscriptions_of(Busy(connect(fresh_sandbox), 0), store).audit()
    assert {one.kind for one in found} <= {"healthy", "foreign"}


# --- the vault, and several processes


@pytest.fixture
def vault(tmp_path, monkeypatch):
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    return open_vault()


def test_subscriptions_in_the_vault_are_not_credentials(vault, connect, fresh_sandbox):
    connection = connect(fresh_sandbox)
    (subscription,) = connection.subscribe(EVENTS, CALLBACK)
    store = VaultStore(vault)
    assert_subscribed_once(fresh_sandbox, store)
    assert vault.names() == [f"webhook {subscription.id}"]
    with pytest.raises(InvalidCredential, match="can't sign in"):
        connector.connect({"kind": "stored", "name": f"webhook {subscription.id}"})
    vault.put(f"webhook {ID}", {"kind": "personal_access_token", "token": "x"})
    vault.put("webhook", {"kind": "personal_access_token", "token": "x"})
    assert [stored.id for stored in store.all()] == [subscription.id]
    assert (store.get(ID), store.get("0")) == (None, None)
    store.delete(ID)
    assert len(vault.names()) == 3
    assert connection.unsubscribe(subscription.id)
    assert not connection.unsubscribe(subscription.id)


def test_a_host_can_use_its_own_store(connect, fresh_sandbox, store, vault):
    connect(fresh_sandbox).subscriptions(store).subscribe(EVENTS, CALLBACK)
    assert_subscribed_once(fresh_sandbox, store)
    assert vault.names() == []


def test_two_processes_that_subscribe_create_one_subscription(vault, fresh_sandbox):
    environment = {
        **os.environ,
        "CALENDLY_API_URL": fresh_sandbox.url,
        "CALENDLY_API_TOKEN": "sandbox-owner",
        "CALLBACK": CALLBACK,
    }
    command = [sys.executable, str(WORKER), "subscribe"]
    workers = [
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    results = [json.loads(worker.communicate(timeout=60)[0]) for worker in workers]
    assert all(worker.returncode == 0 for worker in workers)
    assert len({one["id"] for one in results}) == 1
    assert sorted(one["created"] for one in results) == [False, False, False, True]
    assert_subscribed_once(fresh_sandbox, VaultStore(vault))
