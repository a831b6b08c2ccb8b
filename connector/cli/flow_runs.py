"""`calendly-connector flow run`, `runs`, `show`, `replay` and `decide`: the runs of an agent's flows."""

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from ..errors import ConnectorError, UsageError
from .agent_options import database_option, opened
from .commands import examples
from .options import prints_json, read_inputs
from .tables import GAP, padded
from .terminal import counted, notice, output_width, print_details, print_json, print_wrapped, printable
from .times import duration, local_time

if TYPE_CHECKING:
    from ..agent.engine.engine import Engine

_STATES: Final = ("waiting", "delayed", "paused", "done", "filtered", "failed", "needs_person")
_UNDER_WAY: Final = frozenset({"waiting", "running", "delayed"})
_LOOK_EVERY_S: Final = 0.3
_LABEL: Final = 10
_SHORT: Final = 8
_VALUE: Final = 200  # characters of a value that are shown; --json shows all


@click.command(
    "run",
    epilog=examples("flow run daily-meetings-to-file --wait", "flow run booking-to-chat --event event.json"),
)
@click.argument("name")
@click.option("--event", "source", metavar="FILE", help="The event as JSON, or - for standard input.")
@click.option("--wait", is_flag=True, help="Wait until the run has ended, and show it.")
@database_option
@prints_json()
def run(name: str, *, source: str | None, wait: bool, database: str | None, as_json: bool) -> int:
    """Start a run of a flow by hand.

    The agent carries it out. With --event, it is as if the event had arrived; the same event starts only one
    run. Exits with code 1 if you wait and the run doesn't succeed.
    """
    event = _event(source) if source else None
    with opened(database) as engine:
        flow = engine.flows.flow(name, engine.flows.get(name).version)
        if flow.trigger.events and event is None:
            raise UsageError(f"Events start the flow {name}.", fix="Pass one: --event FILE.")
        run_id = engine.start_run(name, event)
        if not wait:
            started = {"id": run_id, "short_id": engine.runs.get(run_id).short_id}
            if as_json:
                print_json(started)
            else:
                click.echo(f"Started run {_short(started)}.")
            return 0
        shown = _ended(engine, run_id)
    _print_run(shown, as_json=as_json)
    return 0 if shown["state"] in {"done", "filtered"} else 1


def _event(source: str) -> dict[str, Any]:
    event = read_inputs(source)
    if missing := [name for name in ("id", "kind", "payload") if name not in event]:
        raise UsageError(
            f"--event: the event has no {missing[0]}.",
            fix="It needs id, kind and payload, as `webhooks listen --print` prints it.",
        )
    return {"created_at": "", "created_by": None, **event}


def _ended(engine: "Engine", run_id: str) -> dict[str, Any]:
    """Wait until a run has ended or needs somebody, and return it."""
    told = False
    while True:
        shown = engine.show(run_id)
        if shown["state"] not in _UNDER_WAY:
            return shown
        if not told and shown["state"] == "waiting" and not engine.health()["processes"]:
            notice("note", "no agent is running. Start one: calendly-connector agent")
            told = True
        time.sleep(_LOOK_EVERY_S)


@click.command(
    "runs",
    epilog=examples("flow runs", "flow runs booking-to-chat --limit 20", "flow runs --dead-letters --json"),
)
@click.argument("name", required=False)
@click.option(
    "--state",
    "states",
    type=click.Choice(_STATES),
    multiple=True,
    help="Only runs in this state (repeatable).",
)
@click.option("--dead-letters", is_flag=True, help="Only runs that you should look at: failed, or undecided.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, metavar="N", help="At most N runs."
)
@database_option
@prints_json()
def list_runs(
    name: str | None,
    *,
    states: tuple[str, ...],
    dead_letters: bool,
    limit: int,
    database: str | None,
    as_json: bool,
) -> None:
    """List runs, the newest first."""
    with opened(database) as engine:
        if name:
            engine.flows.get(name)
        if dead_letters:
            runs = engine.dead_letters(name or "", limit=limit)
        else:
            runs = engine.list_runs(name or "", states=states, limit=limit)
    if as_json:
        print_json(runs)
        return
    if not runs:
        notice("note", "no runs")
        return
    width = max(len(one["flow"]) for one in runs)
    _print_row("RUN", "FLOW", "STARTED", "STATE", width)
    for one in runs:
        _print_row(_short(one), one["flow"], _started(one), one["state"], width)
        if reason := _reason(one):
            print_wrapped(reason, first=" " * (_SHORT + GAP))


def _print_row(run: str, flow: str, started: str, state: str, width: int) -> None:
    cells = (padded(run, _SHORT), padded(flow, width), padded(started, len("2026-11-29 10:15")), state)
    click.echo((" " * GAP).join(cells))


def _short(one: dict[str, Any]) -> str:
    return str(one["short_id"])[:_SHORT]


def _started(one: dict[str, Any]) -> str:
    return local_time(one["created_at"])


def _reason(one: dict[str, Any]) -> str:
    return str(one["note"].get("message", ""))


@click.command("show", epilog=examples("flow show booking-to-chat", "flow show 5f0c1d2e --json"))
@click.argument("target", metavar="FLOW|RUN")
@database_option
@prints_json()
def show(target: str, *, database: str | None, as_json: bool) -> None:
    """Show a flow, or a run with the input, output and error of each call.

    Secret inputs are masked. The terminal shows long values in part; --json shows them whole.
    """
    with opened(database) as engine:
        if target in {one.name for one in engine.flows.all()}:
            _print_flow(engine.show_flow(target), as_json=as_json)
        else:
            _print_run(engine.show(target), as_json=as_json)


def _print_flow(flow: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(flow)
        return
    click.echo(printable(f"{flow['name']}: {flow['title']}" if flow["title"] else flow["name"]))
    events = f": {', '.join(flow['events'])}" if flow["events"] else ""
    counts = ", ".join(f"{count} {state}" for state, count in flow["runs"].items())
    lines = {
        "state": " ".join(filter(None, (flow["state"], flow["reason"], flow["fix"]))),
        "version": f"{flow['version']}, deployed {local_time(flow['versions'][0]['created_at'])}",
        "trigger": flow["trigger"] + events,
        "url": flow["url"] or "",
        "next poll": local_time(flow["next_poll_at"]) if flow["next_poll_at"] else "",
        "last poll": flow["poll_error"],
        "runs": counts or "none",
    }
    print_details(lines.items(), label_width=_LABEL)


def _print_run(one: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(one)
        return
    version = f" version {one['version']}" if one["version"] else ""
    click.echo(printable(f"Run {_short(one)} of {one['flow']}{version}: {one['state']}"))
    event = one["event"]
    took = f", took {duration(one['ended_at'] - one['created_at'])}" if one["ended_at"] else ""
    lines = {
        "started": f"{_started(one)}, {one['by']}{took}",
        "event": f"{event['kind']} at {event['created_at']}" if event else "",
        "reason": _reason(one),
        "fix": str(one["note"].get("fix", "")),
    }
    print_details(lines.items(), label_width=_LABEL)
    for call in one["calls"]:
        if call["action"] or call["error"]:  # else it only matched the trigger
            _print_call(call)


def _print_call(call: dict[str, Any]) -> None:
    attempt = f", attempt {call['attempt']}" if call["attempt"] > 1 else ""
    requests = f", {counted(call['api_calls'], 'request')}" if call["api_calls"] else ""
    name = ": ".join(filter(None, (call["call"], call["action"])))
    click.echo()
    click.echo(printable(f"{name}{attempt}: {call['state']}, {duration(call['duration_s'])}{requests}"))
    details = [*((str(key), _text(value)) for key, value in call["input"]), *_outputs(call)]
    print_details(details, label_width=_LABEL)


def _outputs(call: dict[str, Any]) -> Iterator[tuple[str, str]]:
    output = call["output"]
    if output.get("record"):
        yield "record", _text(output["record"])
    if "records" in output:
        yield "records", counted(len(output["records"]), "record")
    if error := call["error"]:
        yield "error", error["message"]
        yield "fix", error["fix"]
    elif call["message"]:
        yield "note", call["message"]


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _VALUE or output_width() is None else f"{text[:_VALUE]}…"


@click.command(
    "replay",
    epilog=examples("flow replay 5f0c1d2e", "flow replay 5f0c1d2e --from message --version 3"),
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@click.option("--from", "from_step", metavar="STEP", help="Start at this step, even if it succeeded.")
@click.option(
    "--version", type=int, metavar="N", help="With this version of the flow. Default: the current one."
)
@database_option
@prints_json()
def replay(
    runs: tuple[str, ...], *, from_step: str | None, version: int | None, database: str | None, as_json: bool
) -> int:
    """Run ended runs again, from the first step that didn't succeed.

    Steps that succeeded keep their results and aren't repeated, except with --from. Exits with code 1 if a
    run can't be replayed; the others are.
    """
    results: list[dict[str, Any]] = []
    with opened(database) as engine:
        for one in runs:
            error = None
            try:
                engine.replay(one, from_step=from_step, version=version)
            except ConnectorError as raised:
                if len(runs) == 1:
                    raise
                error = raised
            results.append({"run": one, "replayed": error is None, "error": error and error.to_dict()})
            if error and not as_json:
                notice("error", str(error))
            elif not as_json:
                click.echo(f"Run {printable(one)} is replayed.")
    if as_json:
        print_json(results)
    return 0 if all(result["replayed"] for result in results) else 1


@click.command(
    "decide",
    epilog=examples("flow decide 5f0c1d2e --happened", "flow decide 5f0c1d2e --not-happened"),
)
@click.argument("run_id", metavar="RUN")
@click.option("--happened/--not-happened", default=None, required=True, help="Whether the write happened.")
@click.option("--record", "source", metavar="FILE", help="With --happened: what it returned, as JSON.")
@database_option
@prints_json()
def decide(run_id: str, *, happened: bool, source: str | None, database: str | None, as_json: bool) -> None:
    """Say whether a write happened whose outcome nobody could find out; then the run continues.

    For runs in the state needs_person: `flow show RUN` says what is known. Look in the application first. A
    write that didn't happen is sent again.
    """
    if source and not happened:
        raise UsageError("--record is for --happened.")
    with opened(database) as engine:
        engine.decide(run_id, happened=happened, record=read_inputs(source) or None)
    if as_json:
        print_json({"run": run_id, "happened": happened})
    else:
        click.echo(f"Run {printable(run_id)} continues.")
