"""Finished replies as bytes, the true ones and those that faults put in their place. Pure."""

from dataclasses import dataclass
from typing import Any

import orjson

from .. import errors
from ..faults import Fault

Headers = list[tuple[str, str]]

JSON = "application/json; charset=utf-8"
_HTML = "text/html; charset=utf-8"
_HTML_PAGE = (
    b"<!DOCTYPE html><html><head><title>Oops</title></head><body><h1>Something is wrong.</h1></body></html>"
)
_NOT_JSON = b'{"collection": [{"uri": oops'


@dataclass(frozen=True)
class Reply:
    """A reply that only has to be sent."""

    status: int
    body: bytes
    headers: Headers


def of_json(status: int, value: Any, headers: Headers) -> Reply:
    """Make a reply of a JSON value."""
    return Reply(status, orjson.dumps(value), [("Content-Type", JSON), *headers])


def of_error(error: errors.ApiError, headers: Headers) -> Reply:
    """Make a reply of an error."""
    return of_json(error.status, error.body, headers)


def of_fault(fault: Fault, headers: Headers) -> Reply:
    """Make the reply that a replacing fault sends; its own headers win over the usual ones."""
    own = {name.lower() for name in fault.headers}
    headers = [(name, value) for name, value in headers if name.lower() not in own]
    headers += fault.headers.items()
    if fault.kind == "html":
        return Reply(fault.status, _HTML_PAGE, [("Content-Type", _HTML), *headers])
    if fault.kind == "empty":
        return Reply(fault.status, b"", [("Content-Type", JSON), *headers])
    if fault.kind == "not_json":
        return Reply(fault.status, _NOT_JSON, [("Content-Type", JSON), *headers])
    return of_error(errors.of_status(fault.status), headers)
