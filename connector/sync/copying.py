"""One sync from beginning to end: who, what is left of the last one, stream by stream, files."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import Final

from ..contract import Connection
from ..errors import PermissionDenied
from . import times
from .account import check_same, look_up
from .database import Database
from .destination import Destination
from .events import copy_events
from .files import write_files
from .job import Job, Run, Stopped, run_key
from .lists import copy_list
from .marks import copy_marked
from .options import Options
from .report import Report, Watch
from .streams import chosen, streams

ACCOUNT: Final = "account"
_LAST: Final = "last"
_FRESH: Final = timedelta(hours=1)
_TICK: Final = timedelta(microseconds=1)


def copy(
    connection: Connection,
    destination: Destination,
    options: Options,
    clock: Callable[[], datetime],
    watch: Watch,
    stop: Callable[[], bool],
) -> Report:
    """Copy; what an interrupted sync left to do comes first."""
    with (
        closing(Database(destination)) as database,
        opened(connection, database, options, clock, watch, stop, take_over=True) as job,
    ):
        report = job.report
        try:
            _run(job)
        except Stopped:
            report.outcome = "stopped"
        for name in sorted(database.crowded):
            report.warn(f"{name}: more questions than columns; their answers stand in the JSON column alone.")
        if destination.folder is not None:
            report.files = write_files(
                database,
                destination.folder,
                destination.format,
                job.wanted,
                keep_formulas=options.keep_formulas,
            )
    return report


@contextmanager
def opened(
    connection: Connection,
    database: Database,
    options: Options,
    clock: Callable[[], datetime],
    watch: Watch = lambda _progress: None,
    stop: Callable[[], bool] = lambda: False,
    *,
    take_over: bool = False,
) -> Iterator[Job]:
    """Find out whose data it is, and go on with the run that was left there, or begin one."""
    wanted = list(chosen(options.streams))
    account = look_up(connection, own=options.own)
    check_same(database.state(ACCOUNT), account)
    if take_over:
        database.take_over()  # before the position is read: until here an earlier sync may move it
    left = database.state(run_key(wanted))
    run = Run(**left) if left else None
    report = Report(resumed=run is not None, whole_organization=account.whole, calls=account.calls)
    report.warn(*([account.note] if account.note else []))
    run = run or _begin(database, wanted, clock)
    with ThreadPoolExecutor(options.threads, "sync") as pool:
        try:
            yield Job(connection, database, options, account, run, report, pool, clock, watch, stop)
        finally:
            pool.shutdown(cancel_futures=True)


def _run(job: Job) -> None:
    _announce(job)
    copy_marked(job)
    if job.options.only_marked:
        return
    _finish(job)
    began = times.read(job.run.began)
    if job.report.resumed and began and job.clock() - began > _FRESH:
        # What the interrupted run had read is as old as its beginning.
        job.run = _begin(job.database, list(job.wanted), job.clock)
        _announce(job)
        _finish(job)


def _announce(job: Job) -> None:
    """Write whose copy it is, and the stamp, before any row bears it."""
    job.report.began = job.run.began
    with job.database.writing() as writer:
        writer.state[ACCOUNT] = job.account.mark()
        writer.state[_LAST] = job.run.began


def _finish(job: Job) -> None:
    """Read every stream that the run is not done with."""
    refused: set[str] = set()
    for name in job.wanted:
        stream = streams()[name]
        if name in job.run.done or not stream.kept:
            continue
        if stream.parent in refused:
            refused.add(name)
            continue
        try:
            (copy_events if stream.kept == "windowed" else copy_list)(job, stream)
        except PermissionDenied as error:
            if job.options.streams:
                raise
            refused.add(name)
            job.called(name, 1)
            job.report.warn(f"{name} was left out: {error}")
    with job.database.writing() as writer:
        writer.state[job.run.key] = None


def _begin(database: Database, wanted: list[str], clock: Callable[[], datetime]) -> Run:
    """Begin a run; its stamp is later than every other one, whatever the clock says."""
    now, last = clock(), times.read(database.state(_LAST))
    return Run(times.write(now if last is None or now > last else last + _TICK), wanted)
