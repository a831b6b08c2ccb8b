"""What a sync is asked for and what it returns: options, destination, report, progress and plan. Pure."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from ..contract import RateLimit
from ..errors import UsageError
from .streams import select_streams

FileFormat = Literal["jsonl", "csv"]
SyncOutcome = Literal["done", "stopped"]

MAX_WARNINGS: Final = 50
_MAX_THREADS: Final = 64
_FOLDER_DATABASE: Final = ".sync.sqlite"


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


@dataclass(slots=True)
class Counts:
    """Numbers of rows: read, and of these new, changed or missing."""

    read: int = 0
    new: int = 0
    changed: int = 0
    missing: int = 0


@dataclass(slots=True)
class StreamReport(Counts):
    """Numbers of rows of one table, and the HTTP requests for them."""

    calls: int = 0


@dataclass(slots=True)
class SyncReport:
    """The result of a sync.

    `calls` counts all requests. `began` is the `synced_at` of the rows that were read. `outcome` is stopped
    if the sync was asked to stop; the next one resumes it. `resumed` is whether this sync resumed an earlier
    one. `from_webhooks` counts the invitees that were read from webhook bodies instead of the API.
    """

    began: str = ""
    outcome: SyncOutcome = "done"
    resumed: bool = False
    whole_organization: bool = False
    calls: int = 0
    from_webhooks: int = 0
    streams: dict[str, StreamReport] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def stream(self, name: str) -> StreamReport:
        """Return the part of one table, which is added on first use."""
        return self.streams.setdefault(name, StreamReport())

    def add_calls(self, name: str, calls: int) -> None:
        """Count requests for a table."""
        self.stream(name).calls += calls
        self.calls += calls

    def warn(self, *warnings: str) -> None:
        """Add warnings: each one once, and no more than `MAX_WARNINGS`."""
        for warning in warnings:
            if warning in self.warnings or len(self.warnings) > MAX_WARNINGS:
                continue
            full = len(self.warnings) == MAX_WARNINGS
            self.warnings.append("More warnings are not shown." if full else warning)

    def warn_incomplete(self, name: str) -> None:
        """Warn that Calendly returned only a part of a list."""
        self.warn(f"{name}: Calendly returned an incomplete list. The next sync reads it again.")

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """How far a sync is. `share` is the estimated share of the events, 0 to 1; None for other tables."""

    stream: str
    records: int
    calls: int
    share: float | None
    rate_limit: RateLimit | None


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """The expected calls of one table. `about` is whether they are an estimate; `note` says why."""

    stream: str
    calls: int
    about: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """The expected calls of a sync, and their least duration in minutes (None if the limit is unknown).

    `spent` counts the calls that the plan itself made.
    """

    streams: tuple[StreamPlan, ...]
    calls: int
    minutes: float | None
    about: bool
    spent: int
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON values."""
        return asdict(self)


OnProgress = Callable[[SyncProgress], None]
