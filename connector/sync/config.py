"""What a sync is configured with: its options and its destination. Pure."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..errors import UsageError
from .streams import select_streams

FileFormat = Literal["jsonl", "csv"]

_MAX_THREADS = 64
_FOLDER_DATABASE = ".sync.sqlite"


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """How to sync.

    Attributes:
        streams: tables to fill, with the tables that they depend on. Default: all that the token can read.
        window_days: events that started at most this many days ago are read every time.
        no_show_days: invitees of events that ended at most this many days ago are read every time.
        threads: number of parallel calls for the records below a page.
        own: sync only the user's own data, even if the token can read the whole organization.
        only_marked: read only records that webhook events have marked as changed.
        keep_formulas: don't escape text in CSV files that a spreadsheet would run as a formula.
    """

    streams: tuple[str, ...] = ()
    window_days: int = 30
    no_show_days: int = 7
    threads: int = 8
    own: bool = False
    only_marked: bool = False
    keep_formulas: bool = False

    def __post_init__(self) -> None:
        select_streams(self.streams)
        if self.window_days < 1:
            raise UsageError("window_days must be at least 1.")
        if self.no_show_days < 0:
            raise UsageError("no_show_days can't be negative.")
        if not 1 <= self.threads <= _MAX_THREADS:
            raise UsageError(f"threads must be between 1 and {_MAX_THREADS}.")


@dataclass(frozen=True, slots=True)
class Destination:
    """A database, by URL (which can contain a password) or as an SQLite file, and a folder for files."""

    url: str = field(default="", repr=False)
    file: Path | None = None
    folder: Path | None = None
    file_format: FileFormat = "jsonl"


def parse_destination(to: str, file_format: FileFormat | None = None) -> Destination:
    """Return the destination: a folder if there is a file format, otherwise a URL or an SQLite file.

    Raises UsageError if `to` is empty or doesn't match the format.
    """
    if not to:
        raise UsageError("Missing destination.", fix="Pass a file, a folder or a database URL.")
    if file_format is not None:
        folder = Path(to)
        if "://" in to or folder.is_file():
            raise UsageError(
                f"The destination for {file_format} files must be a folder.",
                fix="Pass a folder, or leave the format out.",
            )
        return Destination(file=folder / _FOLDER_DATABASE, folder=folder, file_format=file_format)
    if "://" in to:
        return Destination(to)
    if Path(to).is_dir():
        raise UsageError(
            "The destination is a folder.", fix="Pass a format (jsonl or csv), or a file in the folder."
        )
    return Destination(file=Path(to))
