"""A verified webhook body as an event, with an id that is the same for every delivery. Pure.

Calendly sends no delivery id and may deliver twice, so the id is built from what happened:

    created, canceled, deleted   kind and subject: each happens to a subject once
    invitee.rescheduled          kind and the new invitee: a reschedule creates one
    updated                      kind, subject and its `updated_at`
    invitee_no_show.created      kind and the no-show's own URI: an invitee can be marked again
    invitee_no_show.deleted      kind, invitee and the event's `created_at`: the no-show itself is gone
    anything unknown             kind and a hash of the body

See docs/decisions/event-ids.md.
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
_PLAIN: Final = re.compile(r"[!-~]{0,200}")  # accepted by every database, log and header


def read_event(body: bytes) -> Event:
    """Return the event in a body whose signature was verified. Raises UnexpectedAnswer."""
    try:
        message = json_documents.parse(body)
    except json_documents.TooDeepError as error:
        raise _not_an_event(f"it is {error}") from None
    except ValueError:
        raise _not_an_event("it is not JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("payload"), dict):
        raise _not_an_event("it has no payload")
    kind, created_at = message.get("event"), message.get("created_at")
    if not _is_plain(kind) or not _is_plain(created_at):
        raise _not_an_event("it has no valid event and created_at")
    created_by = message.get("created_by")
    return Event(
        id=f"{kind}:{_occurrence(kind, created_at, message['payload'], body)}",
        kind=kind,
        created_at=created_at,
        created_by=created_by if isinstance(created_by, str) else None,
        payload=message["payload"],
    )


def make_event(kind: str, created_at: str, payload: Record, created_by: str | None = None) -> Event:
    """Return the event that Calendly's message about the same occurrence is read as."""
    return read_event(_message(kind, created_at, payload, created_by))


def write_event(event: Event) -> bytes:
    """Return an event as the message that Calendly would send."""
    return _message(event.kind, event.created_at, event.payload, event.created_by)


def path_of(uri: Any) -> str:
    """Return the path of a URI, which identifies a resource on any origin; "" for anything else."""
    if isinstance(uri, str) and (plain := _PLAIN_URI.fullmatch(uri)):
        return plain[1].strip("/")  # ten times as fast as urlsplit
    try:
        return urlsplit(uri).path.strip("/") if isinstance(uri, str) else ""
    except ValueError:
        return ""


def last_part(uri: Any) -> str:
    """Return the last part of a URI, "" for anything else."""
    return uri.rpartition("/")[2] if isinstance(uri, str) else ""


def invitee_payload(invitee: Record, meeting: Record) -> Record:
    """Return the payload of a webhook about an invitee, from their record and that of their meeting."""
    meeting = {name: value for name, value in meeting.items() if name != "calendar_event"}
    return {**invitee, "scheduled_event": meeting}


def _message(kind: str, created_at: str, payload: Record, created_by: str | None) -> bytes:
    import orjson

    envelope = {"created_at": created_at, "created_by": created_by, "event": kind, "payload": payload}
    return orjson.dumps(envelope)


def _occurrence(kind: str, created_at: str, payload: Mapping[str, Any], body: bytes) -> str:
    family, _, verb = kind.rpartition(".")
    subject = payload
    if "uri" not in payload:  # contacts, recaps and reschedules have their record one level down
        inner = (payload.get(key) for key in ("contact", "recap", "new"))
        subject = next((record for record in inner if isinstance(record, dict)), payload)
    path = _path(subject)
    if family == "invitee_no_show" and verb == "created" and (no_show := _path(payload.get("no_show"))):
        return no_show
    if family == "invitee_no_show" and path:
        return f"{path}@{created_at}"
    if path and verb == "updated" and _is_plain(subject.get("updated_at")):
        return f"{path}@{subject['updated_at']}"
    if path and verb in _ONCE:
        return path
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _path(record: Any) -> str:
    """Return the path of a record's URI, "" if it has none that is usable."""
    path = path_of(record.get("uri")) if isinstance(record, dict) else ""
    return path if _is_plain(path) else ""


def _is_plain(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and _PLAIN.fullmatch(value) is not None


def _not_an_event(why: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        f"The signature is valid, but the body isn't a Calendly event: {why}.",
        fix="Nothing was run. If it happens again, report it.",
    )
