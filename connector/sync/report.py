"""What a sync did, what it is doing, and what it would do."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from ..contract import RateLimit

MOST_WARNINGS: Final = 50

Outcome = Literal["done", "stopped"]


@dataclass(slots=True)
class Counts:
    """Rows by what became of them."""

    read: int = 0
    new: int = 0
    changed: int = 0
    missing: int = 0

    def add(self, other: "Counts") -> None:
        """Add the numbers of another."""
        self.read += other.read
        self.new += other.new
        self.changed += other.changed
        self.missing += other.missing


@dataclass(slots=True)
class StreamReport(Counts):
    """One table: rows by what became of them, and the HTTP requests it took."""

    calls: int = 0


@dataclass(slots=True)
class Report:
    """What a sync did. `calls` counts all requests; `began` is what `synced_at` holds of the rows it read.

    `outcome` is stopped where it was asked to stop: the next sync goes on from there. `resumed` says that
    this one went on where an earlier one had ended. `from_webhooks` counts the invitees whose webhook body
    was used in place of a call.
    """

    began: str = ""
    outcome: Outcome = "done"
    resumed: bool = False
    whole_organization: bool = False
    calls: int = 0
    from_webhooks: int = 0
    streams: dict[str, StreamReport] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def warn(self, *words: str) -> None:
        """Add warnings, each once; very many are cut short, which is told too."""
        fresh = [one for one in dict.fromkeys(words) if one not in self.warnings]
        room = MOST_WARNINGS - len(self.warnings)
        self.warnings += fresh[: max(room, 0)]
        if len(fresh) > room >= 0:
            self.warnings.append("There are more warnings than these.")

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a sync is; `share` is about how much of the events is read, from 0 to 1, None elsewhere."""

    stream: str
    records: int
    calls: int
    share: float | None
    rate_limit: RateLimit | None


@dataclass(frozen=True, slots=True)
class Planned:
    """The calls that one stream will take; `about` says that they are an estimate, `note` why."""

    stream: str
    calls: int
    about: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The calls that a sync will take, and the minutes they last under the account's limit (None: untold)."""

    streams: tuple[Planned, ...]
    calls: int
    minutes: float | None
    about: bool
    spent: int  # calls that the plan itself took
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain JSON values."""
        return asdict(self)


Watch = Callable[[Progress], None]
