"""Cut listings into pages, linked by opaque tokens for the next and the previous page."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from urllib.parse import urlencode

from ..errors import ApiError, detail, invalid
from ..faults import Fault
from ..world.listings import Key, RecordListing
from ..world.records import Record

DEFAULT_COUNT = 20
MAX_COUNT = 100
TOKEN_PARAMETER = "page_token"  # noqa: S105 - the name of a query parameter

NO_OTHER_PAGE: Record = {
    "next_page": None,
    "previous_page": None,
    "next_page_token": None,
    "previous_page_token": None,
}
"""The pagination of a list that is sent in full; add `count`."""

_TOKEN_BYTES = 24  # 32 characters of base64


@dataclass(frozen=True)
class PageQuery:
    """The query that a page belongs to: caller, URL and all parameters except the page token."""

    caller_id: str
    url: str
    parameters: Sequence[tuple[str, str]]

    def fingerprint(self) -> str:
        """Return a string that is unique to this query."""
        return repr((self.caller_id, self.url.partition("://")[2].partition("/")[2], sorted(self.parameters)))

    def with_token(self, token: str) -> str:
        """Return the full URL of the page that a token leads to."""
        return f"{self.url}?{urlencode([*self.parameters, (TOKEN_PARAMETER, token)], safe=':/@')}"


@dataclass(frozen=True)
class PagePosition:
    """The start of a page in the listing of one query.

    Attributes:
        key: the page starts after this key; None for the start of the listing.
        empty_pages: empty pages sent before it (fault `empty_page`), so that their tokens differ.
    """

    fingerprint: str
    key: Key | None
    backwards: bool
    empty_pages: int = 0

    def text(self) -> str:
        """Return a string that is unique to this position and doesn't depend on class names."""
        key = None if self.key is None else tuple(self.key)
        return repr((self.fingerprint, key, self.backwards, self.empty_pages))


class PageTokens:
    """The valid page tokens. Tokens are opaque; the same position always has the same token."""

    def __init__(self, *, seed: int, life_s: float, clock: Callable[[], float]) -> None:
        self._secret = f"page tokens of {seed}".encode()
        self._life_s = life_s
        self._clock = clock
        self._issued: dict[str, tuple[float, PagePosition]] = {}  # oldest first

    def issue(self, position: PagePosition) -> str:
        """Return the token of a position and restart its lifetime."""
        digest = hmac.digest(self._secret, position.text().encode(), hashlib.sha256)
        token = base64.urlsafe_b64encode(digest[:_TOKEN_BYTES]).decode()
        self._issued.pop(token, None)
        self._issued[token] = (self._clock(), position)
        self._drop_expired()
        return token

    def redeem(self, token: str, fingerprint: str) -> PagePosition:
        """Return the position of a token; raise 400 if it is expired, unknown or of another query."""
        self._drop_expired()
        _, position = self._issued.get(token, (0, None))
        if position is None or position.fingerprint != fingerprint:
            raise _bad_token()
        return position

    def expire(self) -> None:
        """Expire all tokens."""
        self._issued.clear()

    def _drop_expired(self) -> None:
        oldest_allowed = self._clock() - self._life_s
        while self._issued:
            token, (issued, _) = next(iter(self._issued.items()))
            if issued > oldest_allowed:
                return
            del self._issued[token]


def _bad_token() -> ApiError:
    return invalid(detail("must be a valid token", TOKEN_PARAMETER))


def page(
    listing: RecordListing,
    query: PageQuery,
    *,
    count: int,
    token: str | None,
    tokens: PageTokens,
    fault: Fault | None = None,
) -> Record:
    """Return `collection` and `pagination` of one page, as changed by a fault of the kinds `PAGING`."""
    fingerprint, kind = query.fingerprint(), fault.kind if fault else ""
    position = PagePosition(fingerprint, None, backwards=False)
    if token is not None:
        if kind == "refuse_token":
            raise _bad_token()
        position = tokens.redeem(token, fingerprint)
    if fault and kind == "shift":
        position = replace(position, key=_key_before(listing, position.key, fault.rows))
    backwards = position.backwards
    keys = list(islice(listing.walk(position.key, backwards=backwards), count + 1))
    more = len(keys) > count
    if kind == "empty_page":
        keys, more = [], False
    keys = keys[:count]
    if backwards:
        keys.reverse()
    # A page that was reached by a token can lead back to the page the token came from.
    has_next = bool(keys) and (more or backwards)
    has_previous = bool(keys) and (more if backwards else token is not None)
    following = tokens.issue(PagePosition(fingerprint, keys[-1], backwards=False)) if has_next else None
    if kind == "repeat_token":
        following = tokens.issue(position)
    elif kind == "empty_page":
        following = tokens.issue(replace(position, empty_pages=position.empty_pages + 1))
    preceding = tokens.issue(PagePosition(fingerprint, keys[0], backwards=True)) if has_previous else None
    return {
        "collection": [listing.record(key) for key in keys],
        "pagination": {
            "count": len(keys),
            "next_page": following and query.with_token(following),
            "previous_page": preceding and query.with_token(preceding),
            "next_page_token": following,
            "previous_page_token": preceding,
        },
    }


def _key_before(listing: RecordListing, key: Key | None, rows: int) -> Key | None:
    """Return the key `rows` rows before a key; None if that is before the start of the listing."""
    if key is None:
        return None
    return next(islice(listing.walk(key, backwards=True), rows - 1, None), None)
