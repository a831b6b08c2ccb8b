"""`calendly-connector run`: run one action and print or save its records."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import click

from ..errors import ConnectorError, UsageError
from .options import connect, keeps_formulas, key_values, prints_json, read_inputs, signs_in
from .output import Target, Writer, format_of, writer
from .terminal import counted, notice, print_json

if TYPE_CHECKING:
    from ..contract import ActionInfo, PreparedCall, Record, Records, Result

_FORMATS = ("table", "json", "jsonl", "csv")


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
    "--each",
    "rows_file",
    metavar="FILE",
    help="Run once per row of FILE: CSV, JSON or JSON lines; - reads CSV.",
)
@click.option("--retry-unknown", is_flag=True, help="With --each: repeat rows whose outcome is unknown, too.")
@keeps_formulas
@click.option("--dry-run", is_flag=True, help="Show the request without sending it.")
def command(  # noqa: PLR0913 - one per option
    action: str,
    rows: tuple[str, ...],
    source: str | None,
    form: str | None,
    output: str | None,
    rows_file: str | None,
    *,
    retry_unknown: bool,
    limit: int | None,
    all_pages: bool,
    as_json: bool,
    keep_formulas: bool,
    dry_run: bool,
) -> int:
    """Run an action.

    KEY=VALUE arguments are the action's inputs, such as status=active or user=~{GetUserUrl}~. Run
    `calendly-connector describe ACTION` to list them.

    With --each, columns named like inputs are inputs, KEY=VALUE arguments apply to all rows, and --output
    gets a row of result for each. Run the same command to resume.
    """
    if limit is not None and all_pages:
        raise UsageError("--all and --limit can't be used together.")
    if rows_file is not None:
        from . import each

        if all_pages or limit is not None or form or not output:
            raise UsageError("--each needs --output, and can't be used with --all, --limit or --format.")
        shared = (read_inputs(source), key_values(rows))
        options = each.EachOptions(rows_file, output, *shared, retry_unknown, keep_formulas)
        return each.command(action, options, as_json=as_json, dry_run=dry_run)
    if retry_unknown:
        raise UsageError("--retry-unknown only works with --each.")
    form = format_of(output, "json" if as_json else form)
    params, written = read_inputs(source), key_values(rows)
    with connect() as connection:
        call = connection.prepare(action, params, filter=written, limit=limit)
        if dry_run:
            print_json(call.preview())
            return 0
        form = form or ("table" if sys.stdout.isatty() and not output else "json")
        with closing(Target(output, sys.stdout.buffer)) as target:
            out = writer(form, target, call.action, keep_formulas=keep_formulas)
            if call.action.returns == "many" and (all_pages or limit is not None):
                seen = sys.stderr.isatty() and (output is not None or not sys.stdout.isatty())
                _stream(call, out, progress=seen)
            else:
                _once(call, out)
    return 0


def _once(call: "PreparedCall", out: Writer) -> None:
    """Write one record, or one page of a list."""
    result = call.run()
    records = [result.record] if result.record else result.records
    if records:
        out.page(records)
    out.end(_summary(call.action, result, complete=result.complete))
    _report(len(records), result.warnings, complete=result.complete)


def _stream(call: "PreparedCall", out: Writer, *, progress: bool) -> None:
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
