"""The tables as files: whole and consistent at any moment, written anew where their rows changed."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from stat import S_IMODE
from typing import Final

from ..errors import DestinationError
from ..support import private_files, spreadsheets
from .database import Database
from .destination import Format

_WRITTEN: Final = "written."
_LEFT_OUT: Final = "synced_at"  # it changes with every sync, and the file would too
_DISARMED: Final = ".disarmed"  # tells what was written from what older versions, or --keep-formulas, wrote


def write_files(
    database: Database, folder: Path, form: Format, names: Iterable[str], *, keep_formulas: bool = False
) -> list[str]:
    """Write the files of the streams whose rows changed since they were last written; return their names."""
    disarmed = _DISARMED if form == "csv" and not keep_formulas else ""
    written = []
    for name in names:
        path = folder / f"{name}.{form}"
        key, now = f"{_WRITTEN}{form}.{name}", f"{database.revision(name)}{disarmed}"
        if path.exists() and database.state(key) == now:
            continue
        try:
            if form == "csv":
                _replace(path, _comma_separated(database, name, keep_formulas=keep_formulas))
            else:
                _replace(path, _json_lines(database, name))
        except OSError as error:
            raise DestinationError(
                f"{path} cannot be written: {error.strerror}.", fix="The same command writes it again."
            ) from None
        with database.writing() as writer:
            writer.state[key] = now
        written.append(path.name)
    return written


def _replace(path: Path, lines: Iterable[str]) -> None:
    """Put a new file in the place of an old one, in one step, also where the power fails.

    The old one's mode stays; the first one is its owner's only.
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


def _json_lines(database: Database, name: str) -> Iterator[str]:
    """Give a line per record: what Calendly said, the answers by column, and since when it is missing."""
    for row in database.rows(name):
        other = row.pop("other") or {}
        told = {name: value for name, value in row.items() if name != _LEFT_OUT and value is not None}
        yield json.dumps(told | other, ensure_ascii=False, separators=(",", ":")) + "\n"


def _comma_separated(database: Database, name: str, *, keep_formulas: bool) -> Iterator[str]:
    """Give a line per record under one of names; objects and lists as JSON."""
    columns = [column for column in database.columns(name) if column != _LEFT_OUT]
    yield spreadsheets.line(columns)
    for row in database.rows(name):
        yield spreadsheets.line((_cell(row[column]) for column in columns), keep_formulas=keep_formulas)


def _cell(value: object) -> object:
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, bool)):
        return value
    return json.dumps(value, ensure_ascii=False)
