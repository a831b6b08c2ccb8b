"""What an attacker tries on the pages and the API, without a browser that would help the agent."""

import http.client
import json
import socket
import stat
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from agent_desk import TOKEN, desk
from engine_waiting import wait_for

SERVED_AT = "https://agent.acme.example"
FLOW = """\
name: by-hand
connections: {calendly: {connector: calendly, credential: calendly}}
trigger: {type: manual}
steps:
  - {id: me, connection: calendly, action: users.me}
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """Yield an agent on this machine, for one person."""
    with desk(tmp_path_factory.mktemp("here")) as found:
        yield Target(found, found.url)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Yield an agent behind a proxy, which is us, with webhooks on another port and an audit log."""
    folder = tmp_path_factory.mktemp("server")
    options = ("--url", SERVED_AT, "--webhook-port", "0", "--trusted-proxy", "127.0.0.1")
    with desk(folder, *options, "--audit-log", str(folder / "audit.jsonl")) as found:
        yield Target(found, SERVED_AT)


class Target:
    """An agent that is attacked, at the address at which people reach it."""

    def __init__(self, desk, origin):
        self.desk = desk
        self.origin = origin
        self.place = urlsplit(desk.url).netloc
        self.host = urlsplit(origin).netloc
        self.source = "127.0.0.1"

    def ask(self, method, path, body=None, **headers):
        """Send a request; return (status, headers, text)."""
        source = (self.source, 0)
        with closing(http.client.HTTPConnection(self.place, timeout=30, source_address=source)) as connection:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            sent = {"Host": self.host} | {name.replace("_", "-"): value for name, value in headers.items()}
            if body is not None:
                sent.setdefault("Content-Length", str(len(body)))
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders(body)
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read().decode()

    def sign_in(self, token=TOKEN, **headers):
        """Sign in; return the status and the cookie as it is sent back."""
        form = {"Content_Type": "application/x-www-form-urlencoded", "Origin": self.origin} | headers
        status, reply, _ = self.ask("POST", "/sign-in", f"token={token}".encode(), **form)
        cookie = (reply.get("set-cookie") or "").partition(";")[0]
        return status, cookie

    def raw(self, *pieces):
        """Send bytes; return all that is answered until the connection closes."""
        host, _, port = self.place.rpartition(":")
        with closing(socket.create_connection((host, int(port)), timeout=30)) as connection:
            for piece in pieces:
                try:
                    connection.sendall(piece)
                except OSError:
                    break  # it was closed, as it should be
            answer = b""
            try:
                while part := connection.recv(65536):
                    answer += part
            except OSError:
                pass
            return answer.decode("latin-1")

    def upgrade(self, path="/_nicegui_ws/socket.io/?EIO=4&transport=websocket", **headers):
        """Ask for a WebSocket; return the status."""
        sent = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Origin": self.origin,
        } | headers
        with closing(http.client.HTTPConnection(self.place, timeout=30)) as connection:
            connection.putrequest("GET", path, skip_host=True)
            for name, value in ({"Host": self.host} | sent).items():
                connection.putheader(name.replace("_", "-"), value)
            connection.endheaders()
            return connection.getresponse().status


@pytest.fixture(scope="module")
def cookie(here):
    status, found = here.sign_in()
    assert status == 303
    return found


# Forged requests


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
        {},  # no browser of today sends a cookie without saying where from
    ],
)
def test_a_forged_request_changes_nothing(headers, here, cookie):
    body = json.dumps({"text": FLOW}).encode()
    status, _, _ = here.ask(
        "POST", "/api/flows", body, Cookie=cookie, Content_Type="application/json", **headers
    )
    assert status == 403
    assert here.ask("POST", "/sign-out", b"", Cookie=cookie, **headers)[0] == 403
    assert here.ask("GET", "/api/flows", Cookie=cookie)[0] == 200


def test_our_own_pages_and_programs_may_change_something(here, cookie):
    body = json.dumps({"text": FLOW}).encode()
    kind = {"Content_Type": "application/json"}
    here.desk.vault.put("calendly", {"kind": "personal_access_token", "token": "sandbox-owner"})
    assert here.ask("POST", "/api/flows", body, Cookie=cookie, Origin=here.origin, **kind)[0] == 200
    assert here.ask("POST", "/api/flows", body, Authorization=f"Bearer {TOKEN}", **kind)[0] == 200
    assert here.ask("POST", "/api/flows", body, Authorization="Bearer guessed", **kind)[0] == 401
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    assert here.ask("POST", "/api/flows", b"text=x", Cookie=cookie, Origin=here.origin, **form)[0] == 415


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1.evil.example:80", "", None])
def test_a_name_that_was_rebound_to_this_machine_is_not_served(host, here, cookie):
    status, _, text = here.ask("GET", "/", Host=host, Cookie=cookie, Accept="text/html")
    assert status in {400, 421}
    assert "Process flows" not in text


# Sessions


def test_a_session_of_the_attackers_choice_is_not_used(here):
    name = here.sign_in()[1].partition("=")[0]
    status, own = here.sign_in(Cookie=f"{name}=chosen")
    assert status == 303
    assert own != f"{name}=chosen"
    assert here.ask("GET", "/api/flows", Cookie=f"{name}=chosen")[0] == 401


def test_signing_in_again_and_out_ends_the_session(here):
    _, first = here.sign_in()
    _, second = here.sign_in(Cookie=first)
    assert here.ask("GET", "/api/flows", Cookie=first)[0] == 401
    status, headers, _ = here.ask("POST", "/sign-out", b"", Cookie=second, Origin=here.origin)
    assert (status, headers["clear-site-data"]) == (303, '"cache", "storage"')
    assert here.ask("GET", "/api/flows", Cookie=second)[0] == 401


def test_cookies_are_for_the_server_only_and_with_tls_secure(here, server):
    for target, secure in ((here, False), (server, True)):
        form = {"Content_Type": "application/x-www-form-urlencoded", "Origin": target.origin}
        headers = target.ask("POST", "/sign-in", f"token={TOKEN}".encode(), **form)[1]
        flags = headers["set-cookie"].lower().split("; ")
        assert {"httponly", "samesite=lax", "path=/"} < set(flags)
        assert ("secure" in flags, flags[0].startswith("__host-agent=")) == (secure, secure)
        assert not any(flag.startswith("domain") for flag in flags)


@pytest.mark.parametrize(
    "following",
    [
        "https://evil.example",
        "//evil.example",
        "/%5Cevil.example",
        "/%09/evil.example",
        "%2F%2Fevil.example",
        "javascript:alert(1)",
        "/%0d%0aLocation:%20https://evil.example",
    ],
)
def test_nobody_is_sent_to_another_site(following, server):
    form = {"Content_Type": "application/x-www-form-urlencoded", "Origin": server.origin}
    body = f"token={TOKEN}&next={following}".encode()
    headers = server.ask("POST", "/sign-in", body, X_Forwarded_For="198.51.100.9", **form)[1]
    assert headers["location"] == "/"


# Paths


@pytest.mark.parametrize(
    "path",
    [
        "/_nicegui/3.18.0/static/../../../../../../etc/passwd",
        "/_nicegui/3.18.0/static/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/_nicegui/3.18.0/components/..%2f..%2fpyproject.toml",
        "/_nicegui/3.18.0/resources/x/..%2f..%2f..%2fetc%2fpasswd",
        "/..%2f..%2fetc%2fpasswd",
        "/api/..%2f..%2fetc%2fpasswd",
        "/api/flows/..%2f..%2fetc%2fpasswd/text",
        "/sign-in/../api/flows",
        "//etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
    ],
)
def test_no_path_leads_out(path, here, cookie):
    for own in (cookie, None):
        _, _, text = here.ask("GET", path, Cookie=own)
        assert "root:" not in text
        assert "[project]" not in text
        assert '"name":"by-hand"' not in text


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/flows",
        "/api/openapi.json",
        "/_nicegui/3.18.0/static/nicegui.js",
        "/sign-in/x",
        "/docs",
        "/sign-in/callback",
        "//sign-in",
        "/health/x",
        "/api/health",
        "/flows/by-hand/x",
    ],
)
def test_a_stranger_sees_nothing(path, here):
    assert here.ask("GET", path)[0] in {401, 404}
    status, headers, _ = here.ask("GET", path, Accept="text/html")
    assert status in {303, 404}
    assert status == 404 or headers["location"].startswith("/sign-in?next=")


# Sizes and times


def test_a_body_that_is_too_large_is_rejected_announced_or_not(here, cookie):
    own = {"Cookie": cookie, "Origin": here.origin, "Content_Type": "application/json"}
    large = 3 * 1024 * 1024
    status, headers, _ = here.ask("POST", "/api/flows", b"", **own, Content_Length=str(large))
    assert status == 413
    assert headers["content-security-policy"]
    head = (
        f"POST /api/flows HTTP/1.1\r\nHost: {here.host}\r\nCookie: {cookie}\r\nOrigin: {here.origin}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    answer = here.raw(head.encode(), *[piece] * 48, b"0\r\n\r\n")
    assert answer.startswith("HTTP/1.1 413 ")
    assert "content-security-policy" in answer.lower()


def test_a_head_that_is_too_large_or_broken_is_rejected(here):
    answer = here.raw(
        f"GET / HTTP/1.1\r\nHost: {here.host}\r\nX: {'x' * 100_000}\r\nConnection: close\r\n\r\n".encode()
    )
    assert answer.startswith(("HTTP/1.1 400 ", "HTTP/1.1 431 ")) or not answer
    both = "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    answer = here.raw(f"POST / HTTP/1.1\r\nHost: {here.host}\r\nConnection: close\r\n{both}".encode())
    assert not answer.startswith("HTTP/1.1 200 ")
    twice = f"GET / HTTP/1.1\r\nHost: {here.host}\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    assert not here.raw(twice.encode()).startswith("HTTP/1.1 200 ")


# WebSockets


def test_a_socket_needs_a_session_our_origin_and_our_host(here, cookie):
    assert here.upgrade(Cookie=cookie) == 101
    assert here.upgrade() == 403
    assert here.upgrade(Cookie=cookie, Origin="https://evil.example") == 403
    assert here.upgrade(Cookie=cookie, Origin="null") == 403
    assert here.upgrade(Cookie=cookie, Host="evil.example") == 403
    assert here.upgrade("/elsewhere", Cookie=cookie) in {403, 404, 500}


def test_many_sockets_without_a_session_keep_nobody_out(here, cookie):
    assert {here.upgrade() for _ in range(200)} == {403}
    assert here.ask("GET", "/api/flows", Cookie=cookie)[0] == 200


def test_a_large_frame_ends_its_socket_only(here, cookie):
    head = (
        "GET /_nicegui_ws/socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
        f"Host: {here.host}\r\nCookie: {cookie}\r\nOrigin: {here.origin}\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    size = 5 * 1024 * 1024
    frame = b"\x81\xff" + size.to_bytes(8, "big") + b"\0\0\0\0"
    host, _, port = here.place.rpartition(":")
    with closing(socket.create_connection((host, int(port)), timeout=30)) as connection:
        connection.sendall(head.encode())
        answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 101 ")
        connection.sendall(frame + b"x" * 65536)
        while b"exceeds limit" not in answer and (part := connection.recv(65536)):
            answer += part
    assert b"exceeds limit" in answer
    assert here.ask("GET", "/api/flows", Cookie=cookie)[0] == 200


# Headers, secrets, attempts


def test_every_reply_has_the_headers_that_keep_a_browser_safe(here, server, cookie):
    for status, headers, _ in (
        here.ask("GET", "/sign-in"),
        here.ask("GET", "/", Cookie=cookie),
        here.ask("GET", "/nowhere", Cookie=cookie),
        here.ask("GET", "/api/flows", Cookie=cookie),
        here.ask("GET", "/api/flows"),
        here.ask("GET", "/", Host="evil.example"),
        here.ask("POST", "/sign-in", b"", Origin="https://evil.example"),
        here.ask("GET", "/health"),
        here.ask("POST", "/flows/by-hand/guessed", b"{}"),
    ):
        assert "default-src 'none'" in headers["content-security-policy"], status
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["strict-transport-security"] is None
    assert server.ask("GET", "/sign-in")[1]["strict-transport-security"]
    assert "unsafe-eval" not in here.ask("GET", "/api/flows")[1]["content-security-policy"]


def test_no_reply_and_no_log_has_a_secret(here, server, cookie):
    name = "with-secret"
    form = {"app": "calendly", "kind": "personal_access_token", "fields": {"token": "sandbox-owner"}}
    kind = {"Content_Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    replies = [
        here.ask("POST", f"/api/credentials/{name}", json.dumps(form).encode(), **kind),
        here.ask("GET", "/api/credentials", Cookie=cookie),
        here.ask("GET", f"/api/credentials/{name}", Cookie=cookie),
        here.ask("GET", "/", Cookie=cookie),
        here.ask(
            "POST",
            "/sign-in",
            b"token=a-wrong-secret",
            Origin=here.origin,
            Content_Type="application/x-www-form-urlencoded",
        ),
        here.ask("GET", "/sign-in?token=a-wrong-secret"),
    ]
    assert replies[0][0] == 200
    for _, headers, text in replies:
        for secret in (TOKEN, "sandbox-owner", "a-wrong-secret"):
            assert secret not in text
            assert secret not in str(headers)
    server.ask("GET", f"/sign-in?token={TOKEN}")
    server.sign_in()
    wait_for(lambda: "sign_in" in "".join(server.desk.log))
    for target in (here, server):
        log = "".join(target.desk.log)
        assert TOKEN not in log
        assert "a-wrong-secret" not in log
        assert "Traceback" not in log
    assert TOKEN not in server.desk.agent.announced


def test_attempts_are_limited_for_each_client_that_the_proxy_names(server):
    tried = [server.sign_in("wrong", X_Forwarded_For="203.0.113.7")[0] for _ in range(12)]
    assert (tried[0], tried[-1]) == (403, 429)
    assert server.sign_in(X_Forwarded_For="203.0.113.7")[0] == 429
    assert server.sign_in(X_Forwarded_For="203.0.113.7, 203.0.113.8")[0] == 303
    # What stands before the proxy's own entry was written by the client.
    assert server.sign_in(X_Forwarded_For="198.51.100.1, 203.0.113.7")[0] == 429


def test_without_a_proxy_a_client_cannot_choose_its_name(here):
    attacker = Target(here.desk, here.origin)
    attacker.source = "127.0.0.9"  # so that the other tests may go on
    tried = [attacker.sign_in("wrong", X_Forwarded_For=f"203.0.113.{last}")[0] for last in range(30)]
    assert 429 in tried
    assert here.sign_in()[0] == 303


# The server


def test_webhooks_have_a_port_on_which_nothing_else_is_served(server):
    (line,) = (one for one in server.desk.agent.announced.splitlines() if "receives webhooks" in one)
    place = urlsplit(line.rpartition(" ")[2].rstrip(".")).netloc
    hooks = Target(server.desk, SERVED_AT)
    hooks.place = place
    for path in ("/", "/sign-in", "/api/flows", "/health", "/ready", "/_nicegui/3.18.0/static/nicegui.js"):
        assert hooks.ask("GET", path)[0] == 404
    assert hooks.ask("POST", "/flows/by-hand/guessed", b"{}")[0] == 404
    assert hooks.ask("POST", "/sign-in", b"token=x")[0] == 404
    # And the port of the pages receives none.
    assert server.ask("POST", "/flows/by-hand/guessed", b"{}")[0] in {404, 405}
    assert server.ask("GET", "/ready", Host="10.0.0.7:8080")[2] == '{"status":"ready"}'


def test_the_audit_log_is_a_private_file_of_json_lines(server):
    server.sign_in()
    file = server.desk.folder / "audit.jsonl"
    entries = wait_for(lambda: [json.loads(line) for line in file.read_text().splitlines()])
    assert {"time", "by", "what", "target"} <= set(entries[0])
    assert "sign_in" in {one["what"] for one in entries}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
