"""Serves the receiver on a port, through uvicorn, until SIGINT or SIGTERM."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ..errors import UsageError
from ..listening import address, listen

if TYPE_CHECKING:
    from .asgi import Application

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_GRACE_S: Final = 5
_LONGEST_HEAD: Final = 16 * 1024  # bytes
_MOST_CONNECTIONS: Final = 1000


def serve(
    application: "Application", host: str, port: int, announce: Callable[[str, Callable[[], None]], None]
) -> None:
    """Serve, and answer what is under way before the end.

    Once it listens, `announce` is given the address and what ends it. Port 0 takes a free one.
    """
    try:
        import uvicorn
    except ImportError as error:
        raise UsageError(
            f"Receiving webhooks needs {error.name}.", fix="pip install 'calendly-connector[webhooks]'"
        ) from None

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
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MOST_CONNECTIONS,
        h11_max_incomplete_event_size=_LONGEST_HEAD,
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = Server(config)

    def stop() -> None:
        server.should_exit = True

    with listen(host, port) as listener:
        server.run(sockets=[listener])
