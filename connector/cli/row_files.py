"""Reads a table of rows from a CSV, JSON or JSON lines file, as people and spreadsheets write them."""

import csv
import json
import re
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Any, Final

import click

from ..errors import UsageError

_DELIMITERS: Final = ",;\t"
_QUOTED: Final = re.compile(r'"[^"]*"')
_MAX_HEADER: Final = 65_536  # characters
_MAX_CELL: Final = 10_000_000  # characters; the csv module's own limit is too short for a cell of records
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")  # "Unicode text" of Excel


def read_table(path: str) -> list[dict[str, Any]]:
    """Return the rows of a file, or of standard input for `-`. Raises UsageError.

    The format follows the ending: .json, .jsonl or .ndjson; anything else is CSV with commas, semicolons or
    tabs. Empty rows are left out.
    """
    text = _text(path)
    ending = Path(path).suffix.lower()
    if ending in {".json", ".jsonl", ".ndjson"}:
        return _json_rows(path, text, lines=ending != ".json")
    header, *lines = _csv_lines(path, text)
    return [dict(zip(header, cells, strict=True)) for cells in lines]


def split_csv(text: str) -> list[list[str]]:
    """Return the cells of CSV text, whatever its delimiter. Raises csv.Error."""
    csv.field_size_limit(_MAX_CELL)
    return list(csv.reader(StringIO(text, newline=""), delimiter=_delimiter(text)))


def _text(path: str) -> str:
    try:
        with click.open_file(path, "rb") as file:
            data: bytes = file.read()
    except OSError as error:
        raise UsageError(f"--each: can't read {path}: {error.strerror}.") from None
    try:
        return data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(
            f"--each: {path} isn't UTF-8.", fix='In a spreadsheet, save it as "CSV UTF-8".'
        ) from None


def _csv_lines(path: str, text: str) -> list[list[str]]:
    """Return the header and the rows, each with as many cells as the header."""
    try:
        lines = [
            (number, cells) for number, cells in enumerate(split_csv(text), 1) if any(map(str.strip, cells))
        ]
    except csv.Error as error:
        raise UsageError(f"--each: {path} isn't valid CSV: {error}.") from None
    if not lines:
        raise UsageError(f"--each: {path} is empty.", fix="Its first row must name the columns.")
    header = [name.strip() for name in lines[0][1]]
    while header and not header[-1]:  # as spreadsheets write columns that were cleared
        header.pop()
    if problem := _header_problem(header):
        raise UsageError(f"--each: {path}: {problem}.")
    rows = []
    for number, cells in lines[1:]:
        if any(map(str.strip, cells[len(header) :])):
            raise UsageError(
                f"--each: {path}: row {number} has {len(cells)} cells, but the header has {len(header)}.",
                fix="Put cells that contain the delimiter into quotes.",
            )
        rows.append((cells + [""] * len(header))[: len(header)])
    return [header, *rows]


def _header_problem(header: Iterable[str]) -> str:
    names = [name.casefold() for name in header]
    if not all(names):
        return "a column has no name"
    twice = sorted({name for name in names if names.count(name) > 1})
    return f"there are several columns named {', '.join(twice)}" if twice else ""


def _delimiter(text: str) -> str:
    """Return the delimiter that the header has most of, outside quotes."""
    start = _QUOTED.sub("", text.lstrip()[:_MAX_HEADER])
    return max(_DELIMITERS, key=next(iter(start.splitlines()), "").count)


def _json_rows(path: str, text: str, *, lines: bool) -> list[dict[str, Any]]:
    try:
        found = (
            [json.loads(line) for line in text.splitlines() if line.strip()] if lines else json.loads(text)
        )
    except (ValueError, RecursionError):
        raise UsageError(f"--each: {path} isn't valid JSON.") from None
    if isinstance(found, dict) and isinstance(found.get("records"), list):
        found = found["records"]  # as `run --format json` writes a list
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise UsageError(f"--each: {path} must contain a list of JSON objects, one per row.")
    return [row for row in found if row]
