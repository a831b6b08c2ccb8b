"""`calendly-connector sync`: copies of an account, and what webhook events say of them."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import click

from ..errors import UsageError
from .options import connect, signs_in
from .output import columns, keeps_formulas, printable
from .places import refuse_password
from .sync_progress import interruptible, shown

if TYPE_CHECKING:
    from ..contract import Event
    from ..sync import Plan, Report

_HIDDEN = "CALENDLY_SYNC_TO"
_TO = click.option(
    "--to",
    envvar=_HIDDEN,
    default="calendly.db",
    show_default=True,
    metavar="WHERE",
    help=f"An SQLite file, a database's URL, or with --format a folder. Also read from {_HIDDEN}.",
)
_FORMAT = click.option(
    "--format", "form", type=click.Choice(["jsonl", "csv"]), help="Keep files in a folder."
)


@click.group("sync", invoke_without_command=True)
@_TO
@_FORMAT
@click.option("--streams", metavar="NAME,…", help="Tables to fill. Default: all that the token may read.")
@click.option(
    "--window-days", type=int, default=30, show_default=True, help="Events this old are read every time."
)
@click.option(
    "--no-show-days", type=int, default=7, show_default=True, help="Their invitees are read every time."
)
@click.option("--threads", type=int, default=8, show_default=True, help="Calls at once.")
@click.option("--own", is_flag=True, help="Copy the user's own data, also as an admin.")
@click.option("--only-marked", is_flag=True, help="Read only what webhook events have marked.")
@keeps_formulas
@signs_in
@click.option("--dry-run", is_flag=True, help="Say what it would cost, and copy nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
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
    """Copy an account into a database or files; later calls read only what may have changed."""
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return 0
    from .. import sync

    refuse_password(context, "to", _HIDDEN)
    names = tuple(name for name in (word.strip() for word in (streams or "").split(",")) if name)
    options = sync.Options(names, window_days, no_show_days, threads, own, only_marked, keep_formulas)
    with connect() as connection:
        if dry_run:
            _show_plan(sync.plan(connection, to, options, form=form), as_json=as_json)
            return 0
        with interruptible() as stop, shown(connection) as watch:
            report = sync.copy(connection, to, options, form=form, watch=watch, stop=stop)
    _show_report(report, as_json=as_json)
    return 0 if report.outcome == "done" else 1


@command.command("mark")
@_TO
@_FORMAT
@click.argument("source", metavar="[FILE]", default="-")
@click.pass_context
def mark(context: click.Context, to: str, form: Literal["jsonl", "csv"] | None, source: str) -> None:
    """Note what webhook events told of: JSON of one, of a list, or one in each line; - is stdin."""
    from .. import sync

    refuse_password(context, "to", _HIDDEN)
    count = sync.mark(to, _read_events(source), form=form)
    click.echo(f"{count} record(s) will be taken up by the next sync.")


def _refuse_options(context: click.Context) -> None:
    """Refuse options of a copy where none is made, rather than ignore them."""
    given = click.core.ParameterSource.COMMANDLINE
    for name in context.params:
        if context.get_parameter_source(name) is given:
            raise UsageError(
                f"Options stand after {context.invoked_subcommand}.",
                fix=f"See calendly-connector sync {context.invoked_subcommand} --help.",
            )


def _read_events(source: str) -> Iterator["Event"]:
    try:
        with click.open_file(source, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror}.") from None
    for entry in _documents(text):
        yield _event(entry)


def _documents(text: str) -> list[Any]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        try:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            raise UsageError("The events are not JSON.") from None
    return whole if isinstance(whole, list) else [whole]


def _event(entry: Any) -> "Event":
    """Read a webhook's body, or an event as the connector gives it."""
    from ..contract import Event

    given = entry if isinstance(entry, dict) else {}
    kind, payload = given.get("event", given.get("kind")), given.get("payload")
    if not isinstance(kind, str) or not isinstance(payload, dict):
        raise UsageError("This is no webhook event.", fix="Each has event (or kind) and payload.")
    id_, created_at, created_by = (str(given.get(name) or "") for name in ("id", "created_at", "created_by"))
    return Event(id_, kind, created_at, created_by, payload)


def _show_plan(plan: "Plan", *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(plan.to_dict(), indent=2))
        return
    rows = [["TABLE", "CALLS", ""]]
    rows += [[one.stream, f"{'about ' if one.about else ''}{one.calls}", one.note] for one in plan.streams]
    for line in columns(rows):
        click.echo(line)
    lasts = "the account tells no limit"
    if plan.minutes is not None:
        lasts = (
            f"at least {plan.minutes:.0f} min under the account's limit"
            if plan.minutes >= 1
            else "under a minute"
        )
    click.echo(f"\n{'about ' if plan.about else ''}{plan.calls} calls, {lasts}; this plan took {plan.spent}.")
    _warn(plan.warnings)


def _show_report(report: "Report", *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report.to_dict(), indent=2))
    else:
        rows = [["TABLE", "READ", "NEW", "CHANGED", "MISSING", "CALLS"]]
        for name, one in report.streams.items():
            rows += [[name, *map(str, (one.read, one.new, one.changed, one.missing, one.calls))]]
        for line in columns(rows):
            click.echo(line)
        whose = "the whole organization" if report.whole_organization else "the user's own data"
        click.echo(
            f"\n{report.calls} calls for {whose}{', after an interruption' if report.resumed else ''}."
        )
        if report.from_webhooks:
            click.echo(f"{report.from_webhooks} invitee(s) came from webhook bodies, without a call.")
        _warn(report.warnings)
    if report.outcome == "stopped":
        click.echo("Interrupted after a whole page: the same command goes on from there.", err=True)


def _warn(warnings: Any) -> None:
    for warning in warnings:
        click.echo(f"warning: {printable(warning)}", err=True)
