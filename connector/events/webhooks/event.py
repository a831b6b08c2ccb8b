"""A verified webhook body as an event, with an id that tells a repeated delivery from a new happening. Pure.

Calendly sends no delivery id and may deliver twice, so the id is made from what happened:

    created, canceled, deleted   kind and subject: each happens to a subject once
    invitee.rescheduled          kind and the new invitee, to whom it happens once
    updated                      kind, subject and its `updated_at`
    invitee_no_show.created      kind and the no-show's own URI: a mark can be set again
    invitee_no_show.deleted      kind, invitee and the event's `created_at`: nothing else is left to tell
    anything unknown             kind and a hash of the body
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final, TypeGuard
from urllib.parse import urlsplit

from ...contract import Event, Record
from ...errors import UnexpectedAnswer
from ...support import json_documents

_ONCE: Final = frozenset({"created", "canceled", "deleted", "rescheduled"})
_PLAIN_URI: Final = re.compile(r"https://[a-z0-9.-]+(/[A-Za-z0-9/_.~-]*)")
_PLAIN: Final = re.compile(r"[!-~]{0,200}")  # what every database, log and header can hold


def read_event(body: bytes) -> Event:
    """Read a body whose signature was verified."""
    try:
        told = json_documents.parse(body)
    except json_documents.TooDeepError as error:
        raise _not_an_event(f"it is {error}") from None
    except ValueError:
        raise _not_an_event("it is not JSON") from None
    if not isinstance(told, dict) or not isinstance(told.get("payload"), dict):
        raise _not_an_event("it has no payload")
    kind, created_at = told.get("event"), told.get("created_at")
    if not _is_plain(kind) or not _is_plain(created_at):
        raise _not_an_event("it does not say what happened when")
    created_by = told.get("created_by")
    return Event(
        id=f"{kind}:{_what(kind, created_at, told['payload'], body)}",
        kind=kind,
        created_at=created_at,
        created_by=created_by if isinstance(created_by, str) else None,
        payload=told["payload"],
    )


def make_event(kind: str, created_at: str, payload: Record, created_by: str | None = None) -> Event:
    """Give the event that Calendly's message about the same happening would be read as."""
    return read_event(_message(kind, created_at, payload, created_by))


def write_event(event: Event) -> bytes:
    """Give an event as the message that reads as it."""
    return _message(event.kind, event.created_at, event.payload, event.created_by)


def path_of(uri: Any) -> str:
    """Return what names a resource whatever its origin, the path of its URI; nothing for what is no URI."""
    if isinstance(uri, str) and (plain := _PLAIN_URI.fullmatch(uri)):
        return plain[1].strip("/")  # as urlsplit would say, in a tenth of the time
    try:
        return urlsplit(uri).path.strip("/") if isinstance(uri, str) else ""
    except ValueError:
        return ""


def _message(kind: str, created_at: str, payload: Record, created_by: str | None) -> bytes:
    import orjson

    envelope = {"created_at": created_at, "created_by": created_by, "event": kind, "payload": payload}
    return orjson.dumps(envelope)


def _what(kind: str, created_at: str, payload: Mapping[str, Any], body: bytes) -> str:
    family, _, verb = kind.rpartition(".")
    subject = _subject(payload)
    path = _path(subject)
    if family == "invitee_no_show" and verb == "created" and (mark := _path(payload.get("no_show"))):
        return mark
    if family == "invitee_no_show" and path:
        return f"{path}@{created_at}"
    if path and verb == "updated" and _is_plain(subject.get("updated_at")):
        return f"{path}@{subject['updated_at']}"
    if path and verb in _ONCE:
        return path
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _path(record: Any) -> str:
    """Give the path of a record's URI; nothing where it has none, so that no two such records look alike."""
    path = path_of(record.get("uri")) if isinstance(record, dict) else ""
    return path if _is_plain(path) else ""


def _is_plain(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and _PLAIN.fullmatch(value) is not None


def _subject(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the record that an event is about; for contacts, recaps and reschedules it is one level down."""
    for key in ("contact", "recap", "new"):
        if isinstance(payload.get(key), dict) and "uri" not in payload:
            return payload[key]  # type: ignore[no-any-return]
    return payload


def _not_an_event(why: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        f"The signature is right, but the body is no Calendly event: {why}.",
        fix="Nothing was run; report it if it comes again.",
    )
