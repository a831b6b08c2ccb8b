"""Records on their way out: as a table for a person, or as JSON, JSON lines or CSV for a program."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final, Protocol

from ..contract import Record
from ..declarations import Action
from ..errors import UsageError

_COLUMNS: Final = 5
_WIDEST: Final = 40
_DULL: Final = ("uri", "created_at", "updated_at", "slug", "color", "locale", "avatar_url", "resource_type")


def printable(text: str) -> str:
    """Take out control characters: names come from strangers, and a terminal obeys what it is sent."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def columns(rows: Sequence[Sequence[str]], *, bold: bool = False) -> Iterator[str]:
    """Set rows of texts in columns; the first row is the heading."""
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
            self._file: IO[bytes] = self._path.open("ab", buffering=0) if self._path else stdout
        except OSError as error:
            raise UsageError(
                f"--output: {path} cannot be written: {error.strerror}.", fix="Nothing was sent."
            ) from None

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


def writer(name: str, target: Target, action: Action) -> Writer:
    """Give the writer of a format."""
    kinds: dict[str, Callable[[Target, Action], Writer]]
    kinds = {"json": _Json, "jsonl": _JsonLines, "csv": _Csv, "table": _Table}
    return kinds[name](target, action)


class _JsonLines:
    def __init__(self, target: Target, action: Action) -> None:  # noqa: ARG002 - all writers are made alike
        self._target = target

    def page(self, records: list[Record]) -> None:
        import orjson

        line = orjson.OPT_APPEND_NEWLINE
        self._target.write(b"".join([orjson.dumps(record, option=line) for record in records]))

    def end(self, summary: dict[str, Any]) -> None:
        """Leave the summary out: every line is a record."""


class _Json:
    def __init__(self, target: Target, action: Action) -> None:
        self._target = target
        self._many = action.returns == "many"
        self._count = 0

    def page(self, records: list[Record]) -> None:
        import orjson

        pieces = [orjson.dumps(record) for record in records]
        if pieces:
            before = b"," if self._count else self._opening
            self._target.write(before + b"\n" + b",\n".join(pieces))
            self._count += len(pieces)

    def end(self, summary: dict[str, Any]) -> None:
        import orjson

        before = b"" if self._count else self._opening
        closing = b"\n]" if self._many else b"" if self._count else b"null"
        self._target.write(before + closing + b"," + orjson.dumps(summary)[1:] + b"\n")

    @property
    def _opening(self) -> bytes:
        return b'{"records":[' if self._many else b'{"record":'


class _Csv:
    """A column per declared property; what is not declared stands as JSON in the last one."""

    def __init__(self, target: Target, action: Action) -> None:
        self._target = target
        self._names = _properties(action)
        self._started = False

    def page(self, records: list[Record]) -> None:
        import csv
        from io import StringIO

        text = StringIO(newline="")
        rows = csv.writer(text)
        if not self._started:
            self._started = True
            rows.writerow([*self._names, "other"])
        for record in records:
            other = {name: value for name, value in record.items() if name not in self._names}
            rows.writerow([*(_cell(record.get(name)) for name in self._names), _cell(other or None)])
        self._target.write(text.getvalue().encode())

    def end(self, summary: dict[str, Any]) -> None:  # noqa: ARG002 - every row is a record
        if not self._started:
            self.page([])


class _Table:
    """Columns whose widths the first page sets, so that rows can be shown as they come."""

    def __init__(self, target: Target, action: Action) -> None:
        self._target = target
        self._action = action
        self._names: list[str] = []
        self._widths: list[int] = []

    def page(self, records: list[Record]) -> None:
        if self._action.returns != "many":
            for name, value in records[0].items():
                self._line([f"{name:<24}", _shown(value)])
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
        self._target.write("  ".join(cells).rstrip().encode() + b"\n")


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
