"""Where a copy goes, as a person writes it: a database's URL, an SQLite file, a folder of files. Pure."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..errors import UsageError

Format = Literal["jsonl", "csv"]

_TRUTH = ".sync.sqlite"


@dataclass(frozen=True, slots=True)
class Destination:
    """A database, by URL (which may hold a password) or as an SQLite file; the folder of files beside it."""

    url: str = field(default="", repr=False)
    file: Path | None = None
    folder: Path | None = None
    format: Format = "jsonl"


def destination(to: str, form: Format | None = None) -> Destination:
    """Read where a copy goes: a folder where a format is given, a URL, or an SQLite file."""
    if not to:
        raise UsageError("The copy has no destination.", fix="Name a file, a folder or a database's URL.")
    if form is not None:
        folder = Path(to)
        if "://" in to or folder.is_file():
            raise UsageError(f"Files of {form} go into a folder.", fix="Name one, or leave the format out.")
        return Destination(file=folder / _TRUTH, folder=folder, format=form)
    if "://" in to:
        return Destination(to)
    if Path(to).is_dir():
        raise UsageError(
            "The destination is a folder.", fix="Give a format (jsonl or csv), or name a file in it."
        )
    return Destination(file=Path(to))
