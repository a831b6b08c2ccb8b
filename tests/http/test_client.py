"""The HTTP client against a raw socket server that misbehaves in every way."""

import gzip
import json
import socket

import pytest
from calendly_connector import __version__
from calendly_connector.errors import (
    CalendlyDown,
    CalendlyError,
    ConnectorError,
    NoAnswer,
    RateLimited,
    Rejected,
    UnexpectedAnswer,
)
from calendly_connector.http import api_errors
from calendly_connector.http.client import Client
from calendly_connector.http.request import Request
from calendly_connector.support.clock import Timeouts, Timing
from calendly_connector.support.redaction import MASK, redact_all
from hostile import DATE, DATE_S, Hostile, endless, one, reply, reset, stall

TOKEN = "made-up-token"
SIGNING_KEY = "made-up-key"
GET = Request("GET", "/users/me")
POST = Request("POST", "/webhook_subscriptions", body={"url": "https://hooks.acme.example/x"})
DELETE = Request("DELETE", "/webhook_subscriptions/a-b")
GOOD = one({"name": "Ada"})
LOST = reset()
TRUNCATED = reply(200, b'{"resource": {"name": "A', length=4000)
ATTEMPTS = 5


@pytest.fixture
def client(timer):
    """Return a factory for clients that never sleep and have a jitter of one half."""
    opened = []

    def make(origin, *, max_body=None, **more):
        seams = {"clock": timer, "monotonic": timer, "sleep": timer.sleep, "jitter": lambda: 0.5}
        timing = Timing(**seams | {name: more.pop(name) for name in seams.keys() & more.keys()})
        opened_client = Client(
            getattr(origin, "url", origin), lambda _refused: f"Bearer {TOKEN}", timing=timing, **more
        )
        opened_client.max_body = max_body or opened_client.max_body
        opened.append(opened_client)
        return opened_client

    yield make
    for opened_client in opened:
        opened_client.close()


# Requests


def test_a_request_has_the_token_a_user_agent_and_no_other_headers(client):
    with Hostile(GOOD) as server:
        sent = client(server).send(Request("GET", "/users/me", (("count", "1"), ("status", "a b&c"))))
    [request] = server.asked
    assert sent.document == {"resource": {"name": "Ada"}}
    assert request.target == "/users/me?count=1&status=a+b%26c"
    assert request.headers == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": f"calendly-connector/{__version__}",
        "accept-encoding": request.headers["accept-encoding"],
        "accept": "application/json",
        "connection": "keep-alive",
        "authorization": f"Bearer {TOKEN}",
    }


def test_a_write_sends_json(client):
    with Hostile(one({})) as server:
        client(server).send(POST)
    [request] = server.asked
    assert json.loads(request.body) == POST.body
    assert request.headers["content-type"] == "application/json"


def test_a_netrc_file_cannot_replace_the_token(client, monkeypatch, tmp_path):
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\ndefault login a password b\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setattr("calendly_connector.http.protocol.LOOPBACK", frozenset())  # even where netrc is read
    with Hostile(GOOD) as server:
        client(server).send(GET)
    assert server.asked[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_no_proxy_is_used_for_a_server_on_this_machine(variable, client, monkeypatch, unvisited):
    monkeypatch.setenv(variable, unvisited.url)
    with Hostile(GOOD) as server:
        assert client(server).send(GET).calls == 1


def test_authorization_is_read_for_each_call(timer):
    tokens = iter(["first", "second"])
    with Hostile(GOOD) as server:
        client = Client(
            server.url, lambda _refused: f"Bearer {next(tokens)}", timing=Timing(timer, timer, timer.sleep)
        )
        client.send(GET)
        client.send(GET)
        client.close()
    assert [request.headers["authorization"] for request in server.asked] == ["Bearer first", "Bearer second"]


def test_a_closed_client_can_be_closed_again_and_used_again(client):
    with Hostile(GOOD) as server:
        http_client = client(server)
        http_client.close()
        http_client.send(GET)
        http_client.close()
        http_client.close()
        assert http_client.send(GET).calls == 1


# Replies


def test_rate_limit_and_clock_skew_are_read_from_headers(client, timer):
    timer.now = DATE_S + 60.5
    limits = {
        "X-RateLimit-Limit": "500",
        "X-RateLimit-Remaining": "3",
        "X-RateLimit-Reset": "9",
        "Date": DATE,
    }
    with Hostile(one({}, **limits), one({})) as server:
        http_client = client(server)
        assert http_client.send(GET).skew_s == 60.0
        assert http_client.send(GET).skew_s is None
    assert (
        http_client.rate_limit.limit,
        http_client.rate_limit.remaining,
        http_client.rate_limit.reset_s,
    ) == (500, 3, 9)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-RateLimit-Limit": "many", "X-RateLimit-Remaining": "3"},
        {"X-RateLimit-Limit": "\u00b2", "X-RateLimit-Remaining": "\u00b3"},
        {"X-RateLimit-Limit": "9" * 5000, "X-RateLimit-Remaining": "1"},
        {"X-RateLimit-Remaining": "3"},
        {"Date": "yesterday"},
        {"Date": "Mon, 01 Jan 2020 10:00:99999999999999999999 +0000"},
        {"Date": "Mon, 01 Jan 2020 10:00:00 +99999999999999999999"},
        {"Date": ""},
    ],
)
def test_invalid_headers_are_ignored(headers, client):
    with Hostile(one({"name": "Ada"}, **headers)) as server:
        http_client = client(server)
        sent = http_client.send(GET)
    assert sent.document == {"resource": {"name": "Ada"}}
    assert sent.skew_s is None
    assert http_client.rate_limit is None


def test_a_compressed_reply_is_read(client):
    body = gzip.compress(b'{"resource": {"name": "Ada"}}')
    with Hostile(reply(200, body, {"Content-Encoding": "gzip"})) as server:
        assert client(server).send(GET).document == {"resource": {"name": "Ada"}}


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(reset(), id="reset before the answer"),
        pytest.param(reset(reply(200, b'{"resource"', length=4000)), id="reset in the middle of the body"),
        pytest.param(b"", id="closed without a word"),
        pytest.param(b"HTTP/1.", id="closed in the middle of the first line"),
        pytest.param(TRUNCATED, id="body shorter than it says"),
        pytest.param(b"\x00\xff not HTTP at all\r\n\r\n", id="no HTTP"),
        pytest.param(reply(200, b"no gzip", {"Content-Encoding": "gzip"}), id="broken compression"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n", id="broken chunks"
        ),
    ],
)
class TestALostReply:
    def test_a_read_is_retried(self, step, client, timer):
        with Hostile(step, GOOD) as server:
            assert client(server).send(GET).calls == 2
        assert timer.sleeps == [0.5]

    def test_a_write_is_not_retried_and_may_have_happened(self, step, client, timer):
        with Hostile(step, GOOD) as server, pytest.raises(NoAnswer) as caught:
            client(server).send(POST)
        assert len(server.asked) == 1
        assert timer.sleeps == []
        assert caught.value.reason == "broken"
        assert caught.value.may_have_happened
        assert not caught.value.retryable
        assert "Check before retrying" in str(caught.value)

    def test_a_read_fails_after_the_last_attempt(self, step, client, timer):
        with Hostile(step) as server, pytest.raises(NoAnswer) as caught:
            client(server).send(GET)
        assert len(server.asked) == ATTEMPTS
        assert timer.sleeps == [0.5, 1.0, 2.0, 4.0]
        assert not caught.value.may_have_happened
        assert caught.value.retryable


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"resource": {"name": "A', id="truncated JSON"),
        pytest.param(b"<!DOCTYPE html><p>Sign in to the guest network</p>", id="HTML"),
        pytest.param(b"\xff\xfe\x00", id="no UTF-8"),
        pytest.param(b"NaN", id="NaN"),
        pytest.param(b"[" * 100_000, id="nested without end"),
    ],
)
@pytest.mark.parametrize("request_", [GET, POST, DELETE], ids=lambda request: request.method)
def test_a_reply_that_is_not_json_is_unexpected_and_not_retried(body, request_, client):
    with Hostile(reply(200, body)) as server, pytest.raises(UnexpectedAnswer, match="isn't JSON") as caught:
        client(server).send(request_)
    assert len(server.asked) == 1
    assert ("Check before retrying" in caught.value.fix) == (request_ is POST)
    assert "guest network" not in str(caught.value)


def test_a_body_over_the_limit_is_not_read_to_its_end(client):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    with Hostile(endless(head, b" " * 65536)) as server, pytest.raises(UnexpectedAnswer, match="larger than"):
        client(server, max_body=100_000).send(GET)


def test_a_small_body_that_unpacks_into_a_huge_one_is_not_read_to_its_end(client):
    bomb = gzip.compress(b" " * 5_000_000)
    assert len(bomb) < 10_000
    step = reply(200, bomb, {"Content-Encoding": "gzip"})
    with Hostile(step) as server, pytest.raises(UnexpectedAnswer, match="larger than"):
        client(server, max_body=100_000).send(GET)
    assert len(server.asked) == 1


def test_a_body_that_drips_in_forever_ends_at_the_deadline(client, timer):
    class Passing(type(timer)):
        def __call__(self):
            self.now += 10.0  # each reading of the clock is ten seconds later
            return self.now

    passing = Passing()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    with (
        Hostile(endless(head, b" ")) as server,
        pytest.raises(NoAnswer, match="no complete reply within 180 s") as caught,
    ):
        client(server, monotonic=passing, sleep=passing.sleep).send(GET)
    assert caught.value.reason == "timeout"
    assert len(server.asked) == 1  # no time is left for another attempt


@pytest.mark.parametrize(
    ("silence", "message"),
    [
        pytest.param(None, "no reply within", id="no answer"),
        pytest.param(stall(TRUNCATED), "the reply stalled for", id="stops in the middle"),
    ],
)
@pytest.mark.parametrize("request_", [GET, POST], ids=lambda request: request.method)
def test_a_silent_server_is_a_timeout(silence, message, request_, client):
    long_enough_s = 1.0 if silence else 0.3  # enough even on a busy machine
    with Hostile(silence) as server, pytest.raises(NoAnswer, match=message) as caught:
        client(server, timeouts=Timeouts(read_s=long_enough_s)).send(request_)
    assert caught.value.reason == "timeout"
    assert caught.value.may_have_happened == (request_ is POST)
    assert len(server.asked) == (1 if request_ is POST else ATTEMPTS)


def test_a_redirect_to_an_invalid_url_is_reported_like_any_other(client):
    step = reply(302, b"", {"Location": "http://[::1/"})
    with Hostile(step) as server, pytest.raises(UnexpectedAnswer, match="redirect"):
        client(server).send(GET)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
@pytest.mark.parametrize("request_", [GET, POST], ids=lambda request: request.method)
def test_a_redirect_is_never_followed_with_the_token(status, request_, client, unvisited):
    step = reply(status, b"", {"Location": f"{unvisited.url}/users/me"})
    with Hostile(step) as server, pytest.raises(UnexpectedAnswer, match=f"redirect \\({status}\\)") as caught:
        client(server).send(request_)
    assert len(server.asked) == 1
    assert str(unvisited.port) not in str(caught.value)


@pytest.mark.parametrize("step", [reply(100), reply(199), reply(101, b"", {"Upgrade": "websocket"})])
def test_a_status_below_200_is_a_connector_error(step, client):
    with Hostile(step) as server, pytest.raises(ConnectorError):
        client(server, attempts=1).send(GET)


def test_a_refused_connection_is_retried_even_for_a_write(client, timer, closed_port):
    with pytest.raises(NoAnswer, match="refused") as caught:
        client(f"http://127.0.0.1:{closed_port}").send(POST)
    assert caught.value.reason == "refused"
    assert not caught.value.may_have_happened
    assert caught.value.retryable
    assert len(timer.sleeps) == ATTEMPTS - 1


def test_a_name_that_cannot_be_resolved_is_not_retried(client, timer, monkeypatch):
    def not_found(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", not_found)
    with pytest.raises(NoAnswer, match=r"Could not resolve the host name nobody\.invalid") as caught:
        client("https://nobody.invalid").send(POST)
    assert (caught.value.reason, caught.value.may_have_happened) == ("dns", False)
    assert timer.sleeps == []


# Retries


@pytest.mark.parametrize(
    ("request_", "step", "tries", "kind"),
    [
        (GET, reply(429), 4, RateLimited),
        (POST, reply(429), 4, RateLimited),
        (DELETE, reply(429), 4, RateLimited),
        (GET, reply(500), ATTEMPTS, CalendlyDown),
        (POST, reply(500), 1, CalendlyDown),
        (DELETE, reply(500), ATTEMPTS, CalendlyDown),
        (GET, reply(503), ATTEMPTS, CalendlyDown),
        (POST, reply(503), 1, CalendlyDown),
        (GET, reply(599), ATTEMPTS, CalendlyDown),
        (POST, reply(504, b"<html>Gateway time-out</html>"), 1, CalendlyDown),
        (GET, LOST, ATTEMPTS, NoAnswer),
        (POST, LOST, 1, NoAnswer),
        (DELETE, LOST, ATTEMPTS, NoAnswer),
        (GET, reply(400), 1, Rejected),
        (POST, reply(400), 1, Rejected),
        (DELETE, reply(409), 1, Rejected),
        (GET, reply(418), 1, Rejected),
    ],
)
def test_only_safe_requests_are_retried(request_, step, tries, kind, client):
    with Hostile(step) as server, pytest.raises(kind) as caught:
        client(server).send(request_)
    assert type(caught.value) is kind
    assert len(server.asked) == tries
    assert getattr(caught.value, "may_have_happened", False) == (
        request_ is POST and kind in {CalendlyDown, NoAnswer}
    )


@pytest.mark.parametrize("failures", range(ATTEMPTS))
def test_the_calls_are_counted(failures, client):
    steps = [*([reply(500)] * failures), GOOD]
    with Hostile(*steps) as server:
        assert client(server).send(GET).calls == failures + 1


@pytest.mark.parametrize("jitter", [0.0, 0.25, 1.0])
def test_backoff_doubles_and_is_random(jitter, client, timer):
    with Hostile(reply(500)) as server, pytest.raises(CalendlyDown):
        client(server, jitter=lambda: jitter).send(GET)
    assert timer.sleeps == [jitter * seconds for seconds in (1.0, 2.0, 4.0, 8.0)]


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": " 7 "}, 7.0),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "Tue, 24 Nov 2026 13:00:30 GMT", "Date": DATE}, 30.0),
        ({"Retry-After": "Tue, 24 Nov 2026 12:00:00 GMT", "Date": DATE}, 0.0),
        ({"Retry-After": "7", "X-RateLimit-Reset": "50"}, 7.0),
        ({"X-RateLimit-Reset": "50"}, 50.0),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "50"}, 50.0),
        ({"Retry-After": "-5"}, 60.0),
        ({"Retry-After": "\u00b2"}, 60.0),
        ({"Retry-After": "Tue, 24 Nov 2026 13:00:99999999999999999999 GMT", "Date": DATE}, 60.0),
        ({}, 60.0),
    ],
)
def test_after_a_429_it_waits_as_long_as_the_reply_says(headers, wait_s, client, timer):
    with Hostile(reply(429, b"", headers), GOOD) as server:
        assert client(server).send(POST).calls == 2
    assert sum(timer.sleeps) == wait_s


@pytest.mark.parametrize("wait", ["181", "86400", "999999999", "9" * 400])
def test_a_wait_beyond_the_deadline_is_not_started(wait, client, timer):
    step = reply(429, b"", {"Retry-After": wait, "X-RateLimit-Reset": "999"})
    with Hostile(step) as server, pytest.raises(RateLimited) as caught:
        client(server).send(GET)
    assert len(server.asked) == 1
    assert timer.sleeps == []
    assert caught.value.retry_after_s >= 181


def test_the_deadline_ends_the_attempts(client, timer):
    with Hostile(reply(429, b"", {"Retry-After": "50"})) as server, pytest.raises(RateLimited):
        client(server, timeouts=Timeouts(call_s=120.0)).send(GET)
    assert timer.sleeps == [50.0, 50.0]


def test_a_call_can_have_fewer_attempts(client, timer):
    with Hostile(reply(500)) as server, pytest.raises(CalendlyDown):
        client(server).send(GET, attempts=1)
    assert len(server.asked) == 1
    assert timer.sleeps == []


# Secrets


@pytest.mark.parametrize("secret", [TOKEN, SIGNING_KEY])
@pytest.mark.parametrize("status", [400, 403, 422, 500])
def test_secrets_that_a_server_echoes_are_masked_in_errors(status, secret, client):
    document = {
        "message": f"You sent Authorization: Bearer {secret}",
        "details": [{"parameter": secret, "message": f"not {secret}", secret: [secret]}],
        "required_scopes": [secret],
    }
    write = Request("POST", "/webhook_subscriptions", body={"signing_key": SIGNING_KEY})
    step = reply(status, document, {"X-Request-Id": f"for-{secret}"})
    with Hostile(step) as server, pytest.raises(CalendlyError) as caught:
        client(server, attempts=1).send(write)
    error = caught.value
    assert MASK in str(error)
    for shown in (str(error), repr(error), json.dumps(error.to_dict()), repr(error.args), error.fix):
        assert secret not in shown


@pytest.mark.parametrize("step", [LOST, reply(302, b"", {"Location": "/x"}), reply(200, b"<p>"), reply(500)])
def test_no_error_contains_the_token_or_the_body_of_a_write(step, client):
    with Hostile(step) as server, pytest.raises(ConnectorError) as caught:
        client(server).send(POST)
    shown = f"{caught.value} {caught.value!r} {caught.value.to_dict()} {caught.value.__cause__}"
    assert TOKEN not in shown
    assert "hooks.acme.example" not in shown


def test_a_request_and_a_client_do_not_show_secrets(client):
    assert "acme" not in repr(POST)
    assert TOKEN not in repr(client("http://127.0.0.1:1"))


# Huge and deep replies


DEEP = b'{"resource": {"deep": ' + b"[" * 300 + b"]" * 300 + b"}}"


def test_a_reply_that_is_nested_too_deeply_is_an_error_of_one_line(client):
    with Hostile(reply(200, DEEP)) as server, pytest.raises(UnexpectedAnswer) as caught:
        client(server).send(GET)
    assert caught.value.message == "GET /users/me: the reply (200) is JSON nested more than 100 levels deep."
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 429, 500])
@pytest.mark.parametrize("levels", [300, 700, 1000])
def test_an_error_with_deeply_nested_details_keeps_its_class(status, levels, client):
    body = b'{"message": "no", "details": [{"deep": ' + b"[" * levels + b"]" * levels + b"}]}"
    with Hostile(reply(status, body)) as server, pytest.raises(CalendlyError) as caught:
        client(server, attempts=1).send(GET)
    assert (caught.value.status, caught.value.details) == (status, [])
    assert "\n" not in str(caught.value)


def test_an_error_body_of_megabytes_is_cut_before_it_is_masked(client, monkeypatch):
    masked = []

    def mask(value, *secrets):
        masked.append(str(value))
        return redact_all(value, *secrets)

    monkeypatch.setattr(api_errors, "redact_all", mask)
    text = "bearer " * 100_000
    details = [{"message": text, "parameter": text, "more": [text]}] * 3
    with (
        Hostile(reply(400, {"message": text, "details": details})) as server,
        pytest.raises(Rejected) as caught,
    ):
        client(server).send(GET)
    assert len("".join(masked)) < 20_000
    assert str(caught.value).startswith("GET /users/me was rejected (400). bearer")
    assert [sorted(detail) for detail in caught.value.details] == [["message", "parameter"]] * 3


def test_a_moderately_long_error_body_is_kept_whole(client):
    details = [{"message": "m" * 600, "parameter": "name", "nested": {"more": [1, "x" * 600]}}] * 12
    with (
        Hostile(reply(400, {"message": "no", "details": details})) as server,
        pytest.raises(Rejected) as caught,
    ):
        client(server).send(GET)
    assert caught.value.details == details
