"""`calendly-connector sync`: sync an account to a database or files, and mark changes from webhooks."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import click

from ..errors import UsageError
from .commands import CommandGroup, examples
from .options import connect, keeps_formulas, prints_json, reject_password, signs_in
from .sync_progress import interruptible, shown
from .terminal import counted, notice, print_columns, print_json

if TYPE_CHECKING:
    from ..contract import Event
    from ..sync import SyncPlan, SyncReport

_TO_VARIABLE = "CALENDLY_SYNC_TO"
_TO = click.option(
    "--to",
    envvar=_TO_VARIABLE,
    default="calendly.db",
    show_default=True,
    metavar="DEST",
    help=f"An SQLite file, a database URL, or a folder with --format. Can be set in {_TO_VARIABLE}.",
)
_FORMAT = click.option(
    "--format", "form", type=click.Choice(["jsonl", "csv"]), help="Sync to files of this format in a folder."
)


@click.group(
    "sync",
    cls=CommandGroup,
    invoke_without_command=True,
    epilog=examples("sync", "sync --to calendly.db --dry-run", "sync --to calls --format csv"),
)
@_TO
@_FORMAT
@click.option(
    "--streams",
    metavar="NAME,…",
    help="The tables to sync, comma-separated. Default: all that the token can read.",
)
@click.option(
    "--window-days",
    type=int,
    default=30,
    show_default=True,
    metavar="DAYS",
    help="Re-read events of the last DAYS days on every sync.",
)
@click.option(
    "--no-show-days",
    type=int,
    default=7,
    show_default=True,
    metavar="DAYS",
    help="Re-read the invitees of events of the last DAYS days, to find no-shows.",
)
@click.option(
    "--threads", type=int, default=8, show_default=True, metavar="N", help="The number of parallel requests."
)
@click.option(
    "--own", is_flag=True, help="Sync only your own data, even if you can read the whole organization's."
)
@click.option("--only-marked", is_flag=True, help="Re-read only records that `sync mark` marked.")
@keeps_formulas
@signs_in
@click.option("--dry-run", is_flag=True, help="Estimate the requests and time needed, without syncing.")
@prints_json("Print the summary as JSON.")
@click.pass_context
def command(  # noqa: PLR0913 - one per option
    context: click.Context,
    to: str,
    form: Literal["jsonl", "csv"] | None,
    streams: str | None,
    window_days: int,
    no_show_days: int,
    threads: int,
    *,
    own: bool,
    only_marked: bool,
    keep_formulas: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Sync your account to a database or files.

    The first sync reads everything; later ones read only what may have changed.
    """
    if context.invoked_subcommand is not None:
        _reject_options(context)
        return 0
    from .. import sync

    reject_password(context, "to", _TO_VARIABLE)
    names = tuple(filter(None, map(str.strip, (streams or "").split(","))))
    options = sync.SyncOptions(names, window_days, no_show_days, threads, own, only_marked, keep_formulas)
    with connect(shows_waits=dry_run) as connection:
        if dry_run:
            _show_plan(sync.plan(connection, to, options, file_format=form), as_json=as_json)
            return 0
        with interruptible() as stop, shown(connection) as watch:
            report = sync.run(connection, to, options, file_format=form, on_progress=watch, should_stop=stop)
    _show_report(report, as_json=as_json)
    return 0 if report.outcome == "done" else 1


@command.command(
    "mark",
    short_help="Mark records that webhook events changed.",
    epilog=examples("sync mark events.jsonl", "sync mark --to calendly.db < events.jsonl"),
)
@_TO
@_FORMAT
@click.argument("source", metavar="[FILE]", default="-")
@click.pass_context
def mark(context: click.Context, to: str, form: Literal["jsonl", "csv"] | None, source: str) -> None:
    """Mark records that webhook events changed, so the next sync re-reads them.

    FILE contains events as JSON: one, a list, or one per line. Default: standard input.
    """
    from .. import sync

    reject_password(context, "to", _TO_VARIABLE)
    count = sync.mark(to, _read_events(source), file_format=form)
    click.echo(f"Marked {counted(count, 'record')} for the next sync.")


def _reject_options(context: click.Context) -> None:
    """Raise UsageError for options before a subcommand, which would be ignored."""
    given = click.core.ParameterSource.COMMANDLINE
    for name in context.params:
        if context.get_parameter_source(name) is given:
            raise UsageError(
                f"Options must come after {context.invoked_subcommand}.",
                fix=f"Run `calendly-connector sync {context.invoked_subcommand} --help` to list them.",
            )


def _read_events(source: str) -> Iterator["Event"]:
    try:
        with click.open_file(source, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise UsageError(f"Can't read {source}: {error.strerror}.") from None
    for entry in _documents(text):
        yield _event(entry)


def _documents(text: str) -> list[Any]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        try:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            raise UsageError("The events aren't valid JSON.") from None
    return whole if isinstance(whole, list) else [whole]


def _event(entry: Any) -> "Event":
    """Read a webhook's body, or an event as the connector prints it."""
    from ..contract import Event

    given = entry if isinstance(entry, dict) else {}
    kind, payload = given.get("event", given.get("kind")), given.get("payload")
    if not isinstance(kind, str) or not isinstance(payload, dict):
        raise UsageError("Invalid webhook event.", fix="Each event needs `event` (or `kind`) and `payload`.")
    id_, created_at, created_by = (str(given.get(name) or "") for name in ("id", "created_at", "created_by"))
    return Event(id_, kind, created_at, created_by, payload)


def _show_plan(plan: "SyncPlan", *, as_json: bool) -> None:
    if as_json:
        print_json(plan.to_dict())
        return
    rows = [["TABLE", "REQUESTS", "NOTE"]]
    rows += [[one.stream, f"{'about ' if one.about else ''}{one.calls}", one.note] for one in plan.streams]
    print_columns(rows)
    if plan.minutes is None:
        time = "rate limit unknown"
    elif plan.minutes < 1:
        time = "less than a minute"
    else:
        time = f"at least {plan.minutes:.0f} min at your rate limit"
    total = f"{'about ' if plan.about else ''}{counted(plan.calls, 'request')} ({time})"
    click.echo(f"\nA sync needs {total}. This estimate used {plan.spent}.")
    for warning in plan.warnings:
        notice("warning", warning)


def _show_report(report: "SyncReport", *, as_json: bool) -> None:
    if as_json:
        print_json(report.to_dict())
    else:
        rows = [["TABLE", "READ", "NEW", "CHANGED", "MISSING", "REQUESTS"]]
        for name, one in report.streams.items():
            rows += [[name, *map(str, (one.read, one.new, one.changed, one.missing, one.calls))]]
        print_columns(rows)
        verb = "Resumed and synced" if report.resumed else "Synced"
        data = "the whole organization" if report.whole_organization else "your own data"
        click.echo(f"\n{verb} {data} with {counted(report.calls, 'request')}.")
        if report.from_webhooks:
            click.echo(f"Took {counted(report.from_webhooks, 'invitee')} from webhooks, without a request.")
        for warning in report.warnings:
            notice("warning", warning)
    if report.outcome == "stopped":
        click.echo("Stopped at a page boundary. Run the same command to resume.", err=True)
