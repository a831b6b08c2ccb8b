"""Requests as they came over the wire, and finished responses: true ones and those of faults. Pure."""

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
    """How requests are read: the origins that URIs may have, and whether in the documented form only."""

    origins: frozenset[str]
    strict: bool


@dataclass(frozen=True)
class HttpRequest:
    """What a client sent."""

    method: str
    path: str
    query: str
    authorization: str | None
    content_type: str | None
    body: bytes

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case; empty if there is none."""
        return (self.content_type or "").partition(";")[0].strip().lower()


@dataclass(frozen=True)
class HttpResponse:
    """A reply that only has to be sent."""

    status: int
    body: bytes
    headers: Headers


def json_response(status: int, value: Any, headers: Headers) -> HttpResponse:
    """Make a reply of a JSON value."""
    return HttpResponse(status, orjson.dumps(value), [("Content-Type", JSON), *headers])


def error_response(error: errors.ApiError, headers: Headers) -> HttpResponse:
    """Make a reply of an error."""
    return json_response(error.status, error.body, headers)


def fault_response(fault: Fault, headers: Headers) -> HttpResponse:
    """Make the reply that a replacing fault sends; its own headers win over the usual ones."""
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
