"""From records to rows: what fits a column goes there, all else into `other`. Pure."""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from ..contract import Record
from ..errors import UnexpectedAnswer
from . import times
from .streams import Kind

Row = dict[str, Any]

MOST_QUESTIONS: Final = 500
LONGEST_URI: Final = 512
_ROOM: Final = 6500  # bytes for answers: a row of PostgreSQL fits a page of 8 KiB, long texts as pointers
_POINTER: Final = 28
_HEADER: Final = 4
_LONGEST_NAME: Final = 63  # PostgreSQL cuts names after as many bytes
_MARK: Final = 8
_PREFIX: Final = "answer_"
_NO_SLUG: Final = re.compile(r"[^a-z0-9]+")
_LARGEST: Final = 2**63
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


def row(record: Record, columns: Mapping[str, Kind]) -> Row:
    """Give a record as a row of these columns, with `uri` and `other`.

    `other` holds, as they came, properties without a column and values that their column does not take.
    """
    made: Row = {"uri": uri_of(record), **dict.fromkeys(columns), "other": None}
    other = {}
    for name, value in record.items():
        if name == "uri" or value is None:
            continue
        kind = columns.get(name)
        fitted = None if kind is None else _fitted(kind, value)
        if fitted is None:
            other[name] = value
        else:
            made[name] = fitted
    made["other"] = other or None
    return made


def uri_of(record: Record) -> str:
    """Return the URI that tells a record from all others."""
    uri = record.get("uri")
    if not isinstance(uri, str) or not 0 < len(uri) <= LONGEST_URI:
        raise UnexpectedAnswer("Calendly gave a record without a URI that could name it.", fix="Report it.")
    return storable(uri)


def by_uri(records: Iterable[Record]) -> dict[str, Record]:
    """Give records by URI; of two with the same, the later one."""
    return {uri_of(record): record for record in records}


def storable(text: str) -> str:
    """Replace what PostgreSQL does not take in a text: NUL, and halves of letters."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def answers(record: Mapping[str, Any], name: str | None) -> dict[str, str]:
    """Give the answers of a record by question; those to the same words are set apart by line breaks."""
    given: dict[str, str] = {}
    listed = record.get(name) if name else None
    for entry in listed if isinstance(listed, list) else ():
        question, answer = (entry.get("question"), entry.get("answer")) if isinstance(entry, dict) else (0, 0)
        if isinstance(question, str) and isinstance(answer, str):
            question, answer = storable(question), storable(answer)
            given[question] = f"{given[question]}\n{answer}" if question in given else answer
    return given


def fitting(answered: Mapping[str, str]) -> dict[str, str]:
    """Return as many answers by column as a row of PostgreSQL takes, from the first one on."""
    room = _ROOM
    kept = {}
    for name, answer in answered.items():
        room -= min(len(answer.encode()) + _HEADER, _POINTER)
        if room < 0:
            break
        kept[name] = answer
    return kept


def answer_column(question: str, taken: Collection[str]) -> str:
    """Give a name for a question's column: its words, and a short hash where they do not tell it apart."""
    plain = unicodedata.normalize("NFKD", question).encode("ascii", "ignore").decode().lower()
    slug = _NO_SLUG.sub("_", plain).strip("_")
    name = _PREFIX + slug
    if slug and len(name) <= _LONGEST_NAME and name not in taken:
        return name
    return next(name for name in _marked(question, slug) if name not in taken)


def _marked(question: str, slug: str) -> Iterator[str]:
    digest = hashlib.sha256(question.encode("utf-8", "surrogatepass")).hexdigest()
    for length in range(_MARK, _LONGEST_NAME - len(_PREFIX), _MARK):
        room = _LONGEST_NAME - len(_PREFIX) - length - 1
        head = slug[: max(room, 0)].strip("_")
        yield f"{_PREFIX}{head}_{digest[:length]}" if head else f"{_PREFIX}{digest[:length]}"


def _fitted(kind: Kind, value: object) -> object:
    """Return a value as its column holds it, None where it does not fit."""
    if kind == "time":
        return times.canonical(value)
    if kind == "text" or (kind == "link" and len(str(value)) <= LONGEST_URI):
        return storable(value) if isinstance(value, str) else None
    return value if _fits(kind, value) else None


def _fits(kind: Kind, value: object) -> bool:
    if kind in {"json", "boolean"}:
        return kind == "json" or isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if kind == "integer":
        return isinstance(value, int) and -_LARGEST <= value < _LARGEST
    return kind == "float" and (isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**53))
