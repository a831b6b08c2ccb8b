"""Puts the figures of the last `make bench` into docs/benchmarks.md; draws docs/benchmarks.png from there.

`python benchmarks/record.py --draw` only draws it; `--check` fails if the page has other figures than those
that it was drawn from.
"""

import difflib
import json
import os
import platform
import re
import sys
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
_PAGE, _PICTURE = _DOCS / "benchmarks.md", _DOCS / "benchmarks.png"
_MARKED = re.compile(r"(<!-- figures -->\n).*(<!-- end of figures -->)", re.DOTALL)


def save(figures: Iterable[Figure], seconds: float) -> None:
    """Save the figures of a run with the machine and versions they were measured on."""
    _LAST_RUN.parent.mkdir(exist_ok=True)
    saved = {"measured": _measured(seconds), "figures": [asdict(figure) for figure in figures]}
    _LAST_RUN.write_text(json.dumps(saved, indent=1))


def main(mode: str = "") -> None:
    """Write the page and the plot, or only draw or check the plot. Raises SystemExit if it is stale."""
    if mode == "--check":
        _check()
        return
    if mode != "--draw":
        saved = json.loads(_LAST_RUN.read_text())
        table = f"{saved['measured']}\n\n{_table([Figure(**one) for one in saved['figures']])}\n"
        _PAGE.write_text(_MARKED.sub(lambda found: found[1] + table + found[2], _PAGE.read_text()))
    plot.draw(_figures(), _PICTURE)


def _check() -> None:
    from PIL import Image

    with Image.open(_PICTURE) as picture:
        drawn = picture.info.get(plot.DESCRIPTION, "")
    shown = plot.described(_figures())
    if drawn != shown:
        lines = difflib.unified_diff(
            drawn.splitlines(), shown.splitlines(), _PICTURE.name, _PAGE.name, lineterm=""
        )
        raise SystemExit(
            "\n".join([f"{_PICTURE.name} is stale. Run: python benchmarks/record.py --draw", *lines])
        )


def _figures() -> list[Figure]:
    """Return the figures of the page, as exact as they are shown."""
    found = _MARKED.search(_PAGE.read_text())
    rows = [line.strip("| ").split(" | ") for line in (found[0] if found else "").splitlines() if "|" in line]
    figures = []
    for work, who, baseline, shown, *_ in (([*row, ""])[:5] for row in rows[2:]):
        number, _, unit = shown.partition(" ")
        figures.append(Figure(work, who, baseline.strip(), float(number.replace(",", "")), unit=unit))
    return figures


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
    main(*sys.argv[1:])
