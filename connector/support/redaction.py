"""Redacts secrets, and optionally personal data, in logs, errors and recordings.

Secrets are recognized by the name of their field or parameter, by the form of a header or token, or by value.
"""

import json
import logging
import re
from typing import Any, Final
from urllib.parse import quote, quote_plus

MASK: Final = "[redacted]"
_MAX_QUOTE: Final = 60
SECRET_FIELDS: Final = (
    "access_token",
    "api_key",
    "api_token",
    "authorization",
    "authorization_code",
    "client_assertion",
    "client_secret",
    "code_verifier",
    "cookie",
    "device_code",
    "id_token",
    "passphrase",
    "password",
    "private_key",
    "proxy_authorization",
    "refresh_token",
    "secret",
    "set_cookie",
    "signing_key",
    "token",
)
SECRET_VARIABLES: Final = (  # of the environment, besides those for secret fields of credentials
    "CALENDLY_AGENT_ACCESS_TOKEN",
    "CALENDLY_AGENT_DATABASE",  # a database URL may contain a password
    "CALENDLY_AGENT_OIDC_CLIENT_SECRET",
    "CALENDLY_CONNECTOR_INBOX",
    "CALENDLY_CONNECTOR_KEY",
    "CALENDLY_CONNECTOR_VAULT",
    "CALENDLY_MCP_TOKEN",
    "CALENDLY_SLACK_URL",
    "CALENDLY_SYNC_TO",
    "MYSQL_PWD",
    "PGPASSWORD",
)

_PLAIN_NAMES: Final = frozenset(name.replace("_", "") for name in SECRET_FIELDS)
_NAME: Final = "|".join(name.replace("_", "[_-]?") for name in sorted(SECRET_FIELDS, key=len, reverse=True))
_START: Final = r"(?:(?<![\w-])|(?<=%[0-9a-f]{2}))"  # of a name, also inside an encoded URL
_PATTERNS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), masked)
    for pattern, masked in (
        (r"\b(bearer(?:[\s+]|%20)+)[^\s\"',;\\&<>]+", rf"\1{MASK}"),
        (r"\b(basic(?:[\s+]|%20)+)[a-z0-9+/=_-]{20,}", rf"\1{MASK}"),  # "Basic" is also an ordinary word
        (r"(?<![\w-])eyJ[a-z0-9_-]{8,}\.[a-z0-9_-]+\.[a-z0-9_-]*", MASK),
        (r"\b((?:proxy-)?authorization|(?:set-)?cookie)(:\s*)[^\r\n\"']+", rf"\1\2{MASK}"),
        # name: "value", as in JSON and in reprs of Python; a value that is cut off is masked to the end
        (
            rf"{_START}({_NAME})([\"']\s*[:=,]\s*b?|\s*=\s*b?)([\"'])(?:\\.|(?!\3)[^\\])*(?:\3|\\?\Z)",
            rf"\1\2\3{MASK}\3",
        ),
        # the same inside a quoted text
        (
            rf"{_START}({_NAME})(\\+[\"']\s*[:=,]\s*)(\\+[\"']).*?(?:(?<!\\)\3|\Z)",
            rf"\1\2\3{MASK}\3",
        ),
        (rf"{_START}({_NAME}|code|pwd)(=|%3D)[^\s&\"'<>]+", rf"\1\2{MASK}"),  # pwd: in links to video calls
        (r"(https://hooks\.slack(?:-gov)?\.com/)[^\s\"'<>]+", rf"\1{MASK}"),
        # keep advice such as "write it like postgresql://user:password@host/name"
        (r"(?<=://)(?!user(?::password)?@)[^/\s@\"'<>?#]+@", f"{MASK}@"),
    )
)
_TIME_OF_DAY: Final = re.compile(r"[0-9]{2}:[0-9]{2}")
_EMAIL: Final = "person@recorded.example"
_ADDRESSES: Final = (
    "avatar_url booking_url callback_url cancel_url join_url linkedin prefilled_url reschedule_url url"
)
_NAMES: Final = "canceled_by display_name first_name host_name hosts invitee_name last_name name user_name"
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
    "scheduling_url": "https://calendly.com/somebody",
}


def redact(text: str, *secrets: str) -> str:
    """Mask the given secrets in a text, and everything with the name or form of a secret."""
    return _redact(text, _known(secrets))


def shortened(text: str, max_length: int = _MAX_QUOTE) -> str:
    """Return a text; of a long one only its beginning and its length."""
    return text if len(text) <= max_length else f"{text[: max_length // 3]}… ({len(text)} characters)"


def quoted(text: str) -> str:
    """Return a caller's value for an error message: in quotes, redacted and shortened."""
    return repr(shortened(redact(text)))


def redact_all(value: Any, *secrets: str, field: str = "", people: bool = True) -> Any:
    """Mask secrets in a JSON value of `field`, and personal data unless `people`.

    The value keeps its structure.
    """
    return _clean(value, field, _known(secrets), people=people)


def scrub(value: Any, field: str = "") -> Any:
    """Mask secrets and personal data in a JSON value of `field`."""
    return redact_all(value, field=field, people=False)


class RedactingFilter(logging.Filter):
    """Masks secrets in log records of any logger. Add it to a handler."""

    def __init__(self, *secrets: str) -> None:
        super().__init__()
        self._known = _known(secrets)

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the record's message by the formatted and masked text."""
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 - logging itself would print the arguments, unmasked
            text = f"(a message of {record.name} that could not be formatted)"
        record.msg, record.args = _redact(text, self._known), ()
        if record.exc_info:
            record.exc_text = record.exc_text or logging.Formatter().formatException(record.exc_info)
            record.exc_info = None
        if record.exc_text:
            record.exc_text = _redact(record.exc_text, self._known)
        if record.stack_info:
            record.stack_info = _redact(record.stack_info, self._known)
        return True


def _clean(value: Any, name: str, known: re.Pattern[str] | None, *, people: bool) -> Any:
    if value is None or isinstance(value, bool):
        return value  # a flag may be named "secret"
    if _is_secret(name):
        return MASK
    if isinstance(value, dict):
        is_grant = "grant_type" in value  # elsewhere a code is that of a country or an error
        is_question = "answer_choices" in value  # its name is the question, not a person's
        renamed = {"code": "token"} if is_grant else {"name": "question"} if is_question else {}
        if name == "answers" and not people:  # by question
            renamed = dict.fromkeys(value, "answer")
        return {
            _redact(field, known) if isinstance(field, str) else field: _clean(
                item, renamed.get(field, str(field)), known, people=people
            )
            for field, item in value.items()
        }
    if isinstance(value, list | tuple):
        return type(value)(_clean(item, name, known, people=people) for item in value)
    if not isinstance(value, str):
        return value
    if people:
        return _redact(value, known)
    if _TIME_OF_DAY.fullmatch(value):
        return value  # `to` is also the end of an interval of opening hours
    return _REPLACED.get(name) or (_EMAIL if "@" in value else _redact(value, known))


def _is_secret(name: str) -> bool:
    return name.replace("_", "").replace("-", "").lower() in _PLAIN_NAMES


def _redact(text: str, known: re.Pattern[str] | None) -> str:
    if known is not None:
        text = known.sub(MASK, text)
    for pattern, masked in _PATTERNS:
        text = pattern.sub(masked, text)
    return text


def _known(secrets: tuple[str, ...]) -> re.Pattern[str] | None:
    """Return a pattern for secrets, also as encoded in URLs, JSON and Python reprs; longest first."""
    forms = {form for secret in secrets if secret for form in _forms(secret)}
    longest_first = sorted(forms, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))) if forms else None


def _forms(secret: str) -> tuple[str, ...]:
    texts = json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]
    encoded = secret.encode(errors="replace")
    return (secret, *texts, quote(encoded, safe=""), quote_plus(encoded))
