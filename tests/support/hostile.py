"""Raw socket servers: one misbehaves on command and records its requests."""

import json
import socket
import ssl
import struct
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

DATE = "Tue, 24 Nov 2026 13:00:00 GMT"
DATE_S = 1_795_525_200.0

# Created for this file with `openssl req -x509`; nothing trusts it.
CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgD7BCC/uEPIyjSb6F
kX1Lui5aa5sZY5wmLi8lAbCxUbGhRANCAATbn+6WyXQIsAt9FMYDqcG2OX0iwbFz
8r6nyoC48xR+4WngvmRM1mL12h3Yr9QkvmCAt6i8/Qe3D81msmzPlLSk
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBkDCCATagAwIBAgIUBtJg7av/k778zW1AtNi8MQGgVTMwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyMTAyMDI1M1oYDzIxMjYxMDI4
MDIwMjUzWjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATbn+6WyXQIsAt9FMYDqcG2OX0iwbFz8r6nyoC48xR+4WngvmRM1mL1
2h3Yr9QkvmCAt6i8/Qe3D81msmzPlLSko2QwYjAdBgNVHQ4EFgQU8BKI91+CKhy3
aSl+6b3IUSu4IB0wHwYDVR0jBBgwFoAU8BKI91+CKhy3aSl+6b3IUSu4IB0wDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0gAMEUC
IQDe1giRyDE8Gt4a8kJM8OopZi7kYgiKYEsmxjsnWZaMswIgCEe+8CptDJNyPsdz
3oDrLQYKvjjoykTTlDpIC9T8F+g=
-----END CERTIFICATE-----
"""


class Asked:
    """A request as it arrived; header names in lower case."""

    def __init__(self, head, body):
        self.raw = f"{head}\r\n\r\n".encode("latin-1") + body
        line, *headers = head.split("\r\n")
        self.method, self.target, _ = line.split(" ")
        self.path = urlsplit(self.target).path
        self.query = parse_qsl(urlsplit(self.target).query)
        self.headers = {
            name.strip().lower(): value.strip() for name, _, value in (h.partition(":") for h in headers)
        }
        self.body = body


def reply(status=200, body=b"", headers=None, *, length=None):
    """Return the bytes of a reply; a body other than bytes is sent as JSON."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    standard = {"Content-Type": "application/json", "Content-Length": len(body) if length is None else length}
    lines = [
        f"{name}: {value}" for name, value in {**standard, "Connection": "close", **(headers or {})}.items()
    ]
    return "\r\n".join([f"HTTP/1.1 {status} Told", *lines, "", ""]).encode("latin-1") + body


def one(record, **headers):
    return reply(200, {"resource": record}, headers)


def page(records, token=None, **headers):
    return reply(200, {"collection": records, "pagination": {"next_page_token": token}}, headers)


def reset(before=b""):
    """Return a step that sends some bytes and then resets the connection."""

    def step(connection):
        connection.sendall(before)
        never_linger(connection)

    return step


def never_linger(connection):
    """Make a connection end with a reset when it is closed."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def endless(head, piece):
    """Return a step that sends a head and then pieces until the client disconnects."""

    def step(connection):
        with suppress(OSError):
            connection.sendall(head)
            while True:
                connection.sendall(piece)

    return step


def stall(before):
    """Return a step that sends some bytes and then nothing until the client disconnects."""

    def step(connection):
        connection.sendall(before)
        connection.recv(1)

    return step


class Listener:
    """Accepts connections on a local port, and handles each in a thread of its own.

    `tls` may be a context with the test's own certificate.
    """

    def __init__(self, *, tls=False):
        self.asked = []
        self._done = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._context = _tls_context() if tls is True else tls or None
        self.port = self._listener.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self._workers = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for connection, worker in self._workers:
            with suppress(OSError):  # the other end may keep it open
                connection.shutdown(socket.SHUT_RDWR)
            worker.join()

    def _accept(self):
        while not self._done.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            worker = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._workers.append((connection, worker))
            worker.start()

    def _serve(self, connection):
        with connection, suppress(OSError):
            connection.settimeout(30)
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                self._talk(connection)

    def _talk(self, connection):
        raise NotImplementedError

    def _listen(self, connection):
        """Return the next request of a connection, None at its end."""
        request = _read(connection)
        if request:
            self.asked.append(request)
        return request


class Hostile(Listener):
    """Replies to the n-th request with the n-th step: bytes to send, or a function of the connection.

    The last step replies to all further requests. `None` reads the request and never replies. A server that
    does not listen sends its first step without reading a request.
    """

    def __init__(self, *steps, tls=False, listens=True):
        super().__init__(tls=tls)
        self._listens = listens
        self._steps = steps

    def _talk(self, connection):
        if not self._listens:
            connection.recv(65536)
            connection.sendall(self._steps[0])
        elif self._listen(connection):
            step = self._steps[min(len(self.asked), len(self._steps)) - 1]
            if step is None:
                self._done.wait()
            elif isinstance(step, bytes):
                connection.sendall(step)
            else:
                step(connection)


def _read(connection):
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65536)
        if not piece:
            return None
        head += piece
    head, _, body = head.partition(b"\r\n\r\n")
    text = head.decode("latin-1")
    request = Asked(text, b"")
    while len(body) < int(request.headers.get("content-length", 0)):
        body += connection.recv(65536)
    return Asked(text, body)


def _tls_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "server.pem"
        path.write_text(CERTIFICATE)
        context.load_cert_chain(path)
    return context
