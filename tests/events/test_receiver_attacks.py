"""Posts that aren't from Calendly, by plain call, WSGI and ASGI: 4xx, not stored, the reason in the log."""

import gzip
import json
import logging
import socket
import sqlite3
from contextlib import contextmanager
from itertools import count
from urllib.parse import urlsplit

import pytest
from calendly_connector.errors import InboxError, SignatureError, VaultError
from calendly_connector.events.webhooks.receiver import Receiver
from calendly_connector.events.webhooks.signature import HEADER, sign
from calendly_connector.support.clock import Timing
from receivers import (
    BODY,
    KEY,
    OTHER_KEY,
    WAIT_S,
    Post,
    T,
    by_asgi,
    by_wsgi,
    event,
    exchange,
    parsed,
    read_all,
    signed,
)

SERVERS = {"wsgi": by_wsgi, "asgi": by_asgi}
KEYS = {"": [KEY], "mine": [KEY], "theirs": [OTHER_KEY], "rotated": [OTHER_KEY, KEY]}


@pytest.fixture
def receiver(inbox):
    return Receiver(inbox, lambda name: KEYS.get(name, []), timing=Timing(clock=lambda: T))


class Plain:
    """The receiver as a plain function."""

    def __init__(self, receiver):
        self._receiver = receiver

    def __call__(self, post):
        reply = self._receiver.handle(post.method, post.query, post.headers, post.body)
        return reply.status, {name.lower(): value.lower() for name, value in reply.headers}, reply.text


@pytest.fixture(params=["plain", *SERVERS])
def send(request, receiver):
    """Yield a function that sends a post in one of three ways and returns status, headers and text."""
    if request.param == "plain":
        yield Plain(receiver)
        return
    with SERVERS[request.param](receiver) as url:
        yield lambda post: exchange(url, post.head() + post.body)


@pytest.fixture(params=SERVERS)
def url(request, receiver):
    """Yield the URL of a server, for tests about the bytes on the wire."""
    with SERVERS[request.param](receiver) as address:
        yield address


@pytest.fixture
def assert_rejected(inbox, caplog):
    """Return a check: the answer is a rejection for one of the reasons, and nothing is stored."""
    caplog.set_level(logging.DEBUG, "calendly_connector")

    def check(answer, status, *reasons):
        assert answer[0] == status
        assert answer[2] in reasons
        assert "location" not in answer[1]
        assert not any(inbox.counts().values())
        messages = [record.getMessage() for record in caplog.records]
        assert [line for line in messages if line.startswith("rejected")] == [
            f"rejected ({status}): {answer[2]}"
        ]
        assert not any(secret in line for line in messages for secret in (KEY, OTHER_KEY, "noor", "v1="))

    return check


# --- valid posts


def test_a_valid_post_is_stored(send, inbox):
    status, headers, text = send(Post())
    assert (status, text) == (200, "kept")
    assert "location" not in headers
    (entry,) = inbox.claim(now=T)
    assert entry.body == BODY


def test_a_repeat_is_answered_200_and_stored_once(send, inbox):
    assert send(Post())[::2] == (200, "kept")
    assert send(Post(signature=(signed(BODY, at=T - 100),)))[::2] == (200, "known")
    (first,) = inbox.claim(now=T)
    inbox.complete(first.id, "delivered", now=T)
    assert send(Post())[::2] == (200, "known")
    assert inbox.counts()["delivered"] == 1
    assert inbox.counts()["waiting"] == 0


@pytest.mark.parametrize("subscription", ["mine", "rotated"])
def test_the_subscription_in_the_address_chooses_the_key(subscription, send, inbox):
    assert send(Post(query=f"subscription={subscription}"))[0] == 200
    assert inbox.counts()["waiting"] == 1


def test_an_event_of_an_unknown_kind_is_stored(send, inbox):
    body = b'{"event":"meeting.unknown","created_at":"2027","payload":{}}'
    assert send(Post(body))[0] == 200
    assert inbox.counts()["waiting"] == 1


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "APPLICATION/JSON"])
def test_the_content_type_may_be_written_differently(kind, send):
    assert send(Post(content_type=kind, more=(("Content-Encoding", "identity"),)))[0] == 200


# --- signatures


def test_a_post_without_a_signature_is_rejected(send, assert_rejected):
    assert_rejected(send(Post(signature=())), 401, "no_header")


def test_a_post_with_two_signature_headers_is_rejected(send, assert_rejected):
    # wsgiref joins them with a comma
    assert_rejected(send(Post(signature=(signed(BODY), signed(BODY)))), 401, "two_headers", "malformed")


def header(value):
    return Post(signature=((HEADER, value),))


def test_a_signature_with_two_times_is_rejected(send, assert_rejected):
    assert_rejected(send(header(f"t={T},{sign(BODY, KEY, T)}")), 401, "malformed")


def test_a_signature_without_v1_is_rejected(send, assert_rejected):
    assert_rejected(send(header(f"t={T}")), 401, "malformed")


def test_a_signature_with_only_an_older_scheme_is_rejected(send, assert_rejected):
    assert_rejected(send(header(sign(BODY, KEY, T).replace("v1=", "v0="))), 401, "malformed")


def test_a_signature_that_is_not_hex_is_rejected(send, assert_rejected):
    assert_rejected(send(header(f"t={T},v1={'g' * 64}")), 401, "malformed")


def test_a_signature_that_is_not_ascii_is_rejected(send, assert_rejected):
    assert_rejected(send(header(f"t={T},v1={'é' * 64}")), 401, "malformed")


def test_an_empty_signature_is_rejected(send, assert_rejected):
    assert_rejected(send(header("")), 401, "malformed", "no_header")


def test_a_huge_signature_is_rejected(send, assert_rejected):
    assert_rejected(send(header(f"t={T}," + ",".join(["v1=" + "0" * 64] * 100))), 401, "malformed")


def test_a_signature_with_a_wrong_key_is_rejected(send, assert_rejected):
    assert_rejected(send(Post(signature=(signed(BODY, "guessed"),))), 401, "mismatch")


def test_a_signature_with_another_subscriptions_key_is_rejected(send, assert_rejected):
    post = Post(signature=(signed(BODY, OTHER_KEY),), query="subscription=mine")
    assert_rejected(send(post), 401, "mismatch")


def test_an_unknown_subscription_is_rejected(send, assert_rejected):
    assert_rejected(send(Post(query="subscription=nobodys")), 404, "unknown_subscription")


def test_two_subscriptions_in_the_address_are_rejected(send, assert_rejected):
    assert_rejected(send(Post(query="subscription=theirs&subscription=mine")), 400, "query")


def test_a_query_with_a_thousand_fields_is_rejected(send, assert_rejected):
    assert_rejected(
        send(Post(query="&".join(f"a{number}=" for number in range(1000)) + "&subscription=mine")),
        400,
        "query",
    )


def test_a_body_with_a_changed_byte_is_rejected(send, assert_rejected):
    body = BODY.replace(b"noor@client.example", b"eve@client.example1")
    assert len(body) == len(BODY)
    assert_rejected(send(Post(body, signature=(signed(BODY),))), 401, "mismatch")


def test_a_body_that_was_serialized_again_is_rejected(send, assert_rejected):
    assert_rejected(
        send(Post(json.dumps(json.loads(BODY)).encode(), signature=(signed(BODY),))), 401, "mismatch"
    )


def test_an_empty_body_is_rejected(send, assert_rejected):
    assert_rejected(send(Post(b"", signature=(signed(BODY),))), 401, "mismatch")


def test_a_post_that_is_too_old_is_rejected(send, assert_rejected):
    assert_rejected(send(Post(signature=(signed(BODY, at=T - 181),))), 401, "old")


def test_a_post_from_the_future_is_rejected(send, assert_rejected):
    assert_rejected(send(Post(signature=(signed(BODY, at=T + 181),))), 401, "future")


def test_an_old_signature_with_a_new_time_is_rejected(send, assert_rejected):
    old = sign(BODY, KEY, T - 1000).replace(str(T - 1000), str(T))
    assert_rejected(send(header(old)), 401, "mismatch")


# --- bodies


def test_a_huge_body_is_rejected(send, assert_rejected):
    body = BODY.ljust(1024 * 1024 + 1)
    assert_rejected(send(Post(body)), 413, "too_large")


def test_a_body_of_the_maximum_size_is_stored(send, inbox):
    assert send(Post(BODY.ljust(1024 * 1024)))[0] == 200
    assert inbox.counts()["waiting"] == 1


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json-seq", ""]
)
def test_a_wrong_content_type_is_rejected(kind, send, assert_rejected):
    assert_rejected(send(Post(content_type=kind)), 415, "content_type")


def test_a_post_without_a_content_type_is_rejected(send, assert_rejected):
    assert_rejected(send(Post(content_type=None)), 415, "content_type")


@pytest.mark.parametrize("coding", ["gzip", "br", "gzip, identity"])
def test_a_compressed_body_is_rejected(coding, send, assert_rejected):
    body = gzip.compress(BODY, mtime=0)
    assert_rejected(send(Post(body, more=(("Content-Encoding", coding),))), 415, "content_encoding")


def nested(levels):
    return b'{"deep":' + b"[" * levels + b"]" * levels + b"," + BODY[1:]


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"payload":' * 50_000 + b"1" + b"}" * 50_000, nested(100), nested(300), nested(1000)],
)
def test_deeply_nested_json_is_rejected(body, send, assert_rejected):
    assert_rejected(send(Post(body)), 400, "no_event")


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"null",
        b"not JSON",
        b"\xff\xfe",
        b'{"event":"invitee.created","created_at":"2027"}',
        b'{"event":5,"created_at":"2027","payload":{}}',
        b'{"event":"a\\u0000b","created_at":"2027","payload":{}}',
        b'{"event":"' + b"a" * 1000 + b'","created_at":"2027","payload":{}}',
        b'{"event":"a","created_at":"\\ud800","payload":{}}',
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)
def test_a_signed_body_that_is_not_an_event_is_rejected(body, send, assert_rejected):
    assert_rejected(send(Post(body)), 400, "no_event")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "post"])
def test_a_method_other_than_post_is_rejected(method, send, assert_rejected):
    status, headers, text = send(Post(method=method))
    assert headers["allow"] == "post"
    assert_rejected((status, headers, text or "method"), 405, "method")


# --- bytes on the wire


def test_a_length_beyond_the_limit_is_rejected_unread(url, assert_rejected):
    post = Post(length=str(10**9))
    assert_rejected(exchange(url, post.head()), 413, "too_large")


def test_a_length_that_is_not_a_number_is_rejected(url, inbox):
    for length in ("-1", "abc", "1" * 5000, "1, 2"):
        status, _, _ = exchange(url, Post(length=length).head() + BODY)
        assert 400 <= status < 500
    assert not any(inbox.counts().values())


def test_a_body_longer_than_its_length_is_rejected(url, assert_rejected):
    assert_rejected(exchange(url, Post(length=str(len(BODY) - 1)).head() + BODY), 401, "mismatch")


def half_closed(url, data):
    """Send bytes and half-close the connection; return the answer, if any."""
    where = urlsplit(url)
    with socket.create_connection((where.hostname, where.port), timeout=WAIT_S) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        return read_all(client)


def test_a_body_shorter_than_its_length_is_rejected(url, inbox):
    answer = half_closed(url, Post(length=str(len(BODY) + 1)).head() + BODY)
    assert not answer or 400 <= parsed(answer)[0] < 500
    assert not any(inbox.counts().values())


def test_a_huge_body_in_chunks_is_rejected(receiver, assert_rejected):
    post = Post(length="", more=(("Transfer-Encoding", "chunked"),))
    with by_asgi(receiver) as url:
        assert_rejected(
            exchange(url, post.head(), *[b"10000\r\n" + b" " * 65536 + b"\r\n"] * 20), 413, "too_large"
        )


def test_a_body_in_chunks_is_stored(receiver, inbox):
    post = Post(length="", more=(("Transfer-Encoding", "chunked"),))
    pieces = [
        f"{len(BODY[at : at + 100]):x}\r\n".encode() + BODY[at : at + 100] + b"\r\n"
        for at in range(0, len(BODY), 100)
    ]
    with by_asgi(receiver) as url:
        assert exchange(url, post.head(), *pieces, b"0\r\n\r\n")[0] == 200
    assert inbox.counts()["waiting"] == 1


def test_wsgi_rejects_a_body_without_a_length(receiver, assert_rejected):
    post = Post(length="", more=(("Transfer-Encoding", "chunked"),))
    with by_wsgi(receiver) as url:
        assert_rejected(exchange(url, post.head()), 411, "no_length")


def test_a_client_that_stops_sending_gets_a_408(receiver, assert_rejected):
    with by_asgi(receiver, body_deadline_s=0.2) as url:
        assert_rejected(exchange(url, Post().head() + BODY[:10]), 408, "slow_body")


def test_a_client_that_stops_sending_gets_a_408_from_wsgi(receiver, assert_rejected):
    with by_wsgi(receiver) as url:  # its connections have a timeout
        assert_rejected(exchange(url, Post().head() + BODY[:10]), 408, "slow_body")


@contextmanager
def dripping(url):
    """Yield a client that has sent the head of a post, and a byte of its body."""
    where = urlsplit(url)
    with socket.create_connection((where.hostname, where.port), timeout=WAIT_S) as client:
        client.sendall(Post().head() + BODY[:1])
        yield client


def drip(url):
    """Send a body byte by byte until an answer arrives; return it."""
    with dripping(url) as client:
        client.settimeout(0.02)
        answer = b""
        for byte in BODY[1:]:
            try:
                client.sendall(bytes([byte]))
                answer = client.recv(65536)
                break
            except TimeoutError:
                continue
        client.settimeout(WAIT_S)
        return parsed(answer + read_all(client))


def test_a_client_that_sends_too_slowly_gets_a_408(receiver, assert_rejected):
    with by_asgi(receiver, body_deadline_s=0.2) as url:
        assert_rejected(drip(url), 408, "slow_body")


def test_a_client_that_sends_too_slowly_gets_a_408_from_wsgi(receiver, assert_rejected):
    passed = count(step=5)
    with by_wsgi(receiver, monotonic=lambda: next(passed)) as url:
        assert_rejected(drip(url), 408, "slow_body")


def test_slow_clients_do_not_block_others(receiver, inbox):
    with by_asgi(receiver) as url, dripping(url), dripping(url):
        assert exchange(url, Post().head() + BODY)[0] == 200
    assert inbox.counts()["waiting"] == 1


# --- problems of the receiver


def test_an_inbox_that_fails_is_a_503_and_the_next_post_is_stored(send, inbox, monkeypatch):
    put = type(inbox).put

    def fail(*_arguments, **_named):
        raise InboxError("The disk is full.")

    monkeypatch.setattr(type(inbox), "put", fail)
    assert send(Post())[::2] == (503, "not_now")
    monkeypatch.setattr(type(inbox), "put", put)
    assert send(Post())[::2] == (200, "kept")


def test_a_full_disk_is_a_503(send, inbox):
    with inbox._turn() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
    big = json.dumps(json.loads(BODY) | {"filler": "x" * 100_000}).encode()
    assert send(Post(big))[::2] == (503, "not_now")
    assert not any(inbox.counts().values())


def test_an_inbox_that_another_process_locks_is_a_503(send, inbox):
    with inbox._turn() as connection:
        connection.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(inbox.place, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert send(Post())[::2] == (503, "not_now")
    other.execute("ROLLBACK")
    other.close()
    assert send(Post())[::2] == (200, "kept")


def test_unreadable_keys_are_a_503(inbox):
    def keys(_subscription):
        raise VaultError("The vault is in use.")

    reply = Receiver(inbox, keys).handle("POST", "", Post().headers, BODY)
    assert (reply.status, reply.text) == (503, "not_now")


@pytest.mark.parametrize("keys", [[], [""], ["  "], "", None])
def test_creating_a_receiver_without_a_key_fails(keys, inbox):
    with pytest.raises(SignatureError) as caught:
        Receiver(inbox, keys)
    assert caught.value.reason == "no_key"


def test_a_key_passed_as_text_is_one_key(inbox):
    receiver = Receiver(inbox, KEY, timing=Timing(clock=lambda: T))
    assert Plain(receiver)(Post())[0] == 200
    assert Plain(receiver)(Post(event(1), signature=(signed(event(1), KEY[0]),)))[0] == 401


def test_headers_may_be_a_mapping(receiver):
    assert receiver.handle("POST", "", dict(Post().headers), BODY).status == 200


def test_on_new_is_called_only_for_new_events(inbox):
    calls = []
    receiver = Receiver(
        inbox, KEY, timing=Timing(clock=lambda: T), on_new=lambda: calls.append(inbox.counts()["waiting"])
    )
    for body in (BODY, BODY, event(1)):
        Plain(receiver)(Post(body))
    assert calls == [1, 2]
