"""Puts the figures of the last `make bench` into docs/benchmarks.md and draws docs/benchmarks.png."""

import json
import os
import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import plot
from frameworks import FRAMEWORKS
from measure import HERE, Figure

_LAST_RUN = HERE.parent / "build" / "benchmarks.json"
_DOCS = HERE.parent / "docs"
_MARKED = re.compile(r"(<!-- figures -->\n).*(<!-- end of figures -->)", re.DOTALL)


def save(figures: Iterable[Figure], seconds: float) -> None:
    """Save the figures of a run with the machine and versions they were measured on."""
    _LAST_RUN.parent.mkdir(exist_ok=True)
    saved = {"measured": _measured(seconds), "figures": [asdict(figure) for figure in figures]}
    _LAST_RUN.write_text(json.dumps(saved, indent=1))


def main() -> None:
    """Write the page and the plot."""
    saved = json.loads(_LAST_RUN.read_text())
    figures = [Figure(**one) for one in saved["figures"]]
    page = _DOCS / "benchmarks.md"
    table = f"{saved['measured']}\n\n{_table(figures)}\n"
    page.write_text(_MARKED.sub(lambda found: found[1] + table + found[2], page.read_text()))
    plot.draw(figures, _DOCS / "benchmarks.png")


def _measured(seconds: float) -> str:
    packages = {f"{name} {version(name)}": None for name in ("requests", "orjson", "jsonschema-rs")}
    rivals = {f"{framework.package} {framework.version}": None for framework in FRAMEWORKS}
    machine = f"{os.cpu_count()} processors ({_processor()}, {platform.system()})"
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} in {seconds / 60:.0f} minutes on {machine}, "
        f"Python {platform.python_version()}:\n"
        f"{', '.join([*packages, *rivals])}."
    )


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    text = path.read_text() if path.exists() else ""
    named = re.search(r"model name\s*:\s*(.+)", text)
    return named[1] if named else platform.machine()


def _table(figures: Sequence[Figure]) -> str:
    rows: list[Sequence[Any]] = [("what", "who", "compared with", "figure", "target"), ("---",) * 5]
    for figure in figures:
        target = f"{figure.target}{', **missed**' if figure.missed else ''}"
        rows.append((figure.work, figure.who, figure.baseline, figure.shown, target))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    main()
