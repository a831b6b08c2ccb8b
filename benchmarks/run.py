"""`make bench`: speed, memory and calls as ratios against named baselines, all sides measured in this run.

Runs of the sides alternate, and the median of the ratios is printed: these figures hold on a noisy
machine, single times don't. `--quick` skips the longest lists, `--record` writes the figures to docs/.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import agenda
import agent
import latency
import memory
import pacing
import pages
import reading
import receiving
import record
import starting
import syncing
from frameworks import FRAMEWORKS, Framework, install
from measure import Figure


def main() -> int:
    """Print one line per figure; exit 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the events in the memory figures")
    parser.add_argument("--record", action="store_true", help="write the figures and the plot into docs/")
    parser.add_argument("--only", metavar="PART", help="measure only one part")
    chosen = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors, {platform.machine()}\n")
    began = time.monotonic()
    rivals = _installed()
    airbyte = any(framework.environment == "airbyte" for framework in rivals)
    parts: dict[str, Callable[[], Iterator[Figure]]] = {
        "starting": starting.figures,
        "reading": lambda: reading.figures(rivals),
        "memory": lambda: memory.figures(quick=chosen.quick),
        "latency": latency.figures,
        "agenda": agenda.figures,
        "pacing": pacing.figures,
        "receiving": receiving.figures,
        "syncing": lambda: syncing.figures(airbyte=airbyte),
        "agent": lambda: agent.figures(quick=chosen.quick),
        "pages": pages.figures,
    }
    figures = []
    for name, part in parts.items():
        if chosen.only in {None, name}:
            started = time.monotonic()
            for figure in part():
                figures.append(figure)
                _show(figure)
            print(f"  {name}: {time.monotonic() - started:.0f} s\n", flush=True)
    if chosen.record:
        record.save(figures, time.monotonic() - began)
        record.main()
    return 1 if any(figure.missed for figure in figures) else 0


def _installed() -> Sequence[Framework]:
    """Return the rivals that can be installed; print the error of each other one."""
    found = []
    for framework in FRAMEWORKS:
        error = install(framework)
        if error:
            print(error, flush=True)
        else:
            found.append(framework)
    return found


def _show(figure: Figure) -> None:
    target = f"  ({figure.target})" if figure.target else ""
    missed = "  MISSED" if figure.missed else ""
    print(
        f"{figure.work}: {figure.who} / {figure.baseline}: {figure.shown}{target}{missed}"
        if figure.baseline
        else f"{figure.work}: {figure.who}: {figure.shown}{target}{missed}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
