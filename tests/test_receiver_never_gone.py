"""410 would end a subscription for good: Calendly deletes one whose receiver answers it."""

import ast
from http import HTTPStatus
from pathlib import Path

import calendly_connector
import pytest
from calendly_connector.errors import InboxError
from calendly_connector.timing import Timing
from calendly_connector.webhooks.receiver import Receiver
from receivers import BODY, KEY, Post, T, by_asgi, by_wsgi, exchange, signed

PACKAGE = Path(calendly_connector.__file__).parent
POSTS = [
    Post(),
    Post(signature=()),
    Post(signature=(signed(BODY, "guessed"),)),
    Post(signature=(signed(BODY, at=T - 1000),)),
    Post(method="GET"),
    Post(method="DELETE"),
    Post(path="/was/here/once"),
    Post(query="subscription=ended"),
    Post(query="subscription=a&subscription=b"),
    Post(content_type="text/plain"),
    Post(length="x"),
    Post(length="9" * 12),
    Post(b"{}"),
    Post(more=(("Transfer-Encoding", "chunked"),)),
    Post(more=(("Content-Encoding", "gzip"),)),
]


class Failing:
    """An inbox that keeps nothing."""

    def put(self, _entries, **_named):
        raise InboxError("The disk is full.")


@pytest.mark.parametrize("serving", [by_asgi, by_wsgi])
@pytest.mark.parametrize("fails", [False, True], ids=["good inbox", "failing inbox"])
def test_no_answer_of_a_receiver_ends_a_subscription(serving, fails, inbox):
    keys = {"": [KEY], "a": [KEY]}
    receiver = Receiver(
        Failing() if fails else inbox, lambda name: keys.get(name, []), timing=Timing(clock=lambda: T)
    )
    with serving(receiver) as url:
        answered = {exchange(url, post.head() + post.body)[0] for post in POSTS}
    assert HTTPStatus.GONE not in answered
    assert answered <= {200, 400, 401, 404, 405, 413, 415, 503}
    assert (503 in answered) is fails


@pytest.mark.parametrize("file", sorted((PACKAGE / "webhooks").glob("*.py")), ids=lambda file: file.stem)
def test_no_module_of_the_receiver_knows_the_status(file):
    tree = ast.walk(ast.parse(file.read_text("utf-8")))
    named = [
        node for node in tree if getattr(node, "attr", None) == "GONE" or getattr(node, "value", None) == 410
    ]
    assert named == []
