"""Opens a port to listen on."""

import errno
import os
import socket

from ..errors import ConnectorError, UsageError


def listen(host: str, port: int) -> socket.socket:
    """Open a TCP port, 0 for any free one. The caller closes it. Raises ConnectorError or UsageError."""
    try:
        # TCP must be named: asyncio disables Nagle's delay only for such sockets.
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, kind, protocol, _, place = places[0]
        listener = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":  # elsewhere it lets other programs use the same port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            listener.listen()
        except OSError:
            listener.close()
            raise
    except UnicodeError:  # from the encoding of host names (IDNA)
        raise UsageError(f"Invalid host name {host[:100]!r}.", fix="Choose another --host.") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConnectorError(f"Port {port} is in use.", fix="Pass --port 0 for a free one.") from None
        raise ConnectorError(
            f"Can't listen on port {port} of {host}: {error.strerror}.",
            fix="Choose another --port or --host.",
        ) from None
    return listener


def address(listener: socket.socket) -> str:
    """Return the URL of a port, such as `http://127.0.0.1:8080`."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
