"""The guard, without a server: bodies that are too slow or too large, and sockets whose session ends."""

import asyncio

import pytest
from calendly_connector.agent.web.guard import PERSON, Guard
from calendly_connector.agent.web.sites import Site
from own_thread import in_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute

URL = "https://agent.acme.example"
HEADERS = [(b"host", b"agent.acme.example"), (b"origin", URL.encode())]


async def read(request):
    return PlainTextResponse(str(len(await request.body())))


async def answer_first(request: Request):
    async def parts():
        yield "early"
        async for _ in request.stream():
            pass

    return StreamingResponse(parts())


async def talk(socket):
    await socket.accept()
    while (await socket.receive())["type"] == "websocket.receive":
        await socket.send_text(socket.scope[PERSON])


def guarded(people, **limits):
    app = Starlette(
        routes=[
            Route("/read", read, methods=["POST"]),
            Route("/early", answer_first, methods=["POST"]),
            WebSocketRoute("/talk", talk),
        ]
    )
    return Guard(
        app,
        site=Site.at(URL),
        identify=lambda _request: people[0] if people else None,
        is_open=lambda _scope: False,
        is_public=lambda _scope: False,
        **limits,
    )


def exchange(app, scope, messages):
    """Return what the application sends, if these messages arrive, and then none for a long time."""
    sent, waiting = [], list(messages)

    async def receive():
        if not waiting:
            await asyncio.sleep(3600)
        message = waiting.pop(0)
        return message() if callable(message) else message

    async def send(message):
        sent.append(message)

    in_thread(lambda: asyncio.run(asyncio.wait_for(app(scope, receive, send), 30)))
    return sent


def post(path, *parts, **limits):
    """Return the statuses and the text of the answer to a post whose last part doesn't end the body."""
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
    scope |= {"headers": [*HEADERS, (b"content-type", b"application/json")], "client": ("127.0.0.1", 1)}
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    sent = exchange(guarded(["ada"], **limits), scope, messages)
    statuses = [one["status"] for one in sent if one["type"] == "http.response.start"]
    return statuses, b"".join(one.get("body", b"") for one in sent)


def test_a_body_that_comes_too_slowly_is_given_up():
    assert post("/read", b"x", body_deadline_s=0.05) == ([408], b"too slow")


def test_a_body_that_is_too_large_is_given_up_whatever_the_application_makes_of_it():
    assert post("/read", *[b"x" * 1024 * 1024] * 3) == ([413], b"too large")


def test_an_answer_that_has_begun_is_not_answered_again():
    statuses, _ = post("/early", b"x", body_deadline_s=0.05)
    assert statuses == [200]


@pytest.mark.parametrize(("recheck_s", "heard"), [(0.0, 1), (3600.0, 2)])
def test_a_socket_ends_with_its_session(recheck_s, heard):
    people = ["ada"]
    said = {"type": "websocket.receive", "text": "hello"}

    def sign_out():
        people.clear()
        return said

    scope = {"type": "websocket", "path": "/talk", "raw_path": b"/talk", "query_string": b""}
    scope |= {"headers": HEADERS, "client": ("127.0.0.1", 1), "subprotocols": []}
    messages = [{"type": "websocket.connect"}, said, sign_out, {"type": "websocket.disconnect", "code": 1000}]
    sent = exchange(guarded(people, recheck_s=recheck_s), scope, messages)
    assert [one["type"] for one in sent].count("websocket.send") == heard
    assert ({"type": "websocket.close", "code": 1008} in sent) == (heard == 1)
