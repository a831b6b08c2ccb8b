"""docs/reference/dependencies.md: what each extra installs, under which licence. `tools/docs.py` writes it.

The packages are those of the development environment, on Linux with CPython. A package that only another
Python needs keeps its row.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from docs_text import code, codes, table

ROOT: Final = Path(__file__).parent.parent
PAGE: Final = ROOT / "docs" / "reference" / "dependencies.md"
_NAME: Final = "calendly-connector"
_PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
_DECLARED: Final[Mapping[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "dependencies.yaml").read_text(encoding="utf-8")
)
_LONGEST: Final = 30  # characters; a longer text is the licence itself
_SPDX: Final = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "",  # which of them isn't said
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
_ROW: Final = re.compile(r"^\| ([^|]*) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)
_INTRO: Final = """# Dependencies

What the connector installs besides itself, and under which license.

`make docs` generates this page from the metadata of the installed packages. `make dist` writes the exact versions of a
release into a bill of materials (CycloneDX JSON) beside the wheel. The connector is under the MIT license, with all that
the wheel contains: code, declarations, texts and icons. It contains no files of others.

- The extras `airflow` and `mistral` expect that you have the host already, and add nothing to it.
- The packages are those for Linux. Windows and macOS need a few others, for colors in a terminal and the keyring.
"""  # noqa: E501 - the width of the docs
_MOST_PARENTS: Final = 3


def page() -> str:
    """Return the page."""
    packages = (cells for _, cells in sorted(_rows().items()))
    extras = ((code(name), text) for name, text in _DECLARED["extras"].items())
    lines = [_INTRO, "## Packages", "", "Without an extra, every installation has it.", ""]
    lines += table(("package", "license", "extra", "for"), packages)
    lines += ["", "## Extras", "", *table(("extra", "for"), extras)]
    lines += ["", "## Accepted licenses", "", "A package with another license fails the tests.", ""]
    lines += table(("license", "why"), _DECLARED["allowed"].items())
    return "\n".join(lines) + "\n"


def _rows() -> dict[str, tuple[str, ...]]:
    """Return the cells of each package by its canonical name."""
    there, pinned = _rows_there(), (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pins = {canonicalize_name(line.partition("==")[0]) for line in pinned.splitlines()}
    rows = {name: cells for name, cells in there.items() if name in pins and not _is_installed(name)}
    direct: dict[str, str] = {canonicalize_name(name): text for name, text in _DECLARED["purposes"].items()}
    for key, (name, extras, parents) in _needed().items():
        if key not in rows:
            purpose = direct.get(key) or _for_others(sorted(parents, key=str.casefold))
            rows[key] = (name, licence_of(name) or "unknown", _extras_text(extras), purpose)
    return rows


def _rows_there() -> dict[str, tuple[str, ...]]:
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    return {canonicalize_name(row[0]): row for row in _ROW.findall(_packages(text))}


def _packages(text: str) -> str:
    return text.partition("|---|---|---|---|\n")[2].partition("## Extras")[0]


def _is_installed(name: str) -> bool:
    try:
        metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _for_others(parents: list[str]) -> str:
    more = " and others" if len(parents) > _MOST_PARENTS else ""
    return f"a dependency of {', '.join(parents[:_MOST_PARENTS])}{more}"


def unaccepted(text: str) -> list[tuple[str, str]]:
    """Return the packages of a page whose licence isn't accepted, with the licence."""
    allowed = set(_DECLARED["allowed"])
    rows = _ROW.findall(_packages(text))
    return [(name, licence) for name, licence, *_ in rows if not set(_ids(licence)) <= allowed]


def licence_of(name: str) -> str:
    """Return the licence of an installed package as an SPDX expression; "" if that is unclear."""
    if stated := _DECLARED["stated"].get(name):
        return str(stated)
    if not _is_installed(name):
        return ""
    found = metadata.metadata(name)
    if "License-Expression" in found:
        return str(found["License-Expression"])
    classifiers = [
        text.split(" :: ")[-1] for text in found.get_all("Classifier") or () if text[:7] == "License"
    ]
    text = str(found["License"]).strip() if "License" in found else ""
    if text and len(text) <= _LONGEST:
        return _SPDX.get(text, text)
    return " OR ".join(sorted(filter(None, (_SPDX.get(text, text) for text in classifiers))))


def _ids(licence: str) -> list[str]:
    return [word for word in re.findall(r"[\w.-]+", licence) if word not in {"AND", "OR", "WITH"}]


def _needed() -> dict[str, tuple[str, set[str], set[str]]]:
    """Return each package by its canonical name: its name, the extras and the packages that need it."""
    found: dict[str, tuple[str, set[str], set[str]]] = {}
    for extra in ("", *_DECLARED["extras"]):
        open_ = [(_NAME, name, inner) for name, inner in _requirements(_NAME, {extra}, only=extra)]
        seen = set()
        while open_:
            parent, name, extras = open_.pop()
            key = canonicalize_name(name)
            entry = found.setdefault(key, (_spelled(name), set(), set()))
            entry[1].add(extra)
            if parent != _NAME:
                entry[2].add(_spelled(parent))
            if (key, extras) not in seen:
                seen.add((key, extras))
                open_ += [(name, *each) for each in _requirements(name, set(extras) | {""})]
    return found


def _requirements(
    name: str, extras: Iterable[str], only: str | None = None
) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield what a package needs with some extras on any of the Pythons, and the extras of that."""
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return
    for requirement in map(Requirement, lines):
        marker = requirement.marker
        if only and "extra" not in str(marker or ""):
            continue
        if not marker or any(marker.evaluate(_environment(p, extra)) for p in _PYTHONS for extra in extras):
            yield requirement.name, frozenset(requirement.extras)


def _environment(python: str, extra: str) -> dict[str, str]:
    return {
        "extra": extra,
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }


def _spelled(name: str) -> str:
    return str(metadata.metadata(name)["Name"]) if _is_installed(name) else name


def _extras_text(extras: set[str]) -> str:
    return "" if "" in extras else codes(sorted(extras))
