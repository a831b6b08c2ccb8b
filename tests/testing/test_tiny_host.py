"""The example host: it contains no code for any application and runs nothing from unsigned requests."""

import ast
import json
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.resources import files
from queue import Empty
from threading import Barrier
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest
import yaml
from calendly_connector.contract import Event
from calendly_connector.errors import InvalidParams
from calendly_connector.events.webhooks.signature import HEADER, sign
from calendly_connector.examples import tiny_host
from calendly_connector.plugin import connector
from calendly_connector.sandbox.world import fixtures

EXAMPLES = files("calendly_connector.examples")
SOURCES = [EXAMPLES.joinpath(name).read_text(encoding="utf-8") for name in ("tiny_host.py", "tiny_form.py")]
FLOW = EXAMPLES.joinpath("flow.yaml").read_text(encoding="utf-8")
KEY = "made-up-key"
NOW = 1_795_525_200
BODY = json.dumps(
    {
        "event": "invitee.created",
        "created_at": "2026-11-24T13:00:00.000000Z",
        "created_by": None,
        "payload": {"uri": "https://api.calendly.com/scheduled_events/a/invitees/b"},
    }
).encode()
KIND = "personal_access_token"


# Independence


@pytest.mark.parametrize("source", SOURCES)
def test_the_source_names_no_application(source):
    assert "calendly" not in source.casefold()


def test_it_imports_two_third_party_libraries():
    imported = set()
    for node in (node for source in SOURCES for node in ast.walk(ast.parse(source))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.partition(".")[0])
    assert imported - sys.stdlib_module_names == {"stevedore", "tiny_form", "yaml"}


@pytest.mark.parametrize("source", SOURCES)
def test_the_source_is_short_enough_to_read(source):
    assert len(source.splitlines()) < 220


def test_it_discovers_the_connector_object():
    assert tiny_host.discover()["calendly"] is connector


def test_the_form_has_a_row_per_field():
    rows = list(tiny_host.form(connector, KIND))
    assert [row[:3] for row in rows] == [
        ("Token", "secret", "required"),
        ("Webhook signing key", "secret", ""),
        ("Plan", "", ""),
    ]
    assert all(row[3] for row in rows)


def test_the_credential_is_filled_in_from_the_environment(monkeypatch):
    assert tiny_host.credential(connector, KIND) == {"kind": KIND}
    monkeypatch.setenv("CALENDLY_API_TOKEN", "made-up-token")
    monkeypatch.setenv("CALENDLY_WEBHOOK_SECRET", KEY)
    assert tiny_host.credential(connector, KIND) == {
        "kind": KIND,
        "token": "made-up-token",
        "signing_key": KEY,
    }


def test_the_catalog_has_a_row_per_action():
    rows = {row[1]: row for row in tiny_host.catalog(connector)}
    assert rows.keys() == connector.actions().keys()
    assert rows["users.get"] == ("users", "users.get", "GET", "users.get", "Get a user", "/users/{uuid}")


# Flows


@pytest.mark.parametrize(
    ("reference", "value"),
    [("${event.payload.list.1.name}", "b"), ("${event.payload.n}", 7), ("${event}", {"payload": None})],
)
def test_a_reference_returns_its_value(reference, value):
    payload = {"list": [{"name": "a"}, {"name": "b"}], "n": 7}
    known = {"event": {"payload": None if reference == "${event}" else payload}}
    assert tiny_host.resolve(reference, known) == value


@pytest.mark.parametrize(
    "reference", ["${event.missing}", "${nobody.x}", "${event.list.9}", "${event.list.x}", "${event.text.x}"]
)
def test_an_unknown_reference_is_an_error(reference):
    with pytest.raises((LookupError, TypeError, ValueError)):
        tiny_host.resolve(reference, {"event": {"list": [1], "text": "words"}})


def booked(user):
    payload = {"scheduled_event": {"event_memberships": [{"user": user}]}}
    return Event("id", "invitee.created", "2026-11-24T13:00:00Z", None, payload)


def test_a_flow_passes_the_first_steps_result_to_the_second(faulty_sandbox, connect):
    user = f"https://api.calendly.com/users/{fixtures.OWNER}"
    results = {
        step["id"]: result
        for step, result in tiny_host.run_flow(
            yaml.safe_load(FLOW), connect(faulty_sandbox, clock=time.time), booked(user)
        )
    }
    assert results["host"].record["name"] == fixtures.OWNER_NAME
    assert results["week"].action == "scheduled_events.list"
    [query] = [
        call["query"] for call in faulty_sandbox.requests()["requests"] if call["path"] == "/scheduled_events"
    ]
    assert fixtures.OWNER in query


@pytest.mark.parametrize("evil", ["~{GetUserUrl}~", "https://evil.example/users/a", "../me", {"a": 1}, None])
def test_function_syntax_in_an_event_is_plain_text_and_nothing_is_sent(evil, unvisited, connect):
    with pytest.raises(InvalidParams):
        list(tiny_host.run_flow(yaml.safe_load(FLOW), connect(unvisited), booked(evil)))


# Receiving


@pytest.fixture(scope="module")
def _running():
    credential = {"kind": KIND, "token": "made-up-token", "signing_key": KEY}
    with connector.connect(credential, origin="http://127.0.0.1:1", clock=lambda: NOW) as connection:
        running = tiny_host.Receiver(connection)
        yield running
        running.shutdown()
        running.server_close()


@pytest.fixture
def receiver(_running):
    """Return a receiver without events; it is shared, because stopping one takes half a second."""
    _running.seen.clear()
    received(_running)
    return _running


def post(receiver, body=BODY, **headers):
    """Post a body and return status and text."""
    address = f"http://127.0.0.1:{receiver.server_port}/hook"
    request = Request(address, data=body, headers=headers)
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def signed(body=BODY, key=KEY, at=NOW):
    return {HEADER: sign(body, key, at)}


def received(receiver):
    events = []
    while True:
        try:
            events.append(receiver.queue.get_nowait())
        except Empty:
            return events


def raw(receiver, data, *, then_close=False):
    """Send bytes unchanged and return the whole reply."""
    with closing(socket.create_connection(("127.0.0.1", receiver.server_port), timeout=10)) as connection:
        connection.sendall(data)
        if then_close:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def test_a_signed_post_is_accepted_and_queued(receiver):
    assert post(receiver, **signed()) == (200, "accepted")
    [event] = received(receiver)
    assert event.kind == "invitee.created"
    assert event.payload == json.loads(BODY)["payload"]


def test_a_repeat_is_accepted_and_not_queued(receiver):
    assert post(receiver, **signed()) == (200, "accepted")
    assert post(receiver, **signed(at=NOW + 60)) == (200, "already received")
    assert len(received(receiver)) == 1


def test_repeats_at_the_same_moment_are_queued_once(receiver):
    start = Barrier(8)

    def send(_):
        start.wait()
        return post(receiver, **signed())

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(send, range(8)))
    assert answers == [(200, "accepted")] + [(200, "already received")] * 7
    assert len(received(receiver)) == 1


def test_another_event_is_queued_too(receiver):
    other = BODY.replace(b"invitees/b", b"invitees/c")
    assert post(receiver, **signed()) == post(receiver, other, **signed(other)) == (200, "accepted")
    assert len(received(receiver)) == 2


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(BODY, {}, id="unsigned"),
        pytest.param(BODY, {HEADER: ""}, id="empty signature"),
        pytest.param(BODY, {HEADER: "t=1,v1=zz"}, id="malformed"),
        pytest.param(BODY, signed(key="another-key"), id="forged"),
        pytest.param(BODY, signed(at=NOW - 3600), id="stale"),
        pytest.param(BODY, signed(at=NOW + 3600), id="from the future"),
        pytest.param(BODY + b" ", signed(), id="changed in transit"),
        pytest.param(b"", signed(b""), id="signed but empty"),
        pytest.param(b"[]", signed(b"[]"), id="signed but not an event"),
        pytest.param(b"[" * 50_000, signed(b"[" * 50_000), id="signed and deeply nested"),
        pytest.param(b"{}", signed(b"{}"), id="signed but empty object"),
    ],
)
def test_a_post_without_a_valid_recent_signature_is_rejected(body, headers, receiver):
    status, text = post(receiver, body, **headers)
    assert status == 401
    assert KEY not in text
    assert received(receiver) == []


def test_without_a_signing_key_nothing_is_accepted(connect, unvisited):
    running = tiny_host.Receiver(connect(unvisited, clock=lambda: NOW))
    assert post(running, **signed(key=""))[0] == 401
    running.shutdown()
    running.server_close()
    assert received(running) == []


@pytest.mark.parametrize(
    "size",
    [
        str(tiny_host.LARGEST_BODY + 1),
        "9" * 30,
        "9" * 5000,
        "-1",
        "+5",
        "5,5",
        "",
        "five",
        "0x10",
        "\u00b2",
        "1_0",
    ],
)
def test_an_invalid_or_too_large_size_is_rejected_unread(size, receiver):
    head = f"POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode("latin-1")
    assert raw(receiver, head).split(b" ")[1] == b"413"
    assert received(receiver) == []


def test_a_post_without_a_size_is_rejected(receiver):
    head = b"POST /hook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    assert raw(receiver, head).split(b" ")[1] == b"413"


def test_a_truncated_post_is_rejected(receiver):
    head = f"POST /hook HTTP/1.1\r\nContent-Length: {len(BODY)}\r\n{HEADER}: {sign(BODY, KEY, NOW)}\r\n\r\n"
    assert raw(receiver, head.encode() + BODY[:-5], then_close=True).split(b" ")[1] == b"401"
    assert received(receiver) == []


def test_a_post_that_is_too_slow_is_rejected(receiver, monkeypatch):
    monkeypatch.setattr(receiver.RequestHandlerClass, "timeout", 0.05)
    head = f"POST /hook HTTP/1.1\r\nContent-Length: {len(BODY)}\r\n{HEADER}: {sign(BODY, KEY, NOW)}\r\n\r\n"
    assert raw(receiver, head.encode() + BODY[:-5]).split(b" ")[1] == b"401"
    assert received(receiver) == []


def test_a_slow_sender_does_not_block_others(receiver):
    with closing(socket.create_connection(("127.0.0.1", receiver.server_port), timeout=10)) as slow:
        slow.sendall(b"POST /hook HTTP/1.1\r\nContent-Le")
        assert post(receiver, **signed()) == (200, "accepted")
        slow.shutdown(socket.SHUT_WR)
        while slow.recv(65536):
            pass


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_not_implemented(method, receiver):
    assert raw(receiver, f"{method} /hook HTTP/1.1\r\nHost: x\r\n\r\n".encode()).split(b" ")[1] == b"501"


# The whole program


@pytest.fixture
def flow(sandbox, tmp_path, monkeypatch):
    monkeypatch.setenv("CALENDLY_API_URL", sandbox.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    monkeypatch.setenv("CALENDLY_WEBHOOK_SECRET", KEY)
    path = tmp_path / "flow.yaml"
    path.write_text(FLOW)
    return path


def test_the_program_reports_a_bad_token_and_exits_with_1(flow, monkeypatch):
    monkeypatch.setenv("CALENDLY_API_TOKEN", "nobody")
    command = [sys.executable, tiny_host.__file__, "run", str(flow), "0"]
    ended = subprocess.run(command, capture_output=True, timeout=30, check=False)
    assert (ended.returncode, ended.stderr) == (1, b"")
    assert b"accept the token" in ended.stdout


def test_the_program_runs_its_flow_for_matching_events(flow, monkeypatch, capsys):
    class Stopped(Exception):
        pass

    class Events:
        def __init__(self, *_):
            user = f"https://api.calendly.com/users/{fixtures.OWNER}"
            other = Event("x", "invitee.canceled", "2026-11-24T13:00:00Z", None, {})
            self.queue, self._events = self, iter([other, booked(user)])

        def get(self):
            for event in self._events:
                return event
            raise Stopped

    monkeypatch.setattr(tiny_host, "Receiver", Events)
    with pytest.raises(Stopped):
        tiny_host.main("run", str(flow), "0")
    first, *steps = capsys.readouterr().out.splitlines()
    assert first.startswith(f"Signed in as {fixtures.OWNER_NAME}")
    assert [line.split()[0] for line in steps] == ["host", "week"]


@pytest.mark.parametrize("arguments", [(), ("walk",), ("--help",)])
def test_without_a_known_command_it_explains_itself(arguments):
    with pytest.raises(SystemExit, match=r"tiny_host\.py form CONNECTOR NAME"):
        tiny_host.main(*arguments)
