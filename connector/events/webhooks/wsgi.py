"""The receiver as a WSGI application, for Flask, Django, gunicorn and others."""

import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Final

from .receiver import BODY_DEADLINE_S, Receiver, WebhookResponse, reject

_CHUNK: Final = 64 * 1024  # bytes

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


def wsgi(
    receiver: Receiver,
    *,
    body_deadline_s: float = BODY_DEADLINE_S,
    monotonic: Callable[[], float] = time.monotonic,
) -> Application:
    """Return the application.

    A body that isn't complete within `body_deadline_s` is answered with 408. The clock is checked between two
    chunks; if no data arrives at all, the server's own timeout ends the connection.
    """

    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        response = answer(environ)
        text = response.text.encode()
        headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(text))), *response.headers]
        start_response(f"{response.status:d} {HTTPStatus(response.status).phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [text]

    def answer(environ: dict[str, Any]) -> WebhookResponse:
        method, query = environ["REQUEST_METHOD"], environ.get("QUERY_STRING", "")
        head = receiver.begin(method, query, _headers(environ))
        if isinstance(head, WebhookResponse):
            return head
        give_up_at = monotonic() + body_deadline_s
        body = _read(environ, receiver.largest_body, lambda: monotonic() > give_up_at)
        entry = body if isinstance(body, WebhookResponse) else receiver.read(head, body)
        return entry if isinstance(entry, WebhookResponse) else receiver.store([entry])[0]

    return application


def _headers(environ: dict[str, Any]) -> list[tuple[str, str]]:
    named = {key.removeprefix("HTTP_"): value for key, value in environ.items() if key.startswith("HTTP_")}
    apart = {key: environ[key] for key in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(key)}
    return [(key.replace("_", "-"), value) for key, value in (named | apart).items()]


def _read(environ: dict[str, Any], largest: int, is_late: Callable[[], bool]) -> bytes | WebhookResponse:
    """Read as much as was announced, or to the end if the server marks it."""
    if environ.get("CONTENT_LENGTH"):
        left = int(environ["CONTENT_LENGTH"])
        announced = True
    elif environ.get("wsgi.input_terminated"):
        left, announced = largest + 1, False
    else:
        return reject(HTTPStatus.LENGTH_REQUIRED, "no_length")
    source = environ["wsgi.input"]
    read = getattr(source, "read1", source.read)  # returns what has arrived
    body = bytearray()
    try:
        while left and (chunk := read(min(left, _CHUNK))):
            body += chunk
            left -= len(chunk)
            if is_late():
                return reject(HTTPStatus.REQUEST_TIMEOUT, "slow_body")
    except TimeoutError:
        return reject(HTTPStatus.REQUEST_TIMEOUT, "slow_body")
    except OSError:
        return reject(HTTPStatus.BAD_REQUEST, "cut_short")
    if announced and left:
        return reject(HTTPStatus.BAD_REQUEST, "cut_short")
    return bytes(body)
