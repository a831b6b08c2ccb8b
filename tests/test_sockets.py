import socket
from types import SimpleNamespace

import pytest
from calendly_connector.errors import ConnectorError, UsageError
from calendly_connector.support.sockets import address, listen


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_port_takes_calls_and_tells_where(host):
    with listen(host, 0) as listener:
        at = address(listener)
        assert at.startswith("http://127.0.0.1:")
        socket.create_connection(("127.0.0.1", int(at.rpartition(":")[2]))).close()


def test_an_ipv6_address_is_written_in_brackets():
    listener = SimpleNamespace(getsockname=lambda: ("::1", 8080, 0, 0))
    assert address(listener) == "http://[::1]:8080"


def test_a_port_that_is_taken_is_told_of(closed_port):
    with pytest.raises(ConnectorError, match=f"Port {closed_port} is in use"):
        listen("127.0.0.1", closed_port)


@pytest.mark.parametrize("host", ["a..b", "x" * 300])
def test_what_can_be_no_host_is_refused(host):
    with pytest.raises(UsageError, match="Invalid host name") as caught:
        listen(host, 0)
    assert len(str(caught.value)) < 200
