"""The receiver: a post of Calendly is verified, read, and in the inbox before it is answered.

Whatever is not one is answered 4xx, and nothing is kept of it; 5xx means that Calendly is to try again.

    reply = Receiver(inbox, [signing_key]).handle(method, query, headers, body)

`wsgi.py` and `asgi.py` make an application of it, which also reads the body with care.
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
from .signature import HEADER, TOLERANCE_S, verify

Keys = Callable[[str], Sequence[str]]
"""Gives the keys that may have signed for a subscription (its id in the address, "" without one)."""
Headers = Mapping[str, str] | Iterable[tuple[str, str]]

LARGEST_BODY: Final = 1024 * 1024  # bytes; a real one has a few thousand
BODY_DEADLINE_S: Final = 10.0

_LOGGER: Final = logging.getLogger("calendly_connector.events.webhooks")
_LENGTH: Final = re.compile(r"[0-9]{1,15}")
_MOST_FIELDS: Final = 20
_SMALLEST_TOLERANCE_S: Final = 1.0  # a signature's time has whole seconds
_PARAMETER: Final = "subscription"


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer: an HTTP status, a word of plain text, and headers besides its type.

    `closes` says that nothing more may be read from the connection: where the post ends is in doubt.
    """

    status: int
    text: str
    headers: tuple[tuple[str, str], ...] = ()
    closes: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a post before its body: keys that may have signed it, and its signature."""

    keys: Sequence[str]
    signature: str | None


class Receiver:
    """Takes posts for an inbox. Threads may share it.

    `keys` are the signing keys of the one subscription that posts here, several while they are rotated, or
    a function that gives those of each; it is called for every post, and has to be quick. Without any key
    there is no receiver: SignatureError. `told` is called when something new is in the inbox.
    """

    def __init__(
        self,
        inbox: Inbox,
        keys: Keys | Sequence[str],
        *,
        timing: Timing | None = None,
        tolerance_s: float = TOLERANCE_S,
        largest_body: int = LARGEST_BODY,
        told: Callable[[], None] = lambda: None,
    ) -> None:
        if not tolerance_s >= _SMALLEST_TOLERANCE_S:  # in this form what is not a number is refused too
            raise UsageError(
                f"A tolerance of {tolerance_s:g} s would refuse every webhook.",
                fix=f"Set tolerance_s to at least {_SMALLEST_TOLERANCE_S:g}; {TOLERANCE_S:g} is usual.",
            )
        self.largest_body = largest_body
        self._inbox = inbox
        self._keys = keys if callable(keys) else _always(keys)
        self._timing = timing or Timing()
        self._tolerance_s = tolerance_s
        self._told = told

    def handle(self, method: str, query: str, headers: Headers, body: bytes) -> Reply:
        """Answer a post: its query without the question mark, the raw bytes of its body."""
        head = self.begin(method, query, headers)
        entry = head if isinstance(head, Reply) else self.read(head, body)
        return entry if isinstance(entry, Reply) else self.keep([entry])[0]

    def begin(self, method: str, query: str, headers: Headers) -> Head | Reply:
        """Refuse what needs no look at a body."""
        if method != "POST":
            return refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method", (("Allow", "POST"),))
        given = _by_name(headers)
        lengths = given.get("content-length", [])
        if len(lengths) > 1 or not all(map(_LENGTH.fullmatch, lengths)):
            return refusal(HTTPStatus.BAD_REQUEST, "content_length")
        if lengths and "transfer-encoding" in given:  # a proxy may go by the other one
            return refusal(HTTPStatus.BAD_REQUEST, "two_lengths", closes=True)
        if lengths and int(lengths[0]) > self.largest_body:
            return refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large")
        if [value.lower() for value in given.get("content-encoding", [])] not in ([], ["identity"]):
            return refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content_encoding")
        types = [value.partition(";")[0].strip().lower() for value in given.get("content-type", [])]
        if types != ["application/json"]:
            return refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content_type")
        signatures = given.get(HEADER.lower(), [])
        if len(signatures) > 1:
            return refusal(HTTPStatus.UNAUTHORIZED, "two_headers")
        keys = self._keys_of(query)
        return keys if isinstance(keys, Reply) else Head(keys, signatures[0] if signatures else None)

    def read(self, head: Head, body: bytes) -> Entry | Reply:
        """Verify the raw bytes of a body, then read them."""
        if len(body) > self.largest_body:
            return refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large")
        try:
            verify(head.signature, body, head.keys, self._timing.clock(), self._tolerance_s)
            event = read_event(body)
        except SignatureError as error:
            return refusal(HTTPStatus.UNAUTHORIZED, error.reason)
        except UnexpectedAnswer:
            return refusal(HTTPStatus.BAD_REQUEST, "no_event")
        return Entry(event.id, event.kind, event.created_at, body)

    def keep(self, entries: Sequence[Entry]) -> list[Reply]:
        """Put what was read in the inbox, all of it at once; what is known already is not kept again."""
        try:
            new = self._inbox.put(entries, now=self._timing.clock())
        except InboxError as error:
            return [_later(error) for _ in entries]
        if any(new):
            self._told()
        for entry, is_new in zip(entries, new, strict=True):
            _LOGGER.info("%s: %s", "kept" if is_new else "repeated", entry.id)
        return [Reply(HTTPStatus.OK, "kept" if is_new else "known") for is_new in new]

    def _keys_of(self, query: str) -> Sequence[str] | Reply:
        try:
            fields = parse_qs(query, max_num_fields=_MOST_FIELDS)
        except ValueError:
            return refusal(HTTPStatus.BAD_REQUEST, "query")
        subscriptions = fields.get(_PARAMETER, [""])
        if len(subscriptions) > 1:
            return refusal(HTTPStatus.BAD_REQUEST, "query")
        try:
            keys = self._keys(subscriptions[0])
        except ConnectorError as error:
            return _later(error)
        return keys or refusal(HTTPStatus.NOT_FOUND, "unknown_subscription")


def refusal(
    status: HTTPStatus, reason: str, headers: tuple[tuple[str, str], ...] = (), *, closes: bool = False
) -> Reply:
    """Give the answer to what is no post of Calendly's, and tell the log why."""
    _LOGGER.warning("refused (%d): %s", status, reason)
    return Reply(status, reason, headers, closes)


def _later(error: ConnectorError) -> Reply:
    """Give the answer after which Calendly tries again."""
    _LOGGER.error("not kept (503): %s", error)
    return Reply(HTTPStatus.SERVICE_UNAVAILABLE, "not_now")


def _by_name(headers: Headers) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in headers.items() if isinstance(headers, Mapping) else headers:
        found.setdefault(name.lower(), []).append(value.strip())
    return found


def _always(keys: Sequence[str]) -> Keys:
    # Of a bare text each character would pass for a key.
    usable = tuple(
        key for key in ([keys] if isinstance(keys, str) else keys or ()) if key and not key.isspace()
    )
    if not usable:
        raise SignatureError(
            "There is no signing key to verify webhooks with.",
            fix="Set CALENDLY_WEBHOOK_SECRET to the key of the subscription.",
            reason="no_key",
        )
    return lambda _subscription: usable
