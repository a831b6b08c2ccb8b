"""From an error reply to the error to raise, with advice on what to do. Pure.

The status decides the class. Calendly has no error codes that tell the cases of one status apart, so its
wording decides the advice and, for a 403, the reason. The table `CASES` holds all known wordings.
Sources: https://developer.calendly.com/api-docs and replies quoted by other projects.

See docs/decisions/advice-by-wording.md.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from shlex import quote
from typing import Any, Final

from ..errors import (
    CalendlyDown,
    ConnectorError,
    NotFound,
    PermissionDenied,
    RateLimited,
    Rejected,
    Unauthenticated,
    UnexpectedAnswer,
)
from ..support import json_documents
from ..support.redaction import redact_all
from . import headers as reply_headers
from .request import Request

CHECK_ORIGIN: Final = "Check that CALENDLY_API_URL points to Calendly's API."
CHECK_BEFORE_RETRYING: Final = "The request may have succeeded. Check before retrying."

_MAX_TEXT: Final = 500  # characters of a text of an error
_MAX_DETAILS: Final = 10
_MAX_BODY: Final = 64 * 1024  # bytes; of a longer error body only the beginnings of its texts are kept
_MATCHED_TEXT: Final = 2_000  # characters of each text that are compared with the cases


@dataclass(frozen=True, slots=True)
class CredentialLocation:
    """Where the credential of a call is stored, so errors can say where to change it.

    `name` is its name in the vault or, if `in_host`, in a store of the host, which signs people in itself.
    `unfamiliar` means that its token doesn't look like one of Calendly's.
    """

    place: str = "the credential passed to connect()"
    oauth: bool = False
    name: str = ""
    in_host: bool = False
    unfamiliar: bool = False

    def replace_advice(self) -> str:
        """Return what to do if Calendly doesn't accept the token."""
        if self.oauth and self.in_host:
            return f"Sign in again for {self.place}."
        if self.oauth:
            return f"Sign in again: {self._login}"
        advice = f"Create a new token in Calendly and put it in {self.place}."
        if self.unfamiliar:
            advice += (
                " The current value doesn't start with eyJ, as Calendly's tokens do: "
                "it may be an API key of the old API, a client secret or a signing key."
            )
        return advice

    def scope_advice(self, scopes: Sequence[str], action: str) -> str:
        """Return what to do if the token lacks scopes that a call of `action` needs."""
        from ..catalog.scopes import scope_advice

        if self.oauth and self.in_host:
            return f"Sign in again for {self.place}, with {', '.join(scopes)}."
        if self.oauth:
            options = f"--for {action}" if action else " ".join(f"--scope {quote(one)}" for one in scopes)
            return scope_advice(scopes, login=f"{self._login} {options}")
        return scope_advice(scopes, place=self.place)

    @property
    def _login(self) -> str:
        return f"calendly-connector login {quote(self.name) if self.name else 'NAME'}"


PASSED_CREDENTIAL: Final = CredentialLocation()


@dataclass(frozen=True, slots=True)
class Case:
    """A kind of error reply and what to do about it; the first case that matches is used.

    `says` is a part of Calendly's texts, in lower case: the title of a 400, the message, and code and
    message of the details. `call` is a pattern of the request's method and path. `message` replaces the
    message of the error, `reason` is that of a 403. `retryable` means that nothing happened and the same
    call may succeed.
    """

    status: int
    fix: str
    says: str = ""
    call: str = ""
    message: str = ""
    reason: str = "other"
    retryable: bool = False


_BOOKING: Final = "POST /invitees"
_INVITING: Final = "POST /organizations/[^/]+/invitations"
_CANCELING: Final = "POST /scheduled_events/[^/]+/cancellation"
_SLOTS: Final = "event_type_available_times.list"

CASES: Final = (
    Case(400, f"That slot is taken. Choose another from {_SLOTS}.", says="already_filled", call=_BOOKING),
    Case(400, "Try again.", says="race condition", retryable=True),
    Case(400, "Nothing to do: this person is already invited.", says="already invited", call=_INVITING),
    Case(
        400,
        "Nothing to do: this person is already a member.",
        says="already organization member",
        call=_INVITING,
    ),
    Case(403, "Pass organization as well as user.", says="also specify organization"),
    Case(403, "Nothing to do: the event is already canceled.", says="already canceled", call=_CANCELING),
    Case(
        403,
        "Choose a user of the token's own organization, from organization_memberships.list.",
        says="not in your organization",
    ),
    Case(403, "Ask Calendly support for the data requests permission.", says="data requests permission"),
    Case(403, "Buy more seats in Calendly, or remove members.", says="purchase more seats", reason="plan"),
    Case(403, "Upgrade the trial to a paid plan.", says="trial account", reason="plan"),
    Case(403, "Use an account whose Calendly plan includes this.", says="upgrade", reason="plan"),
    Case(403, "Use a token of an owner or admin of the organization.", says="permission", reason="role"),
    Case(403, "Check that the token's user is allowed to do this in Calendly."),
    Case(
        404,
        f"Choose another time from {_SLOTS}.",
        call=_BOOKING,
        message="that time isn't available, or the event type doesn't exist",
    ),
    Case(404, "Check the id, and that the token's user has access to it."),
    Case(409, "It already exists: use the existing one, or delete it first."),
    Case(424, "Reconnect the calendar in Calendly, then try again."),
)
_SPECIFIC: Final = "Change the request as Calendly says."
_UNSPECIFIC: Final = "Check the inputs: Calendly doesn't say which one it rejects."
_SAYS_NOTHING: Final = "the supplied parameters are invalid"


def error_for(
    request: Request,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    location: CredentialLocation = PASSED_CREDENTIAL,
    secrets: Sequence[str] = (),
) -> ConnectorError:
    """Return the error that a reply means; `secrets` were sent, and are masked in case of an echo."""
    kind, fields = _class_and_fields(request, status, headers, body, location)
    return kind(**{name: redact_all(value, *secrets) for name, value in fields.items()})


def _class_and_fields(
    request: Request, status: int, headers: Mapping[str, str], body: bytes, location: CredentialLocation
) -> tuple[type[ConnectorError], dict[str, Any]]:
    call = request.call
    if status < HTTPStatus.BAD_REQUEST:
        message = f"{call}: the reply is a redirect ({status}), which isn't followed."
        return UnexpectedAnswer, {"message": message, "fix": CHECK_ORIGIN}
    document = _error_document(body)
    details = _details(document)
    sentence = _sentence(document)
    common = {"status": status, "request_id": headers.get("x-request-id"), "details": details}
    if status == HTTPStatus.UNAUTHORIZED:
        message = f"{call}: Calendly doesn't accept the token (401)."
        return Unauthenticated, common | {"message": message, "fix": location.replace_advice()}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited, common | {
            "message": f"{call}: too many requests (429).",
            "fix": "Wait, then try again.",
            "retry_after_s": reply_headers.rate_limit_wait_s(headers),
        }
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return CalendlyDown, common | {
            "message": f"{call}: Calendly failed ({status}). {sentence}".rstrip(),
            "fix": "Try again later." if request.repeatable else CHECK_BEFORE_RETRYING,
            "retry_after_s": reply_headers.retry_after_s(headers),
            "may_have_happened": not request.repeatable,
        }
    case = case_of(status, f"{request.method} {request.path}", document)
    if status == HTTPStatus.FORBIDDEN:
        listed = document.get("required_scopes")
        scopes = tuple(one for one in listed if isinstance(one, str)) if isinstance(listed, list) else ()
        lacking = f"the token lacks the scope {', '.join(scopes)}" if scopes else ""
        return PermissionDenied, common | {
            "message": f"{call}: {(lacking or sentence or 'permission denied').rstrip('.')} (403).",
            "fix": location.scope_advice(scopes, request.action) if scopes else case.fix,
            "reason": "scope" if scopes else case.reason,
            "required_scopes": scopes,
        }
    if status == HTTPStatus.NOT_FOUND:
        what = case.message or "not found, or not visible to this token"
        return NotFound, common | {"message": f"{call}: {what} (404).", "fix": case.fix}
    return Rejected, common | {
        "message": f"{call} was rejected ({status}). {sentence}".rstrip(),
        "fix": case.fix,
        "retryable": case.retryable,
    }


def case_of(status: int, call: str, document: Mapping[str, Any]) -> Case:
    """Return the case that an error reply's JSON object matches; `call` is the request's method and path."""
    texts = [document.get("message")]
    texts += [
        detail.get(name) for detail in _details(document)[:_MAX_DETAILS] for name in ("code", "message")
    ]
    # Every 403 is titled "Permission Denied", whatever it is about.
    title = document.get("title") if status == HTTPStatus.BAD_REQUEST else None
    said = " ".join(text[:_MATCHED_TEXT] for text in (title, *texts) if isinstance(text, str)).casefold()
    for case in CASES:
        if case.status == status and case.says in said and (not case.call or re.fullmatch(case.call, call)):
            return case
    specific = any(
        isinstance(text, str) and text.strip() and _SAYS_NOTHING not in text.casefold() for text in texts
    )
    return Case(status, _SPECIFIC if specific else _UNSPECIFIC)


def _error_document(body: bytes) -> Mapping[str, Any]:
    """Return the JSON object of an error body, empty if it has none; a very long one is cut."""
    try:
        document = json_documents.parse(body)
    except ValueError:
        return {}
    if not isinstance(document, dict):
        return {}
    if len(body) <= _MAX_BODY:
        return document
    details = [_beginnings(detail) for detail in _details(document)[:_MAX_DETAILS]]
    return {**_beginnings(document), "details": details}


def _beginnings(document: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name: value for name, value in document.items() if isinstance(value, str)}
    return {name[:_MAX_TEXT]: texts[name][:_MAX_TEXT] for name in list(texts)[:_MAX_DETAILS]}


def _details(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    details = document.get("details")
    return [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []


def _sentence(document: Mapping[str, Any]) -> str:
    """Return Calendly's own words, including the parameters it names; at most a few lines."""
    message = document.get("message")
    words = [message] if isinstance(message, str) else []
    for detail in _details(document)[:_MAX_DETAILS]:
        if isinstance(detail.get("message"), str):
            name = detail.get("parameter")
            words.append(f"{name}: {detail['message']}" if isinstance(name, str) else detail["message"])
    text = " ".join(word if word.endswith(".") else f"{word}." for word in words if word)
    return " ".join(text.split())[:_MAX_TEXT]
