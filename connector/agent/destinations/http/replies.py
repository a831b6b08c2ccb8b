"""What a reply means: a record, or an error with advice. Pure."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from ....contract import Record
from ....errors import (
    CalendlyDown,
    CalendlyError,
    NotFound,
    PermissionDenied,
    RateLimited,
    Rejected,
    Unauthenticated,
)
from ....http.headers import retry_after_s
from ....support import json_documents
from ....support.redaction import redact, shortened

_HEADERS: Final = ("content-type", "etag", "location", "last-modified", "x-request-id", "request-id")
_MAX_QUOTE: Final = 200
_FIRST_ERROR: Final = 400
_FIRST_DOWN: Final = 500


def record(status: int, headers: Mapping[str, str], body: bytes) -> Record:
    """Return the record for a reply. A body that isn't JSON is its `text`."""
    document, is_json = _document(headers, body)
    return {
        "status": status,
        "headers": {name: headers[name] for name in _HEADERS if name in headers},
        "json": document,
        "text": None if is_json else _text(headers, body),
    }


def error(
    host: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    repeatable: bool,
    secrets: tuple[str, ...],
) -> CalendlyError:
    """Return the error for a reply with an error status. Its message quotes the start of a short reply."""
    words = " ".join(body[: 4 * _MAX_QUOTE].decode(errors="replace").split())
    quote = f": {shortened(redact(words, *secrets), _MAX_QUOTE)}" if words and "<" not in words[:1] else ""
    message = f"{host} answered {status}{quote}".rstrip(".") + "."
    request_id = headers.get("x-request-id") or headers.get("request-id")
    known: dict[str, Any] = {"status": status, "request_id": request_id}
    if status == HTTPStatus.UNAUTHORIZED:
        return Unauthenticated(message, fix="Check the credential.", **known)
    if status == HTTPStatus.FORBIDDEN:
        return PermissionDenied(message, fix="Check what the credential may do there.", **known)
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        return NotFound(message, fix="Check the URL.", **known)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait_s = retry_after_s(headers)
        fix = "Try again later." if wait_s is None else f"Try again in {wait_s:.0f} s."
        return RateLimited(message, fix=fix, retry_after_s=wait_s, **known)
    if status < _FIRST_DOWN:
        return Rejected(message, fix="Check the inputs against the API's documentation.", **known)
    return CalendlyDown(
        message,
        fix="Try again later."
        if repeatable
        else "Check whether it was carried out before you send it again.",
        retry_after_s=retry_after_s(headers),
        may_have_happened=not repeatable,
        **known,
    )


def is_error(status: int) -> bool:
    """Return whether a status is an error."""
    return status >= _FIRST_ERROR


def is_success(status: int) -> bool:
    """Return whether a status is 2xx."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def claims_json(headers: Mapping[str, str]) -> bool:
    """Return whether the reply says that it is JSON."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _document(headers: Mapping[str, str], body: bytes) -> tuple[Any, bool]:
    if claims_json(headers):
        try:
            return json_documents.parse(body), True
        except ValueError:
            pass
    return None, False


def _text(headers: Mapping[str, str], body: bytes) -> str:
    """Return a body in the character set that its type names, by default UTF-8."""
    name = headers.get("content-type", "").lower().partition("charset=")[2].partition(";")[0].strip(" \"'")
    try:
        return body.decode(name or "utf-8", errors="replace")
    except (LookupError, ValueError):
        return body.decode(errors="replace")
