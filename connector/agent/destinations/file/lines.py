"""Records as the lines of a file, and back: JSON lines and CSV. Pure."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from typing import Any

from ....contract import Record
from ....support import spreadsheets

KEY = "key"
"""The field or column that has the key of a write."""


def encode(path: str, records: Sequence[Record], header: Sequence[str] | None) -> bytes:
    """Return the lines for records; for a CSV file without a `header`, with the header that they make.

    Raises ValueError if a record has a field that isn't in the header.
    """
    if not is_csv(path):
        return b"".join(_json(record) + b"\n" for record in records)
    columns: list[str] = list(header or dict.fromkeys(name for record in records for name in record))
    if unknown := next((name for record in records for name in record if name not in columns), None):
        raise ValueError(f"has the field {unknown!r}, which isn't a column of {path}")
    lines: list[list[Any]] = [[_cell(record.get(name)) for name in columns] for record in records]
    if columns and not header:
        lines.insert(0, columns)
    return "".join(map(spreadsheets.line, lines)).encode()


def decode(path: str, content: bytes) -> Iterator[Record]:
    """Yield the records of a file. Raises ValueError for a line that isn't a record."""
    if is_csv(path):
        header, rows = table(content)
        yield from (dict(zip(header, row, strict=False)) for row in rows if row)
        return
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            record = json.loads(line)
            if not isinstance(record, dict):
                raise ValueError(f"line {number} isn't an object")
            yield record


def table(content: bytes) -> tuple[list[str], Iterator[list[str]]]:
    """Return the header of a CSV file, [] if it is empty, and its other rows. They raise ValueError."""
    rows = _rows(content)
    return next(rows, []), rows


def _rows(content: bytes) -> Iterator[list[str]]:
    try:
        for row in csv.reader(StringIO(content.decode("utf-8-sig"), newline=""), strict=True):
            yield [spreadsheets.unescaped(cell) for cell in row]
    except csv.Error as error:
        raise ValueError(str(error)) from None


def document(path: str, records: Iterable[Record]) -> bytes:
    """Return the content of a whole file with these records."""
    if path.endswith(".json"):
        return json.dumps(list(records), ensure_ascii=False, indent=2).encode() + b"\n"
    return encode(path, list(records), None)


def may_have_key(path: str, content: bytes, key: str) -> bool:
    """Return False if no record of a file can have this key. That is much faster than reading them."""
    if is_csv(path):
        return spreadsheets.line([key]).removesuffix("\r\n").encode() in content
    return _json(key) in content


def fits(record: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Return whether a record has these values. In CSV every value is text."""
    return all(name in record and _same(record[name], value) for name, value in wanted.items())


def _same(found: Any, wanted: Any) -> bool:
    return bool(found == wanted) or (isinstance(found, str) and found == str(_cell(wanted)))


def is_csv(path: str) -> bool:
    """Return whether a path is that of a CSV file."""
    return path.endswith(".csv")


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _cell(value: Any) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return value
