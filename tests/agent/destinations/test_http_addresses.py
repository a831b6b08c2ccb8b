"""Which addresses a flow may reach, and where a URL leads, whatever it contains."""

import socket

import pytest
from calendly_connector.agent.destinations.http import connector, targets
from calendly_connector.agent.destinations.http.addresses import is_allowed
from calendly_connector.errors import InvalidParams, NoAnswer, UsageError
from hostile import Hostile, reply
from hypothesis import given
from hypothesis import strategies as st

PUBLIC = ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c")
PRIVATE = ("127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "172.31.0.1", "192.168.0.1", "100.64.0.1", "fd12::1")
NEVER = (
    "169.254.169.254",  # metadata of clouds
    "100.100.100.200",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "0.1.2.3",
    "::",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "240.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "2001:db8::1",
    "64:ff9b:1::1",
    "fec0::1",
    "4000::1",
    "not an address",
    "",
)
# Forms of IPv6 that contain an IPv4 address: mapped, compatible, NAT64, 6to4, and Teredo.
FORMS = (
    lambda ip: f"::ffff:{ip}",
    lambda ip: f"::{ip}",
    lambda ip: f"::ffff:0:{ip}",
    lambda ip: f"64:ff9b::{ip}",
    lambda ip: "2002:{:02x}{:02x}:{:02x}{:02x}::1".format(*map(int, ip.split("."))),
    lambda ip: "2001:0:5db8:d70e::{:02x}{:02x}:{:02x}{:02x}".format(
        *(255 - int(part) for part in ip.split("."))
    ),
)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address):
    assert is_allowed(address, private=False)
    assert is_allowed(address, private=True)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_need_permission(address):
    assert not is_allowed(address, private=False)
    assert is_allowed(address, private=True)


@pytest.mark.parametrize("address", NEVER)
def test_metadata_multicast_and_reserved_addresses_are_never_allowed(address):
    assert not is_allowed(address, private=False)
    assert not is_allowed(address, private=True)


@pytest.mark.parametrize("form", FORMS)
def test_an_ipv4_address_inside_an_ipv6_address_counts(form):
    assert not is_allowed(form("127.0.0.1"), private=False)
    assert not is_allowed(form("10.0.0.1"), private=False)
    assert not is_allowed(form("169.254.169.254"), private=True)


def test_a_mapped_public_address_is_allowed():
    assert is_allowed(f"::ffff:{PUBLIC[0]}", private=False)
    assert is_allowed(f"64:ff9b::{PUBLIC[0]}", private=False)


class Names:
    """Stands in for DNS and the network: answers each look-up with the next addresses."""

    def __init__(self, monkeypatch, *answers, to=None):
        self.answers = list(answers)
        self.connected = []
        self.looked_up = 0
        connect = socket.socket.connect

        def look_up(_host, port, **_):
            self.looked_up += 1
            answer = self.answers.pop(0)
            family = {False: socket.AF_INET, True: socket.AF_INET6}
            return [(family[":" in one], socket.SOCK_STREAM, 6, "", (one, port)) for one in answer]

        def connect_to(sock, place):
            self.connected.append(place[0])
            if to is None:
                raise ConnectionRefusedError
            connect(sock, ("127.0.0.1", to))

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        monkeypatch.setattr(socket.socket, "connect", connect_to)


def api(address, **more):
    return connector.connect({"kind": "none", "address": address, **more})


@pytest.mark.parametrize("bad", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::ffff:127.0.0.1", "::1"])
def test_a_name_that_leads_to_a_private_address_is_refused_before_anything_is_sent(monkeypatch, bad):
    names = Names(monkeypatch, [bad], [PUBLIC[0], bad])
    with api("https://api.acme.example") as connection:
        for _ in range(2):  # also among public addresses
            with pytest.raises(UsageError, match="may not reach"):
                connection.run("http.get")
    assert names.connected == []


def test_a_name_is_looked_up_once_and_the_checked_address_is_used(monkeypatch):
    names = Names(monkeypatch, [PUBLIC[0]], ["127.0.0.1"])  # rebound between check and use
    with api("https://api.acme.example") as connection:
        with pytest.raises(NoAnswer):
            connection.run("http.get")
        assert (names.looked_up, names.connected) == (1, [PUBLIC[0]])
        with pytest.raises(UsageError):  # a new connection is checked again
            connection.run("http.get")
    assert names.connected == [PUBLIC[0]]


def test_all_addresses_are_tried_in_their_order(monkeypatch):
    names = Names(monkeypatch, [PUBLIC[1], PUBLIC[0]])
    with api("https://api.acme.example") as connection, pytest.raises(NoAnswer, match="refused"):
        connection.run("http.get")
    assert names.connected == [PUBLIC[1], PUBLIC[0]]


def test_numbers_that_stand_for_an_address_are_resolved_before_the_check():
    for host in ("127.1", "127.0.1", "[::1]", "localhost"):
        with api(f"https://{host}:9") as connection, pytest.raises(UsageError, match="may not reach"):
            connection.run("http.get")


def test_a_private_host_can_be_allowed_by_the_credential_or_the_environment(monkeypatch):
    with Hostile(reply(200, {})) as server:
        with api(server.url, private_network="allowed") as connection:
            assert connection.run("http.get").record["status"] == 200
        with pytest.raises(UsageError, match="isn't encrypted"):
            api(server.url)
        monkeypatch.setenv("CALENDLY_AGENT_PRIVATE_HOSTS", "erp.acme.example, 127.0.0.1")
        with api(server.url) as connection:
            assert connection.run("http.get").record["status"] == 200


def test_permission_for_the_private_network_leaves_metadata_refused(monkeypatch):
    Names(monkeypatch, ["169.254.169.254"])
    with (
        api("http://169.254.169.254", private_network="allowed") as connection,
        pytest.raises(UsageError, match="may not reach"),
    ):
        connection.run("http.get", {"url": "latest/meta-data"})


def test_a_redirect_to_metadata_is_not_followed():
    with (
        Hostile(reply(302, b"", {"Location": "http://169.254.169.254/latest/meta-data"})) as server,
        api(server.url, private_network="allowed") as connection,
    ):
        with pytest.raises(Exception, match="redirects aren't followed"):
            connection.run("http.get")
        assert len(server.asked) == 1


def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with Hostile(reply(200, {})) as server, api(server.url, private_network="allowed") as connection:
        assert connection.run("http.get").record["status"] == 200


OTHERS = (
    "https://evil.example/",
    "//evil.example/x",
    "\\\\evil.example\\x",
    "/\\evil.example/x",
    "http://api.acme.example/",
    "https://api.acme.example:8443/",
    "https://api.acme.example.evil.example/",
    "https://api.acme.example@evil.example/",
    "https://user@api.acme.example/",
    "https://evil.example\\@api.acme.example/",
    "https://api.acme.example\\@evil.example/",
    "ftp://api.acme.example/",
    "https://[::1]/",
    "https://[::1",
    "https:///x",
)


@pytest.mark.parametrize("url", OTHERS)
def test_a_url_on_another_host_is_rejected(url):
    with api("https://api.acme.example/v1") as connection, pytest.raises(InvalidParams):
        connection.prepare("http.get", {"url": url})


@pytest.mark.parametrize(
    "url", ["../admin", "a/../../x", "a/%2e%2E/x", "/v1/..", "https://api.acme.example/a/../b"]
)
def test_a_value_in_a_path_cant_climb(url):
    with api("https://api.acme.example/v1") as connection, pytest.raises(InvalidParams, match=r"\.\."):
        connection.prepare("http.get", {"url": url})


@pytest.mark.parametrize(
    ("url", "query", "expected"),
    [
        ("", {}, "https://api.acme.example/v1"),
        ("orders/7", {}, "https://api.acme.example/v1/orders/7"),
        ("/v2/orders", {}, "https://api.acme.example/v2/orders"),
        (
            "https://API.acme.example:443/v2?a=1",
            {"b": [1, True]},
            "https://api.acme.example/v2?a=1&b=1&b=true",
        ),
        ("a b/ü?x=1#part", {}, "https://api.acme.example/v1/a%20b/%C3%BC?x=1"),
        ("javascript:alert", {}, "https://api.acme.example/v1/javascript:alert"),
    ],
)
def test_a_url_is_below_the_address(url, query, expected):
    assert targets.parse("https://api.acme.example/v1").below(url, query) == expected


@given(st.text())
def test_no_url_leads_to_another_origin(url):
    base = targets.parse("https://api.acme.example/v1")
    try:
        found = base.below(url, {})
    except ValueError:
        return
    assert found.startswith("https://api.acme.example/")
    assert found.isascii()
    assert found.isprintable()
    assert not set(found) & set(' \\#"<>')


def test_a_host_that_isnt_valid_is_no_crash():
    with api("https://a..example") as connection, pytest.raises(NoAnswer):
        connection.run("http.get")
