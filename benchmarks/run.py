"""`make bench`: speed and memory as ratios against a named baseline, both measured in this run.

Runs of the two sides alternate, and the median of the pairs' ratios is printed: these figures hold on a
noisy machine, single times do not.
"""

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
COMMAND = shutil.which("calendly-connector", path=str(Path(sys.executable).parent)) or "calendly-connector"
ORGANIZATION = "https://api.calendly.com/organizations/e10dd34c-49c9-5749-b081-7c7bdaacc9a1"
LOAD = """
import stevedore, sys
connector = stevedore.DriverManager("integration_platform.connectors", "calendly").driver
connector.manifest.name
[(action.id, action.request) for action in connector.actions().values()]
assert not {"requests", "pydantic", "jsonschema", "jsonschema_rs"} & sys.modules.keys()
"""


def main() -> int:
    """Print one line per figure; exit 1 where a target is missed."""
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors, {platform.machine()}\n")
    missed = 0
    for name, ratio, target in (*_cold_load(), *_input_check(), *_full_read(), *_memory()):
        missed += ratio > target
        print(
            f"{name:<78} {ratio:5.2f}  (at most {target}){'' if ratio <= target else '  MISSED'}", flush=True
        )
    return 1 if missed else 0


Figure = tuple[str, float, float]


def _cold_load() -> Iterator[Figure]:
    ours, baseline = [sys.executable, "-c", LOAD], [sys.executable, "-c", "import requests"]
    yield "cold load of the connector / `import requests`", _ratio(ours, baseline, pairs=15), 1.0


def _input_check() -> Iterator[Figure]:
    """Time the check of a call's inputs in a process, against the loopback call that follows it."""
    with _sandbox(1_000) as environment:
        words = subprocess.run(
            [sys.executable, str(HERE / "input_check.py"), environment["CALENDLY_API_URL"]],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    yield "checking a call's inputs / the loopback call", float(words), 0.05


def _full_read() -> Iterator[Figure]:
    with _sandbox(10_000) as environment, tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        ours = _read_command(out / "ours.jsonl")
        bare = [sys.executable, str(HERE / "bare_loop.py"), ORGANIZATION, str(out / "bare.jsonl")]
        ratio = _ratio(ours, bare, pairs=7, environment=environment)
        _same_records(out / "ours.jsonl", out / "bare.jsonl")
    yield "whole process, 10,000 events to JSON lines / a bare requests loop", ratio, 1.3


def _memory() -> Iterator[Figure]:
    peaks = []
    for events in (10_000, 100_000):
        with _sandbox(events) as environment, tempfile.TemporaryDirectory() as folder:
            peaks.append(_peak(_read_command(Path(folder) / "out.jsonl"), environment))
    yield "peak memory, 100,000 events / 10,000 events", peaks[1] / peaks[0], 1.1


def _read_command(out: Path) -> list[str]:
    rows = [f"organization={ORGANIZATION}", "--all", "--format", "jsonl", "--output", str(out)]
    return [COMMAND, "run", "scheduled_events.list", *rows]


def _same_records(ours: Path, bare: Path) -> None:
    pairs = zip(ours.open("rb"), bare.open("rb"), strict=True)
    if not all(json.loads(one) == json.loads(other) for one, other in pairs):
        raise SystemExit("the two sides wrote different records")


def _ratio(
    ours: Sequence[str], baseline: Sequence[str], *, pairs: int, environment: dict[str, str] | None = None
) -> float:
    def timed(command: Sequence[str]) -> float:
        started = time.perf_counter()
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        return time.perf_counter() - started

    def pair() -> float:
        return timed(ours) / timed(baseline)

    pair()  # caches of the machine and of the sandbox
    return statistics.median(_times(pairs, pair))


def _times(count: int, measure: Callable[[], float]) -> list[float]:
    return [measure() for _ in range(count)]


def _peak(command: Sequence[str], environment: dict[str, str]) -> float:
    """Give the largest resident size of a command, as the system accounts it for a child that has ended."""
    process = subprocess.Popen(command, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return float(usage.ru_maxrss)


@contextmanager
def _sandbox(events: int) -> Iterator[dict[str, str]]:
    """Serve events whose pages are rendered beforehand, so that the server is not what is measured."""
    options = [
        "--port",
        "0",
        "--events",
        str(events),
        "--public-origin",
        "--rate-limit",
        "0",
        "--render-once",
    ]
    with subprocess.Popen(
        [COMMAND, "sandbox", *options, "--json"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        url = json.loads(server.stdout.readline())["url"]
        environment = {**os.environ, "CALENDLY_API_URL": url, "CALENDLY_API_TOKEN": "sandbox-owner"}
        try:
            with tempfile.TemporaryDirectory() as folder:
                subprocess.run(_read_command(Path(folder) / "first.jsonl"), check=True, env=environment)
            yield environment
        finally:
            server.terminate()


if __name__ == "__main__":
    sys.exit(main())
