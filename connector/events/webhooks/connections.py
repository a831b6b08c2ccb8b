"""Connections of a public server: silent ones are closed, and don't keep others out.

A connection waits for its client until a complete request has arrived, and again after each response. If it
has no complete head by the deadline, it is closed, whatever it sent by then. If there are too many
connections, the one that has waited longest is closed: a good client sends its request immediately. Only
requests that are being handled keep their place.
"""

import asyncio
import logging
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

_LOGGER: Final = logging.getLogger("calendly_connector.events.webhooks")


class ConnectionLimits:
    """Shared by the connections of one server, with those that wait for a request, the longest first."""

    def __init__(self, max_connections: int, head_deadline_s: float) -> None:
        self.max_connections = max_connections
        self.head_deadline_s = head_deadline_s
        self.waiting: dict[LimitedConnection, None] = {}


class LimitedConnection(H11Protocol):
    """uvicorn's protocol, with a deadline for heads and a limit on waiting connections."""

    def __init__(self, limits: ConnectionLimits, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._limits = limits
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a connection; if there are too many, close the one that has waited longest."""
        super().connection_made(transport)
        self._wait()
        while len(self.connections) >= self._limits.max_connections:
            longest = next(iter(self._limits.waiting))
            if longest is self:  # all others are being handled
                self.limit_concurrency = 0  # uvicorn answers 503 and closes
                return
            longest.drop("too many connections")

    def handle_events(self) -> None:
        """Read what arrived; stop waiting once a head or a whole request is complete."""
        super().handle_events()
        if self.cycle is None or self.cycle.response_complete:
            return
        self._stop_deadline()  # the head is complete; bodies have their own deadline
        if not self.cycle.more_body:
            self._limits.waiting.pop(self, None)

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Hand the connection over; as a WebSocket it may be silent."""
        self._stop_waiting()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        """Wait for the next request, which may have arrived already."""
        self._wait()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def drop(self, reason: str) -> None:
        """Close the connection, and stop counting it."""
        _LOGGER.info("closed a connection without a complete request: %s", reason)
        self._stop_waiting()
        self.connections.discard(self)
        self.transport.abort()

    def _wait(self) -> None:
        self._stop_waiting()
        self._limits.waiting[self] = None
        deadline_s = self._limits.head_deadline_s
        self._deadline = self.loop.call_later(deadline_s, self.drop, f"no head within {deadline_s:g} s")

    def _stop_waiting(self) -> None:
        self._limits.waiting.pop(self, None)
        self._stop_deadline()

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
