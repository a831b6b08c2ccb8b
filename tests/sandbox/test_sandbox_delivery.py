"""Webhooks of the sandbox: retries, giving up, and fault injection, on a controlled clock."""

import hashlib
import hmac
import json
import re
import socket
import threading
from contextlib import contextmanager
from itertools import pairwise

import httpx
import pytest
from calendly_connector.cli.sandbox import command
from calendly_connector.sandbox import app
from calendly_connector.sandbox.clock import SandboxClock
from calendly_connector.sandbox.control import deliverer, retry_policy
from calendly_connector.sandbox.control.delivery_faults import ANSWER_LOST, NOT_POSTED, POSTED, DeliveryFaults
from calendly_connector.sandbox.options import SandboxOptions
from calendly_connector.sandbox.server import Sandbox
from calendly_connector.sandbox.world import fixtures, times
from locations import DOCS
from sandbox_client import GROUP, INTRO_CALL, ORGANIZATION, OWNER, PUBLIC, SALES_DEMO, Clock, serving
from webhook_receiver import CLOSE, HANG, receiving

KEY = "sample-key"
DAY_S, HOUR_S = 86_400, 3_600
START_S = Clock().now
# After 1, 2, 4, … minutes, at most 6 hours, and once at the end of the 24 hours.
RETRIES_S = [60, 180, 420, 900, 1860, 3780, 7620, 15300, 30660, 52260, 73860, 86400]


@pytest.fixture
def receiver():
    with receiving() as opened:
        yield opened


@pytest.fixture
def call():
    with serving(read_timeout_s=2.0) as client:  # long enough for a reply on a busy machine
        yield client


def subscribe(call, url, events=("invitee.created", "invitee.canceled"), scope="organization", **more):
    owner = {"user": {"user": OWNER}, "group": {"group": GROUP}}.get(scope, {})
    body = {"url": url, "events": list(events), "scope": scope, "organization": ORGANIZATION}
    return call.ok("POST", "/webhook_subscriptions", json={"signing_key": KEY} | body | owner | more)


def state(call, subscription):
    return call.ok("GET", subscription["uri"].removeprefix(PUBLIC))


def log(call):
    """Return the status of loopback messages; the fixtures also have a subscription elsewhere."""
    return [one for one in call.sandbox.deliveries() if one["state"] != "not_sent"]


def totals(call):
    counted = call.sandbox.settle()
    del counted["not_sent"]
    return counted


def stamps(receiver):
    """Return when the messages were signed, in seconds after the start; check each signature."""
    found = []
    for _, headers, body in receiver.received:
        stamp, digest = re.fullmatch(r"t=(\d+),v1=(\w+)", headers["Calendly-Webhook-Signature"]).groups()
        assert digest == hmac.new(KEY.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        found.append(int(stamp) - START_S)
    return found


def moment(after_s):
    return times.isoformat(times.from_unix(START_S + after_s))


@contextmanager
def closed_port():
    """Yield the URL of a port that is in use but doesn't listen."""
    with socket.socket() as bound_socket:
        bound_socket.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound_socket.getsockname()[1]}"


# Retries


def test_a_receiver_that_never_comes_back_is_retried_for_24_hours_and_then_disabled(call, receiver):
    receiver.answer = 500
    hook = subscribe(call, receiver.url)
    assert (hook["state"], hook["retry_started_at"]) == ("active", None)
    [*_, first] = call.sandbox.book(wait=True)["deliveries"]
    assert (first["status"], first["state"], first["next_attempt_at"]) == (500, "waiting", moment(60))
    assert state(call, hook)["retry_started_at"] == moment(0)
    call.sandbox.advance(DAY_S - 1)
    assert state(call, hook)["state"] == "active"
    call.sandbox.advance(1)
    assert stamps(receiver) == [0, *RETRIES_S]
    disabled = state(call, hook)
    assert (disabled["state"], disabled["retry_started_at"]) == ("disabled", moment(0))
    assert disabled["updated_at"] == moment(DAY_S)
    [ended] = log(call)
    assert (ended["state"], ended["given_up"], ended["next_attempt_at"]) == ("given_up", True, None)
    assert ended["statuses"] == [500] * 13
    assert ended["reason"] == "no delivery succeeded for 24 hours"
    receiver.answer = 200
    assert all(one["url"] != receiver.url for one in call.sandbox.book(wait=True)["deliveries"])
    call.sandbox.advance(40 * DAY_S)
    assert len(receiver.received) == 13
    assert totals(call) == {"waiting": 0, "delivered": 0, "given_up": 1, "attempts": 13, "duplicates": 0}


def test_waiting_messages_of_a_disabled_subscription_are_never_sent(call, receiver):
    receiver.answer = 503
    subscribe(call, receiver.url)
    call.sandbox.book(wait=True)
    call.sandbox.advance(DAY_S - 30)
    call.sandbox.book(wait=True)
    assert [one["state"] for one in log(call)] == ["waiting", "waiting"]
    call.sandbox.advance(30)
    receiver.answer = 200
    call.sandbox.advance(3 * DAY_S)
    assert [one["state"] for one in log(call)] == ["given_up", "given_up"]
    assert log(call)[1]["reason"] == "the subscription was disabled"
    assert len(log(call)[1]["statuses"]) == 1


def test_a_recovered_receiver_gets_every_message_once(call, receiver):
    hook = subscribe(call, receiver.url)
    receiver.answer = 502
    booked = [call.sandbox.book()["invitee"]["uri"] for _ in range(5)]
    call.sandbox.advance(2 * HOUR_S)
    assert state(call, hook)["retry_started_at"] == moment(0)
    assert totals(call)["waiting"] == 5
    receiver.answer = 200
    receiver.received.clear()
    call.sandbox.advance(HOUR_S)
    assert sorted(one["payload"]["uri"] for one in receiver.messages) == sorted(booked)
    assert totals(call) == {"waiting": 0, "delivered": 5, "given_up": 0, "attempts": 40, "duplicates": 0}
    assert state(call, hook)["retry_started_at"] is None
    call.sandbox.advance(40 * DAY_S)
    assert len(receiver.received) == 5


def test_a_rejected_message_is_given_up_a_day_after_the_meeting_and_blocks_no_others(call, receiver):
    hook = subscribe(call, receiver.url)
    receiver.answer = lambda message: 500 if message["payload"]["name"] == "Poison" else 200
    bad = call.sandbox.book(name="Poison", start_time="2026-11-20T10:00:00Z", wait=True)
    for _ in range(4):
        [*_, good] = call.sandbox.book(wait=True)["deliveries"]
        assert good["delivered"]
        call.sandbox.advance(20 * HOUR_S)
    [rejected_message, *_] = log(call)
    end = times.isoformat(times.parse(bad["event"]["end_time"]) + times.DAY)
    assert (rejected_message["state"], rejected_message["given_up"]) == ("given_up", True)
    assert rejected_message["reason"] == "the retry period ended"
    last = max(stamps(receiver))
    assert moment(last) == end
    ended = state(call, hook)
    assert (ended["state"], ended["retry_started_at"]) == ("active", None)


@pytest.mark.parametrize("failure", [302, 307, 400, 404, 429, 500, 503, CLOSE, HANG])
def test_any_status_other_than_2xx_is_a_failure(call, receiver, failure):
    receiver.answer = failure
    subscribe(call, receiver.url)
    [*_, first] = call.sandbox.book(wait=True)["deliveries"]
    assert (first["delivered"], first["state"]) == (False, "waiting")
    assert first["status"] == (failure if isinstance(failure, int) else None)
    assert bool(first["error"]) == (failure in {CLOSE, HANG})
    receiver.answer = 204
    call.sandbox.advance(60)
    assert [path for path, _, _ in receiver.received] == ["/", "/"]  # the redirect was not followed
    [one] = log(call)
    assert (one["delivered"], one["attempts"], one["status"], one["error"]) == (True, 2, 204, None)


def test_a_410_deletes_the_subscription(call, receiver):
    with receiving() as other:
        healthy, gone = subscribe(call, other.url), subscribe(call, receiver.url)
        receiver.answer = 503
        call.sandbox.book(wait=True)  # its message waits for a retry
        receiver.answer = 410
        call.sandbox.book(wait=True)
        assert call("GET", gone["uri"].removeprefix(PUBLIC)).status_code == 404
        assert state(call, healthy)["state"] == "active"
        outcomes = [(one["state"], one["reason"]) for one in log(call) if one["subscription"] == gone["uri"]]
        assert outcomes == [
            ("given_up", "the subscription or its user was deleted"),
            ("given_up", "the receiver returned 410, which deletes the subscription"),
        ]
        call.sandbox.book(wait=True)
        call.sandbox.advance(DAY_S)
        assert (len(receiver.received), len(other.received)) == (2, 3)


def test_a_refused_connection_is_a_failure(call):
    with closed_port() as url:
        subscribe(call, url)
        call.sandbox.book(wait=True)
        call.sandbox.advance(HOUR_S)
    [one] = log(call)
    assert one["statuses"] == [None] * 6
    assert one["error"].startswith("ConnectError")


def test_a_reply_that_trickles_in_times_out():
    closing = threading.Event()

    def drip(listener):
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not closing.wait(0.01):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    with (
        serving(read_timeout_s=0.5, connect_timeout_s=0.5) as call,
        socket.create_server(("", 0)) as listener,
    ):
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        subscribe(call, f"http://127.0.0.1:{listener.getsockname()[1]}")
        [*_, one] = call.sandbox.book(wait=True)["deliveries"]
        closing.set()
        thread.join()
    assert one["error"].startswith("TimeoutError")


def test_a_hanging_receiver_does_not_delay_others(receiver):
    receiver.answer = lambda message: HANG if message["payload"]["name"] == "Slow" else 200
    with serving() as call:  # with Calendly's timeouts
        subscribe(call, receiver.url)
        call.sandbox.book(name="Slow")
        [*_, quick] = call.sandbox.book(wait=True)["deliveries"]
        assert quick["delivered"]
        assert [one["state"] for one in log(call)] == ["waiting", "delivered"]


def test_deleting_a_subscription_ends_its_retries(call, receiver):
    receiver.answer = 500
    hook, other = subscribe(call, receiver.url), subscribe(call, f"{receiver.url}/other")
    call.sandbox.book(wait=True)
    call("DELETE", hook["uri"].removeprefix(PUBLIC))
    mine, others = log(call)
    assert (mine["state"], mine["reason"]) == ("given_up", "the subscription or its user was deleted")
    assert others["state"] == "waiting"
    receiver.answer = 200
    receiver.received.clear()
    call.sandbox.advance(DAY_S)
    assert [path for path, _, _ in receiver.received] == ["/other"]
    assert state(call, other)["state"] == "active"
    assert totals(call) == {"waiting": 0, "delivered": 1, "given_up": 1, "attempts": 3, "duplicates": 0}


@pytest.mark.parametrize(("answer", "end"), [(200, "delivered"), (500, "given_up")])
def test_an_attempt_in_progress_finishes_after_its_subscription_is_deleted(receiver, answer, end):
    with serving() as call:
        receiver.gate.clear()
        receiver.answer = answer
        hook = subscribe(call, receiver.url)
        call.sandbox.book()
        call("DELETE", hook["uri"].removeprefix(PUBLIC))
        assert log(call)[0]["state"] == "waiting"
        receiver.gate.set()
        assert totals(call)[end] == 1
        assert log(call)[0]["attempts"] == 1


def test_the_retries_of_a_user_end_when_they_leave(call, receiver):
    receiver.answer = 500
    member = call.member(6)
    subscribe(call, receiver.url, scope="user", user=member.user["uri"])
    call.sandbox.book(event_type=SALES_DEMO, host=member.uuid, wait=True)
    call("DELETE", f"/organization_memberships/{member.membership_uuid}")
    call.sandbox.advance(DAY_S)
    assert len(receiver.received) == 1
    assert totals(call)["given_up"] == 1
    assert log(call)[0]["reason"] == "the subscription or its user was deleted"


@pytest.mark.parametrize("attempts", [1, 2, 7, 40, 10_000])
def test_retry_steps_double_and_end(attempts):
    plan = {"first": 0, "attempts": attempts, "booked_end": None}
    at = retry_policy.next_attempt(last=0, **plan)
    assert retry_policy.FIRST_STEP <= at <= retry_policy.MAX_STEP
    assert retry_policy.next_attempt(last=retry_policy.PERIOD - 1, **plan) == retry_policy.PERIOD
    assert retry_policy.next_attempt(last=retry_policy.PERIOD, **plan) is None
    late = plan | {"booked_end": 3 * times.DAY}
    assert retry_policy.next_attempt(last=4 * times.DAY - 5, **late) == 4 * times.DAY
    assert retry_policy.next_attempt(last=4 * times.DAY, **late) is None


# Signatures


def test_a_retry_is_signed_again(call, receiver):
    receiver.answer = 500
    subscribe(call, receiver.url)
    call.sandbox.book(wait=True)
    call.sandbox.advance(HOUR_S)
    assert stamps(receiver) == [0, *RETRIES_S[:5]]
    assert len({body for _, _, body in receiver.received}) == 1


def test_a_retry_can_keep_its_original_signature(receiver):
    with serving(retry_signature="original") as call:
        receiver.answer = 500
        subscribe(call, receiver.url)
        call.sandbox.book(wait=True)
        call.sandbox.advance(HOUR_S)
        assert stamps(receiver) == [0] * 6


def test_without_a_key_no_retry_is_signed(call, receiver):
    receiver.answer = 500
    subscribe(call, receiver.url, signing_key=None)
    call.sandbox.book(wait=True)
    call.sandbox.advance(60)
    assert ["Calendly-Webhook-Signature" in headers for _, headers, _ in receiver.received] == [False, False]


# The clock


def test_the_clock_can_run_faster_and_be_moved_forward():
    base = Clock()
    clock = SandboxClock(base, scale=60)
    assert clock() == base.now
    base.now += 2
    assert clock() == START_S + 120
    clock.forward_to(START_S + 500.25)
    assert clock() >= START_S + 500.25
    clock.forward_to(START_S)  # never moves back
    base.now += 1
    assert clock() == pytest.approx(START_S + 560.25, abs=1e-4)
    assert clock.real_s_until(clock() + 30) == pytest.approx(0.5)
    assert clock.real_s_until(clock() - 30) == 0


def test_a_moved_clock_is_never_behind_its_target():
    base = Clock()
    clock = SandboxClock(base)
    for step in range(1, 2000):
        base.now += 0.1
        clock.forward_to(START_S + step * 0.7)
        assert times.from_unix(clock()) >= times.from_unix(START_S + step * 0.7)


def test_all_parts_of_the_sandbox_use_its_clock():
    with Sandbox(rate_limit=1, clock=Clock()) as sandbox:
        headers = {"Authorization": "Bearer sandbox-owner"}
        with httpx.Client(base_url=sandbox.url, headers=headers, trust_env=False) as client:
            replies = [client.get("/users/me")]
            assert client.get("/users/me").status_code == 429
            shown = sandbox.advance(60, wait=False)
            replies.append(client.get("/users/me"))
    assert [reply.status_code for reply in replies] == [200, 200]
    assert [reply.headers["date"][-12:] for reply in replies] == ["11:06:40 GMT", "11:07:40 GMT"]
    assert shown["now"] == moment(60)


def test_a_clock_jump_makes_one_attempt_for_all_missed_retries(call, receiver):
    receiver.answer = 500
    subscribe(call, receiver.url)
    call.sandbox.book(wait=True)
    call.sandbox.advance(HOUR_S, wait=False)
    call.sandbox.settle()
    assert stamps(receiver) == [0, HOUR_S]


def test_a_fast_clock_retries_by_itself(receiver):
    again = threading.Event()
    answers = iter([500, 200])

    def answer(_message):
        status = next(answers)
        if status == 200:
            again.set()
        return status

    receiver.answer = answer
    with serving(time_scale=3600, clock=SandboxOptions().clock) as call:
        subscribe(call, receiver.url)
        call.sandbox.book()
        assert again.wait(30)
        assert totals(call)["delivered"] == 1


def test_an_externally_moved_clock_takes_effect_at_the_next_call(call, receiver):
    receiver.answer = 500
    subscribe(call, receiver.url)
    call.sandbox.book(wait=True)
    call.sandbox._options.clock.now += 60
    call.ok("GET", "/users/me")
    assert totals(call)["attempts"] == 2


# Fault injection


def test_duplicates_have_the_same_body(call, receiver):
    subscribe(call, receiver.url)
    call.sandbox.delivery_faults(duplicate=1)
    [*_, one] = call.sandbox.book(wait=True)["deliveries"]
    assert totals(call) == {"waiting": 0, "delivered": 1, "given_up": 0, "attempts": 1, "duplicates": 1}
    assert one["delivered"]
    assert len(receiver.received) == 2
    assert len({body for _, _, body in receiver.received}) == 1


def test_duplicates_may_be_delayed_and_their_result_is_ignored(call, receiver):
    subscribe(call, receiver.url)
    call.sandbox.delivery_faults(duplicate=1, duplicate_within_s=HOUR_S, seed=3)
    call.sandbox.book(wait=True)
    call.sandbox.settle()
    assert len(receiver.received) == 1
    receiver.answer = 500
    call.sandbox.advance(HOUR_S)
    first, second = stamps(receiver)
    assert (first, 0 < second <= HOUR_S) == (0, True)
    assert totals(call) == {"waiting": 0, "delivered": 1, "given_up": 0, "attempts": 1, "duplicates": 1}


def test_some_messages_are_delayed_reproducibly_by_seed(receiver):
    arrived = []
    for _ in range(2):
        with serving() as call:
            subscribe(call, receiver.url)
            call.sandbox.delivery_faults(reorder=0.5, reorder_within_s=600, seed=5)
            for number in range(20):
                call.sandbox.book(name=f"N{number}", wait=True)
            assert 0 < totals(call)["waiting"] < 20
            call.sandbox.advance(600)
            assert totals(call)["delivered"] == 20
        arrived.append([message["payload"]["name"] for message in receiver.messages])
        receiver.received.clear()
    assert arrived[0] == arrived[1]
    assert sorted(arrived[0]) == sorted(f"N{number}" for number in range(20))
    assert arrived[0] != [f"N{number}" for number in range(20)]


def test_wait_does_not_wait_for_delayed_messages(call, receiver):
    subscribe(call, receiver.url)
    call.sandbox.delivery_faults(reorder=1)
    [*_, one] = call.sandbox.book(wait=True)["deliveries"]
    assert (one["state"], one["attempts"]) == ("waiting", 0)
    assert one["next_attempt_at"] > moment(0)
    assert receiver.received == []


def test_a_lost_reply_causes_a_retry(call, receiver):
    subscribe(call, receiver.url)
    call.sandbox.delivery_faults(lose_answer=1)
    [*_, one] = call.sandbox.book(wait=True)["deliveries"]
    assert (one["status"], one["error"], one["state"]) == (None, ANSWER_LOST, "waiting")
    call.sandbox.delivery_faults()
    call.sandbox.advance(60)
    assert len(receiver.received) == 2
    assert log(call)[0]["statuses"] == [None, 200]


def test_a_lost_message_arrives_with_its_retry(call, receiver):
    subscribe(call, receiver.url)
    call.sandbox.delivery_faults(lose_message=1)
    [*_, one] = call.sandbox.book(wait=True)["deliveries"]
    assert (one["status"], one["error"], one["attempts"]) == (None, NOT_POSTED, 1)
    assert receiver.received == []
    call.sandbox.control("DELETE", "/delivery_faults")
    call.sandbox.advance(60)
    assert len(receiver.received) == 1


def test_messages_arrive_after_an_outage(call, receiver):
    subscribe(call, receiver.url)
    reported = call.sandbox.delivery_faults(outage_s=2 * HOUR_S, duplicate=1)
    assert reported["outage_until"] == moment(2 * HOUR_S)
    call.sandbox.simulate(bookings=30)
    call.sandbox.advance(2 * HOUR_S - 1)
    assert receiver.received == []
    assert totals(call)["duplicates"] == 0
    call.sandbox.advance(HOUR_S)
    assert totals(call)["delivered"] == 30
    assert call.sandbox.delivery_faults(outage_s=0)["outage_until"] is None


def test_changing_delivery_faults_keeps_other_fields(call):
    quiet = call.sandbox.control("GET", "/delivery_faults")
    assert set(quiet) == set(DeliveryFaults.__dataclass_fields__)
    call.sandbox.delivery_faults(duplicate=0.25, seed=9)
    call.sandbox.delivery_faults(outage_s=60)
    faults = call.sandbox.control("GET", "/delivery_faults")
    assert (faults["duplicate"], faults["seed"], faults["outage_until"]) == (0.25, 9, moment(60))
    assert call.sandbox.delivery_faults() == quiet


def test_fault_shares_are_met():
    faults = DeliveryFaults(duplicate=0.3, reorder=0.1, lose_answer=0.2, lose_message=0.1)
    numbers = range(1, 5001)
    copies = [number for number in numbers if faults.copy_after(number) is not None]
    assert len(copies) / 5000 == pytest.approx(0.3, abs=0.03)
    late = [number for number in numbers if faults.delay(number)]
    assert len(late) / 5000 == pytest.approx(0.1, abs=0.03)
    fates = [faults.attempt_outcome(number, 1, 0) for number in numbers]
    assert fates.count(NOT_POSTED) / 5000 == pytest.approx(0.1, abs=0.03)
    assert fates.count(ANSWER_LOST) / 5000 == pytest.approx(0.9 * 0.2, abs=0.03)
    assert {DeliveryFaults().attempt_outcome(number, 1, 0) for number in numbers} == {POSTED}


# Log and totals


def test_totals_are_correct_when_the_log_is_truncated(monkeypatch, receiver):
    monkeypatch.setattr(deliverer, "MAX_LOG_ENTRIES", 5)
    with serving() as call:
        subscribe(call, receiver.url)
        receiver.answer = 500
        call.sandbox.simulate(bookings=12)
        assert totals(call)["waiting"] == 12
        receiver.answer = 200
        call.sandbox.advance(60)
        assert totals(call) == {"waiting": 0, "delivered": 12, "given_up": 0, "attempts": 24, "duplicates": 0}
        assert len(call.sandbox.deliveries()) == 5


def test_the_log_has_no_keys_and_no_signatures(call, receiver):
    receiver.answer = 500
    subscribe(call, receiver.url)
    call.sandbox.book(wait=True)
    shown = json.dumps(call.sandbox.control("GET", "/deliveries"))
    assert KEY not in shown
    assert "v1=" not in shown


def test_concurrent_attempts_are_limited(receiver):
    arrived, gate, lock = threading.Semaphore(0), threading.Event(), threading.Lock()
    inside, most = set(), []

    def answer(message):
        with lock:
            inside.add(message["payload"]["uri"])
            most.append(len(inside))
        arrived.release()
        gate.wait(10)
        with lock:
            inside.remove(message["payload"]["uri"])
        return 200

    receiver.answer = answer
    with serving() as call:
        subscribe(call, receiver.url)
        call.sandbox.simulate(bookings=3 * deliverer.MAX_CONCURRENT)
        assert all(arrived.acquire(timeout=10) for _ in range(deliverer.MAX_CONCURRENT))
        gate.set()
        assert totals(call)["delivered"] == 3 * deliverer.MAX_CONCURRENT
    assert max(most) == deliverer.MAX_CONCURRENT


# Events and scopes


def test_a_group_subscription_gets_events_of_its_members(call, receiver):
    second = "5b0c2f3e-6a7d-5c1e-9f00-2d3c4b5a6978"
    call.world.population.groups[second] = frozenset({6})
    subscribe(call, f"{receiver.url}/first", scope="group")
    subscribe(call, f"{receiver.url}/second", scope="group", group=f"{PUBLIC}/groups/{second}")
    for place in (6, 1):
        call.sandbox.book(event_type=SALES_DEMO, host=call.member(place).uuid, wait=True)
    assert [path for path, _, _ in receiver.received] == ["/second", "/first"]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("meeting_recap.created", {"user"}),
        ("meeting_recap.updated", {"user"}),
        ("meeting_recap.deleted", {"user"}),
        ("routing_form_submission.created", {"organization"}),
        ("invitee.created", {"organization", "user", "group"}),
        ("contact.deleted", {"organization", "user", "group"}),
    ],
)
def test_webhook_events_have_the_documented_scopes(call, event, expected):
    owners = {"organization": {}, "user": {"user": OWNER}, "group": {"group": GROUP}}
    accepted_scopes = set()
    for scope, owner in owners.items():
        body = {"url": f"https://{scope}.example", "events": [event], "scope": scope}
        reply = call("POST", "/webhook_subscriptions", json=body | owner | {"organization": ORGANIZATION})
        if reply.status_code == 201:
            accepted_scopes.add(scope)
    assert accepted_scopes == expected


def test_every_change_with_a_webhook_event_sends_it(call, receiver):
    own = [f"meeting_recap.{change}" for change in ("created", "updated", "deleted")]
    all_else = [
        *(f"invitee.{change}" for change in ("created", "canceled")),
        *(f"invitee_no_show.{change}" for change in ("created", "deleted")),
        *(f"event_type.{change}" for change in ("created", "updated", "deleted")),
        *(f"contact.{change}" for change in ("created", "updated", "deleted")),
        "routing_form_submission.created",
    ]
    subscribe(call, f"{receiver.url}/own", own, scope="user")
    subscribe(call, f"{receiver.url}/all", all_else)
    sandbox = call.sandbox
    invitee = sandbox.book()["invitee"]["uri"]
    mark = call.ok("POST", "/invitee_no_shows", json={"invitee": invitee})
    call("DELETE", mark["uri"].removeprefix(PUBLIC))
    shown = sandbox.control("POST", "/no_shows", {"invitee": invitee})
    assert shown["invitee"]["no_show"]["uri"] == shown["no_show"]["uri"]
    with pytest.raises(ValueError, match="already marked"):
        sandbox.control("POST", "/no_shows", {"invitee": invitee})
    taken_back = sandbox.control("POST", "/no_shows/take_back", {"invitee": invitee})
    assert taken_back["invitee"]["no_show"] is None
    sandbox.cancel(invitee=invitee)
    created = call.ok("POST", "/event_types", json={"name": "Chat", "owner": OWNER, "duration": 30})
    call.ok("PATCH", created["uri"].removeprefix(PUBLIC), json={"name": "Chats"})
    sandbox.control("POST", "/event_types/delete", {"event_type": created["uri"]})
    assert call("GET", created["uri"].removeprefix(PUBLIC)).status_code == 404
    contact = call.ok("POST", "/contacts", json={"emails": [{"email": "a@b.example", "is_primary": True}]})
    call.ok("PATCH", contact["uri"].removeprefix(PUBLIC), json={"city": "Rome"})
    call("DELETE", contact["uri"].removeprefix(PUBLIC))
    sandbox.control("POST", "/submissions")
    recap = sandbox.control("POST", "/recaps", {"event": fixtures.ACTIVE_EVENT})["recap"]
    call.ok("PATCH", recap["uri"].removeprefix(PUBLIC), json={"summary_md": "Short"})
    call("DELETE", recap["uri"].removeprefix(PUBLIC))
    sandbox.settle()
    received = sorted(message["event"] for message in receiver.messages)
    twice = ["invitee_no_show.created", "invitee_no_show.deleted"]
    assert received == sorted([*own, *all_else, *twice])
    deleted = next(one["payload"] for one in receiver.messages if one["event"] == "event_type.deleted")
    assert (deleted["uri"], deleted["active"], bool(deleted["deleted_at"])) == (created["uri"], False, True)


def test_an_invitee_of_a_deleted_event_type_cannot_be_rescheduled(call):
    invitee = call.sandbox.book()["invitee"]
    call.sandbox.control("POST", "/event_types/delete", {"event_type": INTRO_CALL})
    with pytest.raises(ValueError, match="event type was deleted"):
        call.sandbox.reschedule(invitee=invitee["uri"])
    assert call.ok("GET", invitee["uri"].removeprefix(PUBLIC))["status"] == "active"


# Simulations


def follow(actions):
    """Return the final status of each invitee in a list of actions."""
    status = {}
    for action in actions:
        if action["kind"] == "booking":
            assert action["invitee"] not in status
        elif action["kind"] == "reschedule":
            assert status[action["old_invitee"]] == "active"
            status[action["old_invitee"]] = "canceled"
        else:
            assert status[action["invitee"]] == "active"
        status[action["invitee"]] = "canceled" if action["kind"] == "cancellation" else "active"
    return status


def test_simulated_actions_match_webhooks_and_api(call, receiver):
    subscribe(call, receiver.url)
    actions = call.sandbox.simulate(bookings=240, cancellations=60, reschedules=100, seed=4, wait=True)
    assert len(actions) == 400
    assert [sum(one["kind"] == kind for one in actions) for kind in ("booking", "cancellation")] == [240, 60]
    status = follow(actions)
    reported = [(message["event"], message["payload"]["uri"]) for message in receiver.messages]
    expected = []
    for action in actions:
        if action["kind"] == "reschedule":
            expected.append(("invitee.canceled", action["old_invitee"]))
        event = "invitee.canceled" if action["kind"] == "cancellation" else "invitee.created"
        expected.append((event, action["invitee"]))
    assert sorted(reported) == sorted(expected)
    for uri, expected_status in status.items():
        assert call.ok("GET", uri.removeprefix(PUBLIC))["status"] == expected_status
    for action in actions:
        if action["kind"] == "reschedule":
            new = call.ok("GET", action["invitee"].removeprefix(PUBLIC))
            assert new["old_invitee"] == action["old_invitee"]


def test_simulated_invitees_share_group_meetings_and_never_double_book_a_host(call):
    actions = call.sandbox.simulate(bookings=600)
    events = {action["invitee"].rpartition("/invitees/")[0] for action in actions}
    meetings = [call.ok("GET", uri.removeprefix(PUBLIC)) for uri in events]
    assert max(meeting["invitees_counter"]["total"] for meeting in meetings) > 1
    spans = {}
    for meeting in meetings:
        for host in meeting["event_memberships"]:
            spans.setdefault(host["user"], []).append((meeting["start_time"], meeting["end_time"]))
    assert len(spans) == 8
    for own in spans.values():
        own.sort()
        assert all(before[1] <= after[0] for before, after in pairwise(own))


def test_simulations_are_reproducible_by_seed():
    done = []
    for seed in (1, 1, 2):
        with serving() as call:
            done.append(call.sandbox.simulate(bookings=30, cancellations=5, reschedules=5, seed=seed))
    assert done[0] == done[1] != done[2]


def test_a_later_simulation_uses_the_remaining_bookings(call):
    first = call.sandbox.simulate(bookings=3)
    call.sandbox.cancel(invitee=first[0]["invitee"])
    with pytest.raises(ValueError, match="only 2 invitees"):
        call.sandbox.simulate(cancellations=3)
    second = call.sandbox.simulate(reschedules=20, cancellations=2)
    follow([*first, *second])
    with pytest.raises(ValueError, match="no invitees to reschedule"):
        call.sandbox.simulate(reschedules=1)


def test_a_simulated_invitee_is_found_by_email(call):
    actions = call.sandbox.simulate(bookings=200)
    for action in actions[::20]:
        invitee = call.ok("GET", action["invitee"].removeprefix(PUBLIC))
        mail = invitee["email"].upper()
        [event] = call.ok("GET", "/scheduled_events", organization=ORGANIZATION, invitee_email=mail)
        assert event["uri"] == invitee["event"]


def test_a_page_of_simulated_events_reads_only_its_rows(call, monkeypatch):
    actions = call.sandbox.simulate(bookings=1500)
    reads = 0
    whole = type(call.world).is_canceled

    def counted(world, number):
        nonlocal reads
        reads += 1
        return whole(world, number)

    monkeypatch.setattr(type(call.world), "is_canceled", counted)
    query = {"organization": ORGANIZATION, "status": "active", "sort": "start_time:desc", "count": 50}
    assert len(call.ok("GET", "/scheduled_events", **query)) == 50
    mail = call.ok("GET", actions[700]["invitee"].removeprefix(PUBLIC))["email"]
    assert len(call.ok("GET", "/scheduled_events", **(query | {"invitee_email": mail}))) == 1
    assert reads < 200


# Documentation


def test_the_docs_list_every_option_and_every_control_call():
    page = (DOCS / "how-to" / "sandbox.md").read_text()
    options = {name for option in command.params if not option.hidden for name in option.opts}
    assert [name for name in sorted(options) if f"`{name}" not in page and f"{name}`" not in page] == []
    [mount] = app.build(SandboxOptions(), "http://127.0.0.1:1").asgi.routes
    paths = {route.path.removeprefix("/") for route in mount.routes}
    assert [path for path in sorted(paths) if f"{path}`" not in page] == []
    fields = {*DeliveryFaults.__dataclass_fields__, "outage_s"} - {"outage_until"}
    assert [name for name in sorted(fields) if f"`{name}`" not in page] == []
