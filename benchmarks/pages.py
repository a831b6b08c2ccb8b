"""The list of runs in the browser: what it costs when there are many runs."""

import os
import re
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.request import HTTPCookieProcessor, build_opener

from measure import CONNECTOR, HERE, OURS, Figure, folder

sys.path.append(str(HERE.parent / "tests" / "support"))
from calendly_connector.agent.engine.database import Database
from calendly_connector.agent.engine.run_store import RunQuery, RunStore
from many_runs import add_runs

_FEW, _MANY = 100, 10_000
_ROUNDS = 60
_WARM = 10
_QUERIES = 40
_START_S = 60.0
_TOKEN = secrets.token_hex(16)


def figures() -> Iterator[Figure]:
    """Measure the page of two agents in turns, and its query."""
    with folder() as place, ExitStack() as stack:
        databases = {count: _filled(place / f"{count}.db", count) for count in (_FEW, _MANY)}
        yield _compared("the query of its first 50 rows", {n: _query(one) for n, one in databases.items()})
        asks = {count: stack.enter_context(_page(place / f"{count}.db")) for count in databases}
        yield _compared("GET /runs", asks)
        for database in databases.values():
            database.close()


def _compared(work: str, sides: dict[int, Callable[[], object]]) -> Figure:
    """Measure both sides in turns."""
    ratios = []
    for _ in range(_ROUNDS + _WARM):
        times = {count: _time(act) for count, act in sides.items()}
        ratios.append(times[_MANY] / times[_FEW])
    ratio = statistics.median(ratios[_WARM:])
    return Figure(f"{work}, {_MANY:,} runs", f"{OURS} agent", f"{_FEW} runs", ratio, at_most=1.5)


def _time(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _filled(path: Path, count: int) -> Database:
    database = Database(f"sqlite:///{path}")
    database.create()
    add_runs(database, count, now=time.time() - 60)
    return database


def _query(database: Database) -> Callable[[], object]:
    store = RunStore(database)

    def ask() -> None:
        for _ in range(_QUERIES):
            store.page(RunQuery(), limit=51)

    return ask


@contextmanager
def _page(path: Path) -> Iterator[Callable[[], object]]:
    """Run an agent; yield a function that gets its page of runs."""
    command = [CONNECTOR, "agent", "--port", "0", "--database", str(path)]
    environment = {
        **os.environ,
        "CALENDLY_AGENT_ACCESS_TOKEN": _TOKEN,
        "CALENDLY_CONNECTOR_VAULT": f"{path}.vault",
        "CALENDLY_CONNECTOR_KEY": "A" * 43 + "=",
        "PYTHONUNBUFFERED": "1",
    }
    log = path.with_suffix(".log")
    with log.open("w") as lines, subprocess.Popen(command, stderr=lines, env=environment) as agent:
        try:
            address = _address(log)
            browser = build_opener(HTTPCookieProcessor(CookieJar()))

            def get(path: str = "/runs") -> bytes:
                with browser.open(address + path, timeout=60) as reply:
                    body: bytes = reply.read()
                return body

            get(f"/sign-in?token={_TOKEN}&next=/runs")
            assert b"event" in get()
            yield get
        finally:
            agent.terminate()


def _address(log: Path) -> str:
    """Wait until an agent has said where it listens."""
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if found := re.search(r"listens on (http://[\d.:]+\d)", log.read_text()):
            return found[1]
        time.sleep(0.1)
    raise SystemExit(f"The agent didn't start: {log.read_text()[-2000:]}")
