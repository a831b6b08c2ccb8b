"""What the connector costs before the first call: loading it, starting commands, checking a call's inputs."""

import os
import subprocess
from collections.abc import Iterator

from measure import CONNECTOR, HERE, OURS, PYTHON, Figure, fast_sandbox, median_ratio, rounds, running

_LOAD = """
import stevedore, sys
connector = stevedore.DriverManager("integration_platform.connectors", "calendly").driver
connector.manifest.name
[(action.id, action.request) for action in connector.actions().values()]
assert not {"requests", "pydantic", "jsonschema", "jsonschema_rs"} & sys.modules.keys()
"""
_IMPORT = "import requests"
_TERMINAL_IMPORT = "import click, requests"
_COMPLETION = {
    "COMP_WORDS": f"{CONNECTOR} run scheduled_events st",
    "COMP_CWORD": "3",
    "_CALENDLY_CONNECTOR_COMPLETE": "bash_complete",
}


def figures() -> Iterator[Figure]:
    """Measure all."""
    yield _cold_load()
    yield from _commands()
    yield _input_check()


def _cold_load() -> Figure:
    sides = {OURS: running([PYTHON, "-c", _LOAD]), _IMPORT: running([PYTHON, "-c", _IMPORT])}
    ratio = median_ratio(rounds(sides, 15), OURS, _IMPORT)
    work = "new process: load through stevedore, read manifest and action list"
    return Figure(work, OURS, "a process that does `import requests`", ratio, at_most=1.0)


def _commands() -> Iterator[Figure]:
    sides = {
        "help": running([CONNECTOR, "--help"]),
        "completion": running([CONNECTOR], {**os.environ, **_COMPLETION}),
        _TERMINAL_IMPORT: running([PYTHON, "-c", _TERMINAL_IMPORT]),
    }
    times = rounds(sides, 15)
    baseline = f"a process that does `{_TERMINAL_IMPORT}`"
    for name, work in (("help", "`--help`"), ("completion", "tab completion of an action's inputs")):
        ratio = median_ratio(times, name, _TERMINAL_IMPORT)
        yield Figure(f"new process: {work}", OURS, baseline, ratio, at_most=1.3)


def _input_check() -> Figure:
    with fast_sandbox(1_000) as environment:
        command = [PYTHON, str(HERE / "input_check.py"), environment["CALENDLY_API_URL"]]
        words = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    work = "checking a call's inputs (six rows, three of them with functions)"
    return Figure(work, OURS, "the loopback call that follows", float(words), at_most=0.05)
