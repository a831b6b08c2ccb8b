"""Short pages for agents: how many records fit, and a token that says where the next page starts. Pure.

Calendly pages most lists but not all; agents read all of them the same way. A page token holds Calendly's own
page token, an offset into that page and a fingerprint of the record before the offset. If that record has
moved, reading on could repeat or skip records, so the list has to be restarted.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from ...catalog.models import Action
from ...contract import Record
from ...errors import UsageError

DEFAULT_COUNT: Final = 20
INPUTS: Final = {
    "count": {
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "default": DEFAULT_COUNT,
        "description": "Maximum number of records to return, 1 to 100.",
    },
    "page_token": {
        "type": "string",
        "maxLength": 4000,
        "description": "`next` from the previous answer. Default: the first page.",
    },
}
_MAX_CHARACTERS: Final = 40_000  # of a page as JSON: about ten thousand tokens


@dataclass(frozen=True, slots=True)
class PageToken:
    """Where a page starts: Calendly's page, the offset in it, a fingerprint of the record before it."""

    calendly_page: str | None = None
    offset: int = 0
    fingerprint: str = ""

    @classmethod
    def parse(cls, text: str) -> "PageToken":
        """Parse a token. Raises ValueError if this module didn't write it."""
        try:
            page, offset, fingerprint = json.loads(urlsafe_b64decode(text.encode("ascii")))
            ours = isinstance(page, str | None) and type(offset) is int and isinstance(fingerprint, str)
        except (ValueError, TypeError, RecursionError):
            ours = False
        if not ours or offset < 0:
            raise ValueError("must be `next` from an earlier answer, unchanged")
        return cls(page, offset, fingerprint)

    def __str__(self) -> str:
        content = json.dumps([self.calendly_page, self.offset, self.fingerprint])
        return urlsafe_b64encode(content.encode()).decode("ascii")


def is_paged(action: Action) -> bool:
    """Check whether agents read a list in pages; that of a write is whole, as a second call would write."""
    return action.returns == "many" and action.effect == "read"


@dataclass(frozen=True, slots=True)
class ShortPage:
    """Some records, and where the next page starts (None at the end of the list)."""

    records: Sequence[Record]
    next: PageToken | None


def slice_page(
    records: Sequence[Record], token: PageToken, count: int, next_calendly_page: str | None
) -> ShortPage:
    """Return the short page at `token` from one page of Calendly's. Raises UsageError if the list changed."""
    offset = token.offset
    if offset and (offset > len(records) or _fingerprint(records[offset - 1]) != token.fingerprint):
        raise UsageError(
            "Can't read the next page: the list or the other arguments have changed since the last answer.",
            fix="Omit page_token to start over.",
        )
    page: list[Record] = []
    characters = 0
    for record in records[offset : offset + count]:
        characters += len(json.dumps(record, ensure_ascii=False))
        if page and characters > _MAX_CHARACTERS:
            break
        page.append(record)
    end = offset + len(page)
    if end < len(records):
        return ShortPage(page, PageToken(token.calendly_page, end, _fingerprint(records[end - 1])))
    return ShortPage(page, PageToken(next_calendly_page) if next_calendly_page else None)


def _fingerprint(record: Record) -> str:
    return sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:12]
