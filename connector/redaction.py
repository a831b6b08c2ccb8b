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
_ADDRESSES: Final = "avatar_url booking_url callback_url cancel_url join_url linkedin reschedule_url url"
_NAMES: Final = "canceled_by display_name first_name last_name name user_name"
_PHONES: Final = "phone_number text_reminder_number to"
_WORDS: Final = (
    "action_items_md additional_info answer body city company description description_html description_plain "
    "discussion_md external_id headline internal_note job_title location meeting_notes_html "
    "meeting_notes_plain reason search_term slug subject summary_md text title value"
)
_REPLACED: Final = {
    **dict.fromkeys(_ADDRESSES.split(), "https://recorded.example/"),
    **dict.fromkeys(_NAMES.split(), "Somebody"),
    **dict.fromkeys(_PHONES.split(), "+1 000"),
    **dict.fromkeys(_WORDS.split(), "words"),
    **dict.fromkeys(("email", "user_email"), _EMAIL),
    **dict.fromkeys(SECRET_FIELDS, MASK),
    "scheduling_url": "https://calendly.com/somebody",
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
