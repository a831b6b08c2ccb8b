"""A port to listen on, and its address."""

import errno
import os
import socket

from ..errors import ConnectorError, UsageError


def listen(host: str, port: int) -> socket.socket:
    """Open a port for TCP, 0 for any free one; the caller closes it. Raises ConnectorError, UsageError."""
    try:
        # Naming TCP matters: for other sockets asyncio leaves Nagle's delay on.
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, kind, protocol, _, place = places[0]
        listener = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":  # elsewhere it would let another program listen on the same port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            listener.listen()
        except OSError:
            listener.close()
            raise
    except UnicodeError:  # names go through an encoding of their own
        raise UsageError(f"{host[:100]!r} is no name of a host.", fix="Choose another --host.") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConnectorError(f"Port {port} is in use.", fix="Pass --port 0 for a free one.") from None
        raise ConnectorError(
            f"Port {port} of {host} cannot be listened on: {error.strerror}.",
            fix="Choose another --port or --host.",
        ) from None
    return listener


def address(listener: socket.socket) -> str:
    """Give where a port is reached, such as `http://127.0.0.1:8080`."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
