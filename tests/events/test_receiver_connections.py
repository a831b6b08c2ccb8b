"""Connections to the receiver's own server: silent ones are closed and don't block valid posts."""

import socket
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
from calendly_connector.events.webhooks.receiver import Receiver
from calendly_connector.support.clock import Timing
from receivers import BODY, KEY, WAIT_S, Post, T, by_asgi, by_wsgi, event, exchange, parsed, read_all


@pytest.fixture
def receiver(inbox):
    return Receiver(inbox, [KEY], timing=Timing(clock=lambda: T))


def silent(url, sent=b""):
    """Connect, send part of a head, and stop."""
    where = urlsplit(url)
    client = socket.create_connection((where.hostname, where.port), timeout=WAIT_S)
    client.sendall(sent)
    return client


HALF_HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nX-a: "
GARBAGE = bytes(range(0x21, 0x7F)) * 32


@pytest.mark.parametrize("sent", [b"", HALF_HEAD, GARBAGE], ids=["nothing", "half a head", "garbage"])
def test_a_connection_without_a_head_is_closed(sent, receiver, inbox):
    with by_asgi(receiver, head_deadline_s=0.2) as url, silent(url, sent) as client:
        assert read_all(client) == b""
    assert not any(inbox.counts().values())


def test_a_head_that_arrives_too_slowly_is_closed_by_the_same_deadline(receiver):
    with by_asgi(receiver, head_deadline_s=0.3) as url, silent(url, HALF_HEAD) as client:
        client.settimeout(0.02)
        for _ in range(WAIT_S * 50):
            try:
                client.sendall(b"a")
                assert client.recv(1) == b""
                break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        else:
            pytest.fail("the connection is still open")


def test_a_connection_is_closed_if_no_second_head_follows(receiver, inbox):
    kept_alive = Post().head().replace(b"Connection: close\r\n", b"") + BODY
    with by_asgi(receiver, head_deadline_s=0.5) as url, silent(url, kept_alive + HALF_HEAD) as client:
        assert parsed(read_all(client))[::2] == (200, "kept")
    assert inbox.counts()["waiting"] == 1


def test_the_deadline_for_heads_does_not_apply_to_bodies(receiver):
    with by_asgi(receiver, head_deadline_s=0.1) as url, silent(url, Post().head() + BODY[:-1]) as client:
        client.settimeout(0.5)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(WAIT_S)
        client.sendall(BODY[-1:])
        assert parsed(read_all(client))[::2] == (200, "kept")


@pytest.mark.parametrize(
    "sent", [b"", HALF_HEAD, GARBAGE, Post().head()], ids=["nothing", "half", "garbage", "head"]
)
def test_silent_connections_do_not_block_others(sent, receiver, inbox):
    with by_asgi(receiver, max_connections=8) as url, ExitStack() as others:
        for number in range(3):
            clients = [others.enter_context(silent(url, sent)) for _ in range(20)]
            assert exchange(url, Post(event(number)).head() + event(number))[::2] == (200, "kept")
            assert read_all(clients[0]) == b""  # the one that was silent longest was closed
    assert inbox.counts()["waiting"] == 3


@pytest.mark.parametrize("serving", [by_asgi, by_wsgi])
def test_a_post_with_two_lengths_is_rejected_and_nothing_after_it_is_read(serving, receiver, inbox):
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
    head = Post(more=(("Transfer-Encoding", "chunked"),)).head().replace(b"Connection: close\r\n", b"")
    with serving(receiver) as url:
        answer = exchange(url, head + chunked + Post().head() + BODY)
    assert answer[::2] == (400, "two_lengths")
    assert not any(inbox.counts().values())


def test_a_plain_call_rejects_two_lengths_too(receiver):
    reply = receiver.handle("POST", "", Post(more=(("Transfer-Encoding", "chunked"),)).headers, BODY)
    assert (reply.status, reply.text, reply.closes) == (400, "two_lengths", True)
