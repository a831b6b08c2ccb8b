"""The command `mcp` as clients start it: over standard input and output, and over HTTP behind its door."""

import json
import os
import pty
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import anyio
import httpx
import pytest
from agents import MODES, agent_of, over_http
from calendly_connector import cli
from calendly_connector.cli import mcp
from calendly_connector.hosts.mcp import http as door
from calendly_connector.hosts.mcp.in_flight import OneForEachId
from calendly_connector.sandbox.app import SECRET_MARK
from mcp import StdioServerParameters
from mcp.client.stdio import stdio_client

SCRIPT = str(Path(sys.executable).parent / "calendly-connector")
TOKEN = f"{SECRET_MARK}of-the-account"  # the session's end looks for it in every file that was written
DOOR = f"{SECRET_MARK}of-the-door"
SOON_S = 30
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


@pytest.fixture
def environment(fresh_sandbox):
    """Give the variables of a process that signs in to a sandbox of the test's own."""
    fresh_sandbox.control(
        "POST", "/tokens", {"name": TOKEN, "scopes": ["users:read", "scheduled_events:write"]}
    )
    return {**os.environ, "CALENDLY_API_URL": fresh_sandbox.url, "CALENDLY_API_TOKEN": TOKEN}


@pytest.fixture
def listen(environment, tmp_path):
    """Give what serves HTTP in a process of its own, and its address."""

    @contextmanager
    def listening(*words):
        log = tmp_path / "http.log"
        command = [SCRIPT, "--debug", "mcp", "--http", "--port", "0", *words]
        variables = {**environment, "CALENDLY_MCP_TOKEN": DOOR}
        with (
            log.open("wb") as errors,
            subprocess.Popen(command, env=variables, stderr=subprocess.PIPE) as server,
        ):
            first = server.stderr.readline()
            url = first.decode().split()[2].removesuffix(".")
            try:
                yield url
            finally:
                server.send_signal(signal.SIGINT)
                errors.write(first + server.communicate(timeout=SOON_S)[1])
                assert server.returncode == 0
        assert "Traceback" not in log.read_text()

    return listening


# Standard input and output


@pytest.mark.parametrize("mode", MODES)
def test_an_agent_works_over_standard_input_and_output(environment, tmp_path, mode):
    command = StdioServerParameters(command=SCRIPT, args=["--debug", "mcp"], env=environment)
    log = tmp_path / "stdio.log"
    with (
        log.open("w") as errors,
        agent_of(stdio_client(command, errlog=errors), mode=mode, reply="accept") as agent,
    ):
        assert len(agent.list_tools().tools) == 15
        event = agent.get("scheduled_events_list", status="active", count=1)["records"][0]
        assert (
            agent.get("scheduled_events_cancel", uuid=event["uri"], reason="moved")["record"]["reason"]
            == "moved"
        )
        assert len(agent.questions) == 1
    assert "POST /scheduled_events/" in log.read_text()


def test_standard_output_holds_the_protocol_alone_whatever_comes_in(environment, tmp_path):
    lines = [
        HELLO,
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "users_me"}},
        {"jsonrpc": "2.0", "id": 3, "method": "nope"},
        {"jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": {"name": 7}},
        {
            "jsonrpc": "2.0",
            "id": 5,
            "method": "tools/call",
            "params": {"name": "users_me", "arguments": {"a": float("nan")}},
        },
    ]
    garbage = b"garbage\n{}\n[1]\n\xff\xfe\n\n" + b"[" * 100_000 + b"\n"
    sent = b"".join(json.dumps(line).encode() + b"\n" + garbage for line in lines)
    with (
        (tmp_path / "stdio.log").open("wb") as errors,
        subprocess.Popen(
            [SCRIPT, "--debug", "mcp"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as server,
    ):
        server.stdin.write(sent)
        server.stdin.flush()
        replies = {reply["id"]: reply for reply in (json.loads(server.stdout.readline()) for _ in range(5))}
        server.stdin.close()
        assert server.stdout.read() == b""
        assert server.wait(SOON_S) == 0
    assert replies[2]["result"]["structuredContent"]["record"]["name"] == "Ada Okafor"
    assert replies[3]["error"]["code"] == -32601
    assert replies[4]["error"]["code"] == -32602
    assert replies[5]["result"]["isError"] is True
    assert TOKEN not in json.dumps(replies)


def test_ctrl_c_ends_a_server_that_waits_for_input(environment):
    with subprocess.Popen(
        [SCRIPT, "mcp"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        server.stdin.write(json.dumps(HELLO).encode() + b"\n")
        server.stdin.flush()
        assert server.stdout.readline()
        server.send_signal(signal.SIGINT)
        assert server.wait(SOON_S) == -signal.SIGINT


def test_a_person_who_starts_it_in_a_terminal_is_told_what_it_waits_for(environment):
    ours, terminal = pty.openpty()
    with subprocess.Popen([SCRIPT, "mcp"], env=environment, stdin=terminal, stderr=subprocess.PIPE) as server:
        os.close(terminal)
        assert b"Waiting for an MCP client" in server.stderr.readline()
        server.terminate()
        server.communicate(timeout=SOON_S)
    os.close(ours)


def test_a_missing_token_and_an_unknown_credential_are_told_to_the_agent(fresh_sandbox, tmp_path):
    variables = {**os.environ, "CALENDLY_API_URL": fresh_sandbox.url, "XDG_DATA_HOME": str(tmp_path)}
    for words, told in (([], "CALENDLY_API_TOKEN"), (["--credential", "nobody"], "nobody")):
        command = StdioServerParameters(command=SCRIPT, args=["mcp", *words], env=variables)
        with (tmp_path / "log").open("w") as errors, agent_of(stdio_client(command, errlog=errors)) as agent:
            assert told in agent.refused("users_me")
    assert fresh_sandbox.requests()["requests"] == []


# HTTP


@pytest.mark.parametrize("mode", MODES)
def test_an_agent_works_over_http(listen, mode):
    with listen() as url, agent_of(over_http(url, DOOR), mode=mode, reply="accept") as agent:
        event = agent.get("scheduled_events_list", status="active", count=1)["records"][0]
        assert agent.get("scheduled_events_cancel", uuid=event["uri"])["record"]["canceler_type"] == "host"
        assert len(agent.questions) == 1


def test_read_only_and_only_hold_over_http(listen):
    with listen("--read-only", "--only", "booking") as url, agent_of(over_http(url, DOOR)) as agent:
        names = {tool.name for tool in agent.list_tools().tools}
        assert "event_types_list" in names
        assert not names & {"invitees_create", "run_action", "teams_list"}


def test_the_door_stays_closed_without_the_token_and_for_pages_of_others(listen, fresh_sandbox):
    with listen() as url, httpx.Client(trust_env=False) as web:
        right = {"Authorization": f"Bearer {DOOR}", **ACCEPT}
        assert web.post(url, json=HELLO, headers=right).status_code == 200
        nobody = web.post(url, json=HELLO, headers=ACCEPT)
        assert nobody.status_code == 401
        assert nobody.headers["WWW-Authenticate"] == "Bearer"
        assert "CALENDLY_MCP_TOKEN" in nobody.json()["error"]["message"]
        for method in ("GET", "POST", "DELETE", "OPTIONS"):
            assert web.request(method, url, headers={**ACCEPT, "Mcp-Session-Id": "x"}).status_code == 401
        page = web.post(url, json=HELLO, headers={**right, "Origin": "https://evil.example"})
        assert page.status_code == 403
        rebound = web.post(url, json=HELLO, headers={**right, "Host": "evil.example"})
        assert rebound.status_code == 421
        own = web.post(url, json=HELLO, headers={**right, "Origin": "http://localhost:6274"})
        assert own.status_code == 200
        assert web.post(url, content=b"a" * 2_000_000, headers=right).status_code == 413
        assert web.post(url.removesuffix("/mcp"), json=HELLO, headers=right).status_code == 404
        assert DOOR not in nobody.text + page.text + rebound.text
    assert fresh_sandbox.requests()["requests"] == []


def test_a_request_with_the_id_of_one_in_flight_is_refused(listen, fresh_sandbox):
    fault = {"kind": "latency", "method": "GET", "path": "/users/me", "latency_s": 2, "times": 1}
    fresh_sandbox.control("POST", "/faults", fault)
    ask = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "users_me"}}
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    with (
        ThreadPoolExecutor() as threads,
        httpx.Client(trust_env=False, timeout=SOON_S) as web,
        listen() as url,  # the innermost, so that its end frees whoever would wait for ever
    ):
        headers = {"Authorization": f"Bearer {DOOR}", **ACCEPT}
        hello = web.post(url, json=HELLO, headers=headers)
        headers["Mcp-Session-Id"] = hello.headers["Mcp-Session-Id"]
        web.post(url, json=ready, headers=headers)
        calls = [threads.submit(web.post, url, json=ask, headers=headers) for _ in range(2)]
        replies = sorted((call.result(SOON_S) for call in calls), key=lambda reply: reply.status_code)
        assert [reply.status_code for reply in replies] == [200, 409]
        assert "Ada Okafor" in replies[0].text
        assert replies[1].json()["id"] is None
        assert "A request with the id 7 is in flight" in replies[1].json()["error"]["message"]
        again = web.post(url, json=ask, headers=headers)  # it is free as soon as it was answered
        assert again.status_code == 200


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        (b'{"id": 1, "method": "x"}', True),
        (b'{"id": "1", "method": "x"}', False),  # another id: a text
        (b'{"id": 1, "result": {}}', False),  # a reply to the server
        (b'{"method": "x"}', False),  # a notification
        (b"[1]", False),
        (b"[" * 100_000, False),
        (b"\xff", False),
        (b'{"id": 1, "method": "x"' + b" " * 200 + b"}", False),  # too long: the app refuses it
    ],
)
def test_which_requests_are_refused_while_another_is_in_flight(body, refused):
    async def app(_scope, receive, _send):
        seen.append(b"")
        more = True
        while more:
            message = await receive()
            seen[-1] += message["body"]
            more = message.get("more_body", False)
        if len(seen) == 1:
            await request(body)

    async def request(content):
        parts = [content[:9], content[9:150], content[150:]]

        async def receive():
            return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

        async def send(message):
            told.append(message)

        await one_for_each_id(
            {"type": "http", "method": "POST", "headers": [(b"mcp-session-id", b"s")]}, receive, send
        )

    seen, told = [], []
    one_for_each_id = OneForEachId(app, limit=100)
    anyio.run(request, b'{"id": 1, "method": "first"}')
    assert seen[1:] == ([] if refused else [body])
    assert [message["status"] for message in told if "status" in message] == ([409] if refused else [])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer"}, 401),
        ({"authorization": "Bearer "}, 401),
        ({"authorization": f"Basic {DOOR}"}, 401),
        ({"authorization": DOOR}, 401),
        ({"authorization": f"Bearer {DOOR}x"}, 401),
        ({"authorization": f"Bearer {DOOR[:-1]}"}, 401),
        ({"authorization": "Bearer \xff"}, 401),
        ({"authorization": f"bearer  {DOOR} "}, None),
        ({"authorization": f"Bearer {DOOR}"}, None),
        ({"authorization": f"Bearer {DOOR}", "origin": "http://127.0.0.1:3000"}, None),
        ({"authorization": f"Bearer {DOOR}", "origin": "http://[::1]"}, None),
        ({"authorization": f"Bearer {DOOR}", "origin": "null"}, 403),
        ({"authorization": f"Bearer {DOOR}", "origin": ""}, 403),
        ({"authorization": f"Bearer {DOOR}", "origin": "http://localhost.evil.example"}, 403),
        ({"authorization": f"Bearer {DOOR}", "origin": "http://localhost@evil.example"}, 403),
        ({"authorization": f"Bearer {DOOR}", "origin": "http://[evil"}, 403),
        ({"authorization": f"Bearer {DOOR}", "host": "evil.example:8701"}, 421),
        ({"authorization": f"Bearer {DOOR}", "host": "127.0.0.1.evil.example"}, 421),
        ({"authorization": f"Bearer {DOOR}", "host": "[::1]:8701"}, None),
        ({"authorization": f"Bearer {DOOR}", "host": ""}, 421),
    ],
)
def test_who_may_come_in(headers, status):
    told = door.refused({"host": "localhost:8701", **headers}, DOOR, loopback=True)
    assert (told and told[0]) == status
    assert told is None or DOOR not in told[1]


def test_a_server_for_other_machines_may_have_any_name_and_still_asks_for_the_token():
    headers = {"host": "agents.acme.example", "authorization": f"Bearer {DOOR}"}
    assert door.refused(headers, DOOR, loopback=False) is None
    assert door.refused({**headers, "authorization": ""}, DOOR, loopback=False)[0] == 401
    assert door.refused({**headers, "origin": "https://evil.example"}, DOOR, loopback=False)[0] == 403


def test_who_listens_to_other_machines_is_told_of_tls(capsys):
    mcp._announce("http://192.0.2.1:8701/mcp", False)
    assert "Put TLS in front of it" in capsys.readouterr().err
    mcp._announce("http://127.0.0.1:8701/mcp", True)
    assert "TLS" not in capsys.readouterr().err


# Wrong calls of the command


@pytest.fixture
def call(capsys, monkeypatch):
    """Give what runs the command in this process: exit code and errors."""

    def run(*words, door_token=DOOR):
        monkeypatch.setenv("CALENDLY_API_TOKEN", TOKEN)
        monkeypatch.setenv("CALENDLY_MCP_TOKEN", door_token)
        return cli.main(["mcp", *words]), capsys.readouterr().err

    return run


@pytest.mark.parametrize("token", ["", "short", "with a space in the middle", "not-ascii-é-not-ascii"])
def test_http_does_not_start_without_a_good_token(call, token):
    code, err = call("--http", "--port", "0", door_token=token)
    assert code == 2
    assert "needs CALENDLY_MCP_TOKEN" in err
    assert "openssl rand" in err
    assert not token or token not in err


def test_a_port_that_is_taken_and_a_wrong_name_are_refused(call):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, err = call("--http", "--port", str(taken.getsockname()[1]))
    assert (code, err.count("\n")) == (1, 1)
    assert "is in use. Pass --port 0" in err
    code, err = call("--only", "bookin")
    assert code == 2
    assert "Did you mean booking" in err


@pytest.mark.parametrize("words", [["--port", "1"], ["--host", "localhost"]])
def test_where_to_listen_is_for_http_alone(call, words):
    code, err = call(*words)
    assert code == 2
    assert "--http" in err


def test_without_the_package_the_command_says_how_to_get_it(call, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("calendly_connector.hosts")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp_types", None)
    code, err = call()
    assert code == 2
    assert "pip install 'calendly-connector[mcp]'" in err


def test_a_host_that_loads_the_connector_does_not_pay_for_mcp():
    code = (
        "import sys; from calendly_connector.plugin import connector; "
        "connector.actions(); print('mcp' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"
