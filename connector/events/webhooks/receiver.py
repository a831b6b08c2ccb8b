"""The receiver: a webhook is verified, read and stored in the inbox before it is answered.

Anything else is answered with 4xx and not stored; 5xx makes Calendly try again.

    response = Receiver(inbox, [signing_key]).handle(method, query, headers, body)

`wsgi.py` and `asgi.py` turn it into an application, which also limits the size and duration of a body.

See docs/decisions/disk-before-answer.md and docs/decisions/never-410.md.
"""

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from ...errors import ConnectorError, InboxError, SignatureError, UnexpectedAnswer, UsageError
from ...support.clock import Timing
from ..inbox import Entry, Inbox
from .event import read_event
from .signature import HEADER, TOLERANCE_S, usable_keys, verify

Keys = Callable[[str], Sequence[str]]
"""Returns the keys that may sign for a subscription, by its id in the address ("" without one)."""
Headers = Mapping[str, str] | Iterable[tuple[str, str]]

LARGEST_BODY: Final = 1024 * 1024  # bytes; Calendly sends a few thousand
BODY_DEADLINE_S: Final = 10.0

_LOGGER: Final = logging.getLogger("calendly_connector.events.webhooks")
_LENGTH: Final = re.compile(r"[0-9]{1,15}")
_MAX_FIELDS: Final = 20
_MIN_TOLERANCE_S: Final = 1.0  # a signature's time is in whole seconds
_PARAMETER: Final = "subscription"


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    """The response: an HTTP status, a word of plain text, and headers besides its content type.

    If `closes` is set, nothing more may be read from the connection: it isn't clear where the post ends.
    """

    status: int
    text: str
    headers: tuple[tuple[str, str], ...] = ()
    closes: bool = False


@dataclass(frozen=True, slots=True)
class RequestHead:
    """What is known about a post before its body: the keys that may have signed it, and its signature."""

    keys: Sequence[str]
    signature: str | None


class Receiver:
    """Receives webhooks for an inbox. Threads may share it.

    `keys` are the signing keys of the one subscription that posts here (two while one replaces the other), or
    a function that returns those of each subscription; it is called for every post, so it must be fast.
    `on_new` is called when the inbox has a new event. Raises SignatureError if there is no key.
    """

    def __init__(
        self,
        inbox: Inbox,
        keys: Keys | Sequence[str],
        *,
        timing: Timing | None = None,
        tolerance_s: float = TOLERANCE_S,
        largest_body: int = LARGEST_BODY,
        on_new: Callable[[], None] = lambda: None,
    ) -> None:
        if not tolerance_s >= _MIN_TOLERANCE_S:  # written so that NaN is rejected too
            raise UsageError(
                f"A tolerance of {tolerance_s:g} s would reject every webhook.",
                fix=f"Set tolerance_s to at least {_MIN_TOLERANCE_S:g}. Default: {TOLERANCE_S:g}.",
            )
        self.largest_body = largest_body
        self._inbox = inbox
        usable = () if callable(keys) else usable_keys(keys)
        self._keys: Keys = keys if callable(keys) else lambda _subscription: usable
        self._timing = timing or Timing()
        self._tolerance_s = tolerance_s
        self._on_new = on_new

    def handle(self, method: str, query: str, headers: Headers, body: bytes) -> WebhookResponse:
        """Answer a post. `query` has no question mark, `body` is the raw bytes as they arrived."""
        head = self.begin(method, query, headers)
        entry = head if isinstance(head, WebhookResponse) else self.read(head, body)
        return entry if isinstance(entry, WebhookResponse) else self.store([entry])[0]

    def begin(self, method: str, query: str, headers: Headers) -> RequestHead | WebhookResponse:
        """Check a post before its body is read."""
        if method != "POST":
            return reject(HTTPStatus.METHOD_NOT_ALLOWED, "method", (("Allow", "POST"),))
        named: dict[str, list[str]] = {}
        for name, value in headers.items() if isinstance(headers, Mapping) else headers:
            named.setdefault(name.lower(), []).append(value.strip())
        lengths = named.get("content-length", [])
        if len(lengths) > 1 or not all(map(_LENGTH.fullmatch, lengths)):
            return reject(HTTPStatus.BAD_REQUEST, "content_length")
        if lengths and "transfer-encoding" in named:  # a proxy may use the other one
            return reject(HTTPStatus.BAD_REQUEST, "two_lengths", closes=True)
        if lengths and int(lengths[0]) > self.largest_body:
            return reject(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large")
        if [value.lower() for value in named.get("content-encoding", [])] not in ([], ["identity"]):
            return reject(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content_encoding")
        types = [value.partition(";")[0].strip().lower() for value in named.get("content-type", [])]
        if types != ["application/json"]:
            return reject(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content_type")
        signatures = named.get(HEADER.lower(), [])
        if len(signatures) > 1:
            return reject(HTTPStatus.UNAUTHORIZED, "two_headers")
        keys = self._keys_of(query)
        return (
            keys
            if isinstance(keys, WebhookResponse)
            else RequestHead(keys, signatures[0] if signatures else None)
        )

    def read(self, head: RequestHead, body: bytes) -> Entry | WebhookResponse:
        """Verify the raw bytes of a body, then read the event in it."""
        if len(body) > self.largest_body:
            return reject(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large")
        try:
            verify(head.signature, body, head.keys, self._timing.clock(), self._tolerance_s)
            event = read_event(body)
        except SignatureError as error:
            return reject(HTTPStatus.UNAUTHORIZED, error.reason)
        except UnexpectedAnswer:
            return reject(HTTPStatus.BAD_REQUEST, "no_event")
        return Entry(event.id, event.kind, event.created_at, body)

    def store(self, entries: Sequence[Entry]) -> list[WebhookResponse]:
        """Put entries in the inbox, in one transaction. A known event is answered but not stored again."""
        try:
            new = self._inbox.put(entries)
        except InboxError as error:
            return [_unavailable(error) for _ in entries]
        if any(new):
            self._on_new()
        for entry, is_new in zip(entries, new, strict=True):
            _LOGGER.info("%s: %s", "kept" if is_new else "repeated", entry.id)
        return [WebhookResponse(HTTPStatus.OK, "kept" if is_new else "known") for is_new in new]

    def _keys_of(self, query: str) -> Sequence[str] | WebhookResponse:
        try:
            fields = parse_qs(query, max_num_fields=_MAX_FIELDS)
        except ValueError:
            return reject(HTTPStatus.BAD_REQUEST, "query")
        subscriptions = fields.get(_PARAMETER, [""])
        if len(subscriptions) > 1:
            return reject(HTTPStatus.BAD_REQUEST, "query")
        try:
            keys = self._keys(subscriptions[0])
        except ConnectorError as error:
            return _unavailable(error)
        return keys or reject(HTTPStatus.NOT_FOUND, "unknown_subscription")


def reject(
    status: HTTPStatus, reason: str, headers: tuple[tuple[str, str], ...] = (), *, closes: bool = False
) -> WebhookResponse:
    """Return the response to a post that isn't a webhook of Calendly's, and log the reason."""
    _LOGGER.warning("rejected (%d): %s", status, reason)
    return WebhookResponse(status, reason, headers, closes)


def _unavailable(error: ConnectorError) -> WebhookResponse:
    """Return the response that makes Calendly try again."""
    _LOGGER.error("not stored (503): %s", error)
    return WebhookResponse(HTTPStatus.SERVICE_UNAVAILABLE, "not_now")
