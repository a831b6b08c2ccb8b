"""A proxy between a client and a local server that corrupts replies on command."""

import math
import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from hostile import Listener, never_linger

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *([0-9]+)")


@dataclass(frozen=True)
class Step:
    """How the proxy changes one request and its reply. Default: no change.

    Attributes:
        forward: whether the server gets the request; if not, there is no reply.
        chunked: size of the body's chunks in bytes; 0 keeps its Content-Length.
        cut: bytes of the reply after which the connection ends, including the head; negative: from its end.
        abruptly: whether the connection ends with a reset.
        leave: whether the connection is closed while idle, after a whole reply.
        hold: whether the reply is held until `release` or the end.
        tick: called before each byte, which is then sent on its own.
    """

    forward: bool = True
    chunked: int = 0
    cut: int | None = None
    abruptly: bool = False
    leave: bool = False
    hold: bool = False
    tick: Callable[[], None] | None = None

    @property
    def ends(self):
        """Whether the connection ends with this reply."""
        return self.leave or not self.forward or self.cut is not None


class Proxy(Listener):
    """Forwards requests to a server (with a `url`); the n-th gets the n-th step, the rest get `then`.

    `left` is set when a connection was closed while idle.
    """

    def __init__(self, server, *steps, then=None):
        super().__init__()
        self.left = threading.Event()
        self._address = ("127.0.0.1", urlsplit(server.url).port)
        self._steps = iter(steps)
        self._then = then or Step()
        self._released = threading.Event()

    def release(self):
        """Release held replies."""
        self._released.set()

    def __exit__(self, *exit_):
        self.release()
        super().__exit__(*exit_)

    def _talk(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while request := self._listen(connection):
            step = next(self._steps, self._then)
            answer = self._answer(request.raw) if step.forward else b""
            whole = len(answer) == _length(answer)  # unless the server broke off
            if step.chunked and whole:
                answer = _chunked(answer, step.chunked)
            if step.hold:
                self._released.wait()
            _send(connection, answer[: step.cut], step.tick)
            if step.ends or not whole:
                if step.abruptly:
                    never_linger(connection)
                break
        connection.close()
        self.left.set()

    def _answer(self, request):
        """Return the server's reply, as much of it as arrives."""
        answer = b""
        with suppress(OSError), socket.create_connection(self._address, timeout=30) as server:
            server.sendall(request)
            while len(answer) < _length(answer) and (piece := server.recv(65536)):
                answer += piece
        return answer


def _length(answer):
    """Return the total length of a reply according to its headers, infinite before their end."""
    head, gap, _ = answer.partition(b"\r\n\r\n")
    if not gap:
        return math.inf
    match = _LENGTH.search(head)
    return len(head) + len(gap) + (int(match[1]) if match else 0)


def _chunked(answer, size):
    head, gap, body = answer.partition(b"\r\n\r\n")
    pieces = [body[place : place + size] for place in range(0, len(body), size)]
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""]]
    return _LENGTH.sub(b"\r\ntransfer-encoding: chunked", head) + gap + b"".join(chunks)


def _send(connection, answer, tick):
    if tick is None:
        connection.sendall(answer)
        return
    for place in range(len(answer)):
        tick()
        connection.sendall(answer[place : place + 1])
