"""Reads that do not fit into a minute's allowance, in virtual time: nothing waits, the clock is moved on."""

from collections.abc import Iterator

from calendly_connector.plugin import connector
from calendly_connector.sandbox.server import Sandbox

from measure import ORGANIZATION, OURS, Figure
from virtual_time import Calls, VirtualClock

_PAGE = 10  # small pages make many calls of few events
_WINDOWS = 5
_LOOK_EVERY = 200


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
                calls.look()
        calls.look()
        return calls
