"""No answer of the receiver is 410, after which Calendly deletes the subscription permanently."""

import ast
from http import HTTPStatus
from pathlib import Path

import calendly_connector.events.webhooks
import pytest
from calendly_connector.errors import InboxError, VaultError
from calendly_connector.events.webhooks.receiver import Receiver
from calendly_connector.support.clock import Timing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from receivers import BODY, KEY, Post, T, by_asgi, by_wsgi, exchange, signed

SOURCES = sorted(Path(calendly_connector.events.webhooks.__file__).parent.glob("*.py"))
SERVERS = {"asgi": by_asgi, "wsgi": by_wsgi}
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
POSTS = [
    Post(),
    Post(path="/nowhere"),
    Post(query="subscription=ended"),
    Post(query="subscription=a&subscription=b"),
    Post(query="&".join("abcdefghijklmnopqrstuvwxyz")),
    Post(method="GET"),
    Post(method="DELETE"),
    Post(method="HEAD"),
    Post(signature=()),
    Post(signature=(signed(BODY, at=T - 86_400),)),
    Post(body=b"{}"),
    Post(body=b""),
    Post(content_type="text/html"),
    Post(more=(("Content-Encoding", "gzip"),)),
    Post(length="99999999"),
    Post(length="nothing"),
    Post(length=""),
    Post(more=(("Expect", "200-nonsense"),)),
]


def keys_of(name):
    """Return the keys of a subscription; one was deleted, looking up another one fails."""
    if name == "locked":
        raise VaultError("The vault is locked.")
    return [KEY] if not name else []


class Full:
    """An inbox that is full."""

    def put(self, _entries):
        raise InboxError("The disk is full.")


def receiver_of(inbox):
    return Receiver(inbox, keys_of, timing=Timing(clock=lambda: T))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_no_module_of_the_receiver_mentions_410(source):
    nodes = list(ast.walk(ast.parse(source.read_text())))
    assert not [node for node in nodes if isinstance(node, ast.Attribute) and node.attr == "GONE"]
    assert not [node for node in nodes if isinstance(node, ast.Constant) and node.value in (410, "410")]


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("full", [False, True])
def test_no_post_is_answered_with_410(server, full, inbox):
    with SERVERS[server](receiver_of(Full() if full else inbox), body_deadline_s=0.2) as url:
        answers = [exchange(url, post.head() + post.body)[0] for post in POSTS]
        if server == "asgi":  # wsgiref answers such bytes without a status line
            answers.append(exchange(url, b"POST nonsense\r\n\r\n")[0])
            answers.append(exchange(url, b"POST / HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n")[0])
        answers.append(exchange(url, Post(query="subscription=locked").head() + BODY)[0])
    assert HTTPStatus.GONE not in answers
    assert {200, 401, 404, 405, 503} - {200 if full else 0} <= set(answers)


@settings(suppress_health_check=list(HealthCheck), deadline=None)
@given(
    method=st.sampled_from(["POST", "GET", "PUT", ""]) | TEXTS,
    query=TEXTS | st.just("subscription=ended") | st.just("subscription=locked"),
    headers=st.lists(st.tuples(st.sampled_from(["Content-Type", "Content-Length", "X"]) | TEXTS, TEXTS)),
    body=st.binary(max_size=50) | st.just(BODY),
)
def test_no_random_post_is_answered_with_410(method, query, headers, body, inbox):
    reply = receiver_of(inbox).handle(method, query, headers, body)
    assert reply.status != HTTPStatus.GONE
