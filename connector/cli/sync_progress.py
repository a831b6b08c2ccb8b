"""A sync's progress bar with the time left, and Ctrl-C: once stops after the page, twice immediately."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from ..connection import CalendlyConnection
    from ..contract import RateLimit
    from ..sync import SyncProgress

_SHORTEST_WAIT_S: Final = 1.0  # a shorter one would flicker
_WINDOW_S: Final = 60.0
_SHOW_CURSOR: Final = "\x1b[?25h"


@contextmanager
def interruptible(unit: str = "page") -> Iterator[Callable[[], bool]]:
    """Yield a function that returns True after the first Ctrl-C; the second one kills the process.

    The operating system handles the second one, so it works whatever the process is waiting for.
    """
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return

    def press(_number: int, _frame: Any) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        cursor = _SHOW_CURSOR if sys.stderr.isatty() else ""  # the bar hid it, and can't restore it
        click.echo(f"{cursor}Stopping after this {unit}. Press Ctrl-C again to stop immediately.", err=True)

    before = signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def shown(connection: "CalendlyConnection") -> Iterator[Callable[["SyncProgress"], None]]:
    """Yield a function that shows progress if standard error is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _progress: None
        return
    from rich import progress as bars
    from rich.console import Console

    words = bars.TextColumn(
        "{task.description}  {task.fields[records]} records, {task.fields[calls]} requests{task.fields[rest]}"
    )
    columns = (bars.BarColumn(20), words, bars.TimeElapsedColumn())
    rest = TimeLeft(time.monotonic, lambda: connection.waits)
    with bars.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("sync", total=None, records=0, calls=0, rest=rest)

        def show(progress: "SyncProgress") -> None:
            rest.update(progress)
            bar.update(
                task,
                description=progress.stream,
                records=progress.records,
                calls=progress.calls,
                total=1.0 if progress.share is not None else None,
                completed=progress.share or 0.0,
            )

        yield show


class TimeLeft:
    """The rate limit and the time left as text, up to date whenever it is read, even while the sync waits.

    `waits` returns for how many more seconds requests wait for the rate limit, and how many seconds they
    have waited in total.
    """

    def __init__(self, clock: Callable[[], float], waits: Callable[[], tuple[float, float]]) -> None:
        self._clock = clock
        self._waits = waits
        self._first: tuple[float, float, int] | None = None
        self._ends_at: float | None = None
        self._limit: RateLimit | None = None

    def update(self, progress: "SyncProgress") -> None:
        """Store the progress. The pace is measured from the first progress that has a share."""
        self._limit = progress.rate_limit
        self._ends_at = None
        if progress.share is None:
            return
        now = self._clock()
        left_s, waited_s = self._waits()
        worked = now - (waited_s - left_s)
        began, base, calls = self._first = self._first or (worked, progress.share, progress.calls)
        if progress.share > base:
            more = (1 - progress.share) / (progress.share - base)
            rest = seconds_left(more * (progress.calls - calls), more * (worked - began), self._limit)
            self._ends_at = now + rest

    def __str__(self) -> str:
        waits_s, _ = self._waits()
        if waits_s >= _SHORTEST_WAIT_S:
            words = f", waiting {ceil(waits_s)} s for the rate limit"
        elif self._limit:
            words = f", {self._limit.remaining} of {self._limit.limit} left this minute"
        else:
            words = ""
        if self._ends_at is not None:
            words += f", about {duration(max(0.0, self._ends_at - self._clock(), waits_s))} left"
        return words


def seconds_left(calls: float, work_s: float, limit: "RateLimit | None") -> float:
    """Estimate how long `calls` requests with `work_s` of work take under the account's rate limit."""
    if limit is None or limit.limit < 1 or calls <= limit.remaining:
        return work_s
    later = calls - limit.remaining
    windows = ceil(later / limit.limit)
    reset_s = _WINDOW_S if limit.reset_s is None else limit.reset_s
    last = later - (windows - 1) * limit.limit  # calls in the last window
    return max(work_s, reset_s + (windows - 1) * _WINDOW_S + work_s * last / calls)


def duration(seconds: float) -> str:
    """Format a duration, in seconds if below two minutes."""
    return f"{seconds:.0f} s" if seconds < 2 * 60 else f"{seconds / 60:.0f} min"
