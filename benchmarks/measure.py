"""Measuring: alternating runs, medians of ratios, peak memory, a sandbox to run against."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

HERE = Path(__file__).parent
PYTHON = sys.executable
CONNECTOR = shutil.which("calendly-connector", path=str(Path(PYTHON).parent)) or "calendly-connector"
ORGANIZATION = "https://api.calendly.com/organizations/e10dd34c-49c9-5749-b081-7c7bdaacc9a1"
OURS, BARE = "calendly-connector", "bare loop"

_PEAK = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


@dataclass(frozen=True)
class Figure:
    """One measured number: `who` did `work`, compared with `baseline`. Without a unit it is a ratio."""

    work: str
    who: str
    baseline: str
    value: float
    at_most: float | None = None
    at_least: float | None = None
    unit: str = ""

    @property
    def missed(self) -> bool:
        """Whether it misses its target."""
        over = self.at_most is not None and self.value > self.at_most
        return over or (self.at_least is not None and self.value < self.at_least)

    @property
    def shown(self) -> str:
        """The formatted number."""
        return f"{self.value:,.6g} {self.unit}" if self.unit else f"{self.value:.2f}"

    @property
    def target(self) -> str:
        """The formatted target, or empty."""
        if self.at_most is not None:
            return f"≤ {self.at_most:,g}" if self.at_most else "0"
        return "" if self.at_least is None else f"≥ {self.at_least:,g}"


Call = Callable[[], object]


def rounds(calls: Mapping[str, Call], count: int) -> list[dict[str, float]]:
    """Time all calls in turn, `count` times after a warm-up round; return seconds by name."""
    for call in calls.values():
        call()
    return [{name: _timed(call) for name, call in calls.items()} for _ in range(count)]


def median_ratio(times: Sequence[Mapping[str, float]], name: str, baseline: str) -> float:
    """Return the median of the ratios within each round, because a slow minute slows both sides."""
    return statistics.median(one[name] / one[baseline] for one in times)


def _timed(call: Call) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def running(
    command: Sequence[str], environment: Mapping[str, str] | None = None, output: Path | None = None
) -> Call:
    """Return a function that runs a command and writes its output to a file, or discards it."""

    def run() -> None:
        with (output or Path(os.devnull)).open("wb") as out:
            done = subprocess.run(command, check=False, env=environment, stdout=out, stderr=subprocess.PIPE)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed: {done.stderr.decode()[-2000:]}")

    return run


def peak_kib(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Return the peak resident size of a command.

    A small process starts it, because the system counts the size of the starting process, too.
    """
    measuring = [PYTHON, "-c", _PEAK, *command]
    errors = subprocess.run(measuring, check=True, env=environment, capture_output=True, text=True).stderr
    return float(errors.split()[-1])


@contextmanager
def sandbox(events: int, *options: str) -> Iterator[dict[str, str]]:
    """Run a sandbox in a separate process; yield the environment variables for its clients."""
    command = [CONNECTOR, "sandbox", "--port", "0", "--events", str(events), "--public-origin", "--json"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = json.loads(server.stdout.readline())["url"]
        try:
            yield {**os.environ, "CALENDLY_API_URL": url, "CALENDLY_API_TOKEN": "sandbox-owner"}
        finally:
            server.terminate()


@contextmanager
def fast_sandbox(events: int) -> Iterator[dict[str, str]]:
    """Run a sandbox without a rate limit and with rendered pages, so the server isn't what is measured."""
    with sandbox(events, "--rate-limit", "0", "--render-once") as environment, folder() as first:
        running(read_command(first / "first.jsonl"), environment)()
        yield environment


@contextmanager
def folder() -> Iterator[Path]:
    """Yield a temporary folder."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def control(environment: Mapping[str, str], method: str, path: str, body: Any = None) -> Any:
    """Call the sandbox's control API."""
    url = f"{environment['CALENDLY_API_URL']}/__sandbox__/{path}"
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data, method=method), timeout=30) as reply:  # noqa: S310 - our own server
        return json.load(reply)


def read_command(out: Path, *rows: str) -> list[str]:
    """Return the command that reads all events of the organization to a file of JSON lines."""
    inputs = [f"organization={ORGANIZATION}", *rows]
    return [CONNECTOR, "run", "scheduled_events.list", *inputs, *_TO_FILE, str(out)]


_TO_FILE = ("--all", "--format", "jsonl", "--output")


def bare_command(out: Path, *rows: str) -> list[str]:
    """Return the command of the bare loop for the same."""
    return [PYTHON, str(HERE / "bare_loop.py"), ORGANIZATION, str(out), *rows]


def lines(path: Path) -> Iterator[Any]:
    """Read JSON lines."""
    with path.open("rb") as file:
        yield from map(json.loads, file)


def plain(value: Any) -> Any:
    """Normalize what frameworks may write differently: drop null fields, convert times to numbers."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str) and value[10:11] == "T" and value[4:5] == value[7:8] == "-":
        return datetime.fromisoformat(value).timestamp()
    return value


def must_be_same(ours: Iterable[Any], theirs: Iterable[Any], who: str) -> None:
    """End the run if two sides wrote different records."""
    try:
        same = all(one == other for one, other in zip(ours, theirs, strict=True))
    except ValueError:
        same = False
    if not same:
        raise SystemExit(f"{OURS} and {who} wrote different records")
