"""Calendly's HTTP protocol as pure functions: build a request, read a reply.

Facts: the project's `docs/explanation/calendly-facts.md`.
See docs/decisions/redirects-and-page-urls.md.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

from ..contract import Record
from ..errors import ConnectorError, RateLimited, Rejected, UnexpectedAnswer, UsageError
from ..support import json_documents
from ..support.redaction import SECRET_FIELDS, quoted, redact
from .api_errors import (
    CHECK_BEFORE_RETRYING,
    CHECK_ORIGIN,
    PASSED_CREDENTIAL,
    CredentialLocation,
    error_for,
)
from .request import REPEATABLE, Request

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
METHODS: Final = ("GET", "POST", "PATCH", "PUT", "DELETE")
_PATH_ID: Final = re.compile(r"\{(\w+)\}")
_SEGMENT: Final = re.compile(r"[A-Za-z0-9._~-]+")
_ORIGIN: Final = re.compile(
    r"(?P<scheme>[Hh][Tt][Tt][Pp][Ss]?)://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?/?"
)
_ORIGINS: Final = {"CALENDLY_API_URL": "API", "CALENDLY_AUTH_URL": "authorization"}
_MAX_PORT: Final = 65535
_MAX_RECORDS: Final = 10_000  # on a page, if the request names no `count`
_MIN_RECORDS_ALLOWED: Final = 200  # on a page, however few were requested
_MAX_NEXT_PAGE_FIELDS: Final = 100  # in the query of `next_page`
_CHECK_NETWORK: Final = (
    "A proxy or login page may have answered instead: check the network and CALENDLY_API_URL."
)
# Which of these Calendly uses for a page token that it rejects isn't documented.
_PAGE_TOKEN_REJECTED: Final = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.GONE, HTTPStatus.UNPROCESSABLE_ENTITY}
)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `next_token` is None on the last page, `extra` holds the reply's other fields."""

    records: list[Record]
    next_token: str | None
    extra: Record = field(default_factory=dict)


def check_origin(text: str, variable: str = "CALENDLY_API_URL") -> str:
    """Return an origin in normal form: https, or http on this machine. Raises UsageError.

    `variable` is the environment variable that sets it.
    """
    match = _ORIGIN.fullmatch(text.strip())
    if match is not None:
        plain = match[0].lower().rstrip("/")
        secure = plain.startswith("https:") or match["host"].lower().strip("[]") in LOOPBACK
        if secure and int(match["port"] or 0) <= _MAX_PORT:
            return plain
    raise UsageError(  # without the value: it may hold a password
        f"The {_ORIGINS[variable]} origin must be https://host, or http://host for a server on this machine, "
        "without a path or user name.",
        fix=f"Unset {variable} to use Calendly itself.",
    )


def build_request(
    request_line: str, values: Mapping[str, Any], in_query: Collection[str] = (), *, action: str = ""
) -> Request:
    """Put inputs into the path, then into the query of a read or the body of a write.

    `in_query` names the inputs of a write that belong in the query.
    """
    method, _, template = request_line.partition(" ")
    rest = dict(values)
    path = template
    for name in _PATH_ID.findall(template):
        path = path.replace(f"{{{name}}}", _segment(name, str(rest.pop(name))))
    if method in REPEATABLE:
        return Request(method, path, _query(rest), action=action)
    query = {name: rest.pop(name) for name in in_query if name in rest}
    return Request(method, path, _query(query), body=rest, action=action)


def raw_request(method: str, path: str, values: Mapping[str, Any]) -> Request:
    """Return a request to any path; `values` are the query of a read, the body of a write.

    Raises UsageError.
    """
    if method not in METHODS:
        raise UsageError(f"Unknown HTTP method {quoted(method)}.", fix=f"Use one of {', '.join(METHODS)}.")
    root, *segments = path.split("/")
    if root or not segments or not all(map(_SEGMENT.fullmatch, segments)) or {".", ".."} & set(segments):
        raise UsageError(
            f"Invalid path {quoted(path)}: expected a path such as /users/me, "
            "without host, query or empty segments.",
            fix="Pass the fields of a query as KEY=VALUE.",
        )
    return build_request(f"{method} {path}", values)


def _segment(name: str, value: str) -> str:
    # A library or server on the way would read dots as a step up, whatever their encoding.
    if not value.strip(".") or not value.isprintable():
        raise UsageError(f"`{name}` isn't a valid id.", fix="Pass the last part of the resource's URI.")
    return quote(value, safe="")


def _query(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        for item in value if isinstance(value, list | tuple) else [value]:
            text = str(item)
            if isinstance(item, bool):
                text = text.lower()
            elif isinstance(item, float) and item.is_integer():
                text = str(int(item))  # for a JSON Schema 1.0 is an integer
            pairs.append((name, text))
    return tuple(pairs)


def read_document(
    request: Request,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    location: CredentialLocation = PASSED_CREDENTIAL,
    authorization: str = "",
) -> Any:
    """Return the reply's JSON document, None if its body is empty. Raises the error that the reply means.

    `location` is for advice about the credential. What `authorization` and the body hold is masked in errors.
    """
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise error_for(request, status, headers, body, location, sent_secrets(request, authorization))
    if not body.strip():
        return None
    try:
        return json_documents.parse(body)
    except json_documents.TooDeepError as error:
        what = f"is JSON {error}"
    except ValueError:
        what = "isn't JSON"
    raise UnexpectedAnswer(
        redact(f"{request.call}: the reply ({status}) {what}.", *sent_secrets(request, authorization)),
        fix=_CHECK_NETWORK if request.repeatable else CHECK_BEFORE_RETRYING,
    )


def sent_secrets(request: Request, authorization: str) -> list[str]:
    """Return the secrets of a request, which a server could echo in any field of its reply."""
    body = request.body or {}
    sent_fields = [value for name, value in body.items() if name in SECRET_FIELDS and isinstance(value, str)]
    return [authorization.partition(" ")[2], *sent_fields]


def read_one(request: Request, document: Any, *, bare: bool = False) -> Record:
    """Return the single record of a reply; a `bare` one has no envelope. Raises UnexpectedAnswer."""
    if bare and isinstance(document, dict):
        return document
    if isinstance(document, dict) and isinstance(document.get("resource"), dict):
        return document["resource"]  # type: ignore[no-any-return]
    raise _unexpected(request, "has no `resource` object")


def read_page(request: Request, document: Any) -> Page:
    """Return one page of a list. Raises UnexpectedAnswer."""
    records = document.get("collection") if isinstance(document, dict) else None
    if not isinstance(records, list):
        raise _unexpected(request, "has no `collection` of objects")
    count = dict(request.query).get("count", "")
    limit = max(2 * int(count), _MIN_RECORDS_ALLOWED) if count.isdecimal() else _MAX_RECORDS
    if len(records) > limit:
        raise _unexpected(request, f"has {len(records)} records on one page; at most {limit} were expected")
    if set(map(type, records)) - {dict}:
        raise _unexpected(request, "has no `collection` of objects")
    extra = dict(document)
    del extra["collection"]
    pagination = extra.pop("pagination", None) or {}
    return Page(records, _next_token(request, pagination), extra)


def _next_token(request: Request, pagination: Any) -> str | None:
    """Return the token of the next page, if need be from the query of `next_page`."""
    if not isinstance(pagination, dict):
        raise _unexpected(request, "has no readable pagination")
    token, address = pagination.get("next_page_token"), pagination.get("next_page")
    if not isinstance(token, str | None) or not isinstance(address, str | None):
        raise _unexpected(request, "has no readable pagination")
    if token or not address:
        return token or None
    try:
        tokens = parse_qs(urlsplit(address).query, max_num_fields=_MAX_NEXT_PAGE_FIELDS).get("page_token", [])
    except ValueError:
        tokens = []
    if len(tokens) != 1:  # an address without a token must not pass for the end of the list
        raise _unexpected(
            request, "has a next_page without a page token, so the rest of the list can't be read"
        )
    return tokens[0]


def _unexpected(request: Request, what: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        f"{request.call}: the reply {what}.",
        fix=CHECK_ORIGIN if request.repeatable else CHECK_BEFORE_RETRYING,
    )


def not_sent(request: Request, wait_s: float) -> RateLimited:
    """Return the error for a request that wasn't sent, because its rate limit is used up for too long."""
    return RateLimited(
        f"{request.call}: not sent, because the account's rate limit is used up.",
        fix=f"Try again in {wait_s:.0f} s.",
        status=HTTPStatus.TOO_MANY_REQUESTS,
        retry_after_s=wait_s,
    )


def is_page_token_rejected(request: Request, error: ConnectorError) -> bool:
    """Return whether a page was rejected because of its token, as far as that can be known."""
    return (
        isinstance(error, Rejected)
        and error.status in _PAGE_TOKEN_REJECTED
        and any(name == "page_token" for name, _ in request.query)
    )
