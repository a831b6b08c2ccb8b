"""Files of flows: read, check and write them, and print what is wrong with them."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import ConnectorError, UsageError
from .terminal import notice, printable, width_of

if TYPE_CHECKING:
    from ..agent.flows.model import Flow
    from ..agent.flows.problems import FlowProblem
    from ..contract import CheckReport, Connector


def read_content(path: str) -> bytes:
    """Return the content of a file, or of standard input for `-`."""
    from ..agent.flows.yaml_source import MOST_BYTES

    try:
        with click.open_file(path, "rb") as opened:
            content: bytes = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"Can't read {printable(path)}: {error.strerror}.") from None
    return content


def write_new(path: Path, text: str) -> None:
    """Write a new file. Raises UsageError if it exists."""
    try:
        with path.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise UsageError(f"{printable(str(path))} exists already.", fix="Choose another file.") from None
    except OSError as error:
        raise UsageError(f"Can't write {printable(str(path))}: {error.strerror}.") from None


def check_content(
    content: bytes, connectors: "Mapping[str, Connector]", *, ask: bool
) -> "tuple[Flow | None, list[FlowProblem]]":
    """Check a flow. With `ask`, its credentials too, which uses the network."""
    from ..agent.flows import check

    if not ask:
        return check.check_file(content, connectors)
    from ..agent.flows import file
    from ..auth.vault import open_vault
    from ..auth.vault.names import credential_names

    flow, names = file.read(content).flow, credential_names(open_vault().names())
    reports = _reports(flow, connectors, names) if flow else {}
    return check.check_file(content, connectors, credentials=names, reports=reports)


def _reports(
    flow: "Flow", connectors: "Mapping[str, Connector]", names: Sequence[str]
) -> "dict[str, CheckReport]":
    """Check the credentials of a flow's connections. One that can't even be opened has no report."""
    reports = {}
    for each in flow.connections.values():
        if each.credential in names and each.connector in connectors:
            try:
                stored = {"kind": "stored", "name": each.credential}
                with connectors[each.connector].connect(stored) as connection:
                    reports[each.credential] = connection.check()
            except ConnectorError as error:
                notice("warning", f"can't check the credential {each.credential!r}: {error}")
    return reports


def count_errors(problems: "Sequence[FlowProblem]") -> int:
    """Count the errors among problems; the others are warnings."""
    return sum(problem.severity == "error" for problem in problems)


def print_problems(
    path: str, content: bytes, problems: "Sequence[FlowProblem]", *, err: bool = False
) -> None:
    """Print problems like a compiler; in a terminal, each with its line and a caret below it."""
    lines = content.decode("utf-8-sig", errors="replace").splitlines()
    width = width_of(is_terminal=True) if (sys.stderr if err else sys.stdout).isatty() else None
    for problem in problems:
        place = f"{path}:{problem.line}:{problem.column}"
        click.echo(printable(f"{place}: {problem.severity}: {problem}"), err=err)
        if width and problem.line <= len(lines):
            for text in _excerpt(lines[problem.line - 1], problem.column, width - 2):
                click.echo(f"  {text}", err=err)


def _excerpt(line: str, column: int, width: int) -> tuple[str, str]:
    """Return the part of a line around a column, and a caret that points to it."""
    from .tables import cells, cut

    fits = cells(printable(line[:column])) <= width
    start = 0 if fits else column - 1 - width // 3  # a character may be two cells wide
    before = printable(line[start : column - 1])
    return cut(printable(line[start:]), width), " " * cells(before) + "^"
