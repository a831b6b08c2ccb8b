"""Writes records as a table, JSON, JSON lines, CSV or an Excel workbook to the terminal, a pipe or a file."""

from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final, Protocol

from ..contract import ActionInfo, Record
from ..errors import UsageError
from ..support import private_files
from .columns import View
from .terminal import escaped, printable, shows_color, width_of

_EXTENSIONS: Final = {".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".xlsx": "xlsx"}
_OTHER_EXTENSIONS: Final = frozenset(
    {
        ".htm",
        ".html",
        ".numbers",
        ".ods",
        ".parquet",
        ".pdf",
        ".tsv",
        ".xls",
        ".xlsb",
        ".xlsm",
        ".xml",
        ".yaml",
        ".yml",
    }
)


class Target:
    """The file or stream to write to. A file is opened immediately, but truncated on the first write only."""

    def __init__(self, path: str | None, stdout: IO[bytes]) -> None:
        self._path = Path(path) if path else None
        self._fresh = self._path is not None and not self._path.exists()
        self._started = self._path is None
        try:
            # Unbuffered: after a failed write to a full disk, the interpreter doesn't try again at exit.
            self._file: IO[bytes] = (
                open(self._path, "ab", buffering=0, opener=private_files.opener) if self._path else stdout  # noqa: SIM115 - `close` closes it
            )
        except OSError as error:
            raise UsageError(
                f"--output: can't write {path}: {error.strerror}.", fix="No request was sent."
            ) from None
        self.is_terminal = self._file.isatty()

    def write(self, data: bytes) -> None:
        """Write all of `data`. Raises OSError if the disk is full or the reader is gone."""
        if not self._started:
            self._started = True
            if self._path and self._path.is_file():  # a pipe or device can't be truncated
                self._file.truncate(0)
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def close(self) -> None:
        """Close the file, and delete it if it was created here and nothing was written."""
        self._file.flush()
        if self._path:
            self._file.close()
            if self._fresh and not self._started:
                self._path.unlink(missing_ok=True)


class Writer(Protocol):
    """Writes records page by page; `end` completes the document, also after an interruption."""

    def page(self, records: list[Record]) -> None: ...  # noqa: D102
    def end(self, summary: dict[str, Any]) -> None: ...  # noqa: D102


Write = Callable[[bytes], None]


def writer(
    name: str,
    target: Target,
    action: ActionInfo,
    *,
    view: View | None = None,
    keep_formulas: bool = False,
    excel: bool = False,
) -> Writer:
    """Return the writer of a format. On a terminal, it escapes or replaces control characters.

    `excel` is for CSV that Excel opens. Raises UsageError for an unknown column, or without a needed library.
    """
    write = target.write
    view = view or View()
    if name == "table":
        from .record_table import RecordTable

        colors = shows_color(is_terminal=target.is_terminal)
        return RecordTable(write, action, view, width=width_of(is_terminal=target.is_terminal), colors=colors)
    if name == "xlsx":
        from .spreadsheet_files import ExcelFile

        if target.is_terminal:
            raise UsageError(
                "An Excel workbook can't be shown in a terminal.", fix="Pass --output FILE.xlsx."
            )
        return ExcelFile(write, action, view)
    if target.is_terminal:
        safe = _replaced if name == "csv" else escaped
        write = lambda data: target.write(safe(data.decode()).encode())  # noqa: E731 - it closes over two names
    if name == "csv":
        from .spreadsheet_files import CsvFile

        return CsvFile(write, action, view, keep_formulas=keep_formulas, excel=excel)
    return _Json(write, action) if name == "json" else _JsonLines(write, action)


def format_of(path: str | None, form: str | None) -> str | None:
    """Return the format from `--format` or the file's extension, or None without either.

    Raises UsageError if they differ (only JSON lines in a .json file are fine), or if the extension
    is that of another format.
    """
    extension = Path(path).suffix.lower() if path else ""
    named = _EXTENSIONS.get(extension)
    if extension in _OTHER_EXTENSIONS and not form:
        raise UsageError(
            f"--output {path}: {extension} files can't be written.",
            fix="Use .csv, .json, .jsonl or .xlsx, or pass --format.",
        )
    if named and form and named != form and (named, form) != ("json", "jsonl"):
        raise UsageError(
            f"--output {path} implies {named}, but --format is {form}.",
            fix="Remove --format or rename the file.",
        )
    return form or named


def _replaced(text: str) -> str:
    return "\n".join(map(printable, text.replace("\r\n", "\n").split("\n")))


class _JsonLines:
    def __init__(self, write: Write, action: ActionInfo) -> None:  # noqa: ARG002 - all writers have the same signature
        self._write = write

    def page(self, records: list[Record]) -> None:
        import orjson

        line = orjson.OPT_APPEND_NEWLINE
        self._write(b"".join([orjson.dumps(record, option=line) for record in records]))

    def end(self, summary: dict[str, Any]) -> None:
        """Write no summary, since every line is a record."""


class _Json:
    def __init__(self, write: Write, action: ActionInfo) -> None:
        self._write = write
        self._many = action.returns == "many"
        self._opening = b'{"records":[' if self._many else b'{"record":'
        self._count = 0

    def page(self, records: list[Record]) -> None:
        import orjson

        if records:
            before = b"," if self._count else self._opening
            self._write(before + b"\n" + b",\n".join(map(orjson.dumps, records)))
            self._count += len(records)

    def end(self, summary: dict[str, Any]) -> None:
        import orjson

        before = b"" if self._count else self._opening
        closing = b"\n]" if self._many else b"" if self._count else b"null"
        self._write(before + closing + b"," + orjson.dumps(summary)[1:] + b"\n")
