"""The receiver as a WSGI application, for Flask, Django, gunicorn and what else speaks WSGI."""

import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Final

from .receiver import BODY_DEADLINE_S, Receiver, Reply, refusal

_PIECE: Final = 64 * 1024  # bytes

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


def wsgi(
    receiver: Receiver,
    *,
    body_deadline_s: float = BODY_DEADLINE_S,
    monotonic: Callable[[], float] = time.monotonic,
) -> Application:
    """Make the application.

    A body that is not there within `body_deadline_s` is answered 408. The clock is looked at between two
    pieces: a connection on which nothing comes at all is ended by the server's own time-out.
    """

    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        reply = answer(environ)
        text = reply.text.encode()
        headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(text))), *reply.headers]
        start_response(f"{reply.status:d} {HTTPStatus(reply.status).phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [text]

    def answer(environ: dict[str, Any]) -> Reply:
        method, query = environ["REQUEST_METHOD"], environ.get("QUERY_STRING", "")
        head = receiver.begin(method, query, _headers(environ))
        if isinstance(head, Reply):
            return head
        give_up_at = monotonic() + body_deadline_s
        body = _read(environ, receiver.largest_body, lambda: monotonic() > give_up_at)
        entry = body if isinstance(body, Reply) else receiver.read(head, body)
        return entry if isinstance(entry, Reply) else receiver.keep([entry])[0]

    return application


def _headers(environ: dict[str, Any]) -> list[tuple[str, str]]:
    named = {key.removeprefix("HTTP_"): value for key, value in environ.items() if key.startswith("HTTP_")}
    apart = {key: environ[key] for key in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(key)}
    return [(key.replace("_", "-"), value) for key, value in (named | apart).items()]


def _read(environ: dict[str, Any], largest: int, is_late: Callable[[], bool]) -> bytes | Reply:
    """Read as much as was announced, or to the end where the server says that there is one."""
    if environ.get("CONTENT_LENGTH"):
        left = int(environ["CONTENT_LENGTH"])
        announced = True
    elif environ.get("wsgi.input_terminated"):
        left, announced = largest + 1, False
    else:
        return refusal(HTTPStatus.LENGTH_REQUIRED, "no_length")
    source = environ["wsgi.input"]
    read = getattr(source, "read1", source.read)  # what is there, rather than all of it
    body = bytearray()
    try:
        while left and (piece := read(min(left, _PIECE))):
            body += piece
            left -= len(piece)
            if is_late():
                return refusal(HTTPStatus.REQUEST_TIMEOUT, "slow_body")
    except TimeoutError:
        return refusal(HTTPStatus.REQUEST_TIMEOUT, "slow_body")
    except OSError:
        return refusal(HTTPStatus.BAD_REQUEST, "cut_short")
    if announced and left:
        return refusal(HTTPStatus.BAD_REQUEST, "cut_short")
    return bytes(body)
