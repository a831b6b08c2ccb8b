"""The addresses at which people reach the agent."""

import pytest
from calendly_connector.agent.web.sites import Site


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://agent.acme.example", "https://agent.acme.example"),
        ("https://Agent.acme.example:443/", "https://agent.acme.example"),
        ("https://agent.acme.example:8443/x", "https://agent.acme.example:8443"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_site_has_the_origin_that_browsers_write(url, origin):
    site = Site.at(url)
    assert site.origins == {origin}
    assert site.has_origin(origin)
    assert site.has_host(origin.partition("://")[2].upper())


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "https://agent.acme.example",
        "http://127.0.0.1:8081",
        "http://127.0.0.1",
        "http://127.0.0.1:8080.evil.example",
        "http://127.0.0.1:8080/",
        "https://127.0.0.1:8080",
    ],
)
def test_other_origins_are_foreign(origin):
    assert not Site.on_loopback(8080).has_origin(origin)


@pytest.mark.parametrize(
    "host", ["", "evil.example:8080", "127.0.0.1", "127.0.0.1:8081", "127.0.0.1.evil.example:8080"]
)
def test_other_hosts_are_foreign(host):
    assert not Site.on_loopback(8080).has_host(host)


def test_only_a_site_with_tls_is_secure():
    assert Site.at("https://agent.acme.example").is_secure
    assert not Site.on_loopback(8080).is_secure


def test_scripts_need_the_nonce_of_their_page_and_other_replies_have_none():
    policy = Site.on_loopback(8080).policy("abc")
    assert "script-src 'self' 'unsafe-eval' 'nonce-abc'" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'none'" in Site.on_loopback(8080).policy("")
