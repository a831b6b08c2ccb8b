"""The tables as files: whole and consistent at any moment, written anew where their rows changed."""

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Final

from ..errors import DestinationError
from .database import Database
from .destination import Format

_WRITTEN: Final = "written."
_LEFT_OUT: Final = "synced_at"  # it changes with every sync, and the file would too


def write_files(database: Database, folder: Path, form: Format, names: Iterable[str]) -> list[str]:
    """Write the files of the streams whose rows changed since they were last written; give their names."""
    written = []
    for name in names:
        path = folder / f"{name}.{form}"
        key, now = f"{_WRITTEN}{form}.{name}", database.revision(name)
        if path.exists() and database.state(key) == now:
            continue
        try:
            _replace(path, _LINES[form](database, name))
        except OSError as error:
            raise DestinationError(
                f"{path} cannot be written: {error.strerror}.", fix="The same command writes it again."
            ) from None
        with database.writing() as writer:
            writer.state[key] = now
        written.append(path.name)
    return written


def _replace(path: Path, lines: Iterable[str]) -> None:
    """Put a new file in the place of an old one, in one step, also where the power fails."""
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("w", encoding="utf-8", newline="") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _json_lines(database: Database, name: str) -> Iterator[str]:
    """Give a line per record: what Calendly said, the answers by column, and since when it is missing."""
    for row in database.rows(name):
        other = row.pop("other") or {}
        told = {name: value for name, value in row.items() if name != _LEFT_OUT and value is not None}
        yield json.dumps(told | other, ensure_ascii=False, separators=(",", ":")) + "\n"


def _comma_separated(database: Database, name: str) -> Iterator[str]:
    """Give a line per record under one of names; objects and lists as JSON."""
    columns = [column for column in database.columns(name) if column != _LEFT_OUT]
    yield _csv(columns)
    for row in database.rows(name):
        yield _csv([_cell(row[column]) for column in columns])


def _csv(cells: Sequence[object]) -> str:
    text = StringIO(newline="")
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _cell(value: object) -> object:
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, bool)):
        return value
    return json.dumps(value, ensure_ascii=False)


_LINES: Final[dict[Format, Callable[[Database, str], Iterator[str]]]] = {
    "jsonl": _json_lines,
    "csv": _comma_separated,
}
