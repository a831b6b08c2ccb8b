"""The tables as files. Each file is complete at any moment, and is only written if its rows changed."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from stat import S_IMODE
from typing import Final

from ..errors import DestinationError
from ..support import private_files, spreadsheets
from .database import Database
from .models import Destination

_WRITTEN: Final = "written."
_LEFT_OUT: Final = "synced_at"  # changes with every sync, and would change the file
_ESCAPED: Final = ".disarmed"  # files of older versions, or with --keep-formulas, have no escaped formulas


def write_files(
    database: Database, destination: Destination, streams: Iterable[str], *, keep_formulas: bool = False
) -> list[str]:
    """Write the files of the streams whose rows changed since the last time; return their names.

    Raises DestinationError if a file can't be written.
    """
    folder, file_format = destination.folder or Path(), destination.file_format
    escaped = _ESCAPED if file_format == "csv" and not keep_formulas else ""
    written = []
    for name in streams:
        path = folder / f"{name}.{file_format}"
        key, revision = f"{_WRITTEN}{file_format}.{name}", f"{database.revision(name)}{escaped}"
        if path.exists() and database.state(key) == revision:
            continue
        if file_format == "csv":
            lines = _csv_lines(database, name, keep_formulas=keep_formulas)
        else:
            lines = _json_lines(database, name)
        try:
            _replace(path, lines)
        except OSError as error:
            raise DestinationError(
                f"Can't write {path}: {error.strerror}.", fix="Run the same command to write it again."
            ) from None
        with database.transaction() as transaction:
            transaction.state[key] = revision
        written.append(path.name)
    return written


def _replace(path: Path, lines: Iterable[str]) -> None:
    """Replace a file in one step that survives a power failure.

    The new file keeps the mode of the old one; without one, only its owner can read it.
    """
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with open(fresh, "w", encoding="utf-8", newline="", opener=private_files.opener) as file:
        if path.exists():
            fresh.chmod(S_IMODE(path.stat().st_mode))
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


def _json_lines(database: Database, stream: str) -> Iterator[str]:
    """Yield a line per row: the record as Calendly returns it, answers by column, and `missing_since`."""
    for row in database.rows(stream):
        other = row.pop("other") or {}
        values = {name: value for name, value in row.items() if name != _LEFT_OUT and value is not None}
        yield json.dumps(values | other, ensure_ascii=False, separators=(",", ":")) + "\n"


def _csv_lines(database: Database, stream: str, *, keep_formulas: bool) -> Iterator[str]:
    """Yield a header and a line per row. Objects, lists and truth values are JSON."""
    columns = [column for column in database.columns(stream) if column != _LEFT_OUT]
    yield spreadsheets.line(columns)
    for row in database.rows(stream):
        cells = [
            json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | bool) else value
            for value in (row[column] for column in columns)
        ]
        yield spreadsheets.line(cells, keep_formulas=keep_formulas)
