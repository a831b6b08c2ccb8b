"""An adapter for `requests` that reads replies until a deadline, even if their headers drip in slowly."""

import io
import math
import socket
from collections.abc import Callable
from functools import partial
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter

_CONNECTIONS = 50  # kept open for later calls; recipes make so many calls at a time
_GRACE_S = 1.0  # a reply that is on its way at the deadline may still arrive


class DeadlineAdapter(HTTPAdapter):
    """An adapter whose connections stop reading once `left_s()` is negative in the reading thread."""

    def __init__(self, left_s: Callable[[], float]) -> None:
        super().__init__(pool_maxsize=_CONNECTIONS)
        # A bare partial would bind as a method from Python 3.14 on.
        self._response_class = staticmethod(partial(_DeadlineResponse, left_s=left_s))

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return a pool whose connections respect the deadline."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if not hasattr(pool.ConnectionCls, "has_deadline"):
            members = {"has_deadline": True, "response_class": self._response_class}
            pool.ConnectionCls = type("DeadlineConnection", (pool.ConnectionCls,), members)
        return pool


class _DeadlineResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, left_s: Callable[[], float], **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock, left_s))


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket and waits for the next byte no longer than the read time-out or the deadline."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, left_s: Callable[[], float]) -> None:
        self._raw = raw
        self._sock = sock
        self._left_s = left_s
        self._read_timeout_s: float = sock.gettimeout() or math.inf  # as set by the library

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = self._left_s()
        if left_s < 0:
            raise TimeoutError("the deadline has passed")
        self._sock.settimeout(min(self._read_timeout_s, max(_GRACE_S, left_s)))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
