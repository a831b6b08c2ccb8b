"""`calendly-connector run`: run one action and print or save its records."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC
from typing import TYPE_CHECKING

import click

from ..errors import ConnectorError, InvalidParams, UsageError
from .account_view import AccountView, in_zone, now
from .options import connect, keeps_formulas, key_values, prints_json, read_inputs, signs_in
from .terminal import counted, notice, print_json

if TYPE_CHECKING:
    from datetime import tzinfo

    from ..connection import CalendlyConnection
    from ..contract import ActionInfo, Params, PreparedCall, Record, Records, Result
    from .date_inputs import Rows
    from .output import Writer

_FORMATS = ("table", "json", "jsonl", "csv", "xlsx")


@click.command("run")
@click.argument("action")
@click.argument("rows", metavar="[KEY=VALUE]...", nargs=-1)
@signs_in
@click.option(
    "--input", "source", metavar="FILE", help="Read inputs from a JSON file; - reads standard input."
)
@click.option("--all", "all_pages", is_flag=True, help="Fetch the whole list, not just one page.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Fetch up to N records of a list.")
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    help="Default: by the extension of --output; else table in a terminal, otherwise json.",
)
@prints_json("Same as --format json.")
@click.option("--output", metavar="FILE", help="Write to FILE instead of standard output.")
@click.option(
    "--columns",
    metavar="A,B,…",
    help="Show these columns in a table, csv or xlsx. An unknown one lists all of them.",
)
@in_zone
@click.option(
    "--excel", is_flag=True, help="Write csv that Excel opens correctly: local times, marked as UTF-8."
)
@keeps_formulas
@click.option(
    "--dry-run",
    is_flag=True,
    help="Show the request without sending it. Names and functions are looked up first.",
)
def command(  # noqa: PLR0913 - one per option
    action: str,
    rows: tuple[str, ...],
    source: str | None,
    form: str | None,
    output: str | None,
    columns: str | None,
    zone: "tzinfo | None",
    *,
    limit: int | None,
    all_pages: bool,
    as_json: bool,
    excel: bool,
    keep_formulas: bool,
    dry_run: bool,
) -> int:
    """Run an action.

    KEY=VALUE arguments are the action's inputs, such as status=active or user=~{GetUserUrl}~. Run
    `calendly-connector describe ACTION` to list them. Dates can be written as min_start_time=tomorrow,
    'mon 14:00', 'next week' or 2026-12-01.
    """
    if limit is not None and all_pages:
        raise UsageError("--all and --limit can't be used together.")
    from .output import Target, writer

    form = _format(output, "json" if as_json else form, excel=excel, keep_formulas=keep_formulas)
    form = form or ("table" if sys.stdout.isatty() and not output else "json")
    if columns is not None and form in {"json", "jsonl"}:
        raise UsageError(
            "--columns needs a table, csv or xlsx.", fix="Add --format table, or remove --columns."
        )
    params, written = read_inputs(source), key_values(rows)
    with connect() as connection:
        account = AccountView(connection, zone)
        call = _prepare(connection, action, params, written, limit, account)
        if dry_run:
            requests = call.preview_resolved()
            print_json(requests[0] if len(requests) == 1 else list(requests))
            return 0
        view = account.view(tuple(columns.split(",")) if columns is not None else ())
        with closing(Target(output, sys.stdout.buffer)) as target:
            out = writer(form, target, call.action, view=view, keep_formulas=keep_formulas, excel=excel)
            if call.action.returns == "many" and (all_pages or limit is not None):
                seen = sys.stderr.isatty() and (output is not None or not sys.stdout.isatty())
                _stream(call, out, progress=seen)
            else:
                _once(call, out)
    return 0


def _format(output: str | None, form: str | None, *, excel: bool, keep_formulas: bool) -> str | None:
    """Return the format, if it is specified: --excel means csv."""
    from .output import format_of

    form = format_of(output, form) or ("csv" if excel else None)
    if excel and form != "csv":
        raise UsageError("--excel is for csv.", fix="Remove --excel: .xlsx files have real dates anyway.")
    if excel and keep_formulas:
        raise UsageError("--excel and --keep-formulas can't be used together.")
    return form


def _prepare(
    connection: "CalendlyConnection",
    name: str,
    params: "Params",
    rows: "Rows",
    limit: int | None,
    account: AccountView,
) -> "PreparedCall":
    """Check a call whose dates are written as people do. Raises InvalidParams with all problems."""
    from ..catalog.manifest import find
    from . import date_inputs

    action = find(name, frozenset([*params, *(key.removesuffix("[]") for key, _ in rows)]))
    if not date_inputs.has_any(action, rows):
        return connection.prepare(name, params, filter=rows, limit=limit)
    time = now()
    if problems := date_inputs.problems(action, rows, time):
        fix = f"Write dates such as {date_inputs.EXAMPLES}."
        try:
            connection.prepare(name, params, filter=date_inputs.without_dates(action, rows), limit=limit)
        except InvalidParams as error:
            # The order of two dates can't be checked before both are valid.
            problems += [one for one in error.problems if not date_inputs.format_of(action, one.path)]
            fix = f"{fix} {error.fix}".strip()
        raise InvalidParams(action.id, problems, fix=fix)
    in_utc, _ = date_inputs.converted(action, rows, time, UTC)
    connection.prepare(name, params, filter=in_utc, limit=limit)  # before the account's zone is read
    rows, notes = date_inputs.converted(action, rows, time, account.zone)
    for note in notes:
        notice("note", note)
    return connection.prepare(name, params, filter=rows, limit=limit)


def _once(call: "PreparedCall", out: "Writer") -> None:
    """Write one record, or one page of a list."""
    result = call.run()
    records = [result.record] if result.record else result.records
    if records:
        out.page(records)
    out.end(_summary(call.action, result, complete=result.complete))
    _report(len(records), result.warnings, complete=result.complete)


def _stream(call: "PreparedCall", out: "Writer", *, progress: bool) -> None:
    """Write a list while fetching it; the output is valid even after an error or Ctrl-C."""
    stream = call.iterate()
    count = 0
    stopped: ConnectorError | None = None
    with _progress(on=progress) as show:
        try:
            for page in stream.pages():
                with _interrupts_held():
                    out.page(page)
                    count += len(page)
                show(count, stream.calls)
        except KeyboardInterrupt:
            stopped = ConnectorError("Interrupted.", fix="The output is valid but incomplete.")
        except ConnectorError as error:
            stopped = error
    complete = stream.complete and stopped is None
    with _interrupts_held():
        out.end(_summary(call.action, stream, complete=complete))
    _report(count, stream.warnings, complete=complete or stopped is not None)
    if stopped is not None:
        notice("incomplete", f"wrote {counted(count, 'record')} before this error:")
        raise stopped


def _summary(action: "ActionInfo", result: "Result | Records", *, complete: bool) -> "Record":
    return {
        "action": action.id,
        "complete": complete,
        "calls": result.calls,
        **({"extra": result.extra} if result.extra else {}),
        "warnings": list(result.warnings),
    }


def _report(count: int, warnings: tuple[str, ...], *, complete: bool) -> None:
    for warning in warnings:
        notice("warning", warning)
    if not complete:
        notice("note", f"showing the first {counted(count, 'record')}. Use --all or --limit N for more.")


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Delay Ctrl-C until the block ends, so pages are written completely or not at all."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Ctrl-C reaches only the main thread
        return
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


@contextmanager
def _progress(*, on: bool) -> Iterator[Callable[[int, int], None]]:
    if not on:
        yield lambda _count, _calls: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    words = TextColumn("{task.completed} records, {task.fields[calls]} requests")
    with Progress(SpinnerColumn(), words, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=None, calls=0)
        yield lambda count, calls: progress.update(task, completed=count, calls=calls)
