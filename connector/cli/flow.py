"""`calendly-connector flow`: process flows, each a YAML file."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import ConnectorError, UsageError
from .commands import CommandGroup, examples
from .options import prints_json
from .terminal import counted, notice, output_width, print_columns, print_json, printable

if TYPE_CHECKING:
    from ..agent.flows.model import Flow
    from ..agent.flows.problems import FlowProblem
    from ..contract import CheckReport, Connector


@click.group(
    "flow",
    cls=CommandGroup,
    epilog=examples(
        "flow templates", "flow templates booking-to-chat --output booking.yaml", "flow validate *.yaml"
    ),
)
def command() -> None:
    """Work with process flows.

    A flow is a YAML file: what starts it, and the actions that it runs. Begin with a template.
    """


@command.command(
    "validate", epilog=examples("flow validate booking.yaml", "flow validate flows/*.yaml --credentials")
)
@click.argument("paths", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--credentials", is_flag=True, help="Also check that the credentials exist and have the permissions."
)
@prints_json()
def validate(paths: tuple[str, ...], *, credentials: bool, as_json: bool) -> int:
    """Check flows without running them.

    Prints each problem with its place, FILE:LINE:COLUMN: unknown actions, inputs, events and references,
    wrong values, and what is missing. Only --credentials uses the network. Exits with code 1 if a flow has
    errors; warnings don't count. FILE may be - for standard input.
    """
    from ..agent.connectors import installed

    connectors = installed()
    contents = {path: _read(path) for path in paths}
    results = {path: _check(content, connectors, ask=credentials) for path, content in contents.items()}
    if as_json:
        print_json(
            [
                {
                    "file": path,
                    "name": flow.name if flow else None,
                    "ok": not _errors(problems),
                    "problems": [problem.to_dict() for problem in problems],
                }
                for path, (flow, problems) in results.items()
            ]
        )
    else:
        for path, (_, problems) in results.items():
            _print_problems(path, contents[path], problems)
        wrong = sum(_errors(problems) for _, problems in results.values())
        click.echo(f"{counted(len(results), 'flow')} checked, {counted(wrong, 'error')}.")
    return 1 if any(_errors(problems) for _, problems in results.values()) else 0


@command.command(
    "templates", epilog=examples("flow templates", "flow templates booking-to-chat --output booking.yaml")
)
@click.argument("name", required=False)
@click.option("--output", "-o", metavar="FILE", help="Write the template to a new file.")
@prints_json()
def list_templates(name: str | None, *, output: str | None, as_json: bool) -> None:
    """List the templates, or print one."""
    from ..agent import templates
    from ..agent.flows import file

    if name is None:
        if output is not None:
            raise UsageError("--output needs the NAME of a template.")
        titles = {each: file.parse(templates.read(each)).title for each in templates.names()}
        if as_json:
            print_json([{"name": each, "title": title} for each, title in titles.items()])
        else:
            print_columns([("NAME", "WHAT IT DOES"), *titles.items()])
        return
    text = templates.read(name)
    if output is not None:
        _write_new(Path(output), text)
        notice(
            "note",
            f"wrote {output}. Change its connections, then run: calendly-connector flow validate {output}",
        )
    elif as_json:
        print_json({"name": name, "title": file.parse(text).title, "flow": text})
    else:
        click.echo(text, nl=False)


def _read(path: str) -> bytes:
    from ..agent.flows.yaml_source import MOST_BYTES

    try:
        with click.open_file(path, "rb") as opened:
            content: bytes = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"Can't read {printable(path)}: {error.strerror}.") from None
    return content


def _write_new(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise UsageError(f"{printable(str(path))} exists already.", fix="Choose another file.") from None
    except OSError as error:
        raise UsageError(f"Can't write {printable(str(path))}: {error.strerror}.") from None


def _check(
    content: bytes, connectors: "Mapping[str, Connector]", *, ask: bool
) -> "tuple[Flow | None, list[FlowProblem]]":
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


def _errors(problems: "Sequence[FlowProblem]") -> int:
    return sum(problem.severity == "error" for problem in problems)


def _print_problems(path: str, content: bytes, problems: "Sequence[FlowProblem]") -> None:
    """Print problems like a compiler; in a terminal, each with its line and a caret below it."""
    lines = content.decode("utf-8-sig", errors="replace").splitlines()
    width = output_width() if sys.stdout.isatty() else None
    for problem in problems:
        place = f"{path}:{problem.line}:{problem.column}"
        click.echo(printable(f"{place}: {problem.severity}: {problem}"))
        if width and problem.line <= len(lines):
            for text in _excerpt(lines[problem.line - 1], problem.column, width - 2):
                click.echo(f"  {text}")


def _excerpt(line: str, column: int, width: int) -> tuple[str, str]:
    """Return the part of a line around a column, and a caret that points to it."""
    from .tables import cells, cut

    fits = cells(printable(line[:column])) <= width
    start = 0 if fits else column - 1 - width // 3  # a character may be two cells wide
    before = printable(line[start : column - 1])
    return cut(printable(line[start:]), width), " " * cells(before) + "^"
