"""Where a copy goes, as a person writes it: a database's URL, an SQLite file, a folder of files. Pure."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..errors import UsageError

Format = Literal["jsonl", "csv"]

_TRUTH = ".sync.sqlite"


@dataclass(frozen=True, slots=True)
class Destination:
    """A database, and where its tables are also to stand as files; `url` may hold a password."""

    url: str = field(repr=False)
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
        return Destination(_sqlite(folder / _TRUTH), folder / _TRUTH, folder, form)
    if "://" in to:
        return Destination(to)
    if Path(to).is_dir():
        raise UsageError(
            "The destination is a folder.", fix="Give a format (jsonl or csv), or name a file in it."
        )
    return Destination(_sqlite(Path(to)), Path(to))


def _sqlite(path: Path) -> str:
    # A query or fragment would begin at these signs; SQLAlchemy decodes nothing in a file's path.
    return f"sqlite:///{path}"
