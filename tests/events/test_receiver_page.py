"""docs/how-to/receiver.md names a test for each row, and its examples of mounting the receiver work."""

import ast
import asyncio
import re
import threading
from types import SimpleNamespace

import pytest
from calendly_connector.events.webhooks.asgi import asgi
from calendly_connector.events.webhooks.receiver import Receiver
from calendly_connector.events.webhooks.wsgi import wsgi
from calendly_connector.support.clock import Timing
from doc_pages import run_by
from locations import DOCS, TESTS
from receivers import BODY, KEY, WAIT_S, Post, T, by_asgi, event, exchange, served, signed

PAGE = DOCS / "how-to" / "receiver.md"
TEXT = PAGE.read_text("utf-8")
FILE = "test_receiver_attacks.py"
ABOUT_PYTHON = {  # not about posts
    "test_creating_a_receiver_without_a_key_fails",
    "test_a_key_passed_as_text_is_one_key",
    "test_headers_may_be_a_mapping",
    "test_on_new_is_called_only_for_new_events",
}


def test_the_page_lists_exactly_the_posts_that_are_tested():
    tree = ast.parse(next(TESTS.rglob(FILE)).read_text())
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and "test_" in node.name}
    named = re.findall(rf"`{FILE}::(test_\w+)`", TEXT)
    assert set(named) == defined - ABOUT_PYTHON
    assert len(named) == len(set(named))


def test_every_row_has_an_answer_and_names_a_test():
    table = TEXT.split("## Posts\n", 1)[1]
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 30
    for post, answer, test in rows:
        assert post.strip()
        assert re.match(r" (200|[45]\d\d|4xx)\b", answer), post
        assert f"`{FILE}::" in test, post


@pytest.fixture
def receiver(inbox):
    return Receiver(inbox, [KEY], timing=Timing(clock=lambda: T))


HEADERS = dict(Post().headers)


def test_a_starlette_route_receives_posts(receiver, inbox):
    from starlette.applications import Starlette
    from starlette.routing import Route

    application = Starlette()
    application.router.routes.append(Route("/calendly", asgi(receiver)))
    with served(application) as url:
        assert exchange(url, Post(path="/calendly").head() + BODY)[0] == 200
        assert exchange(url, Post(path="/calendly", method="GET").head() + BODY)[0] == 405
    assert inbox.counts()["waiting"] == 1


def test_the_django_view_of_the_page_answers_like_the_receiver(receiver):
    """Django itself isn't installed; these have what the view uses of it."""

    def response(text, *, status, headers, content_type):  # noqa: ARG001
        return status, text, content_type

    [block] = run_by(__file__, PAGE)
    names = {"csrf_exempt": lambda view: view, "HttpResponse": response, "receiver": receiver}
    exec(compile(block.text, "docs/how-to/receiver.md", "exec"), names)  # noqa: S102 - our own page
    request = SimpleNamespace(method="POST", META={"QUERY_STRING": ""}, headers=HEADERS, body=BODY)
    assert names["calendly"](request) == (200, "kept", "text/plain")
    request.method = "GET"
    assert names["calendly"](request)[0] == 405


@pytest.mark.parametrize("scope", ["lifespan", "websocket"])
def test_the_application_rejects_websockets_and_needs_no_lifespan(scope, receiver):
    with pytest.raises(NotImplementedError, match=scope):
        asgi(receiver)({"type": scope}, None, None).send(None)


def test_werkzeugs_dispatcher_forwards_posts_as_in_flask(receiver, inbox):
    from werkzeug.middleware.dispatcher import DispatcherMiddleware
    from werkzeug.test import Client
    from werkzeug.wrappers import Response

    client = Client(DispatcherMiddleware(Response("other"), {"/calendly": wsgi(receiver)}))
    assert client.get("/").text == "other"
    assert client.post("/calendly", data=BODY, headers=HEADERS).status_code == 200
    assert inbox.counts()["waiting"] == 1


def test_chunks_that_a_wsgi_server_joins_are_read(receiver, inbox):
    from io import BytesIO

    from werkzeug.test import EnvironBuilder, run_wsgi_app

    for body, status in ((BODY, "200"), (BODY.ljust(2**20 + 1), "413")):
        environ = EnvironBuilder(
            method="POST", headers=[*dict(Post(body, length="").headers).items()]
        ).get_environ()
        environ |= {"wsgi.input": BytesIO(body), "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
        assert run_wsgi_app(wsgi(receiver), environ)[1].split()[0] == status
    assert inbox.counts()["waiting"] == 1


def test_a_wsgi_input_that_fails_counts_as_an_incomplete_body(receiver, inbox):
    from werkzeug.test import EnvironBuilder, run_wsgi_app

    class Broken:
        def read(self, _size):
            raise ConnectionResetError

    environ = EnvironBuilder(method="POST", headers=[*HEADERS.items()]).get_environ()
    environ |= {"wsgi.input": Broken(), "CONTENT_LENGTH": str(len(BODY))}
    answer, status, _ = run_wsgi_app(wsgi(receiver), environ)
    assert (b"".join(answer), status) == (b"cut_short", "400 Bad Request")
    assert not any(inbox.counts().values())


# --- simultaneous posts


def test_simultaneous_posts_share_transactions_and_each_has_its_own_answer(receiver, inbox):
    """Posts during a transaction share the next one; a repeat among them is recognized."""
    put, sizes, first, go_on = inbox.put, [], threading.Event(), threading.Event()

    def held(entries, **more):
        sizes.append(len(entries))
        first.set()
        assert go_on.wait(WAIT_S)
        return put(entries, **more)

    inbox.put = held
    bodies = [event(0), *[event(number // 2) for number in range(2, 12)]]
    answers = {}

    def post(number):
        body = bodies[number]
        answers[number] = exchange(url, Post(body).head() + body)[::2]

    with by_asgi(receiver) as url:
        threads = [threading.Thread(target=post, args=(number,)) for number in range(len(bodies))]
        threads[0].start()
        assert first.wait(WAIT_S)
        for thread in threads[1:]:
            thread.start()
        go_on.set()
        for thread in threads:
            thread.join(WAIT_S)
    assert {status for status, _ in answers.values()} == {200}
    assert sorted(text for _, text in answers.values()) == ["kept"] * 6 + ["known"] * 5
    assert sum(sizes) == 11
    assert inbox.counts()["waiting"] == 6


@pytest.mark.parametrize(("together", "in_loop"), [(1, True), (6, False)])
def test_an_owned_loop_writes_a_single_post_itself_and_several_in_a_thread(
    together, in_loop, receiver, inbox
):
    put, threads, sizes = inbox.put, set(), []

    def noted(entries, **more):
        threads.add(threading.get_ident())
        sizes.append(len(entries))
        return put(entries, **more)

    inbox.put = noted
    application = asgi(receiver, owns_loop=True)
    statuses = []

    async def post(number):
        body = event(number)

        async def receive():
            return {"type": "http.request", "body": body}

        async def send(message):
            if "status" in message:
                statuses.append((message["status"], inbox.counts()["waiting"] > 0))

        headers = [(name.lower().encode(), value.encode()) for name, value in Post(body).headers]
        scope = {"type": "http", "http_version": "1.1", "method": "POST", "query_string": b""}
        await application(scope | {"headers": headers}, receive, send)

    async def posts():
        await asyncio.gather(*(post(number) for number in range(together)))

    asyncio.run(posts())
    assert statuses == [(200, True)] * together  # and each was on disk before its answer
    assert sum(sizes) == together
    assert (threads == {threading.get_ident()}) is in_loop


def test_an_inbox_that_breaks_for_one_batch_does_not_hang_the_next(receiver, inbox):
    put, left = inbox.put, [RuntimeError("a mistake of ours")]

    def broken(entries, **more):
        if left:
            raise left.pop()
        return put(entries, **more)

    inbox.put = broken
    with by_asgi(receiver) as url:
        assert exchange(url, Post().head() + BODY)[0] == 500
        assert exchange(url, Post(signature=(signed(BODY),)).head() + BODY)[0] == 200
