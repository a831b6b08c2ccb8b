"""The agent's engine: steps a second, memory of a long queue, and what a second process adds."""

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from measure import HERE, OURS, PYTHON, Figure, folder, peak_kib, running

sys.path.append(str(HERE.parent / "tests" / "support"))
import postgres

_WORKER = str(HERE / "agent_worker.py")
_FEW, _MANY, _MANY_QUICK = 100, 10_000, 1_000
_DELAY_S = 1.0
_WINDOW_S = 10.0
_ROUNDS = 3
_BACKLOG = 1_500


def figures(*, quick: bool) -> Iterator[Figure]:
    """Measure steps on both databases, memory on SQLite, and two processes on PostgreSQL."""
    with folder() as place:
        yield _steps("SQLite", f"sqlite:///{place}/steps.db")
    yield _memory(_MANY_QUICK if quick else _MANY)
    programs = postgres.programs()
    if programs is None:
        print("PostgreSQL isn't installed, so the agent isn't measured on it: sh .ci/have postgres")
        return
    with postgres.cluster(programs) as server:
        yield _steps("PostgreSQL", postgres.new_database(server, "steps"))
        yield _second_process(postgres.new_database(server, "processes"))


def _steps(database: str, url: str) -> Figure:
    command = [PYTHON, _WORKER, "steps", url]
    rates = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    ratio = statistics.median(ours / bare for ours, bare in rates)
    work = f"steps a second that do nothing, each recorded in {database}"
    return Figure(work, f"{OURS} agent", "bare DBOS steps", ratio, at_least=0.8)


def _memory(many: int) -> Figure:
    peaks = {}
    for events in (_FEW, many):
        with folder() as place:
            url = f"sqlite:///{place}/queue.db"
            running([PYTHON, _WORKER, "queue", url, str(events)])()
            peaks[events] = peak_kib([PYTHON, _WORKER, "work", url], os.environ)
    work = f"{many:,} queued events through a flow of two steps, peak memory"
    baseline = f"{_FEW:,} events ({peaks[_FEW] / 1024:.0f} MiB)"
    return Figure(work, f"{OURS} agent", baseline, peaks[many] / peaks[_FEW], at_most=1.2)


def _second_process(url: str) -> Figure:
    """Measure one process and two in turns, whose steps wait for a slow server."""
    running([PYTHON, _WORKER, "queue", url, str(_BACKLOG)])()
    with _slow_server() as (address, answered):

        def rate() -> float:
            time.sleep(3 * _DELAY_S)
            before = answered()
            time.sleep(_WINDOW_S)
            return (answered() - before) / _WINDOW_S

        with _working(url, address):
            ratios = []
            for _ in range(_ROUNDS):
                one = rate()
                with _working(url, address):
                    ratios.append(rate() / one)
    work = f"steps a second that wait {_DELAY_S:g} s for a server, PostgreSQL"
    return Figure(work, "two agents", "one", statistics.median(ratios), at_least=1.5)


@contextmanager
def _working(url: str, address: str) -> Iterator[None]:
    """Run an agent."""
    command = [PYTHON, _WORKER, "work", url, address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        try:
            assert worker.stdout.readline() == "working\n"
            yield
        finally:
            worker.terminate()


@contextmanager
def _slow_server() -> Iterator[tuple[str, Callable[[], int]]]:
    """Serve a delayed reply to any post; yield the address, and a function that counts the replies."""
    replies = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(_DELAY_S)
            replies.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", lambda: len(replies)
        server.shutdown()
