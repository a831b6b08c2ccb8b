"""What the parts of a running sync share: whose data it reads, how far it is, and what it has counted."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from ..auth.identity import ADMIN_ROLES, read_identity
from ..contract import Connection, Params, Record, Result
from ..errors import ConnectorError, UsageError
from ..support import timestamps
from .database import Database
from .models import OnProgress, SyncOptions, SyncProgress, SyncReport
from .rows import Row, fit_answers, to_row
from .streams import StreamSpec, embedded_streams, select_streams
from .tables import Transaction

_ACCOUNT: Final = "account"
_LAST_STAMP: Final = "last"
_TICK: Final = timedelta(microseconds=1)

Item = TypeVar("Item")
Fetched = TypeVar("Fetched")


class SyncStopped(ConnectorError):
    """The caller asked the sync to stop. It never leaves this package."""


@dataclass(frozen=True, slots=True)
class AccountScope:
    """The data that a token can read: one user's own, or with `user` None the whole organization's.

    It is stored in the destination, to compare later views with it.
    """

    organization: str
    user: str | None


@dataclass
class Checkpoint:
    """How far a sync is. It is stored in the destination, so the next sync can resume this one.

    `began` is the stamp of all rows that it reads. `streams` are its tables, `done` those that are complete,
    and `parents` the parent records whose list is complete in the current table. `bands` and `ranges` are
    what it reads of the events, `at` the current range, `position` the last start time that was read in it,
    and `last` the start time of the last event. `short` is whether a list of events was incomplete.
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


@dataclass
class SyncContext:
    """One running sync."""

    connection: Connection
    database: Database
    options: SyncOptions
    account: AccountScope
    wanted: Sequence[str]  # names of the streams to sync
    checkpoint: Checkpoint
    checkpoint_key: str  # in the state
    report: SyncReport
    pool: ThreadPoolExecutor
    clock: Callable[[], datetime]
    on_progress: OnProgress
    should_stop: Callable[[], bool]
    _reported: set[tuple[str, str]] = field(init=False, default_factory=set)

    def list_input(self, stream: StreamSpec, since: str | None = None) -> dict[str, Any]:
        """Return the inputs of a stream's list: the account's records, with `since` only recent ones."""
        name = stream.user_input if self.account.user else stream.organization_input
        inputs = dict(stream.input)
        if name:
            inputs[name] = self.account.organization if name == "organization" else self.account.user
        if since is not None and stream.recent:
            inputs |= stream.recent.input
            inputs |= {stream.recent.since: since} if stream.recent.since else {}
        return inputs

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a transaction whose counts are added to the report once it is committed."""
        with self.database.transaction(self.checkpoint.began) as transaction:
            yield transaction
        for name, counts in transaction.counts.items():
            report = self.report.stream(name)
            report.read += counts.read
            report.new += counts.new
            report.changed += counts.changed
            report.missing += counts.missing

    def to_rows(self, stream: StreamSpec, records: Iterable[Record]) -> list[Row]:
        """Return records as rows with answers, and warn about values that don't fit."""
        columns = self.database.kinds[stream.name]
        rows = []
        for record in records:
            row = to_row(record, columns)
            for name in row["other"] or ():
                if name in columns and (stream.name, name) not in self._reported:
                    self._reported.add((stream.name, name))
                    self.report.warn(
                        f"{stream.name}: {name} of {row['uri']} doesn't fit its column and is in `other`."
                    )
            if stream.answers:
                answers = self.database.answer_row(stream, record)
                row |= (fitting := fit_answers(answers))
                if len(fitting) < len(answers):
                    self.report.warn(
                        f"{stream.name}: {row['uri']} has {len(answers)} answers, which is too many for one "
                        f"row. Those after the first {len(fitting)} are only in the JSON column."
                    )
            rows.append(row)
        return rows

    def write(self, transaction: Transaction, stream: StreamSpec, records: Sequence[Record]) -> None:
        """Write records, and the records that are embedded in them."""
        transaction.write_rows(stream.name, self.to_rows(stream, records))
        for embedded in embedded_streams(stream.name, self.wanted):
            inner = [one for one in map(embedded.embedded_record, records) if one]
            transaction.write_rows(embedded.name, self.to_rows(embedded, inner))

    def save_checkpoint(self, transaction: Transaction, *, finished: bool = False) -> None:
        """Store the checkpoint in a transaction, or delete it once the sync is finished."""
        transaction.state[self.checkpoint_key] = None if finished else asdict(self.checkpoint)

    def begin(self) -> None:
        """Begin with a new checkpoint. Its stamp is later than every earlier one, whatever the clock says."""
        now, last = self.clock(), timestamps.read_or_none(self.database.state(_LAST_STAMP))
        began = now if last is None or now > last else last + _TICK
        self.checkpoint = Checkpoint(timestamps.write_sortable(began), list(self.wanted))

    def store_stamp(self) -> None:
        """Store the stamp and whose data this is, before any row has the stamp."""
        self.report.began = self.checkpoint.began
        with self.transaction() as transaction:
            transaction.state[_ACCOUNT] = asdict(self.account)
            transaction.state[_LAST_STAMP] = self.checkpoint.began

    def after_page(self, name: str, share: float | None = None) -> None:
        """Report the progress. Raises SyncStopped if the caller asks to stop."""
        records = sum(one.read for one in self.report.streams.values())
        self.on_progress(SyncProgress(name, records, self.report.calls, share, self.connection.rate_limit))
        if self.should_stop():
            raise SyncStopped("Stopped.")

    def fetch(self, work: Callable[[Item], Fetched], items: Iterable[Item]) -> list[Fetched]:
        """Call `work` for each item, several at a time; return the results in order."""
        futures = [self.pool.submit(work, item) for item in items]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()


@contextmanager
def open_sync(
    connection: Connection,
    database: Database,
    options: SyncOptions,
    clock: Callable[[], datetime],
    on_progress: OnProgress = lambda _progress: None,
    should_stop: Callable[[], bool] = lambda: False,
    *,
    take_over: bool = False,
) -> Iterator[SyncContext]:
    """Resume the sync of these tables that was interrupted in this destination, or begin one.

    With `take_over`, other running syncs of the destination fail at their next page. Raises UsageError if
    the destination holds another account or view.
    """
    wanted = list(select_streams(options.streams))
    report = SyncReport()
    account = _read_account_scope(connection, report, own=options.own)
    _check_same_view(database.state(_ACCOUNT), account)
    if take_over:
        database.take_over()  # before reading the checkpoint, which another sync could still move
    # Syncs of other tables have checkpoints of their own.
    key = f"run.{hashlib.sha256(','.join(wanted).encode()).hexdigest()[:16]}"
    stored: dict[str, Any] | None = database.state(key)
    report.resumed = stored is not None
    checkpoint = Checkpoint(**stored) if stored else Checkpoint("", wanted)
    with ThreadPoolExecutor(options.threads, "sync") as pool:
        sync = SyncContext(
            connection,
            database,
            options,
            account,
            wanted,
            checkpoint,
            key,
            report,
            pool,
            clock,
            on_progress,
            should_stop,
        )
        if not stored:
            sync.begin()
        try:
            yield sync
        finally:
            pool.shutdown(cancel_futures=True)


def _read_account_scope(connection: Connection, report: SyncReport, *, own: bool) -> AccountScope:
    """Ask Calendly for the token's user and their role; with `own`, only for the user."""

    def run(action: str, params: Params | None) -> Result:
        report.calls += 1  # a denied call counts, too
        result = connection.run(action, params)
        report.calls += result.calls - 1
        return result

    identity = read_identity(run, with_role=not own)
    report.whole_organization = identity.role in ADMIN_ROLES
    if identity.role is None and not own:
        report.warn(
            "The token can't read its user's role (organizations:read), so only their own data is synced."
        )
    elif not report.whole_organization and not own:
        report.warn("The token's user is not an admin or owner, so only their own data is synced.")
    return AccountScope(identity.organization, None if report.whole_organization else identity.user)


def _check_same_view(stored: Any, view: AccountScope) -> None:
    """Raise UsageError if the destination holds another view: its rows would be marked as missing."""
    if stored is None or stored == asdict(view):
        return
    if stored.get("organization") != view.organization:
        held = "another account's data"
    else:
        held = "one user's own data" if stored.get("user") else "a whole organization's data"
    wanted = "only the user's own" if view.user else "the whole organization's"
    raise UsageError(
        f"This destination already holds {held}. This sync would write {wanted}.",
        fix="Choose another destination.",
    )
