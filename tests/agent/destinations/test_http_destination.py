"""Requests of flows: what is sent, what a reply means, and what hostile servers achieve."""

import gzip
import json
from base64 import b64decode

import pytest
from calendly_connector.agent.destinations.http import connector
from calendly_connector.agent.destinations.http.connection import HttpDestination
from calendly_connector.agent.destinations.http.session import MAX_REPLY, Timeouts
from calendly_connector.errors import (
    CalendlyDown,
    InvalidParams,
    NoAnswer,
    NotFound,
    PermissionDenied,
    RateLimited,
    Rejected,
    UnexpectedAnswer,
)
from hostile import CERTIFICATE, Hostile, endless, reply, reset, stall

SECRET = "token-of-the-api"
QUICK = Timeouts(connect_s=5, read_s=0.2, call_s=0.5)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
WRITE = ("http.send", {"json": {"text": "hi"}})
READ = ("http.get", {})


def connect(server, kind="bearer", timeouts=None, **fields):
    fields = fields or {"token": SECRET}
    credential = {"kind": kind, "address": f"{server.url}/v1", "private_network": "allowed", **fields}
    if timeouts is None:
        return connector.connect(credential)
    return HttpDestination(connector._declarations, credential, timeouts)


def run(server, call, **options):
    with connect(server, **options) as connection:
        return connection.run(*call)


def fail(server, call, error, **options):
    with pytest.raises(error) as caught:
        run(server, call, **options)
    assert SECRET not in str(caught.value)
    return caught.value


# What is sent


def test_json_is_sent_with_its_type_and_the_credential():
    with Hostile(reply(200, {"id": 7}, {"X-Request-Id": "r1", "Set-Cookie": "a=b"})) as server:
        result = run(
            server, ("http.send", {"url": "orders", "json": {"ü": [1, None]}, "query": {"dry": True}})
        )
    (asked,) = server.asked
    assert (asked.method, asked.target) == ("POST", "/v1/orders?dry=true")
    assert json.loads(asked.body) == {"ü": [1, None]}
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["authorization"] == f"Bearer {SECRET}"
    assert asked.headers["user-agent"].startswith("calendly-connector/")
    assert result.record == {
        "status": 200,
        "headers": {"content-type": "application/json", "x-request-id": "r1"},
        "json": {"id": 7},
        "text": None,
    }


def test_rows_of_a_filter_are_fields_of_the_body():
    with Hostile(reply(200, {})) as server, connect(server) as connection:
        connection.run("http.send", filter={"json.text": "hi", "json.to": ["a", {"b": 1}]})
        connection.run("http.send", filter={"json": '{"text": "hi"}'})
    assert [json.loads(asked.body) for asked in server.asked] == [
        {"text": "hi", "to": ["a", {"b": 1}]},
        {"text": "hi"},
    ]


def test_a_preview_shows_the_request():
    with Hostile(reply(200)) as server, connect(server) as connection:
        inputs = {"url": "a", "query": {"b": 1}, "json": {"c": 2}, "method": "PATCH"}
        assert connection.preview("http.send", inputs) == {
            "action": "http.send",
            "method": "PATCH",
            "url": f"{server.url}/v1/a?b=1",
            "query": {},
            "body": {"c": 2},
        }


def test_other_json_is_sent_as_text_with_its_type():
    with Hostile(reply(200, {})) as server:
        run(server, ("http.send", {"text": "[1]", "headers": {"content-type": "application/json"}}))
    (asked,) = server.asked
    assert (asked.body, asked.headers["content-type"]) == (b"[1]", "application/json")
    assert asked.raw.lower().count(b"content-type") == 1


def test_text_is_sent_as_text():
    with Hostile(reply(204)) as server:
        run(server, ("http.put", {"url": "notes/1", "text": "Grüße", "headers": {"If-Match": '"1"'}}))
    (asked,) = server.asked
    assert (asked.method, asked.body.decode()) == ("PUT", "Grüße")
    assert asked.headers["content-type"] == "text/plain; charset=utf-8"
    assert asked.headers["if-match"] == '"1"'


def test_other_kinds_of_credentials_are_sent_in_their_headers():
    with Hostile(reply(200, {})) as server:
        run(server, READ, kind="basic", user="ann", password="ü:x")
        run(server, READ, kind="header", header="X-Api-Key", key=SECRET)
        with connector.connect(
            {"kind": "none", "address": server.url, "private_network": "allowed"}
        ) as connection:
            connection.run("http.get")
    basic, key, none = server.asked
    assert b64decode(basic.headers["authorization"].removeprefix("Basic ")).decode() == "ann:ü:x"
    assert key.headers["x-api-key"] == SECRET
    assert "authorization" not in none.headers


def test_an_idempotency_key_is_sent_as_a_header():
    with Hostile(reply(200, {})) as server:
        run(server, ("http.send_once", {"idempotency_key": "run-1", "json": {}, "method": "PATCH"}))
    assert (server.asked[0].method, server.asked[0].headers["idempotency-key"]) == ("PATCH", "run-1")


def test_a_webhooks_url_is_its_secret():
    with Hostile(reply(200, b"ok", {"Content-Type": "text/html"})) as server:
        credential = {
            "kind": "webhook",
            "url": f"{server.url}/services/T0/{SECRET}?v=1",
            "private_network": "allowed",
        }
        with connector.connect(credential) as connection:
            assert connection.check().ok
            assert server.asked == []  # a check posts nothing
            shown = f"{connection!r} {connection.check()!r} {connection.preview(*WRITE)!r}"
            assert SECRET not in shown
            assert connection.run(*WRITE).record["text"] == "ok"
            with pytest.raises(InvalidParams, match="in the credential"):
                connection.prepare("http.send", {"url": "other"})
    assert server.asked[0].target == f"/services/T0/{SECRET}?v=1"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer other"},
        {"host": "evil.example"},
        {"Content-Length": "0"},
        {"Transfer-Encoding": "chunked"},
        {"X-A": "a\r\nX-B: b"},
        {"X-A": "a\n"},
        {"X-A": " a"},
        {"X-A": "ü"},
        {"X A": "a"},
        {"X-A:": "a"},
        {"": "a"},
    ],
)
def test_headers_that_would_change_the_request_are_rejected(headers):
    with Hostile(reply(200)) as server, connect(server) as connection, pytest.raises(InvalidParams):
        connection.prepare("http.get", {"headers": headers})


def test_one_request_has_one_body():
    with (
        Hostile(reply(200)) as server,
        connect(server) as connection,
        pytest.raises(InvalidParams, match="another body"),
    ):
        connection.prepare("http.send", {"json": {}, "text": "a"})


# What a reply means


@pytest.mark.parametrize(
    ("status", "error", "retryable"),
    [
        (400, Rejected, False),
        (403, PermissionDenied, False),
        (404, NotFound, False),
        (409, Rejected, False),
        (422, Rejected, False),
    ],
)
def test_an_error_status_is_an_error_with_its_words(status, error, retryable):
    with Hostile(reply(status, {"error": f"wrong {SECRET}"}, {"X-Request-Id": "r1"})) as server:
        found = fail(server, WRITE, error)
    assert (found.status, found.retryable, found.request_id) == (status, retryable, "r1")
    assert f"answered {status}" in found.message
    assert "wrong" in found.message


def test_too_many_requests_can_be_retried_after_a_time():
    with Hostile(reply(429, {}, {"Retry-After": "17"})) as server:
        found = fail(server, WRITE, RateLimited)
    assert (found.retryable, found.retry_after_s) == (True, 17.0)


@pytest.mark.parametrize(
    ("call", "may_have_happened"),
    [
        (READ, False),
        (WRITE, True),
        (("http.send_once", {"idempotency_key": "k"}), False),
        (("http.put", {}), False),
        (("http.delete", {}), False),
    ],
)
def test_only_what_is_safe_to_repeat_can_be_retried_after_a_failure(call, may_have_happened):
    with Hostile(reply(503, {}), reset(), reset(b"HTTP/1.1 200"), None) as server:
        down = fail(server, call, CalendlyDown)
        assert (down.may_have_happened, down.retryable) == (may_have_happened, not may_have_happened)
        for _ in range(3):
            lost = fail(server, call, NoAnswer, timeouts=QUICK)
            assert (lost.may_have_happened, lost.retryable) == (may_have_happened, not may_have_happened)
            assert lost.reason in {"broken", "timeout"}
        assert len(server.asked) == 4  # nothing is repeated by itself


def test_a_write_that_cant_be_looked_up_stays_unknown():
    with Hostile(reply(200)) as server, connect(server) as connection:
        settled = connection.settle(*WRITE, sent_at=0.0)
    assert (settled.state, bool(settled.fix)) == ("unknown", True)
    assert server.asked == []


def test_a_request_that_cant_have_arrived_can_be_retried(closed_port):
    class Closed:
        url = f"http://127.0.0.1:{closed_port}"

    found = fail(Closed, WRITE, NoAnswer)
    assert (found.reason, found.may_have_happened, found.retryable) == ("refused", False, True)


def test_a_certificate_that_nobody_vouches_for_is_rejected_before_the_request():
    with Hostile(reply(200), tls=True) as server:
        found = fail(server, WRITE, NoAnswer)
    assert (found.reason, found.may_have_happened) == ("tls", False)
    assert server.asked == []


def test_a_certificate_must_be_that_of_the_host(tmp_path, monkeypatch):
    authority = tmp_path / "authority.pem"
    authority.write_text(CERTIFICATE)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
    with Hostile(reply(200, {}), tls=True) as server:
        assert run(server, READ).record["status"] == 200

        class Renamed:
            url = server.url.replace("127.0.0.1", "localhost")

        assert fail(Renamed, READ, NoAnswer).reason == "tls"


@pytest.mark.parametrize("status", [404, 410])
def test_deleting_what_is_gone_is_a_success(status):
    with Hostile(reply(status, {})) as server:
        assert run(server, ("http.delete", {"url": "orders/7"})).record["status"] == status


def test_a_redirect_is_not_followed():
    with Hostile(reply(307, b"", {"Location": "/elsewhere"})) as server:
        found = fail(server, WRITE, UnexpectedAnswer)
    assert not found.retryable
    assert len(server.asked) == 1


@pytest.mark.parametrize("body", [b"{", b"", b"[" * 1000 + b"]" * 1000, b"\xff"])
def test_json_that_isnt_valid_is_an_error_for_a_read_only(body):
    with Hostile(reply(200, body)) as server:
        if body:
            fail(server, READ, UnexpectedAnswer)
        assert run(server, WRITE).record["status"] == 200


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("text/plain; charset=latin-1", b"\xfc", "ü"),
        ("text/plain; charset=no-such", b"\xc3\xbc", "ü"),
        ("text/plain; charset=base64", b"a", "a"),
        ("text/plain", b"\xff", "\ufffd"),
    ],
)
def test_text_is_read_in_its_character_set(kind, body, text):
    with Hostile(reply(200, body, {"Content-Type": kind})) as server:
        assert run(server, READ).record["text"] == text


# Hostile servers


def test_a_reply_without_an_end_is_cut_off():
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with Hostile(endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", chunk)) as server:
        assert f"{MAX_REPLY // 1024**2} MiB" in str(fail(server, READ, UnexpectedAnswer))
        result = run(server, WRITE)
    assert (result.record["status"], result.record["json"]) == (200, None)
    assert "longer than" in result.warnings[0]


def test_a_compressed_reply_isnt_expanded():
    bomb = gzip.compress(bytes(10_000_000))
    with Hostile(reply(200, bomb, {"Content-Encoding": "gzip"})) as server:
        fail(server, READ, UnexpectedAnswer)
        assert "compressed" in run(server, WRITE).warnings[0]


@pytest.mark.parametrize(
    "step",
    [
        stall(b""),
        stall(b"HTTP/1.1 200 OK\r\nX-A: "),
        endless(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        endless(b"HTTP/1.1 ", b"2"),
        reset(b"HTTP/1.1 200 OK\r\nContent-Le"),
    ],
)
def test_a_reply_without_a_status_or_headers_is_lost(step):
    with Hostile(step) as server:
        assert fail(server, WRITE, NoAnswer, timeouts=QUICK).may_have_happened


def test_a_body_that_breaks_off_is_no_lost_write():
    with Hostile(reply(200, b"{", length=100)) as server:
        fail(server, READ, UnexpectedAnswer)
        assert "broke off" in run(server, WRITE).warnings[0]


def test_a_body_that_stalls_is_no_lost_write():
    with Hostile(stall(HEAD + b"Content-Length: 100\r\n\r\n{")) as server:
        assert run(server, WRITE, timeouts=QUICK).warnings


def test_no_reply_sets_a_cookie():
    with Hostile(reply(200, {}, {"Set-Cookie": "a=b"})) as server, connect(server) as connection:
        connection.run("http.get")
        connection.run("http.get")
    assert "cookie" not in server.asked[1].headers
