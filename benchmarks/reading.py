"""All scheduled events to JSON lines: ours, bare loop, frameworks; as processes and in one process."""

import subprocess
from collections.abc import Iterator, Sequence

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
    plain,
    read_command,
    rounds,
    running,
)


def figures(frameworks: Sequence[Framework]) -> Iterator[Figure]:
    """Measure 10,000 and 100,000 events, and 10,000 without the cost of a process."""
    yield from _whole_process(10_000, frameworks, at_most=1.2, at_least=2.0, pairs=9, rounds_of_all=5)
    yield from _whole_process(100_000, frameworks, at_most=1.0, at_least=None, pairs=5, rounds_of_all=3)
    yield from _in_process(10_000)


def _whole_process(
    events: int,
    frameworks: Sequence[Framework],
    *,
    at_most: float,
    at_least: float | None,
    pairs: int,
    rounds_of_all: int,
) -> Iterator[Figure]:
    work = f"{events:,} events to JSON lines, whole process"
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
            theirs = map(plain, framework.records(out / framework.label))
            must_be_same(map(plain, lines(ours)), theirs, framework.label)
            yield Figure(work, framework.label, BARE, median_ratio(times, framework.label, BARE))
    ratio, label = min(
        (median_ratio(times, framework.label, OURS), framework.label) for framework in frameworks
    )
    yield Figure(work, f"{label}, the fastest framework", OURS, ratio, at_least=at_least)


def _in_process(events: int) -> Iterator[Figure]:
    work = f"{events:,} events to JSON lines, `iterate` in one process"
    with fast_sandbox(events) as environment:
        for serializer, baseline, at_most in (
            ("own", BARE, 0.9),
            ("same", "the same loop with orjson in the place of json", None),
        ):
            command = [PYTHON, str(HERE / "in_process.py"), serializer]
            done = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
            yield Figure(work, OURS, baseline, float(done.stdout), at_most=at_most)
