"""Notices: an event as a short text for people, by a template. Pure.

A template is text with fields in braces, such as `{name} booked {meeting}`; `{{` is a literal brace. Nothing
is evaluated. A line with fields is left out if all of them are empty. Values come from strangers: control
characters and line breaks are removed, long values shortened, and `escape` disarms what a reader interprets.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from string import Formatter
from typing import Any, Final

from ..contract import Event, Record
from ..errors import UsageError
from ..support.redaction import quoted, shortened

FIELDS: Final[Mapping[str, str]] = {
    "kind": "The kind of event, such as invitee.created.",
    "name": "The invitee's name; of other events, the name of what they are about.",
    "email": "The invitee's email address.",
    "phone": "The number for text reminders.",
    "timezone": "The invitee's time zone.",
    "meeting": "The name of the event type.",
    "host": "The hosts' names.",
    "guests": "The email addresses of the invitee's guests.",
    "when": "Start and end in your time zone.",
    "when_utc": "Start and end in UTC.",
    "old_when": "Of a reschedule: the former start and end.",
    "location": "The link to join, or the place.",
    "answers": "The answers, a line for each question.",
    "reason": "The reason of a cancellation or reschedule.",
    "canceled_by": "Who canceled.",
    "cancel_url": "The page to cancel.",
    "reschedule_url": "The page to reschedule.",
    "utm_source": "Tracking; there are utm_medium, utm_campaign, utm_content and utm_term, too.",
    "utm_medium": "",
    "utm_campaign": "",
    "utm_content": "",
    "utm_term": "",
}
"""The fields of a template, with their meaning."""

DEFAULTS: Final[Mapping[str, str]] = {
    "invitee.created": (
        "*{name}* booked *{meeting}*\n{when}\nHost: {host}\nEmail: {email}\nGuests: {guests}\n"
        "Location: {location}\n{answers}"
    ),
    "invitee.canceled": "*{meeting}* with *{name}* was canceled by {canceled_by}\n{when}\nReason: {reason}",
    "invitee.rescheduled": "*{name}* moved *{meeting}*\nTo: {when}\nFrom: {old_when}\nReason: {reason}",
    "invitee_no_show.created": "*{name}* did not show up for *{meeting}*\n{when}\nHost: {host}",
    "invitee_no_show.deleted": "*{name}* is no longer marked as a no-show for *{meeting}*\n{when}",
    "routing_form_submission.created": "A routing form was submitted\n{answers}",
}
"""The template of each kind of event that has its own."""

OTHER: Final = "{kind}: {name}"
_MAX_VALUE: Final = 500  # characters
_MAX_ANSWERS: Final = 20
_DAY: Final = "%a %d %b %Y"


class Template:
    """A checked template. Raises UsageError if it isn't valid."""

    def __init__(self, text: str) -> None:
        self._lines = [_parsed(line) for line in text.strip().splitlines()]
        if not self._lines:
            raise UsageError("The template is empty.", fix=f"Its fields: {', '.join(FIELDS)}.")

    def render(self, event: Event, zone: tzinfo, escape: Callable[[str], str]) -> str:
        """Return the text for an event, with times in `zone`."""
        values = {"": ""} | {field: escape(value) for field, value in fields(event, zone).items()}
        lines = []
        for parts in self._lines:
            named = [values[field] for _, field in parts if field]
            if any(named) or not named:
                lines.append("".join(text + values[field] for text, field in parts))
        return "\n".join(lines)


def fields(event: Event, zone: tzinfo) -> dict[str, str]:
    """Return the value of each field for an event; "" if the event doesn't have it."""
    payload = event.payload
    old, invitee = _record(payload.get("old")), _record(payload.get("new")) or payload
    meeting = _record(invitee.get("scheduled_event")) or _record(payload.get("event"))
    former = _record(old.get("scheduled_event"))
    contact = _record(payload.get("contact"))
    cancellation = _record(invitee.get("cancellation")) or _record(old.get("cancellation"))
    tracking = _record(invitee.get("tracking"))
    location = _record(meeting.get("location"))
    email = _text(invitee, "email") or _first(_texts(contact.get("emails"), "email"))
    name = _text(invitee, "name") or _text(contact, "name") or email or _text(meeting, "name")
    values = {
        "kind": event.kind,
        "name": name,
        "email": email,
        "phone": _text(invitee, "text_reminder_number"),
        "timezone": _text(invitee, "timezone") or _text(contact, "timezone"),
        "meeting": _text(meeting, "name"),
        "host": ", ".join(_texts(meeting.get("event_memberships"), "user_name")),
        "guests": ", ".join(_texts(meeting.get("event_guests"), "email")),
        "when": _span(meeting, zone),
        "when_utc": _span(meeting, UTC),
        "old_when": _span(former, zone),
        "location": _text(location, "join_url") or _text(location, "location"),
        "reason": _text(cancellation, "reason"),
        "canceled_by": _text(cancellation, "canceled_by"),
        "cancel_url": _text(invitee, "cancel_url"),
        "reschedule_url": _text(invitee, "reschedule_url"),
        **{field: _text(tracking, field) for field in FIELDS if field.startswith("utm_")},
    }
    cleaned = {field: _clean(value) for field, value in values.items()}
    return {**cleaned, "answers": "\n".join(_answers(invitee.get("questions_and_answers")))}


def _parsed(line: str) -> list[tuple[str, str]]:
    """Return a line as pairs of literal text and the field after it, "" for none."""
    try:
        parts = list(Formatter().parse(line))
    except ValueError:
        raise UsageError(
            f"Invalid template: a brace isn't closed or opened in {quoted(line)}.",
            fix="Write {{ and }} for literal braces.",
        ) from None
    for _, field, spec, conversion in parts:
        if field is not None and (field not in FIELDS or spec or conversion):
            raise _unknown_field(field, f"!{conversion}" if conversion else "", f":{spec}" if spec else "")
    return [(text, field or "") for text, field, _, _ in parts]


def _unknown_field(field: str, *more: str) -> UsageError:
    from difflib import get_close_matches

    near = get_close_matches(field, FIELDS, n=1)
    hint = f"Did you mean {{{near[0]}}}? " if near else ""
    given = quoted("".join(("{", field, *more, "}")))
    return UsageError(f"Unknown field {given} in the template.", fix=f"{hint}Fields: {', '.join(FIELDS)}.")


def _answers(given: Any) -> list[str]:
    """Return a line "question: answer" for each question that was answered."""
    lines = []
    for one in given[:_MAX_ANSWERS] if isinstance(given, list) else ():
        answer = _record(one).get("answer")
        choices = list(map(str, answer)) if isinstance(answer, list) else str(answer or "").splitlines()
        if text := _clean(", ".join(choice.strip() for choice in choices if choice.strip())):
            question = _clean(_text(one, "question"))
            lines.append(f"{question}{' ' if question.endswith(('?', ':')) else ': '}{text}")
    return lines


def _span(meeting: Record, zone: tzinfo) -> str:
    """Return when a meeting takes place, such as "Tue 24 Nov 2026, 14:00-14:30 (Europe/Berlin)"."""
    try:
        start, end = (
            datetime.fromisoformat(_text(meeting, field)).astimezone(zone)
            for field in ("start_time", "end_time")
        )
    except (ValueError, OverflowError):
        return ""
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{end:{_DAY}, %H:%M}"
    return f"{start:{_DAY}, %H:%M}\N{EN DASH}{until} ({zone})"


def _clean(text: str) -> str:
    """Return a value on one line, printable and not too long."""
    plain = " ".join(text.split())
    return shortened("".join(letter for letter in plain if letter.isprintable()), _MAX_VALUE)


def _record(value: Any) -> Record:
    return value if isinstance(value, dict) else {}


def _text(record: Any, field: str) -> str:
    value = _record(record).get(field)
    return value if isinstance(value, str) else ""


def _texts(records: Any, field: str) -> list[str]:
    found = (_text(record, field) for record in (records if isinstance(records, list) else ()))
    return [text for text in found if text]


def _first(texts: list[str]) -> str:
    return texts[0] if texts else ""
