"""Writes records as a table, JSON, JSON lines or CSV to the terminal, a pipe or a file."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, Any, Final, Protocol

from ..contract import ActionInfo, Record
from ..errors import UsageError
from ..support import private_files, spreadsheets
from .terminal import printable

_MAX_COLUMNS: Final = 5
_MAX_WIDTH: Final = 40
_HIDDEN: Final = ("uri", "created_at", "updated_at", "slug", "color", "locale", "avatar_url", "resource_type")
_EXTENSIONS: Final = {".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}


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


def writer(name: str, target: Target, action: ActionInfo, *, keep_formulas: bool = False) -> Writer:
    """Return the writer of a format. On a terminal, it escapes or replaces control characters."""
    write = target.write
    if target.is_terminal:
        safe = _escaped if name in {"json", "jsonl"} else _replaced
        write = lambda data: target.write(safe(data.decode()).encode())  # noqa: E731 - it closes over two names
    if name == "csv":
        return _Csv(write, action, keep_formulas=keep_formulas)
    kinds: dict[str, Callable[[Write, ActionInfo], Writer]]
    kinds = {"json": _Json, "jsonl": _JsonLines, "table": _Table}
    return kinds[name](write, action)


def format_of(path: str | None, form: str | None) -> str | None:
    """Return the format from `--format` or the file's extension, or None without either.

    Raises UsageError if they differ; only JSON lines in a .json file are fine.
    """
    named = _EXTENSIONS.get(Path(path).suffix.lower()) if path else None
    if named and form and named != form and (named, form) != ("json", "jsonl"):
        raise UsageError(
            f"--output {path} implies {named}, but --format is {form}.",
            fix="Remove --format or rename the file.",
        )
    return form or named


def _escaped(text: str) -> str:
    """Escape control characters in JSON, which keeps its meaning."""
    return "".join(
        letter if letter == "\n" or letter.isprintable() else json.dumps(letter)[1:-1] for letter in text
    )


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


class _Csv:
    """A column per declared property; the last one holds all others as JSON."""

    def __init__(self, write: Write, action: ActionInfo, *, keep_formulas: bool) -> None:
        self._write = write
        self._names = declared_columns(action)
        self._keep_formulas = keep_formulas
        self._started = False

    def page(self, records: list[Record]) -> None:
        rows: list[Sequence[object]] = [] if self._started else [[*self._names, "other"]]
        self._started = True
        for record in records:
            other = {name: value for name, value in record.items() if name not in self._names}
            rows.append([*(_cell(record.get(name)) for name in self._names), _cell(other or None)])
        lines = (spreadsheets.line(row, keep_formulas=self._keep_formulas) for row in rows)
        self._write("".join(lines).encode())

    def end(self, summary: dict[str, Any]) -> None:  # noqa: ARG002 - every row is a record
        if not self._started:
            self.page([])


class _Table:
    """Columns with widths that fit the first page, so rows can be printed as they arrive."""

    def __init__(self, write: Write, action: ActionInfo) -> None:
        self._write = write
        self._action = action
        self._names: list[str] = []
        self._widths: list[int] = []

    def page(self, records: list[Record]) -> None:
        if self._action.returns != "many":
            for name, value in records[0].items():
                self._line([f"{printable(name):<24}", _shown(value)])
            return
        if not self._names and records:
            self._names = _interesting(self._action, records)
            cells = [[_shown(record.get(name))[:_MAX_WIDTH] for record in records] for name in self._names]
            self._widths = [
                max(len(name), *map(len, cell)) for name, cell in zip(self._names, cells, strict=True)
            ]
            self._row([name.upper() for name in self._names], "URI")
        for record in records:
            self._row([_shown(record.get(name)) for name in self._names], _shown(record.get("uri")))

    def end(self, summary: dict[str, Any]) -> None:  # noqa: ARG002 - the command prints the summary
        if self._action.returns == "many" and not self._names:
            self._line(["no records"])

    def _row(self, cells: list[str], uri: str) -> None:
        fitted = [
            f"{cell if len(cell) <= width else cell[: width - 1] + '…':<{width}}"
            for cell, width in zip(cells, self._widths, strict=True)
        ]
        self._line([*fitted, uri])

    def _line(self, cells: Iterable[str]) -> None:
        self._write("  ".join(cells).rstrip().encode() + b"\n")


def declared_columns(action: ActionInfo) -> list[str]:
    """Return the names of the properties that an action's records have, in order."""
    reference = str(action.output.get("$ref", "")).removeprefix("#/$defs/")
    shape = action.output.get("$defs", {}).get(reference, action.output)
    return list(shape.get("properties", {}))


def _interesting(action: ActionInfo, records: list[Record]) -> list[str]:
    """Return the first few text or number properties that tell records apart."""
    names = [
        name
        for name in declared_columns(action)
        if name not in _HIDDEN and any(isinstance(record.get(name), str | int) for record in records)
    ]
    return names[:_MAX_COLUMNS]


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return printable(value if isinstance(value, str) else str(_cell(value)))


def _cell(value: object) -> object:
    if isinstance(value, str | int | float | None) and not isinstance(value, bool):
        return value
    import orjson

    return orjson.dumps(value).decode()
