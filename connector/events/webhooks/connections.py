"""Connections of a server that strangers reach: none stays silent for long, and silent ones keep nobody out.

A connection waits for its client until a whole request has arrived, and again after each answer. One that
has no whole head by the deadline is closed, whatever it sent by then. Where there is no room for a new one,
the one that has waited longest is closed: a good client sends its request at once. So only requests that
are being handled keep their place.
"""

import asyncio
import logging
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

_LOGGER: Final = logging.getLogger("calendly_connector.events.webhooks")


class Room:
    """What the connections of one server share."""

    def __init__(self, most: int, head_deadline_s: float) -> None:
        self.most = most
        self.head_deadline_s = head_deadline_s
        self.waiting: dict[Connection, None] = {}  # the one that has waited longest first


class Connection(H11Protocol):
    """uvicorn's protocol, with patience that ends."""

    def __init__(self, room: Room, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._room = room
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the place of whoever has waited longest, if there is no other."""
        super().connection_made(transport)
        self._wait()
        while len(self.connections) >= self._room.most:
            longest = next(iter(self._room.waiting))
            if longest is self:  # all others are being handled
                self.limit_concurrency = 0  # uvicorn answers 503 and closes
                return
            longest.leave("there is no room")

    def handle_events(self) -> None:
        """Read what came; stop waiting where it was enough."""
        super().handle_events()
        if self.cycle is None or self.cycle.response_complete:
            return
        self._stop_deadline()  # the head is there; bodies have a deadline of their own
        if not self.cycle.more_body:
            self._room.waiting.pop(self, None)

    def on_response_complete(self) -> None:
        """Wait for the next request, which may be there already."""
        self._wait()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self._stop_waiting()
        super().connection_lost(exc)

    def leave(self, why: str) -> None:
        """Close the connection. It takes up no room from now on."""
        _LOGGER.info("closed a connection without a whole request: %s", why)
        self._stop_waiting()
        self.connections.discard(self)
        self.transport.abort()

    def _wait(self) -> None:
        self._stop_waiting()
        self._room.waiting[self] = None
        deadline_s = self._room.head_deadline_s
        self._deadline = self.loop.call_later(deadline_s, self.leave, f"no head within {deadline_s:g} s")

    def _stop_waiting(self) -> None:
        self._room.waiting.pop(self, None)
        self._stop_deadline()

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
