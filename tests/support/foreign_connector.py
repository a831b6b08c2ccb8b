"""The connector in examples/foreign_connector, as if it were installed: with its metadata on the path."""

import os
import tomllib

from locations import TESTS

FOLDER = TESTS.parent / "examples" / "foreign_connector"
PROJECT = tomllib.loads((FOLDER / "pyproject.toml").read_text())


def install(into):
    """Write the metadata into a folder. Returns the PYTHONPATH with which a program finds the connector."""
    project = PROJECT["project"]
    info = into / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    named = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    info.joinpath("METADATA").write_text(named)
    lines = []
    for group, names in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in names.items())]
    info.joinpath("entry_points.txt").write_text("\n".join(lines))
    return os.pathsep.join(map(str, (into, FOLDER)))
