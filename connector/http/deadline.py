"""Replies that are read until a deadline at most, however slowly even their headers drip in."""

import io
import math
import socket
from collections.abc import Callable
from functools import partial
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter

_LEAST_S = 1.0  # an answer that is on its way at the deadline may come in


class PunctualAdapter(HTTPAdapter):
    """An adapter of requests whose connections stop reading when `left_s` (of the thread) is below 0."""

    def __init__(self, left_s: Callable[[], float]) -> None:
        super().__init__()
        # A bare partial would bind as a method from Python 3.14 on.
        self._response_class = staticmethod(partial(_PunctualResponse, left_s=left_s))

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Give a pool whose connections read replies with an eye on the clock."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if not hasattr(pool.ConnectionCls, "punctual"):
            punctual = {"punctual": True, "response_class": self._response_class}
            pool.ConnectionCls = type("PunctualConnection", (pool.ConnectionCls,), punctual)
        return pool


class _PunctualResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, left_s: Callable[[], float], **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_PunctualReader(self.fp.detach(), sock, left_s))


class _PunctualReader(io.RawIOBase):
    """Reads from a socket, waiting for the next byte no longer than is left."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, left_s: Callable[[], float]) -> None:
        self._raw = raw
        self._sock = sock
        self._left_s = left_s
        self._silence_s: float = sock.gettimeout() or math.inf  # as the library set it

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = self._left_s()
        if left_s < 0:
            raise TimeoutError("the deadline has passed")
        self._sock.settimeout(max(_LEAST_S, min(self._silence_s, left_s)))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
