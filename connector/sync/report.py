"""The result of a sync, its progress, and its plan."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from ..contract import RateLimit

MAX_WARNINGS: Final = 50

SyncOutcome = Literal["done", "stopped"]


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
