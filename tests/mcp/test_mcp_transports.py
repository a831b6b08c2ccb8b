"""The command `mcp` as clients start it, over standard input and output and over HTTP."""

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
from calendly_connector.hosts.mcp import http
from calendly_connector.hosts.mcp.request_ids import UniqueRequestIds
from calendly_connector.sandbox.app import SECRET_MARK
from mcp import StdioServerParameters
from mcp.client.stdio import stdio_client

SCRIPT = str(Path(sys.executable).parent / "calendly-connector")
TOKEN = f"{SECRET_MARK}of-the-account"  # conftest searches every file for it at the end
SERVER_TOKEN = f"{SECRET_MARK}of-the-server"
SOON_S = 30
ME = {"name": "run_action", "arguments": {"action": "users_me"}}
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
    """Return the environment of a process that signs in to a sandbox of the test's own."""
    fresh_sandbox.control(
        "POST", "/tokens", {"name": TOKEN, "scopes": ["users:read", "scheduled_events:write"]}
    )
    return {**os.environ, "CALENDLY_API_URL": fresh_sandbox.url, "CALENDLY_API_TOKEN": TOKEN}


@pytest.fixture
def listen(environment, tmp_path):
    """Return a context manager that serves HTTP in a separate process and yields its URL."""

    @contextmanager
    def listening(*options):
        log = tmp_path / "http.log"
        command = [SCRIPT, "--debug", "mcp", "--http", "--port", "0", *options]
        variables = {**environment, "CALENDLY_MCP_TOKEN": SERVER_TOKEN}
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
        assert {tool.name for tool in agent.list_tools().tools} >= {"meetings_list", "run_action"}
        event = agent.get("scheduled_events_list", status="active", count=1)["records"][0]
        assert (
            agent.get("scheduled_events_cancel", uuid=event["uri"], reason="moved")["record"]["reason"]
            == "moved"
        )
        assert len(agent.questions) == 1
    assert "POST /scheduled_events/" in log.read_text()


def test_standard_output_holds_only_the_protocol_whatever_the_input(environment, tmp_path):
    lines = [
        HELLO,
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": ME},
        {"jsonrpc": "2.0", "id": 3, "method": "nope"},
        {"jsonrpc": "2.0", "id": 4, "method": "tools/call", "params": {"name": 7}},
        {
            "jsonrpc": "2.0",
            "id": 5,
            "method": "tools/call",
            "params": {"name": "meetings_list", "arguments": {"a": float("nan")}},
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


def test_started_in_a_terminal_it_says_what_it_is_waiting_for(environment):
    ours, terminal = pty.openpty()
    with subprocess.Popen([SCRIPT, "mcp"], env=environment, stdin=terminal, stderr=subprocess.PIPE) as server:
        os.close(terminal)
        assert b"Waiting for an MCP client" in server.stderr.readline()
        server.terminate()
        server.communicate(timeout=SOON_S)
    os.close(ours)


def test_a_missing_token_and_an_unknown_credential_are_reported_to_the_agent(fresh_sandbox, tmp_path):
    variables = {**os.environ, "CALENDLY_API_URL": fresh_sandbox.url, "XDG_DATA_HOME": str(tmp_path)}
    for options, text in (([], "CALENDLY_API_TOKEN"), (["--credential", "nobody"], "nobody")):
        command = StdioServerParameters(command=SCRIPT, args=["mcp", *options], env=variables)
        with (tmp_path / "log").open("w") as errors, agent_of(stdio_client(command, errlog=errors)) as agent:
            assert text in agent.error("users_me")
    assert fresh_sandbox.requests()["requests"] == []


# HTTP


@pytest.mark.parametrize("mode", MODES)
def test_an_agent_works_over_http(listen, mode):
    with listen() as url, agent_of(over_http(url, SERVER_TOKEN), mode=mode, reply="accept") as agent:
        event = agent.get("scheduled_events_list", status="active", count=1)["records"][0]
        assert agent.get("scheduled_events_cancel", uuid=event["uri"])["record"]["canceler_type"] == "host"
        assert len(agent.questions) == 1


def test_read_only_and_only_apply_over_http(listen):
    with listen("--read-only", "--only", "booking") as url, agent_of(over_http(url, SERVER_TOKEN)) as agent:
        names = {tool.name for tool in agent.list_tools().tools}
        assert "event_types_list" in names
        assert not names & {"invitees_create", "run_action", "teams_list"}


def test_requests_without_the_token_and_from_other_sites_are_rejected(listen, fresh_sandbox):
    with listen() as url, httpx.Client(trust_env=False) as web:
        right = {"Authorization": f"Bearer {SERVER_TOKEN}", **ACCEPT}
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
        assert SERVER_TOKEN not in nobody.text + page.text + rebound.text
    assert fresh_sandbox.requests()["requests"] == []


def test_a_request_with_an_id_in_flight_is_rejected(listen, fresh_sandbox):
    fault = {"kind": "latency", "method": "GET", "path": "/users/me", "latency_s": 2, "times": 1}
    fresh_sandbox.control("POST", "/faults", fault)
    ask = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": ME}
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    with (
        ThreadPoolExecutor() as threads,
        httpx.Client(trust_env=False, timeout=SOON_S) as web,
        listen() as url,  # innermost, so its end releases threads that still wait
    ):
        headers = {"Authorization": f"Bearer {SERVER_TOKEN}", **ACCEPT}
        hello = web.post(url, json=HELLO, headers=headers)
        headers["Mcp-Session-Id"] = hello.headers["Mcp-Session-Id"]
        web.post(url, json=ready, headers=headers)
        calls = [threads.submit(web.post, url, json=ask, headers=headers) for _ in range(2)]
        replies = sorted((call.result(SOON_S) for call in calls), key=lambda reply: reply.status_code)
        assert [reply.status_code for reply in replies] == [200, 409]
        assert "Ada Okafor" in replies[0].text
        assert replies[1].json()["id"] is None
        assert "Request id 7 is already in flight" in replies[1].json()["error"]["message"]
        again = web.post(url, json=ask, headers=headers)  # the id is free once it was answered
        assert again.status_code == 200


@pytest.mark.parametrize(
    ("body", "rejected"),
    [
        (b'{"id": 1, "method": "x"}', True),
        (b'{"id": "1", "method": "x"}', False),  # another id: a string
        (b'{"id": 1, "result": {}}', False),  # a reply to the server
        (b'{"method": "x"}', False),  # a notification
        (b"[1]", False),
        (b"[" * 100_000, False),
        (b"\xff", False),
        (b'{"id": 1, "method": "x"' + b" " * 200 + b"}", False),  # too long: the app rejects it
    ],
)
def test_only_a_request_with_the_same_id_is_rejected_while_one_is_in_flight(body, rejected):
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
            sent.append(message)

        await unique_request_ids(
            {"type": "http", "method": "POST", "headers": [(b"mcp-session-id", b"s")]}, receive, send
        )

    seen, sent = [], []
    unique_request_ids = UniqueRequestIds(app, limit=100)
    anyio.run(request, b'{"id": 1, "method": "first"}')
    assert seen[1:] == ([] if rejected else [body])
    assert [message["status"] for message in sent if "status" in message] == ([409] if rejected else [])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer"}, 401),
        ({"authorization": "Bearer "}, 401),
        ({"authorization": f"Basic {SERVER_TOKEN}"}, 401),
        ({"authorization": SERVER_TOKEN}, 401),
        ({"authorization": f"Bearer {SERVER_TOKEN}x"}, 401),
        ({"authorization": f"Bearer {SERVER_TOKEN[:-1]}"}, 401),
        ({"authorization": "Bearer \xff"}, 401),
        ({"authorization": f"bearer  {SERVER_TOKEN} "}, None),
        ({"authorization": f"Bearer {SERVER_TOKEN}"}, None),
        ({"authorization": f"Bearer {SERVER_TOKEN}", "origin": "http://127.0.0.1:3000"}, None),
        ({"authorization": f"Bearer {SERVER_TOKEN}", "origin": "http://[::1]"}, None),
        ({"authorization": f"Bearer {SERVER_TOKEN}", "origin": "null"}, 403),
        ({"authorization": f"Bearer {SERVER_TOKEN}", "origin": ""}, 403),
        ({"authorization": f"Bearer {SERVER_TOKEN}", "origin": "http://localhost.evil.example"}, 403),
        ({"authorization": f"Bearer {SERVER_TOKEN}", "origin": "http://localhost@evil.example"}, 403),
        ({"authorization": f"Bearer {SERVER_TOKEN}", "origin": "http://[evil"}, 403),
        ({"authorization": f"Bearer {SERVER_TOKEN}", "host": "evil.example:8701"}, 421),
        ({"authorization": f"Bearer {SERVER_TOKEN}", "host": "127.0.0.1.evil.example"}, 421),
        ({"authorization": f"Bearer {SERVER_TOKEN}", "host": "[::1]:8701"}, None),
        ({"authorization": f"Bearer {SERVER_TOKEN}", "host": ""}, 421),
    ],
)
def test_which_headers_are_accepted(headers, status):
    rejected = http.rejection({"host": "localhost:8701", **headers}, SERVER_TOKEN, loopback=True)
    assert (rejected and rejected[0]) == status
    assert rejected is None or SERVER_TOKEN not in rejected[1]


def test_a_server_for_other_machines_accepts_any_host_name_but_requires_the_token():
    headers = {"host": "agents.acme.example", "authorization": f"Bearer {SERVER_TOKEN}"}
    assert http.rejection(headers, SERVER_TOKEN, loopback=False) is None
    assert http.rejection({**headers, "authorization": ""}, SERVER_TOKEN, loopback=False)[0] == 401
    assert (
        http.rejection({**headers, "origin": "https://evil.example"}, SERVER_TOKEN, loopback=False)[0] == 403
    )


def test_listening_to_other_machines_recommends_tls(capsys):
    mcp._announce("http://192.0.2.1:8701/mcp", False)
    assert "Put TLS in front of it" in capsys.readouterr().err
    mcp._announce("http://127.0.0.1:8701/mcp", True)
    assert "TLS" not in capsys.readouterr().err


# Invalid options


@pytest.fixture
def call(capsys, monkeypatch):
    """Return a function that runs the command in this process and returns its exit code and errors."""

    def run(*options, server_token=SERVER_TOKEN):
        monkeypatch.setenv("CALENDLY_API_TOKEN", TOKEN)
        monkeypatch.setenv("CALENDLY_MCP_TOKEN", server_token)
        return cli.main(["mcp", *options]), capsys.readouterr().err

    return run


@pytest.mark.parametrize("token", ["", "short", "with a space in the middle", "not-ascii-é-not-ascii"])
def test_http_does_not_start_without_a_good_token(call, token):
    code, err = call("--http", "--port", "0", server_token=token)
    assert code == 2
    assert "needs CALENDLY_MCP_TOKEN" in err
    assert "openssl rand" in err
    assert not token or token not in err


def test_a_port_in_use_and_an_unknown_name_are_reported(call):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        code, err = call("--http", "--port", str(listener.getsockname()[1]))
    assert (code, err.count("\n")) == (1, 1)
    assert "is in use. Pass --port 0" in err
    code, err = call("--only", "bookin")
    assert code == 2
    assert "Did you mean booking" in err


@pytest.mark.parametrize("options", [["--port", "1"], ["--host", "localhost"]])
def test_host_and_port_require_http(call, options):
    code, err = call(*options)
    assert code == 2
    assert "--http" in err


def test_without_the_mcp_package_the_command_says_how_to_install_it(call, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("calendly_connector.hosts")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp_types", None)
    code, err = call()
    assert code == 2
    assert "pip install 'calendly-connector[mcp]'" in err


def test_loading_the_connector_does_not_import_mcp():
    code = (
        "import sys; from calendly_connector.plugin import connector; "
        "connector.actions(); print('mcp' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"
