"""Run the sandbox on a loopback port: in a thread for tests, or until stopped for the command line."""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from types import TracebackType
from typing import Any, Self

import httpx
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from . import wire
from .app import CONTROL_PATH, build
from .options import SandboxOptions
from .world.world import World

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_GRACE_S = 1
_CONTROL_TIMEOUT_S = 300.0  # a control call may wait for thousands of deliveries


class _Protocol(H11Protocol):
    """Puts the connection into the scope, so that a fault can break it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        app: ASGIApp = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope[wire.TRANSPORT] = transport
            await app(scope, receive, send)

        self.app = with_transport


class _UvicornServer(uvicorn.Server):
    """Calls `announce` once it listens, and exits normally when it is stopped by a signal."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread receives signals
            return
        previous = {number: signal.signal(number, self.handle_exit) for number in _STOP_SIGNALS}
        try:
            yield  # uvicorn's own version raises the signal again afterwards
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


def _listen(options: SandboxOptions) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only for sockets that name TCP explicitly.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host, options.port))
    except OSError:
        listener.close()
        raise
    return listener


def _origin(options: SandboxOptions, listener: socket.socket) -> str:
    host = f"[{options.host}]" if ":" in options.host else options.host
    return f"http://{host}:{listener.getsockname()[1]}"


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        loop="asyncio",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,  # replies have the time of the sandbox's clock
        timeout_graceful_shutdown=_GRACE_S,
    )


def serve(options: SandboxOptions, announce: Callable[[str], None]) -> None:
    """Run until SIGINT or SIGTERM; calls `announce` with the URL once the server accepts requests."""
    with _listen(options) as listener:
        url = _origin(options, listener)
        server = _UvicornServer(_config(build(options, url).asgi), lambda: announce(url))
        server.run(sockets=[listener])


def _run(app: ASGIApp, listener: socket.socket) -> Callable[[], None]:
    """Serve in a thread; return a function that stops it."""
    started_or_failed = threading.Event()
    server = _UvicornServer(_config(app), started_or_failed.set)

    def run() -> None:
        try:
            server.run(sockets=[listener])
        finally:
            started_or_failed.set()  # don't wait for a server that failed to start

    def stop() -> None:
        server.should_exit = True
        thread.join()

    thread = threading.Thread(target=run, name="sandbox", daemon=True)
    thread.start()
    started_or_failed.wait()
    return stop


class Sandbox:
    """A sandbox in a thread, as a context manager; takes the keywords of `SandboxOptions`."""

    url: str
    world: World  # read it only: the server's thread may change it at any time

    def __init__(self, **options: Any) -> None:
        self._options = SandboxOptions(**options)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            listener = stack.enter_context(_listen(self._options))
            self.url = _origin(self._options, listener)
            application = build(self._options, self.url)
            self.world = application.world
            stack.callback(_run(application.asgi, listener))
            self._client = stack.enter_context(
                httpx.Client(
                    base_url=self.url + CONTROL_PATH,
                    trust_env=False,
                    timeout=_CONTROL_TIMEOUT_S,
                    verify=SSLContext(
                        PROTOCOL_TLS_CLIENT
                    ),  # plain HTTP: the certificates of the system, which take 30 ms, are not loaded
                )
            )
            self._closing = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def book(self, **body: Any) -> dict[str, Any]:
        """Book: `event_type, host, start_time, name, email, answers, wait`; returns invitee and event."""
        return self.control("POST", "/bookings", body)

    def cancel(self, **body: Any) -> dict[str, Any]:
        """Cancel: `invitee` or `event`, `reason, canceled_by, wait`; returns invitees and event."""
        return self.control("POST", "/cancellations", body)

    def reschedule(self, **body: Any) -> dict[str, Any]:
        """Reschedule: `invitee, start_time, wait`; returns old_invitee, invitee and event."""
        return self.control("POST", "/reschedules", body)

    def fault(self, kind: str, **body: Any) -> None:
        """Add a fault: `kind` with `method, path, times, after, status, headers, latency_s, rows`."""
        self.control("POST", "/faults", {"kind": kind, **body})

    def fail_conferences(self, failures: int = 1) -> None:
        """Make the next `failures` conferences fail; 0 makes none fail."""
        self.control("POST", "/conferences", {"failures": failures})

    def spend(self, requests: int, *, token: str) -> dict[str, Any]:
        """Use up requests of a token, like another program; returns limit, remaining and reset_s."""
        return self.control("POST", "/rate_limits/spend", {"token": token, "requests": requests})

    def requests(self) -> dict[str, Any]:
        """Return counts and the latest requests."""
        return self.control("GET", "/requests")

    def deliveries(self) -> list[dict[str, Any]]:
        """Return the status of the latest webhook messages."""
        deliveries: list[dict[str, Any]] = self.control("GET", "/deliveries")["deliveries"]
        return deliveries

    def settle(self) -> dict[str, int]:
        """Wait until no delivery is in progress or due; return the totals of all messages."""
        totals: dict[str, int] = self.control("POST", "/deliveries/settle")["totals"]
        return totals

    def advance(self, seconds: float, *, wait: bool = True) -> dict[str, Any]:
        """Move the clock forward; unless `wait` is false, stop at each delivery that becomes due."""
        return self.control("POST", "/clock", {"advance_s": seconds, "wait": wait})

    def delivery_faults(self, **body: Any) -> dict[str, Any]:
        """Set delivery faults: fields of `DeliveryFaults` and `outage_s`; without any, remove all."""
        return self.control("POST" if body else "DELETE", "/delivery_faults", body or None)

    def simulate(self, **body: Any) -> list[dict[str, Any]]:
        """Simulate invitees: `bookings, cancellations, reschedules, seed, wait`; return their actions."""
        actions: list[dict[str, Any]] = self.control("POST", "/happenings", body)["happened"]
        return actions

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call the control API; raise ValueError with its message for an error."""
        response = self._client.request(method, path, json=body)
        result: dict[str, Any] = response.json()
        if response.is_error:
            raise ValueError(result["message"])
        return result
