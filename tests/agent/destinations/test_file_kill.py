"""Appends of several processes that are killed at any moment: every batch is whole, and there once."""

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import append_worker
import pytest
from calendly_connector.agent.destinations.file import connector
from endurance import rounds

BATCHES = 12
SIZE = 40


def start(folder, path, name):
    command = [sys.executable, append_worker.__file__, str(folder), path, name, str(SIZE)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(process, number):
    process.stdin.write(f"{number}\n")
    process.stdin.flush()


def batches(folder, path):
    """Return how many lines each batch has, after it was checked that they are in order and unchanged."""
    with connector.connect({"kind": "folder", "path": str(folder)}) as connection:
        records = connection.run("file.find", {"path": path}, all_pages=True).records
    lines = Counter(one["key"] for one in records)
    for position, one in enumerate(records):
        name, _, number = one["key"].rpartition("-")
        expected = append_worker.batch(name, int(number), SIZE)[position % SIZE]
        if path.endswith(".csv"):
            expected = {key: str(value) for key, value in expected.items()}
        assert one["record"] == expected
    return lines


@pytest.mark.parametrize("path", ["a.jsonl", "a.csv"])
def test_processes_that_append_at_once_dont_mix_their_lines(tmp_path, path):
    workers = [start(tmp_path, path, f"p{number}") for number in range(3)]
    for worker in workers:
        worker.communicate("".join(f"{number}\n" for number in range(BATCHES)))
        assert worker.returncode == 0
    lines = batches(tmp_path, path)
    assert lines == {f"p{one}-{number}": SIZE for one in range(3) for number in range(BATCHES)}


@pytest.mark.long
@pytest.mark.parametrize("path", ["a.jsonl", "a.csv"])
def test_a_batch_is_whole_and_there_once_whenever_the_process_is_killed(tmp_path, path):
    kills = _killed_appends(tmp_path, path, rounds(20, 200))
    assert kills


@pytest.mark.parametrize("path", ["a.jsonl", "a.csv"])
def test_a_killed_append_is_repeated_without_a_trace(tmp_path, path):
    assert _killed_appends(tmp_path, path, 3)


def _killed_appends(folder, path, times):
    """Kill a process during its appends and repeat the batch with another one, until all are written."""
    chance = random.Random(7)  # noqa: S311 - moments, not secrets
    written, kills = 0, 0
    while kills < times:
        with start(folder, path, "p") as worker:
            ask(worker, written)
            assert json.loads(worker.stdout.readline())[0] == written
            written += 1
            ask(worker, written)
            try:
                worker.wait(chance.uniform(0, 0.01))
            except subprocess.TimeoutExpired:
                kills += 1
            worker.kill()
        # Another process may only ever see whole batches.
        assert set(batches(folder, path).values()) == {SIZE}
    with start(folder, path, "p") as worker:
        worker.communicate(f"{written}\n")
    assert batches(folder, path) == {f"p-{number}": SIZE for number in range(written + 1)}
    assert {one.name for one in Path(folder).iterdir()} == {path, ".calendly-connector.lock"}
    return kills
