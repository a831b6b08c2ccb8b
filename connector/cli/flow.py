"""`calendly-connector flow`: process flows, each a YAML file."""

from pathlib import Path

import click

from ..errors import UsageError
from .commands import CommandGroup, examples
from .flow_deploy import deploy, export, list_flows, pause, resume
from .flow_files import check_content, count_errors, print_problems, read_content, write_new
from .flow_remove import remove
from .flow_runs import decide, list_runs, replay, run, show
from .options import prints_json
from .terminal import counted, notice, print_columns, print_json


@click.group(
    "flow",
    cls=CommandGroup,
    epilog=examples(
        "flow templates booking-to-chat --output booking.yaml",
        "flow deploy booking.yaml",
        "flow runs booking-to-chat",
    ),
)
def command() -> None:
    """Work with process flows.

    A flow is a YAML file: what starts it, and the actions that it runs. Begin with a template. The agent runs
    the flows that you deploy: start it with `calendly-connector agent`.
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
    contents = {path: read_content(path) for path in paths}
    results = {
        path: check_content(content, connectors, ask=credentials) for path, content in contents.items()
    }
    if as_json:
        print_json(
            [
                {
                    "file": path,
                    "name": flow.name if flow else None,
                    "ok": not count_errors(problems),
                    "problems": [problem.to_dict() for problem in problems],
                }
                for path, (flow, problems) in results.items()
            ]
        )
    else:
        for path, (_, problems) in results.items():
            print_problems(path, contents[path], problems)
        wrong = sum(count_errors(problems) for _, problems in results.values())
        click.echo(f"{counted(len(results), 'flow')} checked, {counted(wrong, 'error')}.")
    return 1 if any(count_errors(problems) for _, problems in results.values()) else 0


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
        write_new(Path(output), text)
        notice(
            "note",
            f"wrote {output}. Change its connections, then run: calendly-connector flow validate {output}",
        )
    elif as_json:
        print_json({"name": name, "title": file.parse(text).title, "flow": text})
    else:
        click.echo(text, nl=False)


for _each in (deploy, list_flows, show, pause, resume, remove, export, run, list_runs, replay, decide):
    command.add_command(_each)
