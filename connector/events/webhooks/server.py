"""Serves the receiver on a port with uvicorn, until SIGINT or SIGTERM."""

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Final, cast

from ...errors import UsageError
from ...support import extras
from ...support.sockets import address, listen

if TYPE_CHECKING:
    import asyncio

    import uvicorn

    from .asgi import Application

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_GRACE_S: Final = 5
_MAX_HEAD: Final = 16 * 1024  # bytes
_MAX_FRAME: Final = 2 * 1024 * 1024  # bytes, of a WebSocket
_MAX_CONNECTIONS: Final = 1000
HEAD_DEADLINE_S: Final = 10.0


def serve(
    application: "Application",
    host: str,
    port: int,
    announce: Callable[[str, Callable[[], None]], None],
    *,
    head_deadline_s: float = HEAD_DEADLINE_S,
    max_connections: int | None = None,
) -> None:
    """Serve until stopped, then finish the requests in progress. Port 0 picks a free one.

    The options are those of `serve_on`.
    """
    with listen(host, port) as listener:
        serve_on(
            listener,
            application,
            announce,
            head_deadline_s=head_deadline_s,
            max_connections=max_connections,
        )


def serve_on(
    listener: socket.socket,
    application: "Application",
    announce: Callable[[str, Callable[[], None]], None],
    *,
    head_deadline_s: float = HEAD_DEADLINE_S,
    max_connections: int | None = None,
    has_pages: bool = False,
    drain_s: float = 0.0,
    on_signal: Callable[[], None] = lambda: None,
) -> None:
    """Serve on an open port until stopped, then finish the requests in progress.

    Once it accepts requests, `announce` is called with the address and a function that stops it. If it
    `has_pages`, the application also gets WebSockets and its lifespan events.

    A signal calls `on_signal`. The port then stays open for `drain_s`, unless a second signal comes: a proxy
    needs a moment to notice that it should send no more requests.

    A connection that doesn't send the head of a request within `head_deadline_s` is closed. Up to
    `max_connections` are open at a time, by default half of the files that the process may open, at most
    1,000.
    """
    try:
        import uvicorn
    except ImportError as error:
        fix = extras.install("webhooks")
        raise UsageError(f"Receiving webhooks requires {error.name}.", fix=fix) from None
    from .connections import ConnectionLimits, LimitedConnection

    files = _files()
    most = max_connections or min(_MAX_CONNECTIONS, files // 2)

    config = uvicorn.Config(
        application,
        http=cast(
            "type[LimitedConnection]", partial(LimitedConnection, ConnectionLimits(most, head_deadline_s))
        ),
        ws=_websocket() if has_pages else "none",
        ws_max_size=_MAX_FRAME,
        loop="asyncio",
        lifespan="on" if has_pages else "off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=min(_MAX_CONNECTIONS, files // 4),  # so many are accepted before one is closed
        h11_max_incomplete_event_size=_MAX_HEAD,
        timeout_graceful_shutdown=_GRACE_S,
    )

    def stop() -> None:
        server.should_exit = True

    server = _server(config, lambda: announce(address(listener), stop), drain_s, on_signal)
    server.run(sockets=[listener])


def _server(
    config: "uvicorn.Config", started: Callable[[], None], drain_s: float, on_signal: Callable[[], None]
) -> "uvicorn.Server":
    import uvicorn

    class Server(uvicorn.Server):
        """Ends normally when stopped; uvicorn's own server raises the signal again."""

        ends_at: float | None = None

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            on_signal()
            if drain_s and self.ends_at is None:
                self.ends_at = time.monotonic() + drain_s
            else:
                super().handle_exit(sig, frame)

        async def on_tick(self, counter: int) -> bool:
            if self.ends_at is not None and time.monotonic() >= self.ends_at:
                self.should_exit = True
            return await super().on_tick(counter)

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            if threading.current_thread() is not threading.main_thread():
                yield  # only the main thread receives signals
                return
            before = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
            try:
                yield
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started()

    return Server(config)


def _websocket() -> "type[asyncio.Protocol]":
    from .sockets import WebSocket

    return WebSocket


def _files() -> int:
    """Return how many files, connections included, the process may open."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return 4 * _MAX_CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 4 * _MAX_CONNECTIONS if files == resource.RLIM_INFINITY else files
