"""Calendly's HTTP protocol as pure functions: build a request, read a reply, decide on another try.

No socket, clock or sleep in here. Facts: the project's `docs/calendly-facts.md`.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

from ..contract import RateLimit, Record
from ..errors import (
    CalendlyDown,
    ConnectorError,
    NoAnswer,
    NotFound,
    PermissionDenied,
    RateLimited,
    Rejected,
    Unauthenticated,
    UnexpectedAnswer,
    UsageError,
)
from ..support import json_documents
from ..support.redaction import quoted, shortened
from . import reply_limits
from .advice import Case, Kept, case_of

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
METHODS: Final = ("GET", "POST", "PATCH", "PUT", "DELETE")
_ENVELOPE: Final = frozenset({"collection", "pagination"})
_REPEATABLE: Final = frozenset({"GET", "DELETE"})
_STEP: Final = re.compile(r"[A-Za-z0-9._~-]+")
_ID: Final = re.compile(r"[A-Za-z0-9_-]+")
_ORIGIN: Final = re.compile(
    r"(?P<scheme>[Hh][Tt][Tt][Pp][Ss]?)://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?/?"
)
_ORIGINS: Final = {"CALENDLY_API_URL": "API", "CALENDLY_AUTH_URL": "authorization"}
_LAST_PORT: Final = 65535
_WHOLE: Final = re.compile(r"[0-9]{1,9}")
_FIRST_BACKOFF_S: Final = 0.5
_LONGEST_BACKOFF_S: Final = 30.0
DEFAULT_WAIT_S: Final = 60.0  # after a 429 that does not tell
_LONGEST_PATH: Final = 150  # characters in an error; the longest real one has about 110
_PASSED: Final = Kept()
_TOKEN_REFUSED: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.GONE, HTTPStatus.UNPROCESSABLE_ENTITY})


@dataclass(frozen=True, slots=True)
class Request:
    """A request without origin and credential. `query` is in order, `body` is JSON or None.

    `action` is the id of the action that it belongs to, if any.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    action: str = ""

    @property
    def call(self) -> str:
        """Method and path for an error, on one line that is not too long."""
        return f"{self.method} {shortened(self.path, _LONGEST_PATH)}"

    @property
    def target(self) -> str:
        """Path and query as they go out."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice does no more than sending it once."""
        return self.method in _REPEATABLE


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; `next_token` is None on the last, `extra` is what stood beside the records."""

    records: list[Record]
    next_token: str | None
    extra: Record = field(default_factory=dict)


def check_origin(text: str, variable: str = "CALENDLY_API_URL") -> str:
    """Give an origin in its plain form; https, or http on loopback alone. `variable` is where it is set."""
    match = _ORIGIN.fullmatch(text.strip())
    if match is not None:
        plain = match[0].lower().rstrip("/")
        secure = plain.startswith("https:") or match["host"].lower().strip("[]") in LOOPBACK
        if secure and int(match["port"] or 0) <= _LAST_PORT:
            return plain
    raise UsageError(
        f"The {_ORIGINS[variable]} origin must be https://host, or http:// on this machine alone, "
        "with no path or user.",
        fix=f"Unset {variable} to use Calendly itself.",
    )


def build_request(
    request_line: str, values: Mapping[str, Any], in_query: Collection[str] = (), *, action: str = ""
) -> Request:
    """Put inputs where they belong: path, then a read's query, or a write's body but for `in_query`."""
    method, _, template = request_line.partition(" ")
    rest = dict(values)
    parts = [
        _segment(part[1:-1], str(rest.pop(part[1:-1]))) if part.startswith("{") else part
        for part in template.split("/")
    ]
    path = "/".join(parts)
    if method in _REPEATABLE:
        return Request(method, path, tuple(_pairs(rest)), action=action)
    query = {name: rest.pop(name) for name in in_query if name in rest}
    return Request(method, path, tuple(_pairs(query)), body=rest, action=action)


def raw_request(method: str, path: str, values: Mapping[str, Any]) -> Request:
    """Make a request to any path of the API: values are the query of a read, the body of a write."""
    if method not in METHODS:
        raise UsageError(
            f"{quoted(method)} is no method of the API.", fix=f"Use one of {', '.join(METHODS)}."
        )
    root, *steps = path.split("/")
    if root or not steps or not all(map(_STEP.fullmatch, steps)) or {".", ".."} & set(steps):
        raise UsageError(
            "The path must be like /users/me: from the root, without host, query or empty steps.",
            fix="Give what belongs in the query as KEY=VALUE.",
        )
    return build_request(f"{method} {path}", values)


def _segment(name: str, value: str) -> str:
    # A library or server on the way would take dots alone for a step up, whatever the encoding.
    if not value.strip(".") or not value.isprintable():
        raise UsageError(f"{name} is no id that can stand in a path.", fix="Give the last part of the URI.")
    return quote(value, safe="")


def _pairs(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in values.items():
        for item in value if isinstance(value, list | tuple) else [value]:
            yield name, _text(item)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    whole = isinstance(value, float) and value.is_integer()  # a JSON Schema takes 1.0 for an integer
    return str(int(value) if whole else value)


def read_document(
    request: Request, status: int, headers: Mapping[str, str], body: bytes, kept: Kept = _PASSED
) -> Any:
    """Give the reply's JSON document (None where there is no body), or raise what it means."""
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise error_for(request, status, headers, body, kept)
    if not body.strip():
        return None
    try:
        return json_documents.parse(body)
    except json_documents.TooDeepError as error:
        what = f"JSON that is {error}"
    except ValueError:
        what = "something that is not JSON"
    raise UnexpectedAnswer(
        f"{request.call} was answered {status} with {what}.",
        fix=_CHECK_NETWORK if request.repeatable else _LOOK_FIRST,
    )


def read_one(request: Request, document: Any, *, bare: bool = False) -> Record:
    """Give the single record of a reply; a `bare` one has no envelope."""
    if bare and isinstance(document, dict):
        return document
    if isinstance(document, dict) and isinstance(document.get("resource"), dict):
        return document["resource"]  # type: ignore[no-any-return]
    raise _wrong_envelope(request, "resource")


def read_page(request: Request, document: Any) -> Page:
    """Return the records of a list's reply and the token of its next page."""
    records = document.get("collection") if isinstance(document, dict) else None
    if not isinstance(records, list):
        raise _wrong_envelope(request, "collection of objects")
    if len(records) > (most := reply_limits.most_records(request.query)):
        raise UnexpectedAnswer(
            f"{request.method} {request.path} was answered with {len(records)} records on one page; "
            f"at most {most} were expected.",
            fix=_CHECK_ORIGIN,
        )
    if not all(isinstance(record, dict) for record in records):
        raise _wrong_envelope(request, "collection of objects")
    extra = {name: value for name, value in document.items() if name not in _ENVELOPE}
    try:
        return Page(records, reply_limits.next_token(document.get("pagination")), extra)
    except ValueError as error:
        raise UnexpectedAnswer(
            f"{request.method} {request.path} was answered with {error}.", fix=_CHECK_ORIGIN
        ) from None


def _wrong_envelope(request: Request, key: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        f"{request.call} was answered with JSON that has no {key}.",
        fix=_CHECK_ORIGIN if request.repeatable else _LOOK_FIRST,
    )


def error_for(
    request: Request, status: int, headers: Mapping[str, str], body: bytes, kept: Kept = _PASSED
) -> ConnectorError:
    """Return the error that a reply means: the status decides its class, Calendly's words the advice."""
    call = request.call
    if status < HTTPStatus.BAD_REQUEST:
        return UnexpectedAnswer(
            f"{call} was answered with a redirect ({status}), which is not followed.",
            fix=_CHECK_ORIGIN,
        )
    told = _error_document(body)
    sentence = _sentence(told)
    known: dict[str, Any] = {
        "status": status,
        "request_id": headers.get("x-request-id"),
        "details": _details(told),
    }
    if status == HTTPStatus.UNAUTHORIZED:
        return Unauthenticated(
            f"{call}: Calendly does not accept the token (401).",
            fix=kept.renew(),
            **known,
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        limited = RateLimited(f"{call}: too many requests (429).", fix="Wait, then try again.", **known)
        limited.retry_after_s = wait_s(headers)
        return limited
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        down = CalendlyDown(f"{call}: Calendly failed ({status}). {sentence}".rstrip(), **known)
        down.retry_after_s = retry_after_s(headers)
        down.may_have_happened = not request.repeatable
        down.retryable = request.repeatable
        down.fix = "Try again later." if request.repeatable else _LOOK_FIRST
        return down
    case = case_of(status, f"{request.method} {request.path}", told)
    if status == HTTPStatus.FORBIDDEN:
        return _denied(request, sentence, told, known, case, kept)
    if status == HTTPStatus.NOT_FOUND:
        what = case.what or "not found, or not visible to this token"
        return NotFound(f"{call}: {what} (404).", fix=case.fix, **known)
    rejected = Rejected(f"{call} was refused ({status}). {sentence}".rstrip(), fix=case.fix, **known)
    rejected.retryable = case.retryable
    return rejected


_CHECK_ORIGIN = "Check that CALENDLY_API_URL is Calendly's API."
_CHECK_NETWORK = "A proxy or login page may stand in between: check the network, and CALENDLY_API_URL."
_LOOK_FIRST = "It may have happened all the same: look for its result before trying again."


def _denied(
    request: Request,
    sentence: str,
    told: Mapping[str, Any],
    known: Mapping[str, Any],
    case: Case,
    kept: Kept,
) -> PermissionDenied:
    scopes = told.get("required_scopes")
    scopes = tuple(scope for scope in scopes if isinstance(scope, str)) if isinstance(scopes, list) else ()
    what = f"the token lacks the scope {', '.join(scopes)}" if scopes else sentence or "refused"
    error = PermissionDenied(
        f"{request.call}: {what.rstrip('.')} (403).",
        fix=kept.extend(scopes, request.action) if scopes else case.fix,
        **known,
    )
    error.reason = "scope" if scopes else case.reason
    error.required_scopes = scopes
    return error


def _error_document(body: bytes) -> Mapping[str, Any]:
    try:
        told = json_documents.parse(body)
    except ValueError:
        return {}
    return reply_limits.shortened(told, _details(told), len(body)) if isinstance(told, dict) else {}


def _details(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    details = told.get("details")
    return [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []


def _sentence(told: Mapping[str, Any]) -> str:
    """Give Calendly's own words, with each parameter it names; at most a few lines' worth."""
    message = told.get("message")
    words = [message] if isinstance(message, str) else []
    for detail in _details(told)[: reply_limits.MOST_DETAILS]:
        if isinstance(detail.get("message"), str):
            name = detail.get("parameter")
            words.append(f"{name}: {detail['message']}" if isinstance(name, str) else detail["message"])
    text = " ".join(word if word.endswith(".") else f"{word}." for word in words if word)
    return " ".join(text.split())[: reply_limits.LONGEST_WORDS]


def out_of_budget(request: Request, wait_s: float) -> RateLimited:
    """Make the error of a request that was not sent, since the budget it needs is used up for too long."""
    error = RateLimited(
        f"{request.call}: not sent, since the account's limit is used up.",
        fix=f"Try again in {wait_s:.0f} s.",
        status=HTTPStatus.TOO_MANY_REQUESTS,
    )
    error.retry_after_s = wait_s
    return error


def refuses_page_token(request: Request, error: ConnectorError) -> bool:
    """Say whether a page was refused for its token; which error that is, the documentation does not say."""
    return (
        isinstance(error, Rejected)
        and error.status in _TOKEN_REFUSED
        and any(name == "page_token" for name, _ in request.query)
    )


def retry_delay_s(request: Request, error: ConnectorError, attempt: int, jitter: float) -> float | None:
    """Say how long to wait before trying again, in seconds; None: do not.

    `attempt` counts from 1, `jitter` is a random number from 0 to 1. A 429, and a refusal that says so, may
    always be tried again, since nothing happened; a 5xx or a lost answer only where the request is
    repeatable, or where it is certain that it never arrived.
    """
    if isinstance(error, RateLimited):
        return error.retry_after_s if error.retry_after_s is not None else DEFAULT_WAIT_S
    again = (
        (isinstance(error, Rejected) and error.retryable)
        or (isinstance(error, CalendlyDown) and request.repeatable)
        or (
            isinstance(error, NoAnswer)
            and error.reason in {"timeout", "broken", "refused"}
            and (request.repeatable or not error.may_have_happened)
        )
    )
    if not again:
        return None
    backoff_s = jitter * min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2.0**attempt)
    return max(backoff_s, getattr(error, "retry_after_s", None) or 0.0)


def wait_s(headers: Mapping[str, str]) -> float | None:
    """Read how long a 429 holds: `Retry-After`, else `X-RateLimit-Reset` (seconds to go)."""
    told_s = retry_after_s(headers)
    if told_s is None:
        reset = _whole(headers.get("x-ratelimit-reset", ""))
        return None if reset is None else float(reset)
    return told_s


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read `Retry-After`, given as seconds or as a date."""
    after = headers.get("retry-after", "").strip()
    if (seconds := _whole(after)) is not None:
        return float(seconds)
    until, now = _moment_s(after), _moment_s(headers.get("date", ""))
    return None if until is None or now is None else max(0.0, until - now)


def rate_limit(headers: Mapping[str, str]) -> RateLimit | None:
    """Read the headroom that a reply tells of."""
    limit, remaining, reset = (
        _whole(headers.get(f"x-ratelimit-{name}", "")) for name in ("limit", "remaining", "reset")
    )
    return None if limit is None or remaining is None else RateLimit(limit, remaining, reset)


def clock_skew_s(headers: Mapping[str, str], sent: float, received: float) -> float | None:
    """Compare the server's `Date` with our clock halfway through the call; positive: ours is ahead."""
    date = _moment_s(headers.get("date", ""))
    # `Date` has whole seconds, so half a second is the best guess of the part that is cut off.
    return None if date is None else (sent + received) / 2 - (date + 0.5)


def _moment_s(text: str) -> float | None:
    """Read an HTTP date as unix seconds."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _whole(text: str) -> int | None:
    """Read digits; `isdigit` would let ² through, which `int` refuses."""
    return int(text) if _WHOLE.fullmatch(text := text.strip()) else None
