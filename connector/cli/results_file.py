"""The file of results of `run --each`: one row per row of the table. It is also the record for resuming.

While the rows run, lines are appended: one before each call, one after it. The last line of a key counts.
At the start and at the end the file is replaced by one with a line per key, in the order of the table.
"""

import csv
import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

from ..errors import UsageError
from ..recipes.batch import UNKNOWN, Row, RowOutcome, RowStatus
from ..support import private_files, spreadsheets
from .row_files import split_csv

OWN: Final = ("status", "error", "row_key", "started_at")
_FORMATS: Final = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}

Line = dict[str, Any]


class ResultsEncoding(Protocol):
    """How lines are written and read; `names` are the columns."""

    names: Sequence[str]

    def head(self) -> bytes: ...  # noqa: D102
    def encode(self, line: Line) -> bytes: ...  # noqa: D102
    def decode(self, data: bytes) -> list[Line]: ...  # noqa: D102


class ResultsFile:
    """Opened for one run of a batch. `columns` are those of the table, `results` those of a result."""

    def __init__(
        self, path: str, columns: Sequence[str], results: Sequence[str], *, keep_formulas: bool = False
    ) -> None:
        self._path = Path(os.path.realpath(path))  # a link stays one
        self._carried = {name: f"input.{name}" if name in OWN else name for name in columns}
        taken = {*self._carried.values(), *OWN}
        self._results = {name: f"result.{name}" if name in taken else name for name in results}
        names = [*self._carried.values(), *self._results.values(), *OWN]
        self._encoding = _encoding(path, names, keep_formulas=keep_formulas)
        self._lines = self._read()
        others = dict.fromkeys(name for line in self._lines.values() for name in line)
        self._encoding.names = [*names, *(name for name in others if name not in names)]
        self._file: int | None = None

    @property
    def outcomes(self) -> dict[str, RowOutcome]:
        """What earlier runs found out, by row key."""
        return {key: self._outcome(line) for key, line in self._lines.items()}

    def open(self, rows: Sequence[Row]) -> None:
        """Begin to append. Raises UsageError if the file can't be written or another run is writing it."""
        locks = sys.platform != "win32"  # there, an open file can't be replaced
        before = self._open_locked() if locks and self._path.exists() else None
        try:
            self._replace(rows)
            self._file = self._open_locked()
        finally:
            if before is not None:
                os.close(before)

    def append(self, row: Row, outcome: RowOutcome) -> None:
        """Write a line. Raises OSError, for example if the disk is full."""
        line = self._line(row, outcome)
        self._lines[outcome.key] = line
        assert self._file is not None  # noqa: S101 - `open` comes first
        rest = memoryview(self._encoding.encode(line))
        while rest:
            rest = rest[os.write(self._file, rest) :]

    def close(self, rows: Sequence[Row]) -> None:
        """End: replace the file by one with a line per key."""
        if self._file is None:
            return
        file, self._file = self._file, None
        if sys.platform == "win32":
            os.close(file)
        with suppress(UsageError):  # the disk is full: the appended lines say the same
            self._replace(rows)
        if sys.platform != "win32":  # locked until it is complete
            os.close(file)

    def _open_locked(self) -> int:
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise _unwritable(self._path, error) from None
        _lock(file, self._path)
        return file

    def _read(self) -> dict[str, Line]:
        if not self._path.exists():
            return {}
        if not self._path.is_file():  # a device or a pipe would be replaced
            raise UsageError(f"--output: {self._path} isn't a file.", fix="Choose another file.")
        try:
            data = self._path.read_bytes()
        except OSError as error:
            raise _unwritable(self._path, error) from None
        if not data:
            return {}
        try:
            lines = self._encoding.decode(data)
        except (ValueError, csv.Error):
            raise UsageError(
                f"--output: {self._path} exists, but isn't a file of results.", fix="Choose another file."
            ) from None
        return {line["row_key"]: _settled(line) for line in lines if line["row_key"]}

    def _replace(self, rows: Sequence[Row]) -> None:
        """Write all lines to a new file beside it, and put that in its place."""
        order = [row.key for row in rows if row.key in self._lines]
        others = self._lines.keys() - set(order)
        lines = [self._lines[key] for key in [*order, *(key for key in self._lines if key in others)]]
        beside = self._path.with_name(f".{self._path.name}.new")
        try:
            with open(beside, "wb", opener=private_files.opener) as file:
                file.write(self._encoding.head())
                file.writelines(map(self._encoding.encode, lines))
            if self._path.exists():
                shutil.copymode(self._path, beside)
            beside.replace(self._path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise _unwritable(self._path, error) from None

    def _line(self, row: Row, outcome: RowOutcome) -> Line:
        carried = {self._carried[name]: value for name, value in row.cells.items() if name in self._carried}
        results = {self._results[name]: outcome.result.get(name) for name in self._results}
        own = (outcome.status, outcome.error, outcome.key, outcome.started_at)
        return {**carried, **results, **dict(zip(OWN, own, strict=True))}

    def _outcome(self, line: Line) -> RowOutcome:
        status, error, key, started_at = (str(line.get(name) or "") for name in OWN)
        result = {name: line.get(column) for name, column in self._results.items()}
        known: RowStatus = "done" if status == "done" else "failed" if status == "failed" else "unknown"
        return RowOutcome(key, known, started_at, result, error)


class _CsvResults:
    def __init__(self, names: Sequence[str], *, keep_formulas: bool) -> None:
        self.names = names
        self._keep_formulas = keep_formulas

    def head(self) -> bytes:
        return spreadsheets.line(self.names).encode()

    def encode(self, line: Line) -> bytes:
        cells = (_cell(line.get(name)) for name in self.names)
        return spreadsheets.line(cells, keep_formulas=self._keep_formulas).encode()

    def decode(self, data: bytes) -> list[Line]:
        """Return the complete lines: a run that was killed may have left half of one."""
        header, *rows = split_csv(data.decode("utf-8-sig", "replace"))
        if not set(OWN) <= set(header):
            raise ValueError("not a file of results")
        lines = [
            dict(zip(header, map(self._read, row), strict=True)) for row in rows if len(row) == len(header)
        ]
        return _complete(lines, data)

    def _read(self, cell: str) -> str:
        return cell if self._keep_formulas else spreadsheets.unescaped(cell)


class _JsonResults:
    names: Sequence[str] = ()

    def head(self) -> bytes:
        return b""

    def encode(self, line: Line) -> bytes:
        return json.dumps(line, ensure_ascii=False).encode() + b"\n"

    def decode(self, data: bytes) -> list[Line]:
        """Return the complete lines, as for CSV."""
        texts = [text for text in data.split(b"\n") if text.strip()]
        lines: list[Line] = []
        for number, text in enumerate(texts, 1):
            try:
                lines.append(json.loads(text))
            except ValueError:
                if number < len(texts) or not text.startswith(b"{"):
                    raise
        if not all(isinstance(line, dict) and line.keys() >= set(OWN) for line in lines):
            raise ValueError("not a file of results")
        return _complete(lines, data)


def _complete(lines: list[Line], data: bytes) -> list[Line]:
    """Return lines without a last one that is half written: its call was not made."""
    cut = lines and not data.endswith(b"\n") and lines[-1]["status"] == "started"
    return lines[:-1] if cut else lines


def _settled(line: Line) -> Line:
    """Return a line that says what is known after a run ended before a reply arrived."""
    return {**line, "status": "unknown", "error": UNKNOWN} if line["status"] == "started" else line


def _encoding(path: str, names: Sequence[str], *, keep_formulas: bool) -> ResultsEncoding:
    form = _FORMATS.get(Path(path).suffix.lower())
    if form is None:
        raise UsageError(
            f"--output {path}: with --each, results are written as CSV or JSON lines.",
            fix="End the name in .csv or .jsonl.",
        )
    return _CsvResults(names, keep_formulas=keep_formulas) if form == "csv" else _JsonResults()


def _cell(value: object) -> object:
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, bool)):
        return value
    return json.dumps(value, ensure_ascii=False)


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"--output: can't write {path}: {error.strerror}.", fix="No request was sent.")


def _lock(file: int, path: Path) -> None:
    """Keep other runs off the file until it is closed, also by a crash. On Windows there is no such lock."""
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise UsageError(f"--output: another run is writing {path}.", fix="Wait until it ends.") from None


def columns_of(table: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the columns of a table in order."""
    return list(dict.fromkeys(name for row in table for name in row))
