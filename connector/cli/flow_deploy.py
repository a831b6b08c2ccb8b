"""`calendly-connector flow deploy`, `list`, `pause`, `resume` and `export`: the flows of an agent."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import ConnectorError, UsageError
from .agent_options import database_option, opened
from .commands import examples
from .flow_files import check_content, print_problems, read_content, write_new
from .options import prints_json
from .terminal import counted, notice, print_columns, print_json, printable
from .times import local_time

if TYPE_CHECKING:
    from ..agent.engine.engine import Engine
    from ..agent.flows.model import Flow

_flow_names = click.argument("names", metavar="NAME...", nargs=-1, required=True)


@click.command(
    "deploy", epilog=examples("flow deploy booking.yaml", "flow deploy flows/*.yaml --database agent.db")
)
@click.argument("paths", metavar="FILE...", nargs=-1, required=True)
@database_option
@prints_json()
def deploy(paths: tuple[str, ...], *, database: str | None, as_json: bool) -> int:
    """Deploy flows, or new versions of them.

    First checks all of them, as `flow validate --credentials` does; if one has an error, none is deployed. A
    flow whose trigger has `subscribe: true` then subscribes to its events. If that fails, deploy it again.
    """
    checked = _checked(paths)
    deployed = []
    with opened(database) as engine:
        for path, (text, flow) in checked.items():
            deployed.append(_deploy(engine, path, text, flow, quiet=as_json))
    if as_json:
        print_json(deployed)
    return 1 if any(one["error"] for one in deployed) else 0


def _checked(paths: tuple[str, ...]) -> "dict[str, tuple[str, Flow]]":
    """Return the text and flow of each file. Raises UsageError if one has an error."""
    from ..agent.connectors import installed

    connectors = installed()
    checked: dict[str, tuple[str, Flow]] = {}
    wrong = 0
    for path in paths:
        content = read_content(path)
        flow, problems = check_content(content, connectors, ask=True)
        errors = [problem for problem in problems if problem.severity == "error"]
        print_problems(path, content, problems, err=True)
        if flow is None or errors:
            wrong += max(1, len(errors))
        else:
            checked[path] = content.decode("utf-8-sig"), flow
    if wrong:
        raise UsageError(f"Nothing was deployed, because of {counted(wrong, 'error')}.")
    names = [flow.name for _, flow in checked.values()]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"Several files have the flow {twice[0]!r}.", fix="Give each its own name.")
    return checked


def _deploy(engine: "Engine", path: str, text: str, flow: "Flow", *, quiet: bool) -> dict[str, object]:
    before = {one.name: one.version for one in engine.flows.all()}.get(flow.name)
    error = ""
    try:
        engine.deploy(text, flow)
    except ConnectorError as raised:
        if flow.name not in {one.name for one in engine.flows.all()}:
            raise
        error = str(raised)
    shown = engine.show_flow(flow.name)
    version = shown["version"]
    if not quiet:
        done = "is unchanged" if before == version else "is deployed"
        click.echo(f"{flow.name} {done}, version {version}.")
        if shown["url"]:
            click.echo(f"  Process Flow URL: {printable(shown['url'])}")
        if flow.trigger.subscribe and not error:
            click.echo(f"  Subscribed to {', '.join(flow.trigger.events)}.")
        if shown["state"] == "paused":
            notice("note", f"{flow.name} is paused. Run: calendly-connector flow resume {flow.name}")
    if error:
        notice("error", f"{flow.name} isn't subscribed to its events: {error} Then deploy it again.")
    return {
        "file": path,
        "name": flow.name,
        "version": version,
        "changed": before != version,
        "url": shown["url"],
        "error": error,
    }


@click.command("list", epilog=examples("flow list", "flow list --json"))
@database_option
@prints_json()
def list_flows(*, database: str | None, as_json: bool) -> None:
    """List the deployed flows."""
    with opened(database) as engine:
        flows = engine.list_flows()
    if as_json:
        print_json(flows)
    elif flows:
        rows = [(one["name"], str(one["version"]), _trigger(one), _state(one)) for one in flows]
        print_columns([("NAME", "VERSION", "TRIGGER", "STATE"), *rows])
    else:
        notice("note", "no flows. Run: calendly-connector flow deploy FILE")


def _trigger(flow: dict[str, object]) -> str:
    events = flow["events"]
    return (
        f"{flow['trigger']}: {', '.join(events)}"
        if isinstance(events, list) and events
        else str(flow["trigger"])
    )


def _state(flow: dict[str, object]) -> str:
    """Return the state of a flow, with what is wrong with it."""
    if flow["state"] == "paused":
        return " ".join(filter(None, (f"paused: {flow['reason']}", str(flow["fix"]))))
    if flow["poll_error"]:
        return f"active, but its last poll failed: {flow['poll_error']}"
    due = flow["next_poll_at"]
    return f"active, next poll {local_time(due)}" if isinstance(due, float) else "active"


@click.command("pause", epilog=examples("flow pause booking-to-chat"))
@_flow_names
@database_option
@prints_json()
def pause(names: tuple[str, ...], *, database: str | None, as_json: bool) -> None:
    """Pause flows. Their events wait until you resume them."""
    with opened(database) as engine:
        for name in names:
            engine.pause(name)
            if not as_json:
                click.echo(f"{name} is paused. Its events wait.")
    if as_json:
        print_json([{"name": name, "state": "paused"} for name in names])


@click.command("resume", epilog=examples("flow resume booking-to-chat"))
@_flow_names
@database_option
@prints_json()
def resume(names: tuple[str, ...], *, database: str | None, as_json: bool) -> None:
    """Resume paused flows, with the events that waited.

    A flow that the agent paused, because a credential or connector was unusable, resumes by itself once that
    works again.
    """
    with opened(database) as engine:
        for name in names:
            engine.resume(name)
            if not as_json:
                click.echo(f"{name} is active.")
    if as_json:
        print_json([{"name": name, "state": "active"} for name in names])


@click.command(
    "export", epilog=examples("flow export booking-to-chat", "flow export booking-to-chat --version 2")
)
@click.argument("name")
@click.option("--version", type=int, metavar="N", help="An earlier version.")
@click.option("--output", "-o", metavar="FILE", help="Write to a new file.")
@database_option
@prints_json()
def export(
    name: str, *, version: int | None, output: str | None, database: str | None, as_json: bool
) -> None:
    """Print a deployed flow as it was written."""
    with opened(database) as engine:
        version = version or engine.flows.get(name).version
        text = engine.flows.text(name, version)
    if as_json:
        print_json({"name": name, "version": version, "flow": text})
    elif output:
        write_new(Path(output), text)
        notice("note", f"wrote {output}")
    else:
        click.echo(text, nl=not text.endswith("\n"))
