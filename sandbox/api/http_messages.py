"""HTTP requests as received, and complete responses, regular or from faults. Pure."""

from dataclasses import dataclass
from typing import Any

import orjson

from .. import errors
from ..faults import Fault

Headers = list[tuple[str, str]]

FORM = "application/x-www-form-urlencoded"
JSON = "application/json; charset=utf-8"
_HTML = "text/html; charset=utf-8"
_HTML_PAGE = (
    b"<!DOCTYPE html><html><head><title>Oops</title></head><body><h1>Something is wrong.</h1></body></html>"
)
_NOT_JSON = b'{"collection": [{"uri": oops'


@dataclass(frozen=True)
class RequestRules:
    """How to read requests: the accepted origins of URIs, and whether to accept only the documented form."""

    origins: frozenset[str]
    strict: bool


@dataclass(frozen=True)
class HttpRequest:
    """A request as received."""

    method: str
    path: str
    query: str
    authorization: str | None
    content_type: str | None
    body: bytes

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case; empty if missing."""
        return (self.content_type or "").partition(";")[0].strip().lower()


@dataclass(frozen=True)
class HttpResponse:
    """A reply that is ready to send."""

    status: int
    body: bytes
    headers: Headers


def json_response(status: int, value: Any, headers: Headers) -> HttpResponse:
    """Return a reply with a JSON body."""
    return HttpResponse(status, orjson.dumps(value), [("Content-Type", JSON), *headers])


def error_response(error: errors.ApiError, headers: Headers) -> HttpResponse:
    """Return the reply for an error."""
    return json_response(error.status, error.body, headers)


def fault_response(fault: Fault, headers: Headers) -> HttpResponse:
    """Return the reply of a fault of the kinds `REPLACING`; its headers override the usual ones."""
    own = {name.lower() for name in fault.headers}
    headers = [(name, value) for name, value in headers if name.lower() not in own]
    headers += fault.headers.items()
    if fault.kind == "html":
        return HttpResponse(fault.status, _HTML_PAGE, [("Content-Type", _HTML), *headers])
    if fault.kind == "empty":
        return HttpResponse(fault.status, b"", [("Content-Type", JSON), *headers])
    if fault.kind == "not_json":
        return HttpResponse(fault.status, _NOT_JSON, [("Content-Type", JSON), *headers])
    return error_response(errors.from_status(fault.status), headers)
