"""Runs, failures and API calls over time, for charts and for the table beside them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from ..engine.run_charts import RunCharts
from .model import Workspace
from .moments import when


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A range up to now: its title, its buckets, and how their times are written."""

    title: str
    width_s: float
    number: int
    pattern: str


RANGES: Final = {
    "24h": TimeRange("24 hours", 3600.0, 24, "%H:%M"),
    "7d": TimeRange("7 days", 6 * 3600.0, 28, "%d %b %H:%M"),
    "30d": TimeRange("30 days", 86400.0, 30, "%d %b"),
}


@dataclass(frozen=True, slots=True)
class Budget:
    """The API calls of a connection, and what was left of its rate limit when it was used last."""

    connection: str
    calls: tuple[int, ...]
    headroom: str

    @property
    def total(self) -> int:
        """All calls of the range."""
        return sum(self.calls)


@dataclass(frozen=True, slots=True)
class Activity:
    """What happened in a range. Each list has one entry per bucket; `labels` are their starts, in UTC."""

    title: str
    labels: tuple[str, ...]
    runs: tuple[int, ...]
    failures: tuple[int, ...]
    budgets: tuple[Budget, ...]

    @property
    def summary(self) -> str:
        """The charts in a sentence."""
        runs, failures = sum(self.runs), sum(self.failures)
        calls = sum(budget.total for budget in self.budgets)
        if not runs:
            return f"No runs in the last {self.title}."
        busiest = self.labels[self.runs.index(max(self.runs))]
        return (
            f"{runs:,} run{'' if runs == 1 else 's'} in the last {self.title}, {failures:,} of them failed "
            f"or need a decision. The most began in the time from {busiest} UTC on: {max(self.runs):,}. "
            f"{calls:,} API request{'' if calls == 1 else 's'}."
        )


def find(workspace: Workspace, wanted: str) -> Activity:
    """Return what happened in a range, one of RANGES; others are 24 hours."""
    chosen = RANGES.get(wanted, RANGES["24h"])
    now = workspace.timing.clock()
    since = (now // chosen.width_s + 1) * chosen.width_s - chosen.width_s * chosen.number
    charts = RunCharts(workspace.engine.database, since, chosen.width_s, chosen.number)
    runs, failures = charts.runs()
    starts = (since + number * chosen.width_s for number in range(chosen.number))
    return Activity(
        title=chosen.title,
        labels=tuple(datetime.fromtimestamp(time, UTC).strftime(chosen.pattern) for time in starts),
        runs=tuple(runs),
        failures=tuple(failures),
        budgets=tuple(
            Budget(name.rstrip("/"), tuple(calls), _headroom(charts, name, now))
            for name, calls in charts.calls().items()
        ),
    )


def _headroom(charts: RunCharts, name: str, now: float) -> str:
    known = charts.headroom(name)
    if known is None:
        return "not reported"
    return f"{known.remaining:,} of {known.allowed:,} per minute left, {when(known.at, now)}"
