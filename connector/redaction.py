"""One filter for all that leaves the process as words or recordings: no secret and no person passes."""

import re
from typing import Any, Final

MASK: Final = "[redacted]"
SECRET_FIELDS: Final = (
    "access_token",
    "client_secret",
    "password",
    "refresh_token",
    "signing_key",
    "token",
)

_PATTERNS = (
    re.compile(r"(?i)(?<=\bbearer )[^\s\"',;]+"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"),
)
_EMAIL: Final = "person@recorded.example"
_REPLACED: Final = {
    "answer": "An answer",
    "avatar_url": "https://recorded.example/",
    "canceled_by": "Somebody",
    "email": _EMAIL,
    "first_name": "Some",
    "join_url": "https://recorded.example/",
    "last_name": "Body",
    "meeting_notes_html": "<p>Notes</p>",
    "meeting_notes_plain": "Notes",
    "name": "A name",
    "phone_number": "+1 000",
    "reason": "A reason",
    "scheduling_url": "https://calendly.com/somebody",
    "slug": "somebody",
    "text_reminder_number": "+1 000",
    "user_email": _EMAIL,
    "user_name": "Somebody",
    **dict.fromkeys(SECRET_FIELDS, MASK),
}


def redact(text: str, *secrets: str) -> str:
    """Mask the given secrets, bearer values and JSON web tokens in a text."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    for pattern in _PATTERNS:
        text = pattern.sub(MASK, text)
    return text


def redact_all(value: Any, *secrets: str) -> Any:
    """Mask secrets in every text of a JSON value."""
    if isinstance(value, dict):
        return {redact(name, *secrets): redact_all(item, *secrets) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(redact_all(item, *secrets) for item in value)
    return redact(value, *secrets) if isinstance(value, str) else value


def scrub(value: Any, key: str = "") -> Any:
    """Replace secrets and what tells who a person is in a JSON value; its form stays."""
    if isinstance(value, dict):
        return {name: scrub(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [scrub(item, key) for item in value]
    if not isinstance(value, str):
        return value
    return _REPLACED.get(key) or (_EMAIL if "@" in value else redact(value))
