"""Waits of a command: a line at a terminal says why nothing happens, and Ctrl-C ends them in all threads."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil
from typing import Any, Final

import click

from ..errors import ConnectorError

_SHORTEST_WAIT_S: Final = 2.0  # people don't wonder about a shorter one
_ERASE_LINE: Final = "\r\x1b[2K"

Pause = Callable[[float], None]


class Waits:
    """Sleeps for a connection, and says so once per wait for the rate limit. Thread-safe.

    `waits` returns for how many more seconds requests wait for the rate limit, and the seconds in total.
    Without a terminal it says nothing: cron mails what is on standard error, and a wait is no problem.
    """

    def __init__(
        self,
        waits: Callable[[], tuple[float, float]],
        pause: Pause,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._waits = waits
        self._pause = pause
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._said_until = float("-inf")

    def sleep(self, seconds: float) -> None:
        """Sleep. Ctrl-C raises KeyboardInterrupt in the main thread, ConnectorError in others."""
        left_s = self._not_said_s() if sys.stderr.isatty() else None
        if left_s is None:
            self._pause(seconds)
            return
        with _shown(f"waiting {ceil(left_s)} s for Calendly's rate limit …"):
            self._pause(seconds)

    def _not_said_s(self) -> float | None:
        """Return how many seconds are left of a long wait, None if that was said before."""
        left_s, _ = self._waits()
        until = self._monotonic() + left_s
        with self._lock:  # several threads wait for the same time, more or less
            if left_s < _SHORTEST_WAIT_S or until < self._said_until + _SHORTEST_WAIT_S:
                return None
            self._said_until = until
        return left_s


@contextmanager
def _shown(text: str) -> Iterator[None]:
    """Show a line within the block. It disappears afterwards, so a table around it stays whole.

    It stays if other threads may write below it meanwhile, such as a progress bar.
    """
    sys.stdout.flush()
    if threading.active_count() > 1 or os.environ.get("TERM") == "dumb":
        click.echo(text, err=True)
        yield
        return
    try:
        click.echo(text, err=True, nl=False)
        yield
    finally:
        click.echo(_ERASE_LINE, err=True, nl=False)


@contextmanager
def pauses() -> Iterator[Pause]:
    """Yield a sleep that Ctrl-C ends in all threads: the main one waits for the others before it exits.

    A command that handles Ctrl-C itself keeps its handler.
    """
    pressed = threading.Event()
    main = threading.main_thread()

    def pause(seconds: float) -> None:
        if threading.current_thread() is main:
            time.sleep(seconds)  # on Windows, Ctrl-C doesn't end the wait for an event
        elif pressed.wait(seconds):
            raise ConnectorError("Interrupted.")

    def press(number: int, frame: Any) -> None:
        pressed.set()
        signal.default_int_handler(number, frame)

    handled = signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    if handled or threading.current_thread() is not main:
        yield pause
        return
    signal.signal(signal.SIGINT, press)
    try:
        yield pause
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
