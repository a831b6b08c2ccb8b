"""The receiver behind real servers, and posts over plain sockets."""

import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

from calendly_connector.events.webhooks.asgi import asgi
from calendly_connector.events.webhooks.receiver import BODY_DEADLINE_S
from calendly_connector.events.webhooks.server import serve
from calendly_connector.events.webhooks.signature import HEADER, sign
from calendly_connector.events.webhooks.wsgi import wsgi
from locations import PAYLOADS

T = 1_795_015_301
KEY = "made-up-signing-key"
OTHER_KEY = "another-made-up-key"
EVENTS = PAYLOADS / "webhooks"
BODY = (EVENTS / "invitee.created.json").read_bytes()
WAIT_S = 30


def signed(body, key=KEY, at=T):
    return (HEADER, sign(body, key, at))


@dataclass(frozen=True)
class Post:
    """A post, by default a valid one."""

    body: bytes = BODY
    signature: tuple[tuple[str, str], ...] | None = None
    method: str = "POST"
    path: str = "/"
    query: str = ""
    content_type: str | None = "application/json"
    more: tuple[tuple[str, str], ...] = ()
    length: str | None = None  # Default: the length of the body

    @property
    def headers(self):
        kind = [("Content-Type", self.content_type)] if self.content_type is not None else []
        proof = (signed(self.body),) if self.signature is None else self.signature
        length = str(len(self.body)) if self.length is None else self.length
        framing = [("Content-Length", length)] if length else []
        return [*kind, *proof, *self.more, *framing]

    def head(self):
        lines = [f"{self.method} {self.path}?{self.query} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def event(number):
    """Return the body of a booking, a different one for each number."""
    document = json.loads(BODY)
    document["payload"]["uri"] += f"-{number}"
    return json.dumps(document).encode()


def exchange(url, *pieces):
    """Send pieces over one connection; return status, headers (names in lower case) and body of the reply."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=WAIT_S) as client:
        try:
            for piece in pieces:
                client.sendall(piece)
        except OSError:
            pass  # the reply came before everything was sent
        return parsed(read_all(client))


def read_all(client):
    answer = b""
    try:
        while piece := client.recv(65536):
            answer += piece
    except ConnectionResetError:
        pass  # the server closed without reading the whole post
    return answer


def parsed(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, body.decode()


def by_asgi(receiver, *, body_deadline_s=BODY_DEADLINE_S, **options):
    """Serve a receiver like the command line does; yield the URL."""
    return served(asgi(receiver, body_deadline_s=body_deadline_s), **options)


@contextmanager
def served(application, **options):
    """Serve an ASGI application; yield the URL."""
    done, announced = threading.Event(), {}

    def announce(url, stop):
        announced.update(url=url, stop=stop)
        done.set()

    def run():
        try:
            serve(application, "127.0.0.1", 0, announce, **options)
        finally:
            done.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert done.wait(WAIT_S)
    try:
        yield announced["url"]
    finally:
        announced["stop"]()
        thread.join(WAIT_S)
        assert not thread.is_alive()


class _Quiet(WSGIRequestHandler):
    timeout = 0.5  # socket timeout

    def log_message(self, *_arguments):
        pass


@contextmanager
def by_wsgi(receiver, **options):
    """Serve a receiver with the standard library's server; yield the URL."""
    with make_server("127.0.0.1", 0, wsgi(receiver, **options), handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(WAIT_S)
