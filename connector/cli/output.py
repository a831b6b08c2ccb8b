"""Records on their way out: as a table for a person, or as JSON, JSON lines or CSV for a program."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final, Protocol

import click

from ..catalog.models import Action
from ..contract import Record
from ..errors import UsageError
from ..support import private_files, spreadsheets

keeps_formulas = click.option(
    "--keep-formulas",
    is_flag=True,
    help="With csv: leave texts alone that a spreadsheet would run as formulas.",
)
_COLUMNS: Final = 5
_WIDEST: Final = 40
_DULL: Final = ("uri", "created_at", "updated_at", "slug", "color", "locale", "avatar_url", "resource_type")
_EXTENSIONS: Final = {".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def printable(text: str) -> str:
    """Take out control characters: names come from strangers, and a terminal obeys what it is sent."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def styled(stream: IO[Any]) -> bool:
    """Return whether a stream shows bold text: a terminal that can, unless NO_COLOR asks for none."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def columns(rows: Sequence[Sequence[str]], *, bold: bool = False) -> Iterator[str]:
    """Set rows of texts in columns; the first row is the heading."""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        yield f"\x1b[1m{line}\x1b[0m" if bold and number == 0 else line


class Target:
    """Where the output goes. A file is opened at once, and emptied only when there is something to write."""

    def __init__(self, path: str | None, stdout: IO[bytes]) -> None:
        self._path = Path(path) if path else None
        self._fresh = self._path is not None and not self._path.exists()
        self._started = self._path is None
        try:
            # Unbuffered: what a full disk did not take is not tried again at the interpreter's exit.
            self._file: IO[bytes] = (
                open(self._path, "ab", buffering=0, opener=private_files.opener) if self._path else stdout  # noqa: SIM115 - closed by `close`
            )
        except OSError as error:
            raise UsageError(
                f"--output: {path} cannot be written: {error.strerror}.", fix="Nothing was sent."
            ) from None

    @property
    def terminal(self) -> bool:
        """Whether a person sees it, on a terminal that obeys what it is sent."""
        return self._file.isatty()

    def write(self, data: bytes) -> None:
        """Write bytes."""
        if not self._started:
            self._started = True
            if self._path and self._path.is_file():  # a pipe or a device has nothing to empty
                self._file.truncate(0)
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def close(self) -> None:
        """Finish the file; one that was made for this call and got nothing is taken away again."""
        self._file.flush()
        if self._path:
            self._file.close()
            if self._fresh and not self._started:
                self._path.unlink(missing_ok=True)


class Writer(Protocol):
    """Writes records page by page; `end` makes the whole valid, also after an interruption."""

    def page(self, records: list[Record]) -> None: ...  # noqa: D102
    def end(self, summary: dict[str, Any]) -> None: ...  # noqa: D102


Write = Callable[[bytes], None]


def writer(name: str, target: Target, action: Action, *, keep_formulas: bool = False) -> Writer:
    """Return the writer of a format; only a program or a file gets control characters as they are."""
    write = target.write
    if target.terminal:
        harmless = _escaped if name in {"json", "jsonl"} else _replaced
        write = lambda data: target.write(harmless(data.decode()).encode())  # noqa: E731 - it closes over two names
    if name == "csv":
        return _Csv(write, action, keep_formulas=keep_formulas)
    kinds: dict[str, Callable[[Write, Action], Writer]]
    kinds = {"json": _Json, "jsonl": _JsonLines, "table": _Table}
    return kinds[name](write, action)


def format_of(path: str | None, form: str | None) -> str | None:
    """Return the format that is asked for, or that a file's name asks for; refuse two that differ.

    Many programs name JSON lines .json too.
    """
    named = _EXTENSIONS.get(Path(path).suffix.lower()) if path else None
    if named and form and named != form and (named, form) != ("json", "jsonl"):
        raise UsageError(
            f"--output {path} is a name for {named}, but --format asks for {form}.", fix="Drop one."
        )
    return form or named


def _escaped(text: str) -> str:
    """Escape what a terminal would obey; the JSON stays the same."""
    return "".join(
        letter if letter == "\n" or letter.isprintable() else json.dumps(letter)[1:-1] for letter in text
    )


def _replaced(text: str) -> str:
    return "\n".join(map(printable, text.replace("\r\n", "\n").split("\n")))


class _JsonLines:
    def __init__(self, write: Write, action: Action) -> None:  # noqa: ARG002 - all writers are made alike
        self._write = write

    def page(self, records: list[Record]) -> None:
        import orjson

        line = orjson.OPT_APPEND_NEWLINE
        self._write(b"".join([orjson.dumps(record, option=line) for record in records]))

    def end(self, summary: dict[str, Any]) -> None:
        """Leave the summary out: every line is a record."""


class _Json:
    def __init__(self, write: Write, action: Action) -> None:
        self._write = write
        self._many = action.returns == "many"
        self._count = 0

    def page(self, records: list[Record]) -> None:
        import orjson

        pieces = [orjson.dumps(record) for record in records]
        if pieces:
            before = b"," if self._count else self._opening
            self._write(before + b"\n" + b",\n".join(pieces))
            self._count += len(pieces)

    def end(self, summary: dict[str, Any]) -> None:
        import orjson

        before = b"" if self._count else self._opening
        closing = b"\n]" if self._many else b"" if self._count else b"null"
        self._write(before + closing + b"," + orjson.dumps(summary)[1:] + b"\n")

    @property
    def _opening(self) -> bytes:
        return b'{"records":[' if self._many else b'{"record":'


class _Csv:
    """A column per declared property; what is not declared stands as JSON in the last one."""

    def __init__(self, write: Write, action: Action, *, keep_formulas: bool) -> None:
        self._write = write
        self._names = _properties(action)
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
    """Columns whose widths the first page sets, so that rows can be shown as they come."""

    def __init__(self, write: Write, action: Action) -> None:
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
            cells = [[_shown(record.get(name))[:_WIDEST] for record in records] for name in self._names]
            self._widths = [
                max(len(name), *map(len, cell)) for name, cell in zip(self._names, cells, strict=True)
            ]
            self._row([name.upper() for name in self._names], "URI")
        for record in records:
            self._row([_shown(record.get(name)) for name in self._names], _shown(record.get("uri")))

    def end(self, summary: dict[str, Any]) -> None:  # noqa: ARG002 - the summary goes to the terminal apart
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


def _properties(action: Action) -> list[str]:
    reference = str(action.output.get("$ref", "")).removeprefix("#/$defs/")
    shape = action.output.get("$defs", {}).get(reference, action.output)
    return list(shape.get("properties", {}))


def _interesting(action: Action, records: list[Record]) -> list[str]:
    """Choose the first few plain properties that tell records apart."""
    names = [
        name
        for name in _properties(action)
        if name not in _DULL and any(isinstance(record.get(name), str | int) for record in records)
    ]
    return names[:_COLUMNS]


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return printable(value if isinstance(value, str) else str(_cell(value)))


def _cell(value: object) -> object:
    if isinstance(value, str | int | float | None) and not isinstance(value, bool):
        return value
    import orjson

    return orjson.dumps(value).decode()
