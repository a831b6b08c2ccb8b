"""A local web server that waits for the browser to be redirected at the end of a sign-in."""

from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from queue import Empty, Full, Queue
from socket import AF_INET, AF_INET6
from socketserver import ThreadingTCPServer
from threading import Thread
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

from ...contract import SignInRequest
from ...errors import ConnectorError, SignInFailed
from ...http.protocol import LOOPBACK
from . import consent

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


def is_loopback(redirect_uri: str) -> bool:
    """Whether a redirect URI points to this machine, where a Listener can wait."""
    parts = consent.split_redirect_uri(redirect_uri)
    return parts.scheme == "http" and parts.hostname in LOOPBACK


def without_port_0(redirect_uri: str) -> str:
    """Return the URI without port 0, which stands for any free port: nothing will listen there."""
    parts = consent.split_redirect_uri(redirect_uri)
    if parts.port != 0:
        return redirect_uri
    return parts._replace(netloc=parts.netloc.removesuffix(":0")).geturl()


class Listener:
    """Listens at a loopback redirect URI until it is closed. Port 0 is any free port."""

    def __init__(self, redirect_uri: str) -> None:
        parts = consent.split_redirect_uri(redirect_uri)
        port = 80 if parts.port is None else parts.port
        try:
            self._server = _RedirectServer(parts.hostname or "", port)
        except OSError as error:
            raise ConnectorError(
                f"Can't listen at {redirect_uri}: {error.strerror or 'the port is in use'}.",
                fix="Stop the program that uses the port, or sign in with --no-browser.",
            ) from None
        host = parts.netloc.removesuffix(":0")
        free = f"{host}:{self._server.server_address[1]}" if parts.port == 0 else parts.netloc
        self.redirect_uri = parts._replace(netloc=free).geturl()

    def expect(self, expected: SignInRequest) -> None:
        """Start to accept the redirect of this sign-in."""
        self._server.expected = expected
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def wait(self, timeout_s: float) -> str:
        """Return the URL that the person was redirected to. Raises SignInFailed after `timeout_s`."""
        try:
            return self._server.answers.get(timeout=timeout_s)
        except Empty:
            raise SignInFailed(
                f"No answer within {timeout_s:.0f} s.",
                fix="Sign in again and press Allow in the browser, or sign in with --no-browser.",
                reason="timeout",
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        if self._server.expected is not None:
            self._server.shutdown()
        self._server.server_close()


class _RedirectServer(ThreadingTCPServer):
    """Threaded, because a browser opens connections that it may never use."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 16

    def __init__(self, host: str, port: int) -> None:
        self.expected: SignInRequest | None = None
        self.answers: Queue[str] = Queue(1)
        self.address_family = AF_INET6 if host == "::1" else AF_INET
        super().__init__(("127.0.0.1" if host == "localhost" else host, port), _RedirectHandler)

    def handle_error(self, *_about: Any) -> None:
        """Ignore it: browsers close connections early, and the request contains a code."""


class _RedirectHandler(BaseHTTPRequestHandler):
    server: _RedirectServer
    timeout = 10.0

    def do_GET(self) -> None:
        """Accept the redirect, or show what is wrong with it."""
        expected = self.server.expected
        if expected is None or not consent.is_redirect(expected, url := _full_url(expected, self.path)):
            self._show(HTTPStatus.NOT_FOUND, "Page not found", "Continue the sign-in in the other window.")
            return
        try:
            consent.read_redirect(expected, url)
        except SignInFailed as error:
            if error.reason in _NOT_THE_ANSWER:
                self._show(HTTPStatus.BAD_REQUEST, "Not the right page", f"{error.message} Still waiting.")
                return
            title, text = "Not signed in", str(error)
        else:
            title, text = "Thank you", "You can close this window. The result is in your terminal."
        try:
            self.server.answers.put_nowait(url)
        except Full:
            self._show(HTTPStatus.GONE, "Already answered", "You can close this window.")
            return
        self._show(HTTPStatus.OK, title, text)

    def log_message(self, *_about: Any) -> None:
        """Log nothing: the URL contains a code."""

    def version_string(self) -> str:
        """Name the program without versions."""
        return "calendly-connector"

    def _show(self, status: HTTPStatus, title: str, text: str) -> None:
        page = _PAGE.format(title=escape(title), text=escape(text)).encode()
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Length": str(len(page))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page)


def _full_url(expected: SignInRequest, target: str) -> str:
    parts = urlsplit(expected.redirect_uri)
    return f"{parts.scheme}://{parts.netloc}{target}"
