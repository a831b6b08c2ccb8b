"""What all parts of a sync share: the connection, the destination, the position, the report."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from ..contract import Connection, Record
from ..errors import ConnectorError
from .account import Account
from .database import Database
from .options import Options
from .report import Counts, Progress, Report, StreamReport, Watch
from .rows import Row, fitting, row
from .streams import Kind, Stream, parts_of, streams
from .writer import Writer

Item = TypeVar("Item")
Fetched = TypeVar("Fetched")


class Stopped(ConnectorError):
    """The sync was asked to stop; never leaves this package."""


@dataclass
class Run:
    """How far a sync is, as the state holds it, so that the next one goes on if this one is killed.

    `began` stamps every row that it reads. `ranges` are those of start times that it reads, `at` the one it
    is in, `position` the last start time that it has read there, `last` the last one there is, `short`
    whether Calendly did not give some list whole. `parents` are those that it is done with.
    """

    began: str
    streams: list[str]
    done: list[str] = field(default_factory=list)
    bands: list[str] = field(default_factory=list)
    ranges: list[list[str | None]] | None = None
    at: int = 0
    position: str | None = None
    last: str | None = None
    short: bool = False
    parents: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        """Where the state holds it; other streams are another run, which leaves this one alone."""
        return run_key(self.streams)

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain JSON values."""
        return asdict(self)


def run_key(names: Iterable[str]) -> str:
    """Give the key of the run that reads these streams."""
    return f"run.{hashlib.sha256(','.join(names).encode()).hexdigest()[:16]}"


@dataclass
class Job:
    """One sync at work."""

    connection: Connection
    database: Database
    options: Options
    account: Account
    run: Run
    report: Report
    pool: ThreadPoolExecutor
    clock: Callable[[], datetime]
    watch: Watch
    stop: Callable[[], bool]
    columns: dict[str, dict[str, Kind]] = field(init=False)
    _unfit: defaultdict[str, set[str]] = field(init=False, default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        self.columns = {name: stream.columns() for name, stream in streams().items()}

    @property
    def wanted(self) -> Sequence[str]:
        """The names of the streams that are copied."""
        return self.run.streams

    def tally(self, name: str) -> StreamReport:
        """Give the report of one stream."""
        return self.report.streams.setdefault(name, StreamReport())

    def called(self, name: str, calls: int) -> None:
        """Count requests."""
        self.tally(name).calls += calls
        self.report.calls += calls

    def counted(self, name: str, counts: Counts) -> None:
        """Count rows; only for a transaction that has ended well."""
        self.tally(name).add(counts)

    def rows(self, stream: Stream, records: Iterable[Record]) -> list[Row]:
        """Give records as rows, answers and all."""
        columns = self.columns[stream.name]
        made = []
        for record in records:
            fitted, answered = row(record, columns), self.database.answered(stream, record)
            if unfit := (fitted["other"] or {}).keys() & columns.keys() - self._unfit[stream.name]:
                self._unfit[stream.name] |= unfit
                names = ", ".join(sorted(unfit))
                self.report.warn(f"{stream.name}: what {fitted['uri']} has as {names} stands in `other`.")
            kept = fitting(answered)
            if len(kept) < len(answered):
                self.report.warn(
                    f"{stream.name}: {fitted['uri']} has {len(answered)} answers, too many for one row; "
                    f"those after the first {len(kept)} stand in the JSON column only."
                )
            made.append(fitted | kept)
        return made

    def put(self, writer: Writer, stream: Stream, records: Sequence[Record]) -> dict[str, Counts]:
        """Write records and what stands inside them; give the counts by stream."""
        counts = {stream.name: writer.put(stream.name, self.rows(stream, records), self.run.began)}
        for part in parts_of(stream.name, self.wanted):
            inner = [one for one in map(part.part_in, records) if one]
            counts[part.name] = writer.put(part.name, self.rows(part, inner), self.run.began)
        return counts

    def save(self, writer: Writer) -> None:
        """Write the position with a transaction."""
        writer.state[self.run.key] = self.run.to_dict()

    def after_page(self, name: str, share: float | None = None) -> None:
        """Say how far the sync is; raise Stopped where it is asked to stop."""
        records = sum(tally.read for tally in self.report.streams.values())
        self.watch(Progress(name, records, self.report.calls, share, self.connection.rate_limit))
        if self.stop():
            raise Stopped("Stopped.")

    def fetch(self, work: Callable[[Item], Fetched], items: Iterable[Item]) -> list[Fetched]:
        """Do calls at once, a few at a time; give what they gave, in order."""
        futures = [self.pool.submit(work, item) for item in items]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()
