"""The control API: actions, webhooks and fault injection; and running the sandbox."""

import asyncio
import hashlib
import hmac
import json
import math
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import SimpleNamespace

import httpx
import pytest
from brief import brief_sandbox
from calendly_connector.sandbox import faults, loopback, wire
from calendly_connector.sandbox.api import rate_limits
from calendly_connector.sandbox.api.http_messages import HttpResponse
from calendly_connector.sandbox.api.response_checks import ResponseChecker, response_checker
from calendly_connector.sandbox.control import request_log, webhook_messages
from calendly_connector.sandbox.handler import ResponseCache
from calendly_connector.sandbox.options import SandboxOptions
from calendly_connector.sandbox.server import Sandbox, serve
from calendly_connector.sandbox.world import fixtures
from sandbox_client import Clock
from webhook_receiver import receiving

OWNER_HEADERS = {"Authorization": "Bearer sandbox-owner"}
ACTIVE_PATH = f"/scheduled_events/{fixtures.ACTIVE_EVENT}"


@pytest.fixture
def sandbox():
    with brief_sandbox(rate_limit=0) as running:
        yield running


def client_of(sandbox):
    return httpx.Client(base_url=sandbox.url, headers=OWNER_HEADERS, trust_env=False)


@pytest.fixture
def client(sandbox):
    with client_of(sandbox) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_client():
    """Yield a client of a shared sandbox that tests must not change."""
    with brief_sandbox(rate_limit=0) as running, client_of(running) as opened:
        yield opened


@pytest.fixture
def receiver():
    with receiving() as opened:
        yield opened


@pytest.fixture
def subscribe(sandbox, client):
    def call(url, *, scope="organization", events=("invitee.created", "invitee.canceled"), **more):
        organization = f"{sandbox.url}/organizations/{fixtures.ORGANIZATION}"
        body = {"url": url, "events": list(events), "scope": scope, "organization": organization, **more}
        reply = client.post("/webhook_subscriptions", json=body)
        assert reply.status_code == 201, reply.text

    return call


def deliveries_of(happened):
    return [outcome for outcome in happened["deliveries"] if outcome["delivered"]]


# Webhooks


def test_a_booking_sends_a_complete_signed_webhook(sandbox, client, receiver, subscribe):
    subscribe(f"{receiver.url}/signed", signing_key="sample-key")
    booked = sandbox.book(name="Zoë Test", email="zoe@client.example", answers=["Hello"], wait=True)
    assert [outcome["status"] for outcome in deliveries_of(booked)] == [200]
    [(path, headers, body)] = receiver.received
    assert path == "/signed"
    timestamp, signature = (
        part.partition("=")[2] for part in headers["Calendly-Webhook-Signature"].split(",")
    )
    expected = hmac.new(b"sample-key", timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert signature == expected
    assert abs(int(timestamp) - time.time()) < 60
    message = json.loads(body)
    assert set(message) == {"created_at", "created_by", "event", "payload"}
    assert message["event"] == "invitee.created"
    assert message["created_by"] == f"{sandbox.url}/users/{fixtures.OWNER}"
    payload = message["payload"]
    scheduled_event = payload.pop("scheduled_event")
    assert payload == booked["invitee"]
    assert "calendar_event" not in scheduled_event
    assert set(scheduled_event["event_memberships"][0]) == {"user", "user_email", "user_name"}
    assert client.get(httpx.URL(payload["uri"]).path).json() == {"resource": payload}


def test_the_signature_matches_the_published_example():
    header = "t=1795015301,v1=c83178f766dba14fe645846b4193bf235317a28c1022760a94db83da112b9d40"
    assert (
        webhook_messages.sign("s3cr3t-signing-key-made-up", 1795015301, b'{"event":"invitee.created"}')
        == header
    )


def test_without_a_key_there_is_no_signature(sandbox, receiver, subscribe):
    subscribe(f"{receiver.url}/plain", scope="user", user=f"{sandbox.url}/users/{fixtures.OWNER}")
    sandbox.book(wait=True)
    [(_, headers, _)] = receiver.received
    assert "Calendly-Webhook-Signature" not in headers


def test_a_reschedule_sends_a_canceled_and_a_created_event(sandbox, receiver, subscribe):
    subscribe(receiver.url)
    moved = sandbox.reschedule(invitee=fixtures.ACTIVE_INVITEE, start_time="2031-01-01T10:00:00Z", wait=True)
    messages = {json.loads(body)["event"]: json.loads(body)["payload"] for _, _, body in receiver.received}
    old, new = messages["invitee.canceled"], messages["invitee.created"]
    assert (old["rescheduled"], old["status"], old["new_invitee"]) == (True, "canceled", new["uri"])
    assert (new["rescheduled"], new["old_invitee"]) == (False, old["uri"])
    assert new["scheduled_event"]["start_time"] == "2031-01-01T10:00:00.000000Z"
    assert (moved["old_invitee"]["uri"], moved["invitee"]["uri"]) == (old["uri"], new["uri"])


def test_a_cancellation_sends_a_webhook_per_invitee(sandbox, receiver, subscribe):
    world = sandbox.world
    number = next(
        n for n in range(world.generator.count) if len(world.invitees(n)) > 1 and not world.is_canceled(n)
    )
    subscribe(receiver.url, events=["invitee.canceled"])
    event = world.event(number)["uri"]
    done = sandbox.cancel(event=event, reason="Storm", canceled_by="host", wait=True)
    assert len(receiver.received) == len(done["invitees"]) == len(world.invitees(number))
    assert done["event"]["cancellation"]["reason"] == "Storm"


def test_one_invitee_can_cancel(sandbox):
    done = sandbox.cancel(invitee=fixtures.ACTIVE_INVITEE, canceled_by="invitee")
    assert done["event"]["cancellation"]["canceled_by"] == "Noor van Dijk"
    assert [invitee["status"] for invitee in done["invitees"]] == ["canceled"]


def test_only_matching_subscriptions_get_an_event(sandbox, receiver, subscribe):
    member = sandbox.world.population.members[6]
    group = f"{sandbox.url}/groups/{fixtures.GROUP}"
    subscribe(f"{receiver.url}/user", scope="user", user=member.user["uri"])
    subscribe(f"{receiver.url}/group", scope="group", group=group)
    subscribe(f"{receiver.url}/types", events=["event_type.created"])
    subscribe(f"{receiver.url}/canceled", events=["invitee.canceled"])
    sandbox.book(event_type=fixtures.SALES_DEMO, host=member.uuid, wait=True)
    sandbox.book(wait=True)
    assert [path for path, _, _ in receiver.received] == ["/user", "/group"]
    free = sandbox.world.population.event_types[-1]
    assert sandbox.book(event_type=free.uuid, wait=True)["deliveries"] == []


def test_webhooks_stay_on_loopback_and_redirects_are_not_followed(sandbox, receiver, subscribe):
    receiver.answer = 302
    subscribe(receiver.url, signing_key="sample-key")
    outcomes = {outcome["url"]: outcome for outcome in sandbox.book(wait=True)["deliveries"]}
    assert outcomes[fixtures.WEBHOOK_URL]["error"] == "not delivered: not loopback"
    assert (outcomes[fixtures.WEBHOOK_URL]["attempts"], outcomes[fixtures.WEBHOOK_URL]["status"]) == (0, None)
    assert (outcomes[receiver.url]["status"], outcomes[receiver.url]["delivered"]) == (302, False)
    assert sandbox.deliveries() == list(outcomes.values())
    assert "sample-key" not in json.dumps(sandbox.deliveries())


def test_an_unreachable_receiver_is_logged(sandbox, subscribe):
    with socket.socket() as bound_socket:
        bound_socket.bind(("127.0.0.1", 0))
        subscribe(f"http://127.0.0.1:{bound_socket.getsockname()[1]}/")
        outcome = sandbox.book(wait=True)["deliveries"][-1]
    assert (outcome["status"], outcome["attempts"]) == (None, 1)
    assert outcome["error"].startswith("ConnectError")


def test_without_wait_the_reply_comes_before_the_delivery(sandbox, client, receiver, subscribe):
    subscribe(receiver.url)
    receiver.gate.clear()
    booked = sandbox.book()  # returns although the receiver hangs
    assert "deliveries" not in booked
    assert client.get("/users/me").status_code == 200
    assert receiver.received == []


# Control bodies


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("bookings", {"host": "nobody"}, 404),
        ("bookings", {"host": fixtures.ADMIN}, 400),
        ("bookings", {"host": 5}, 400),
        ("bookings", {"event_type": "none"}, 404),
        ("bookings", {"start_time": "soon"}, 400),
        ("bookings", {"start_time": 5}, 400),
        ("bookings", {"answers": "yes"}, 400),
        ("bookings", {"wait": 1}, 400),
        ("bookings", {"wiat": True}, 400),
        ("cancellations", {}, 400),
        ("cancellations", {"invitee": "x", "event": "y"}, 400),
        ("cancellations", {"invitee": "x"}, 404),
        ("cancellations", {"event": "x"}, 404),
        ("cancellations", {"event": fixtures.CANCELED_EVENT}, 409),
        ("cancellations", {"event": fixtures.ACTIVE_EVENT, "canceled_by": "cat"}, 400),
        ("cancellations", {"event": fixtures.ACTIVE_EVENT, "reason": []}, 400),
        ("reschedules", {}, 400),
        ("reschedules", {"invitee": fixtures.CANCELED_INVITEE}, 409),
        ("faults", {"kind": "gremlin"}, 400),
        ("faults", {"kind": "status", "sort": 1}, 400),
        ("faults", {"kind": "status", "times": 0}, 400),
        ("faults", {"kind": "status", "after": -1}, 400),
        ("faults", {"kind": "shift", "rows": 0}, 400),
        ("faults", {"kind": "shift", "rows": 1.5}, 400),
        ("faults", {"kind": "status", "status": 99}, 400),
        ("faults", {"kind": "slow", "latency_s": -1}, 400),
        ("faults", {"kind": "slow", "latency_s": "1"}, 400),
        ("faults", {"kind": "status", "path": 5}, 400),
        ("faults", {"kind": "status", "method": 5}, 400),
        ("faults", {"kind": "status", "headers": ["a"]}, 400),
        ("faults", {"kind": "status", "headers": {"a": 1}}, 400),
        ("faults", {"kind": "status", "headers": {"a": "b\r\nc: d"}}, 400),
        ("faults", {"kind": ["status"]}, 400),
        ("tokens", {"name": "two words", "scopes": []}, 400),
        ("tokens", {"scopes": []}, 400),
        ("tokens", {"name": "x", "scopes": ["everything"]}, 400),
        ("tokens", {"name": "x", "plan": "gold"}, 400),
        ("tokens", {"name": "x", "user": "nobody"}, 404),
        ("rate_limits/spend", {"token": "nobody", "requests": 1}, 404),
        ("rate_limits/spend", {"token": "sandbox-owner"}, 400),
        ("rate_limits/spend", {"token": "sandbox-owner", "requests": 0}, 400),
        ("rate_limits/spend", {"token": "sandbox-owner", "requests": True}, 400),
        ("rate_limits/spend", {"token": "sandbox-owner", "requests": 1}, 409),  # rate limits are off here
        ("no_shows", {}, 400),
        ("no_shows", {"invitee": "x"}, 404),
        ("no_shows", {"invitee": fixtures.CANCELED_INVITEE}, 409),
        ("no_shows/take_back", {"invitee": fixtures.CANCELED_INVITEE}, 409),
        ("event_types/delete", {}, 400),
        ("event_types/delete", {"event_type": "x"}, 404),
        ("happenings", {"bookings": -1}, 400),
        ("happenings", {"bookings": True}, 400),
        ("happenings", {"bookings": 100_001}, 400),
        ("happenings", {"bookings": 1, "seed": "x"}, 400),
        ("happenings", {"bookings": 1, "cancellations": 2}, 409),
        ("happenings", {"reschedules": 1}, 409),
        ("clock", {}, 400),
        ("clock", {"advance_s": "1"}, 400),
        ("clock", {"advance_s": True}, 400),
        ("clock", {"advance_s": -1}, 400),
        ("clock", {"advance_s": 1e9}, 400),
        ("clock", {"advance_s": 1, "wait": 1}, 400),
        ("delivery_faults", {"duplicate": 1.1}, 400),
        ("delivery_faults", {"reorder": "all"}, 400),
        ("delivery_faults", {"lose_answer": True}, 400),
        ("delivery_faults", {"lose_message": -0.1}, 400),
        ("delivery_faults", {"outage_s": -1}, 400),
        ("delivery_faults", {"outage_s": 1.5}, 400),
        ("delivery_faults", {"reorder_within_s": 0}, 400),
        ("delivery_faults", {"outage": 5}, 400),
        ("nothing", {}, 404),
    ],
)
def test_invalid_control_calls_are_rejected_with_a_message(shared_client, path, body, status):
    reply = shared_client.post(f"/__sandbox__/{path}", json=body)
    assert reply.status_code == status
    if path != "nothing":
        assert reply.json()["message"]


@pytest.mark.parametrize("body", [b"[]", b"{", b"7"])
def test_control_bodies_must_be_objects(shared_client, body):
    assert shared_client.post("/__sandbox__/bookings", content=body).status_code == 400


def test_sandbox_methods_raise_the_message_of_the_control_api(sandbox):
    with pytest.raises(ValueError, match="unknown invitee"):
        sandbox.cancel(invitee="x")


def test_minted_tokens_have_the_requested_rights(sandbox, client):
    body = {"name": "reader", "user": fixtures.ADMIN, "scopes": ["users:read"], "plan": "free"}
    created = sandbox.control("POST", "/tokens", body)
    assert (created["role"], created["plan"], created["scopes"]) == ("admin", "free", ["users:read"])
    assert created in sandbox.control("GET", "/tokens")["tokens"]
    me = client.get("/users/me", headers={"Authorization": "Bearer reader"}).json()["resource"]
    assert me["name"] == "Ben Iwu"


def test_a_revoked_token_gets_401_and_can_be_created_again(sandbox, client):
    def status():
        return client.get("/users/me", headers={"Authorization": "Bearer robot"}).status_code

    new = {"name": "robot", "scopes": ["users:read"]}
    sandbox.control("POST", "/tokens", new)
    assert status() == 200
    assert sandbox.control("POST", "/tokens/revoke", {"token": "robot"}) == {"token": "robot"}
    assert status() == 401
    sandbox.control("POST", "/tokens", new)
    assert status() == 200


def test_write_scopes_include_read_scopes(sandbox, client):
    sandbox.control("POST", "/tokens", {"name": "writer", "scopes": ["scheduled_events:write"]})
    headers = {"Authorization": "Bearer writer"}
    assert client.get(ACTIVE_PATH, headers=headers).status_code == 200
    assert client.get("/users/me", headers=headers).status_code == 403


def test_the_clock_and_the_anchor_are_shown(sandbox):
    shown = sandbox.control("GET", "/clock")
    assert shown["now"].startswith(time.strftime("%Y-%m-%dT", time.gmtime(shown["unix"])))
    assert len(shown["anchor"]) == 10


def test_requests_are_counted_and_listed_without_headers(sandbox, client):
    client.get(ACTIVE_PATH)
    client.get(f"/scheduled_events/{fixtures.CANCELED_EVENT}", params={"x": "1"})
    client.get("/nope", headers={"Authorization": "Bearer wrong"})
    seen = sandbox.requests()
    assert seen["counts"] == {"GET /scheduled_events/{uuid}": 2, "GET (unknown)": 1}
    assert seen["requests"][1].pop("at") == pytest.approx(time.time(), abs=60)
    assert seen["requests"][1] == {
        "method": "GET",
        "path": f"/scheduled_events/{fixtures.CANCELED_EVENT}",
        "query": "x=1",
        "status": 200,
    }
    assert "sandbox-owner" not in json.dumps(seen)
    assert sandbox.control("DELETE", "/requests") == {"counts": {}, "requests": []}


def test_the_request_log_is_bounded():
    log = request_log.RequestLog()
    for number in range(request_log.MAX_LOG_ENTRIES + 5):
        log.add(operation="GET /x", method="GET", path=f"/{number}", query="", status=200, at=0.0)
    assert log.to_json()["counts"] == {"GET /x": request_log.MAX_LOG_ENTRIES + 5}
    assert log.to_json()["requests"][0]["path"] == "/5"


# Faults


def test_status_faults_have_the_documented_body_and_their_headers(sandbox, client):
    sandbox.fault("status", times=2)
    sandbox.fault("status", status=429, headers={"Retry-After": "7"})
    sandbox.fault("status", status=302, headers={"Location": "https://elsewhere.example/"})
    sandbox.fault("status", status=418)
    replies = [client.get("/users/me") for _ in range(6)]
    assert [reply.status_code for reply in replies] == [500, 500, 429, 302, 418, 200]
    assert replies[0].json()["title"] == "Internal Server Error"
    assert replies[2].headers["retry-after"] == "7"
    assert replies[3].headers["location"] == "https://elsewhere.example/"


def test_faults_apply_only_to_their_method_and_path(sandbox, client):
    sandbox.fault("status", method="post", path="/webhook_subscriptions", status=503)
    sandbox.fault("status", path="/scheduled_events/", status=500)
    assert len(sandbox.control("GET", "/faults")["faults"]) == 2
    assert client.get("/webhook_subscriptions").status_code == 400
    assert client.get("/scheduled_events").status_code == 400
    assert client.get(ACTIVE_PATH).status_code == 500
    assert client.post("/webhook_subscriptions", json={}).status_code == 503
    assert sandbox.control("GET", "/faults")["faults"] == []


def test_faults_also_apply_to_failing_requests_and_can_be_cleared(sandbox, client):
    sandbox.fault("html", status=200, times=5)
    reply = client.get("/users/me", headers={"Authorization": "Bearer wrong"})
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert reply.text.startswith("<!DOCTYPE html>")
    assert client.get("/nope").text == reply.text
    sandbox.control("DELETE", "/faults")
    assert client.get("/users/me").json()


def test_headers_of_faults_replace_the_usual_ones():
    with (
        Sandbox() as sandbox,
        httpx.Client(base_url=sandbox.url, headers=OWNER_HEADERS, trust_env=False) as client,
    ):
        sandbox.fault("status", status=429, headers={"x-ratelimit-reset": "0"})
        reply = client.get("/users/me")
        assert reply.headers.get_list("x-ratelimit-reset") == ["0"]
        assert reply.headers["x-ratelimit-limit"] == "500"


def test_faults_can_send_bodies_that_are_not_json(sandbox, client):
    sandbox.fault("html")
    sandbox.fault("empty")
    sandbox.fault("not_json")
    replies = [client.get("/users/me") for _ in range(3)]
    assert [reply.status_code for reply in replies] == [502, 200, 200]
    for reply in replies:
        with pytest.raises(json.JSONDecodeError):
            reply.json()


def raw_reply(sandbox, path):
    """Return all bytes until the connection ends, and how it ended."""
    with socket.create_connection(
        httpx.URL(sandbox.url).netloc.decode().split(":"), timeout=10
    ) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sandbox-owner\r\n\r\n".encode()
        )
        received = b""
        try:
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            return received, "reset"
        return received, "closed"


def test_truncated_replies_are_shorter_than_their_content_length(sandbox):
    sandbox.fault("truncate")
    received, end = raw_reply(sandbox, "/users/me")
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(
        next(line for line in head.split(b"\r\n") if line.startswith(b"content-length")).split(b":")[1]
    )
    assert end == "closed"
    assert len(body) == length // 2


def test_reset_breaks_the_connection(sandbox, client):
    sandbox.fault("reset", times=2)
    assert raw_reply(sandbox, "/users/me")[1] == "reset"
    with pytest.raises(httpx.TransportError):
        client.get("/users/me")
    assert client.get("/users/me").status_code == 200


def test_a_write_with_a_lost_reply_was_performed(sandbox, receiver, subscribe):
    sandbox.fault("truncate", method="POST")
    with pytest.raises(httpx.RemoteProtocolError):
        subscribe(receiver.url)
    sandbox.book(wait=True)
    assert len(receiver.received) == 1


def test_slow_and_delayed_replies_are_complete(sandbox, client):
    usual = client.get("/users/me").json()
    for kind in ("slow", "latency"):
        sandbox.fault(kind, latency_s=0.2)
        before = time.monotonic()
        assert client.get("/users/me").json() == usual
        assert time.monotonic() - before >= 0.19
    sandbox.fault("slow", latency_s=30)
    with pytest.raises(httpx.ReadTimeout):
        client.get("/users/me", timeout=0.1)


def test_all_replies_of_the_api_can_be_delayed(client):
    with Sandbox(latency_s=0.2) as far:
        for _ in range(2):
            before = time.monotonic()
            assert client.get(f"{far.url}/users/me").status_code == 200
            assert time.monotonic() - before >= 0.19
    with Sandbox(latency_s=300) as far:
        with pytest.raises(httpx.ReadTimeout):
            client.get(f"{far.url}/users/me", timeout=0.5)
        assert far.requests()["counts"] == {"GET /users/me": 1}, "the control surface answers at once"


def test_delayed_replies_do_not_wait_for_each_other():
    with (
        Sandbox(latency_s=0.5) as far,
        httpx.Client(base_url=far.url, headers=OWNER_HEADERS, trust_env=False) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        before = time.monotonic()
        replies = list(pool.map(client.get, ["/users/me"] * 8))
        assert [reply.status_code for reply in replies] == [200] * 8
        assert time.monotonic() - before < 8 * 0.5


def test_a_slow_reply_arrives_in_pieces(monkeypatch):
    happened = []

    async def sleep(seconds):
        happened.append(seconds)

    async def send(message):
        happened.append(message.get("body"))

    monkeypatch.setattr(wire, "asyncio", SimpleNamespace(sleep=sleep))  # other sandboxes sleep, too
    whole = HttpResponse(200, b"x" * 81, [])
    asyncio.run(wire.send_response(whole, faults.Fault("slow", latency_s=4.0), {}, None, send))
    assert happened == [None, *[0.5, b"x" * 11] * 7, 0.5, b"x" * 4, b""]


def test_faults_can_skip_requests_first(sandbox, client):
    sandbox.fault("status", path="/users", after=2, times=2)
    sandbox.fault("status", path="/users", status=503, after=1)
    replies = [client.get(path).status_code for path in ["/users/me", ACTIVE_PATH, *["/users/me"] * 5]]
    assert replies == [200, 200, 503, 500, 500, 200, 200]
    assert sandbox.control("GET", "/faults")["faults"] == []


def test_every_fault_kind_belongs_to_one_family():
    for kind in faults.KINDS:
        assert faults.parse_fault({"kind": kind}).kind == kind
    families = [faults.REPLACING, faults.CORRUPTING, faults.PAGING]
    assert sum(map(len, families)) == len(faults.KINDS)


# Paging faults


@pytest.fixture
def read(sandbox, client):
    """Return a function that reads a page of events: their URIs, the next page token, the status."""

    def call(token=None, count=10, path="/scheduled_events", **more):
        organization = f"{sandbox.url}/organizations/{fixtures.ORGANIZATION}"
        query = {"organization": organization, "count": count, **more}
        reply = client.get(path, params=query | ({"page_token": token} if token else {}))
        body = reply.json()
        uris = [row["uri"] for row in body.get("collection", [])]
        return uris, body.get("pagination", {}).get("next_page_token"), reply.status_code

    return call


def test_an_empty_page_leads_to_the_requested_rows(sandbox, read):
    first, token, _ = read()
    second, _, _ = read(token)
    sandbox.fault("empty_page", times=2)
    nothing, again, status = read(token)
    assert (nothing, status) == ([], 200)
    nothing, more, _ = read(again)
    assert nothing == []
    assert len({token, again, more}) == 3  # all tokens differ
    assert read(more)[0] == second
    sandbox.fault("empty_page")
    nothing, token, _ = read()
    assert nothing == []
    assert read(token)[0] == first


def test_a_repeated_token_leads_to_its_own_page(sandbox, read):
    _, token, _ = read()
    sandbox.fault("repeat_token")
    second, again, _ = read(token)
    assert again == token
    assert read(again)[0] == second


def test_refuse_token_rejects_even_fresh_tokens(sandbox, read):
    sandbox.fault("refuse_token", path="/scheduled_events", times=4)
    for _ in range(2):
        rows, token, status = read()
        assert (len(rows), status) == (10, 200)
        assert read(token)[2] == 400
    assert read(token)[2] == 200


@pytest.mark.parametrize("sort", ["start_time:asc", "start_time:desc"])
@pytest.mark.parametrize("rows", [1, 3, 10])
def test_shifted_rows_are_repeated(rows, sort, sandbox, read):
    first, token, _ = read(sort=sort)
    second, _, _ = read(token, sort=sort)
    sandbox.fault("shift", rows=rows)
    shifted, further, _ = read(token, sort=sort)
    assert shifted == (first + second)[10 - rows : 20 - rows]
    sandbox.fault("shift", rows=rows)
    assert read(further, sort=sort)[0][:rows] == shifted[-rows:]


def test_rows_do_not_shift_beyond_the_start(sandbox, read):
    first, token, _ = read()
    sandbox.fault("shift", rows=1000)
    assert read(token)[0] == first
    sandbox.fault("shift")
    assert read()[0] == first


def test_paging_faults_apply_to_all_paged_lists(sandbox, read):
    first, token, _ = read(count=2, path="/organization_memberships")
    sandbox.fault("shift")
    assert read(token, count=2, path="/organization_memberships")[0][0] == first[1]


def test_paging_faults_do_not_affect_single_records(sandbox, client):
    for kind in faults.PAGING:
        sandbox.fault(kind)
        assert client.get(ACTIVE_PATH, params={"page_token": "x"}).status_code == 200


def test_paging_faults_apply_to_cached_pages():
    with (
        Sandbox(render_once=True, rate_limit=0) as sandbox,
        httpx.Client(base_url=sandbox.url, headers=OWNER_HEADERS, trust_env=False) as client,
    ):
        query = {"organization": f"{sandbox.url}/organizations/{fixtures.ORGANIZATION}"}
        usual = client.get("/scheduled_events", params=query).json()
        sandbox.fault("empty_page")
        assert client.get("/scheduled_events", params=query).json()["collection"] == []
        assert client.get("/scheduled_events", params=query).json() == usual


# The rate limit


@pytest.fixture
def limited_sandbox():
    """Return a factory of sandboxes with a rate limit: (sandbox, clock, function that spends a request)."""
    with ExitStack() as opened:

        def make(mode, limit=3):
            clock = Clock()
            sandbox = opened.enter_context(brief_sandbox(rate_limit=limit, rate_mode=mode, clock=clock))
            client = opened.enter_context(httpx.Client(base_url=sandbox.url, trust_env=False))

            def spend(after_s=0.0):
                clock.now += after_s
                reply = client.get("/users/me", headers=OWNER_HEADERS)
                reported = (
                    reply.headers.get(f"x-ratelimit-{name}") for name in ("limit", "remaining", "reset")
                )
                return reply.status_code, *reported, reply.headers.get("retry-after")

            return sandbox, clock, spend

        yield make


def test_a_fixed_window_ends_for_all_requests_together(limited_sandbox):
    _, _, spend = limited_sandbox("fixed")
    assert [spend(after_s) for after_s in (0, 20.5, 20, 0, 19, 0.5)] == [
        (200, "3", "2", "60", None),
        (200, "3", "1", "40", None),
        (200, "3", "0", "20", None),
        (429, "3", "0", "20", None),
        (429, "3", "0", "1", None),
        (200, "3", "2", "60", None),
    ]


def test_a_sliding_window_frees_requests_one_by_one(limited_sandbox):
    _, _, spend = limited_sandbox("sliding")
    assert [spend(after_s) for after_s in (0, 20.5, 20, 19, 0.5, 0, 20.5)] == [
        (200, "3", "2", "60", None),
        (200, "3", "1", "40", None),
        (200, "3", "0", "20", None),
        (429, "3", "0", "1", None),  # and doesn't count
        (200, "3", "0", "21", None),
        (429, "3", "0", "21", None),
        (200, "3", "0", "20", None),
    ]


def test_always_60_reports_60_at_any_time(limited_sandbox):
    _, _, spend = limited_sandbox("always-60")
    assert [spend(after_s) for after_s in (0, 20.5, 20, 19, 0.5)] == [
        (200, "3", "2", "60", None),
        (200, "3", "1", "60", None),
        (200, "3", "0", "60", None),
        (429, "3", "0", "60", None),
        (200, "3", "2", "60", None),
    ]


def test_retry_after_reports_the_limit_only_when_exceeded(limited_sandbox):
    _, _, spend = limited_sandbox("retry-after")
    assert [spend(after_s) for after_s in (0, 20, 20, 19.5, 0.5)] == [
        (200, None, None, None, None),
        (200, None, None, None, None),
        (200, None, None, None, None),
        (429, None, None, None, "1"),
        (200, None, None, None, None),
    ]


@pytest.mark.parametrize("mode", rate_limits.MODES)
def test_spend_uses_up_requests_but_never_more_than_remain(mode, limited_sandbox):
    sandbox, clock, spend = limited_sandbox(mode, limit=10)
    assert spend()[0] == 200
    reported = sandbox.spend(7, token="sandbox-owner")
    assert reported == {"limit": 10, "remaining": 2, "reset_s": 60}
    assert [spend()[0] for _ in range(3)] == [200, 200, 429]
    assert sandbox.spend(500, token="sandbox-owner")["remaining"] == 0
    assert sandbox.spend(4, token="sandbox-admin")["remaining"] == 6  # a separate account
    clock.now += 60
    assert spend()[0] == 200
    assert sandbox.spend(1, token="sandbox-owner")["remaining"] == 8


@pytest.mark.parametrize("mode", rate_limits.MODES)
def test_operation_limits_are_counted_and_reported_in_the_same_way(mode, limited_sandbox):
    sandbox, clock, _ = limited_sandbox(mode, limit=500)
    with httpx.Client(base_url=sandbox.url, headers=OWNER_HEADERS, trust_env=False) as client:
        replies = []
        for after_s in [0, 30, *[0] * 9]:
            clock.now += after_s
            replies.append(client.post("/invitees", json={}))
        assert [reply.status_code for reply in replies] == [*[400] * 10, 429]
        reported = replies[-1].headers
        assert reported.get("x-ratelimit-reset") == {"retry-after": None, "always-60": "60"}.get(mode, "30")
        assert reported.get("retry-after") == ("30" if mode == "retry-after" else None)
        clock.now += 30
        after = [client.post("/invitees", json={}).status_code for _ in range(2)]
        assert after == ([400, 429] if mode == "sliding" else [400, 400])


def test_replies_have_the_date_of_the_sandboxs_clock():
    with Sandbox(clock=Clock()) as sandbox:
        reply = httpx.get(sandbox.url + "/users/me", headers=OWNER_HEADERS, trust_env=False)
        assert reply.headers.get_list("date") == ["Wed, 18 Nov 2026 11:06:40 GMT"]
        date = "Sat, 21 Nov 2026 00:00:00 GMT"
        sandbox.fault("status", headers={"Date": date})
        reply = httpx.get(sandbox.url + "/users/me", headers=OWNER_HEADERS, trust_env=False)
        assert reply.headers.get_list("date") == [date]


# Checks of replies


def test_a_reply_that_does_not_match_its_schema_is_a_500():
    checker = response_checker()
    with (
        Sandbox(check_replies=True) as sandbox,
        httpx.Client(base_url=sandbox.url, headers=OWNER_HEADERS, trust_env=False) as client,
    ):
        good = client.get("/users/me").json()
        assert checker.problem("users.me", good) is None
        sandbox.world.population.members[0].user["email"] = None
        reply = client.get("/users/me")
        assert reply.status_code == 500
        assert "users.me: email" in reply.json()["message"]


def test_every_record_of_a_list_is_checked(tmp_path):
    schema = {"input": {}, "output": {"$ref": "shapes/thing.json"}}
    (tmp_path / "shapes").mkdir()
    (tmp_path / "things.list.json").write_text(json.dumps(schema))
    (tmp_path / "shapes" / "thing.json").write_text('{"type": "object", "required": ["uri"]}')
    (tmp_path / "things.delete.json").write_text('{"input": {}, "output": null}')
    checker = ResponseChecker(tmp_path)
    assert checker.problem("things.list", {"collection": [{"uri": 1}, {"uri": 2}]}) is None
    assert "required" in checker.problem("things.list", {"collection": [{"uri": 1}, {}]})
    assert checker.problem("things.list", {"resource": {}}) is not None
    assert checker.problem("things.delete", {}) is None
    assert checker.problem("others.list", {}) is None


# Options and running


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"host": "0.0.0.0"}, "loopback only"),  # noqa: S104 - it is refused
        ({"host": "calendly.com"}, "loopback only"),
        ({"host": ""}, "loopback only"),
        ({"events": 1}, "events"),
        ({"users": 2}, "users"),
        ({"rate_limit": -1}, "rate_limit"),
        ({"rate_mode": "never"}, "rate_mode"),
        ({"page_token_life_s": 0}, "page_token_life_s"),
        ({"latency_s": -0.1}, "latency_s"),
        ({"latency_s": 301}, "latency_s"),
        ({"latency_s": math.nan}, "latency_s"),
        ({"time_scale": 0}, "time_scale"),
        ({"time_scale": math.inf}, "time_scale"),
        ({"retry_signature": "none"}, "retry_signature"),
        ({"connect_timeout_s": 0}, "connect_timeout_s"),
        ({"read_timeout_s": math.nan}, "read_timeout_s"),
    ],
)
def test_invalid_options_are_rejected(setting, words):
    with pytest.raises(ValueError, match=words):
        Sandbox(**setting)


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:1/x", True),
        ("http://127.9.9.9", True),
        ("http://localhost/", True),
        ("https://[::1]:8443/", True),
        ("http://localhost.evil.example/", False),
        ("http://127.0.0.1@evil.example/", False),
        ("http://10.0.0.1/", False),
        ("/only/a/path", False),
    ],
)
def test_loopback_urls_are_recognized(url, here):
    assert loopback.is_loopback_url(url) is here


def test_the_reply_cache_has_a_maximum_size(monkeypatch):
    monkeypatch.setattr("calendly_connector.sandbox.handler._MAX_CACHE_BYTES", 5)
    cache = ResponseCache()
    cache.put("a", 1, b"12345")
    cache.put("b", 1, b"6")
    assert (cache.get("a", 1), cache.get("b", 1), cache.get("a", 2)) == (b"12345", None, None)
    cache.put("b", 2, b"6")
    assert (cache.get("a", 2), cache.get("b", 2)) == (None, b"6")


def test_the_sandbox_can_listen_on_ipv6_loopback():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with Sandbox(host="::1") as sandbox:
        reply = httpx.get(sandbox.url + "/users/me", headers=OWNER_HEADERS, trust_env=False)
        assert reply.json()["resource"]["uri"].startswith("http://[::1]:")


def test_a_port_in_use_is_an_error(sandbox):
    port = httpx.URL(sandbox.url).port
    with pytest.raises(OSError, match="in use"), Sandbox(port=port):
        pass


def test_stopping_does_not_wait_for_deliveries(receiver):
    receiver.gate.clear()
    with Sandbox() as sandbox:
        organization = f"{sandbox.url}/organizations/{fixtures.ORGANIZATION}"
        body = {"url": receiver.url, "events": ["invitee.created"], "scope": "organization"}
        httpx.post(
            sandbox.url + "/webhook_subscriptions",
            json=body | {"organization": organization},
            headers=OWNER_HEADERS,
            trust_env=False,
        )
        sandbox.book()
        before = time.monotonic()
    assert time.monotonic() - before < SandboxOptions().connect_timeout_s / 2


def test_a_signal_stops_the_server_in_the_main_thread():
    announced = []

    def announce(url):
        announced.append(url)
        signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    serve(SandboxOptions(), announce)
    assert announced[0].startswith("http://127.0.0.1:")
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_serving_process(number):
    program = (
        "from calendly_connector.sandbox.server import serve\n"
        "from calendly_connector.sandbox.options import SandboxOptions\n"
        "serve(SandboxOptions(), lambda url: print(url, flush=True))\n"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
        reply = httpx.get(url + "/users/me", headers=OWNER_HEADERS, trust_env=False)
        assert reply.json()["resource"]["name"] == "Ada Okafor"
        process.send_signal(number)
        assert process.wait(10) == 0
