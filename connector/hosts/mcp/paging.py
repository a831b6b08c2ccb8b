"""Lists in short pieces: how many records an agent gets, and a text that says where the next piece begins.

Pure. Calendly pages most lists and not all; agents read all of them the same way. A token holds the page of
Calendly that a piece is from, how many of its records were given, and a mark of the last of them: if that one
has moved, some would be given twice or never, and the list has to be begun anew.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from ...contract import Record
from ...errors import UsageError

COUNT: Final = 20
INPUTS: Final = {
    "count": {
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "default": COUNT,
        "description": "How many records to give, 1 to 100.",
    },
    "page_token": {
        "type": "string",
        "maxLength": 4000,
        "description": "Where to go on: the `next` of the last answer. Left out: the beginning.",
    },
}
_MOST_LETTERS: Final = 40_000  # of a piece as JSON: about ten thousand words of a model


@dataclass(frozen=True, slots=True)
class Position:
    """Where a piece begins: Calendly's page, how many of its records were given, the mark of the last."""

    page: str | None = None
    given: int = 0
    mark: str = ""

    @classmethod
    def read(cls, token: str) -> "Position":
        """Read a token; ValueError if it is none of ours."""
        try:
            page, given, mark = json.loads(urlsafe_b64decode(token.encode("ascii")))
        except (ValueError, TypeError, RecursionError):
            raise ValueError("must be the `next` of an earlier answer, unchanged") from None
        ours = isinstance(page, str | None) and isinstance(mark, str) and type(given) is int and given >= 0
        if not ours:
            raise ValueError("must be the `next` of an earlier answer, unchanged")
        return cls(page, given, mark)

    def __str__(self) -> str:
        return urlsafe_b64encode(json.dumps([self.page, self.given, self.mark]).encode()).decode("ascii")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some records, and where the next ones begin; None where the list ends."""

    records: Sequence[Record]
    next: Position | None


def cut(records: Sequence[Record], at: Position, count: int, following: str | None) -> Piece:
    """Give the piece at a position of one page; `following` is Calendly's token of the page after it."""
    if at.given and (at.given > len(records) or _mark(records[at.given - 1]) != at.mark):
        raise UsageError(
            "The list cannot be read on: it has changed since the last answer, or the other arguments have.",
            fix="Leave page_token out to begin anew.",
        )
    piece: list[Record] = []
    letters = 0
    for record in records[at.given : at.given + count]:
        letters += len(json.dumps(record, ensure_ascii=False))
        if piece and letters > _MOST_LETTERS:
            break
        piece.append(record)
    end = at.given + len(piece)
    if end < len(records):
        return Piece(piece, Position(at.page, end, _mark(records[end - 1])))
    return Piece(piece, Position(following) if following else None)


def _mark(record: Record) -> str:
    return sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:12]
