"""Print how long checking a call's inputs takes, as a share of the whole call to a server on this machine."""

import statistics
import sys
import time
from collections.abc import Callable

from calendly_connector.plugin import connector

ROWS = {
    "organization": "~{GetOrganizationUrl}~",
    "status": "active",
    "min_start_time": "~{Now-30d}~",
    "max_start_time": "~{Now+30d}~",
    "sort": "start_time:asc",
    "count": "1",
}


def timed(call: Callable[[], object]) -> float:
    """Return the median time of a call, in seconds."""
    times = []
    for _ in range(200):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


credential = {"kind": "personal_access_token", "token": "sandbox-owner"}
with connector.connect(credential, origin=sys.argv[1]) as connection:
    connection.run("scheduled_events.list", filter=ROWS)  # read and compile everything that is cached
    inputs = connection._inputs  # noqa: SLF001 - the check has no public interface
    checked = timed(lambda: inputs.check("scheduled_events.list", filter=ROWS))
    whole = timed(lambda: connection.run("scheduled_events.list", filter=ROWS))
    print(checked / whole)
