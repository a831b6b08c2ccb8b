"""Waits on a port of this machine for the one answer that a sign-in gets through the browser."""

from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from queue import Empty, Full, Queue
from socket import AF_INET, AF_INET6
from socketserver import ThreadingTCPServer
from threading import Thread
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import SplitResult, urlsplit

from ...errors import ConnectorError, SignInFailed, UsageError
from ...http.protocol import LOOPBACK
from . import consent
from .consent import Consent

_NOT_THE_ANSWER: Final = frozenset({"redirect", "state"})
_PAGE: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>:root {{ color-scheme: light dark; }} body {{ font: 1rem/1.5 sans-serif; margin: 3rem; }}</style>
</head>
<body><h1>{title}</h1><p>{text}</p></body></html>
"""
_HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Connection": "close",
}


def is_here(redirect_uri: str) -> bool:
    """Whether a redirect address is one of this machine, on which can be waited."""
    parts = _split(redirect_uri)
    return parts.scheme == "http" and parts.hostname in LOOPBACK


def without_port_0(redirect_uri: str) -> str:
    """Give the address where nobody listens: any port will do then."""
    parts = _split(redirect_uri)
    if parts.port != 0:
        return redirect_uri
    return parts._replace(netloc=parts.netloc.removesuffix(":0")).geturl()


class Listener:
    """Listens at a redirect address of this machine until it is closed; on a free port where that is 0."""

    def __init__(self, redirect_uri: str) -> None:
        parts = _split(redirect_uri)
        port = 80 if parts.port is None else parts.port
        try:
            self._server = _Server(parts.hostname or "", port)
        except OSError as error:
            raise ConnectorError(
                f"Nothing can listen at {redirect_uri}: {error.strerror or 'the port is not free'}.",
                fix="End what uses the port, or sign in with --no-browser.",
            ) from None
        host = parts.netloc.removesuffix(":0")
        free = f"{host}:{self._server.server_address[1]}" if parts.port == 0 else parts.netloc
        self.redirect_uri = parts._replace(netloc=free).geturl()

    def expect(self, asked: Consent) -> None:
        """Take the answer to a consent from now on."""
        self._server.asked = asked
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def wait(self, timeout_s: float) -> str:
        """Give the address that the person was sent back to. Raises SignInFailed if nobody comes."""
        try:
            return self._server.answers.get(timeout=timeout_s)
        except Empty:
            raise SignInFailed(
                f"No answer came within {timeout_s:.0f} s.",
                fix="Sign in again, and press Allow in the browser; or sign in with --no-browser.",
                reason="timeout",
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if self._server.asked is not None:
            self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingTCPServer):
    """Threads, since a browser opens connections that it may never use."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 16

    def __init__(self, host: str, port: int) -> None:
        self.asked: Consent | None = None
        self.answers: Queue[str] = Queue(1)
        self.address_family = AF_INET6 if host == "::1" else AF_INET
        super().__init__(("127.0.0.1" if host == "localhost" else host, port), _Handler)

    def handle_error(self, *_about: Any) -> None:
        """Say nothing: a browser that breaks off is no news, and what it asked for holds a code."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10.0

    def do_GET(self) -> None:
        """Take the answer, or say what is wrong with it."""
        asked = self.server.asked
        if asked is None or not consent.is_address(asked, address := _address(asked, self.path)):
            self._say(HTTPStatus.NOT_FOUND, "Nothing is here", "The sign-in goes on in another window.")
            return
        try:
            consent.read_answer(asked, address)
        except SignInFailed as error:
            if error.reason in _NOT_THE_ANSWER:
                self._say(HTTPStatus.BAD_REQUEST, "This is not the answer", f"{error.message} Still waiting.")
                return
            title, text = "Not signed in", str(error)
        else:
            title, text = "Thank you", "You may close this window. The terminal says how it went."
        try:
            self.server.answers.put_nowait(address)
        except Full:
            self._say(HTTPStatus.GONE, "Answered already", "You may close this window.")
            return
        self._say(HTTPStatus.OK, title, text)

    def log_message(self, *_about: Any) -> None:
        """Log nothing: the address holds a code."""

    def version_string(self) -> str:
        """Name the program, not its versions."""
        return "calendly-connector"

    def _say(self, status: HTTPStatus, title: str, text: str) -> None:
        page = _PAGE.format(title=escape(title), text=escape(text)).encode()
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Length": str(len(page))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page)


def _address(asked: Consent, target: str) -> str:
    parts = urlsplit(asked.redirect_uri)
    return f"{parts.scheme}://{parts.netloc}{target}"


def _split(redirect_uri: str) -> SplitResult:
    try:
        parts = urlsplit(redirect_uri)
        known = parts.port is None or parts.port >= 0
    except ValueError:
        known = False
    if not known or not parts.hostname or parts.scheme not in {"http", "https"} or parts.fragment:
        raise UsageError(
            "The redirect address is none.",
            fix="Give it as the app's page in Calendly has it, with http(s)://.",
        )
    return parts
