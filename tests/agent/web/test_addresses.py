"""No address that a person may type in leads the agent into its own network."""

import socket
from contextlib import closing

import pytest
from calendly_connector.agent import api
from starlette.testclient import TestClient

pytest_plugins = ["agent_workspace"]

# Every field of a credential that is an address to which the agent connects, and what guards it.
GUARDED = {
    ("http", "address"),  # agent/destinations/http/addresses.py, at each connection
    ("http", "url"),
    ("sql", "url"),  # a database, which usually is in the own network; nothing but its protocol is spoken
}
# People's browsers go there, the agent doesn't.
NOT_CALLED = {("calendly", "redirect_uri")}


@pytest.fixture(scope="module")
def call(workspace):
    with TestClient(api.application(workspace)) as client:
        yield lambda path, body: client.post(path, json=body)


@pytest.fixture(scope="module")
def inside():
    """Yield a port of this machine, which counts who connects."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(0.2)
        yield server


def test_every_field_that_may_be_an_address_is_known(workspace):
    found = {
        (app, field.path)
        for app, connector in workspace.connectors.items()
        for kind in connector.manifest.credentials.values()
        for field in kind.fields
        if field.type == "uri" or {"url", "uri", "host", "address", "server"} & set(field.path.split("_"))
    }
    assert found == GUARDED | NOT_CALLED


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:{port}",
        "http://localhost:{port}",
        "http://[::1]:{port}",
        "http://[::ffff:127.0.0.1]:{port}",
        "http://2130706433:{port}",
        "http://0x7f.1:{port}",
        "http://0:{port}",
        "https://127.0.0.1:{port}",
        "https://localhost:{port}",
    ],
)
def test_an_address_of_the_own_network_is_not_called(address, call, inside):
    address = address.format(port=inside.getsockname()[1])
    form = {"app": "http", "kind": "none", "fields": {"address": address}}
    reply = call("/credentials/check", form)
    assert reply.status_code in {200, 422}
    assert call("/credentials/inside", {**form, "unchecked": True}).status_code in {200, 409}
    request = {"app": "http", "credential": "inside", "action": "http.get"}
    sent = call("/calls/run", {**request, "inputs": {"url": address}, "confirmed": True})
    assert sent.status_code in {422, 424}, sent.text
    with pytest.raises(TimeoutError):
        inside.accept()
    call("/credentials/inside/check", {})


def test_a_flow_or_a_call_cannot_name_another_host_than_its_credential(call):
    fields = {"address": "https://api.acme.example/v1"}
    form = {"app": "http", "kind": "none", "fields": fields, "unchecked": True}
    assert call("/credentials/acme", form).status_code == 200
    for url in (
        "http://127.0.0.1/",
        "//127.0.0.1/",
        "https://api.acme.example@127.0.0.1/",
        "\\\\127.0.0.1\\",
    ):
        body = {"app": "http", "credential": "acme", "action": "http.get", "confirmed": True}
        assert call("/calls/run", {**body, "inputs": {"url": url}}).status_code in {422, 424}
