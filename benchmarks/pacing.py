"""Reads that exceed a minute's limit, in virtual time: sleeping only moves the clock.

Four processes share a limit in accelerated time: their clocks and the sandbox's run five times as fast.
"""

import subprocess
import time
from collections.abc import Iterator

from calendly_connector.plugin import connector
from calendly_connector.sandbox.server import Sandbox

from measure import HERE, ORGANIZATION, OURS, PYTHON, Figure
from virtual_time import Calls, VirtualClock

_PAGE = 10  # small pages make many calls of few events
_WINDOWS = 5
_LOOK_EVERY = 200
_PROCESSES = 4
_SPEED = 5.0
_MINUTES = 4


def figures() -> Iterator[Figure]:
    """Measure the limits of both plans, and a read that fits into one window."""
    for limit in (500, 50):
        calls = _read(limit, pages=limit * _WINDOWS)
        work = f"{calls.count:,} calls under a limit of {limit} a minute"
        yield Figure(work, OURS, "", calls.refused, at_most=0, unit="calls refused")
        yield Figure(work, OURS, "", calls.used_percent(limit), at_least=97, unit="% of the allowance used")
    calls = _read(500, pages=450)
    work = f"{calls.count:,} calls under a limit of 500 a minute"
    yield Figure(work, OURS, "", calls.seconds, at_most=0, unit="s waited")
    yield from _sharing()


def _sharing() -> Iterator[Figure]:
    """Measure processes of one account that don't communicate."""
    limit = 500
    with Sandbox(rate_limit=limit, time_scale=_SPEED) as sandbox:
        calls = Calls(sandbox)
        until = time.time() + 60 * _MINUTES / _SPEED
        command = [PYTHON, str(HERE / "sharing_worker.py"), sandbox.url, str(_SPEED), str(until)]
        workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(_PROCESSES)]
        while time.time() < until:
            time.sleep(1)
            calls.update()
        answers = [int(worker.communicate()[0]) for worker in workers]
        calls.update()
    work = f"{_PROCESSES} processes of one account under a limit of {limit} a minute"
    least = 100 * min(answers) * _PROCESSES / sum(answers)
    yield Figure(work, OURS, "", calls.used_percent(limit), at_least=95, unit="% of the allowance used")
    yield Figure(work, OURS, "", least, at_least=50, unit="% of a fair share for the process with the least")
    yield Figure(work, OURS, "", calls.most_refused, at_most=1, unit="calls refused in the worst minute")


def _read(limit: int, pages: int) -> Calls:
    clock = VirtualClock()
    credential = {"kind": "personal_access_token", "token": "sandbox-owner"}
    with (
        Sandbox(events=pages * _PAGE, public_origin=True, rate_limit=limit, clock=clock) as sandbox,
        connector.connect(
            credential, origin=sandbox.url, clock=clock, monotonic=clock, sleep=clock.sleep
        ) as connection,
    ):
        calls = Calls(sandbox)
        stream = connection.iterate("scheduled_events.list", {"organization": ORGANIZATION, "count": _PAGE})
        for number, _ in enumerate(stream.pages()):
            if number % _LOOK_EVERY == 0:
                calls.update()
        calls.update()
        return calls
