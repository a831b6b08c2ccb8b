"""The diagnosis of callback addresses, with real sockets on loopback."""

import socket
import time

import pytest
from calendly_connector.errors import InvalidParams
from calendly_connector.events.subscriptions import probe as module
from calendly_connector.events.subscriptions.probe import probe
from certificates import Authority
from hostile import Hostile, reply, reset, stall

HTML = {"Content-Type": "text/html; charset=utf-8"}
NAME = "hooks.acme.example"


def codes(found):
    return {one.code: one.severity for one in found}


SHORT = (0.3, 0.3)


def last(address, **options):
    """Return the finding about the post, after the one that every loopback address has."""
    first, finding = probe(address, **options)
    assert (first.severity, first.code) == ("warning", "loopback")
    assert all(one.fix for one in (first, finding) if one.severity != "ok")
    return finding


@pytest.mark.parametrize(
    ("answer", "severity", "code", "text"),
    [
        (reply(401), "ok", "refused_unsigned", "as it should be"),
        (reply(400), "ok", "refused_unsigned", "400"),
        (reply(403), "ok", "refused_unsigned", "403"),
        (reply(403, b"<html>", HTML), "warning", "page", "a gateway"),
        (reply(200), "error", "unverified", "anybody can post"),
        (reply(204), "error", "unverified", "204"),
        (reply(200, b"<html>", HTML), "error", "page", "isn't a receiver"),
        (reply(404), "error", "not_found", "the path is wrong"),
        (reply(410), "error", "gone", "Calendly then deletes the subscription"),
        (reply(405), "error", "method", "doesn't accept POST"),
        (reply(413), "warning", "refused", "413"),
        (reply(429), "warning", "refused", "429"),
        (reply(500), "error", "server_error", "500"),
        (reply(502, b"<html>", HTML), "error", "server_error", "502"),
        (b"220 ready\r\n", "error", "broken", "without an HTTP response"),
        (reset(), "error", "broken", "closed the connection"),
    ],
)
def test_the_answer_to_an_unsigned_post_is_diagnosed(answer, severity, code, text):
    with Hostile(answer) as server:
        finding = last(f"{server.url}/calendly")
    assert (finding.severity, finding.code) == (severity, code)
    assert text in finding.message


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("https://www.acme.example/hook?token=made-up-secret", "https://www.acme.example/hook."),
        ("/other", "/other."),
        ("http://[::1/", "an invalid address"),
    ],
)
def test_a_redirect_is_reported_and_not_followed(location, place):
    with Hostile(reply(301, b"", {"Location": location})) as server:
        finding = last(f"{server.url}/calendly")
        assert len(server.asked) == 1
    assert finding.code == "redirect"
    assert place in finding.message
    assert "made-up-secret" not in finding.message


def test_the_body_of_a_redirect_is_not_read():
    head = b"HTTP/1.1 302 Found\r\nLocation: https://x.example/\r\nContent-Length: 99999999\r\n\r\n"
    with Hostile(stall(head)) as server:
        assert last(server.url).code == "redirect"


def test_the_post_has_no_signature_and_no_credentials():
    with Hostile(reply(401)) as server:
        probe(f"{server.url}/calendly?tenant=7&subscription=x")
        (request,) = server.asked
    assert (request.method, request.target) == ("POST", "/calendly?tenant=7&subscription=x")
    assert not {"authorization", "cookie", "calendly-webhook-signature"} & set(request.headers)
    assert request.headers["content-type"] == "application/json"
    assert request.body == b'{"event":"calendly-connector.doctor"}'


def test_a_refused_connection_is_reported(closed_port):
    assert last(f"http://127.0.0.1:{closed_port}/").code == "refused_connection"


def test_a_receiver_that_does_not_answer_times_out():
    with Hostile(None) as server:
        assert last(server.url, timeouts_s=SHORT).code == "timeout"


def test_an_answer_that_arrives_byte_by_byte_times_out():
    def drip(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)

    began = time.monotonic()
    with Hostile(drip) as server:
        assert last(server.url, timeouts_s=SHORT).code == "timeout"
    assert time.monotonic() - began < 10


def test_a_connection_that_is_not_accepted_times_out():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(4):  # fills the queue of the system, so the next connection waits
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(listener.getsockname())
        finding = last(f"http://127.0.0.1:{listener.getsockname()[1]}/", timeouts_s=SHORT)
        for one in waiting:
            one.close()
    assert finding.code == "connect_timeout"


def test_a_slow_response_is_a_warning(monkeypatch):
    monkeypatch.setattr(module, "_SLOW_S", -1.0)
    with Hostile(reply(401)) as server:
        finding = last(server.url)
    assert (finding.severity, finding.code) == ("warning", "slow")


# --- names


def test_a_name_that_does_not_resolve_ends_the_probe():
    def resolve(host):
        raise socket.gaierror(socket.EAI_NONAME, host)

    (finding,) = probe(f"https://{NAME}/calendly", resolve=resolve)
    assert (finding.severity, finding.code) == ("error", "dns")
    assert NAME in finding.message


@pytest.mark.parametrize(
    "private",
    ["10.1.2.3", "192.168.0.7", "169.254.1.1", "127.0.0.1", "100.64.0.1", "fd00::1", "fe80::1%eth0"],
)
def test_a_name_that_resolves_to_a_private_address_is_reported(private):
    (finding,) = module._by_name(
        module.urls.parsed(f"https://{NAME}/"), lambda _host: ["93.184.215.14", private]
    )
    assert (finding.severity, finding.code) == ("error", "private")
    assert private in finding.message
    assert "93.184" not in finding.message


def test_a_public_address_is_fine():
    parts = module.urls.parsed(f"https://{NAME}/")
    assert list(module._by_name(parts, lambda _host: ["93.184.215.14", "2606:2800:21f:cb07::1"])) == []


def test_the_system_resolves_names():
    assert set(module._resolved("localhost")) & {"127.0.0.1", "::1"}


@pytest.mark.parametrize("address", ["", "hooks.acme.example", "ftp://x.example/", "https://a:b@x.example/"])
def test_an_invalid_address_is_rejected(address):
    with pytest.raises(InvalidParams):
        probe(address)


# --- proxies


def test_behind_a_proxy_no_name_is_resolved_and_no_netrc_credential_is_sent(monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text(f"machine {NAME} login ada password made-up-secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Hostile(reply(401)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        found = probe(f"http://{NAME}/calendly")
        (request,) = proxy.asked
    assert codes(found) == {"plain_http": "error", "refused_unsigned": "ok"}
    assert request.target == f"http://{NAME}/calendly"
    assert "authorization" not in request.headers


def test_a_proxy_that_rejects_the_post_is_a_warning(monkeypatch):
    with Hostile(reply(407)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        (finding,) = probe(f"https://{NAME}/calendly")
    assert (finding.severity, finding.code) == ("warning", "proxy")


# --- certificates


@pytest.fixture
def authority(tmp_path, monkeypatch):
    made = Authority(tmp_path)
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(made.trusted))
    return made


def probe_https(context):
    with Hostile(reply(401), tls=context) as server:
        return last(f"https://localhost:{server.port}/calendly")


def test_a_good_certificate_is_fine(authority):
    assert probe_https(authority.server("localhost")).code == "refused_unsigned"


@pytest.mark.parametrize(
    ("name", "more", "code"),
    [
        ("localhost", {"days": (-4000, -2000)}, "certificate_expired"),
        ("localhost", {"days": (2000, 4000)}, "certificate_early"),
        ("other.acme.example", {}, "certificate_name"),
        ("localhost", {"self_signed": True}, "certificate_self_signed"),
    ],
)
def test_a_bad_certificate_is_reported_with_its_problem(name, more, code, authority):
    finding = probe_https(authority.server(name, **more))
    assert (finding.severity, finding.code) == ("error", code)


def test_an_ip_address_does_not_match_a_certificate_for_a_name(authority):
    with Hostile(reply(401), tls=authority.server("localhost")) as server:
        assert last(server.url).code == "certificate_name"


def test_an_unknown_authority_is_reported(authority, monkeypatch, tmp_path):
    (tmp_path / "other").mkdir()
    context = authority.server("localhost")
    monkeypatch.setattr(
        "requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(Authority(tmp_path / "other").trusted)
    )
    assert probe_https(context).code == "certificate_untrusted"


def test_https_on_a_plain_http_port_is_reported():
    with Hostile(reply(401), listens=False) as server:
        assert last(server.url.replace("http:", "https:")).code == "tls"
