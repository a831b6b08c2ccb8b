import socket
from types import SimpleNamespace

import pytest
from calendly_connector.errors import ConnectorError, UsageError
from calendly_connector.support.sockets import address, listen


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_port_accepts_connections_at_its_url(host):
    with listen(host, 0) as listener:
        at = address(listener)
        assert at.startswith("http://127.0.0.1:")
        socket.create_connection(("127.0.0.1", int(at.rpartition(":")[2]))).close()


def test_an_ipv6_address_is_written_in_brackets():
    listener = SimpleNamespace(getsockname=lambda: ("::1", 8080, 0, 0))
    assert address(listener) == "http://[::1]:8080"


def test_a_port_in_use_is_an_error(closed_port):
    with pytest.raises(ConnectorError, match=f"Port {closed_port} is in use"):
        listen("127.0.0.1", closed_port)


@pytest.mark.parametrize("host", ["a..b", "x" * 300])
def test_an_invalid_host_name_is_rejected(host):
    with pytest.raises(UsageError, match="Invalid host name") as caught:
        listen(host, 0)
    assert len(str(caught.value)) < 200
