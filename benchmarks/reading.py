"""All scheduled events to JSON lines: ours, the bare loop, the frameworks; whole processes and in one process."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from frameworks import Framework
from measure import (
    BARE,
    HERE,
    OURS,
    PYTHON,
    Figure,
    bare_command,
    fast_sandbox,
    folder,
    lines,
    median_ratio,
    must_be_same,
    read_command,
    rounds,
    running,
)


def figures(frameworks: Sequence[Framework]) -> Iterator[Figure]:
    """Measure 10,000 and 100,000 events, and the first of these without the cost of a process."""
    yield from _whole_process(10_000, frameworks, at_most=1.2, pairs=9, rounds_of_all=5)
    yield from _whole_process(100_000, frameworks, at_most=1.0, pairs=5, rounds_of_all=2)
    yield from _in_process(10_000)


def _whole_process(
    events: int, frameworks: Sequence[Framework], *, at_most: float, pairs: int, rounds_of_all: int
) -> Iterator[Figure]:
    work = f"whole process, {events:,} events to JSON lines"
    with fast_sandbox(events) as environment, folder() as out:
        ours, bare = out / "ours.jsonl", out / "bare.jsonl"
        sides = {
            OURS: running(read_command(ours), environment),
            BARE: running(bare_command(bare), environment),
        }
        yield Figure(work, OURS, BARE, median_ratio(rounds(sides, pairs), OURS, BARE), at_most=at_most)
        must_be_same(lines(ours), lines(bare), BARE)
        if not frameworks:
            return
        for framework in frameworks:
            place = out / framework.label
            place.mkdir()
            sides[framework.label] = framework.reading(environment, place)
        times = rounds(sides, rounds_of_all)
        for framework in frameworks:
            theirs = map(_plain, framework.records(out / framework.label))
            must_be_same(map(_plain, lines(ours)), theirs, framework.label)
            yield Figure(work, framework.label, BARE, median_ratio(times, framework.label, BARE))
    yield _fastest(work, [framework.label for framework in frameworks], times)


def _fastest(work: str, labels: Sequence[str], times: Sequence[Mapping[str, float]]) -> Figure:
    ratio, label = min((median_ratio(times, label, OURS), label) for label in labels)
    return Figure(work, f"{label}, the fastest framework", OURS, ratio, at_least=2.0)


def _in_process(events: int) -> Iterator[Figure]:
    work = f"in one process, `iterate` over {events:,} events to JSON lines"
    with fast_sandbox(events) as environment:
        for serializer, baseline, at_most in (
            ("own", BARE, 0.9),
            ("same", "the same loop with orjson in the place of json", None),
        ):
            command = [PYTHON, str(HERE / "in_process.py"), serializer]
            done = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
            yield Figure(work, OURS, baseline, float(done.stdout), at_most=at_most)


def _plain(value: Any) -> Any:
    """Give a record without what a framework may write differently: fields that are null, forms of times."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str) and value[10:11] == "T" and value[4:5] == value[7:8] == "-":
        return datetime.fromisoformat(value)
    return value
