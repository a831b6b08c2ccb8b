"""Serves the receiver on a port, through uvicorn, until SIGINT or SIGTERM."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from ...errors import UsageError
from ...support.sockets import address, listen

if TYPE_CHECKING:
    from .asgi import Application

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_GRACE_S: Final = 5
_LONGEST_HEAD: Final = 16 * 1024  # bytes
_MOST_CONNECTIONS: Final = 1000
HEAD_DEADLINE_S: Final = 10.0


def serve(
    application: "Application",
    host: str,
    port: int,
    announce: Callable[[str, Callable[[], None]], None],
    *,
    head_deadline_s: float = HEAD_DEADLINE_S,
    most_connections: int | None = None,
) -> None:
    """Serve, and answer what is under way before the end.

    Once it listens, `announce` is given the address and what ends it. Port 0 takes a free one. A connection
    that does not send the head of a request within `head_deadline_s` is closed. There is room for
    `most_connections`, by default for as many as half of the files that the process may open.
    """
    try:
        import uvicorn
    except ImportError as error:
        raise UsageError(
            f"Receiving webhooks needs {error.name}.", fix="pip install 'calendly-connector[webhooks]'"
        ) from None
    from .connections import Connection, Room

    files = _files()
    most = most_connections or min(_MOST_CONNECTIONS, files // 2)

    class Server(uvicorn.Server):
        """Takes being stopped for success; uvicorn's own would raise the signal again."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            if threading.current_thread() is not threading.main_thread():
                yield  # signals reach the main thread alone
                return
            before = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
            try:
                yield
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            announce(address(listener), stop)

    config = uvicorn.Config(
        application,
        http=cast("type[Connection]", partial(Connection, Room(most, head_deadline_s))),
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=min(_MOST_CONNECTIONS, files // 4),  # so many are let in before one of them is closed
        h11_max_incomplete_event_size=_LONGEST_HEAD,
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = Server(config)

    def stop() -> None:
        server.should_exit = True

    with listen(host, port) as listener:
        server.run(sockets=[listener])


def _files() -> int:
    """Return how many files the process may have open; connections are files too."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return 4 * _MOST_CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 4 * _MOST_CONNECTIONS if files == resource.RLIM_INFINITY else files
