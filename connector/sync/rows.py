"""Turns records into rows: values that fit a column go there, everything else into `other`. Pure."""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from ..contract import Record
from ..errors import UnexpectedAnswer
from ..support import timestamps
from .streams import ColumnKind

Row = dict[str, Any]

MAX_QUESTIONS: Final = 500  # per table
MAX_URI_LENGTH: Final = 512
_ANSWER_BYTES: Final = 6500  # a row of PostgreSQL fits into a page of 8 KiB, long text as a pointer
_POINTER_BYTES: Final = 28
_HEADER_BYTES: Final = 4
_MAX_NAME_LENGTH: Final = 63  # PostgreSQL cuts names after this many bytes
_HASH_STEP: Final = 8
_PREFIX: Final = "answer_"
_NO_SLUG: Final = re.compile(r"[^a-z0-9]+")
_INTEGER_LIMIT: Final = 2**63
_EXACT_FLOAT_LIMIT: Final = 2**53
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


def to_row(record: Record, columns: Mapping[str, ColumnKind]) -> Row:
    """Return a record as a row with `uri`, these columns and `other`.

    `other` holds, unchanged, properties without a column and values that don't fit theirs. Raises
    UnexpectedAnswer if the record has no usable URI.
    """
    row: Row = {"uri": record_uri(record), **dict.fromkeys(columns), "other": None}
    other = {}
    for name, value in record.items():
        if name == "uri" or value is None:
            continue
        fitted = _fit(columns[name], value) if name in columns else None
        if fitted is None:
            other[name] = value
        else:
            row[name] = fitted
    row["other"] = other or None
    return row


def record_uri(record: Record) -> str:
    """Return the URI of a record. Raises UnexpectedAnswer if it is missing or too long."""
    uri = record.get("uri")
    if not isinstance(uri, str) or not 0 < len(uri) <= MAX_URI_LENGTH:
        raise UnexpectedAnswer(
            "Calendly returned a record without a usable URI.", fix="If it happens again, report it."
        )
    return _storable(uri)


def by_uri(records: Iterable[Record]) -> dict[str, Record]:
    """Return records by URI. The last one with a URI wins."""
    return {record_uri(record): record for record in records}


def answers_by_question(record: Record, name: str | None) -> dict[str, str]:
    """Return the answers in the property `name`. Several answers to a question are joined by line breaks."""
    answers: dict[str, str] = {}
    entries = record.get(name) if name else None
    for entry in entries if isinstance(entries, list) else ():
        question, answer = (entry.get("question"), entry.get("answer")) if isinstance(entry, dict) else (0, 0)
        if isinstance(question, str) and isinstance(answer, str):
            question, answer = _storable(question), _storable(answer)
            answers[question] = f"{answers[question]}\n{answer}" if question in answers else answer
    return answers


def fit_answers(answers: Mapping[str, str]) -> dict[str, str]:
    """Return as many answers by column, from the first one on, as fit into a row of PostgreSQL."""
    room = _ANSWER_BYTES
    fitting = {}
    for name, answer in answers.items():
        room -= min(len(answer.encode()) + _HEADER_BYTES, _POINTER_BYTES)
        if room < 0:
            break
        fitting[name] = answer
    return fitting


def answer_column(question: str, taken: Collection[str]) -> str:
    """Return a column name for a question that isn't `taken`: its words, if necessary with a hash."""
    plain = unicodedata.normalize("NFKD", question).encode("ascii", "ignore").decode().lower()
    slug = _NO_SLUG.sub("_", plain).strip("_")
    digest = hashlib.sha256(question.encode("utf-8", "surrogatepass")).hexdigest()
    name, length = _PREFIX + slug, 0
    while name == _PREFIX or len(name) > _MAX_NAME_LENGTH or name in taken:
        length += _HASH_STEP
        head = slug[: max(_MAX_NAME_LENGTH - len(_PREFIX) - length - 1, 0)].strip("_")
        name = f"{_PREFIX}{head}_{digest[:length]}" if head else f"{_PREFIX}{digest[:length]}"
    return name


def _storable(text: str) -> str:
    """Replace NUL and lone surrogates, which PostgreSQL doesn't accept in text."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _fit(kind: ColumnKind, value: object) -> object:
    """Return a value as its column stores it, None if it doesn't fit."""
    if kind == "json":
        return value
    if kind == "time":
        return timestamps.normalize(value)
    if isinstance(value, str):
        fits = kind == "text" or (kind == "link" and len(value) <= MAX_URI_LENGTH)
        return _storable(value) if fits else None
    if isinstance(value, bool):
        return value if kind == "boolean" else None
    if kind == "integer":
        return value if isinstance(value, int) and -_INTEGER_LIMIT <= value < _INTEGER_LIMIT else None
    exact = isinstance(value, float) or (isinstance(value, int) and abs(value) < _EXACT_FLOAT_LIMIT)
    return value if kind == "float" and exact else None
