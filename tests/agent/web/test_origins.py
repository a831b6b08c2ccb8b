"""The address at which a person uses the agent: an application sends them back there."""

import pytest
from calendly_connector.agent.web.sites import Site


@pytest.mark.parametrize(
    ("site", "host", "origin"),
    [
        (Site.on_loopback(8080), "localhost:8080", "http://localhost:8080"),
        (Site.on_loopback(8080), "127.0.0.1:8080", "http://127.0.0.1:8080"),
        (Site.at("https://agent.acme.example"), "AGENT.acme.example", "https://agent.acme.example"),
        (Site.at("https://agent.acme.example"), "evil.example", "https://agent.acme.example"),
    ],
)
def test_the_origin_is_that_of_the_site_whatever_a_request_claims(site, host, origin):
    assert site.origin_at(host) == origin
