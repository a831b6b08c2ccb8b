"""`calendly-connector run`: one action, its records to the terminal, a pipe or a file."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import click

from ..catalog.models import Action
from ..errors import ConnectorError, UsageError
from ..support.redaction import quoted
from .output import Target, Writer, format_of, keeps_formulas, printable, writer
from .session import connect, signs_in

if TYPE_CHECKING:
    from ..calls.action_call import ActionCall
    from ..contract import Record, Result
    from ..pagination.record_stream import RecordStream

_FORMATS = ("table", "json", "jsonl", "csv")


@click.command("run")
@click.argument("action")
@click.argument("rows", metavar="[KEY=VALUE]...", nargs=-1)
@signs_in
@click.option("--input", "source", metavar="FILE", help="Take inputs from JSON in FILE, or - for stdin.")
@click.option("--all", "all_pages", is_flag=True, help="Read the whole list, not one page.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Read up to N records of a list.")
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    help="Default: what the name of --output says, else table in a terminal and json elsewhere.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--output", metavar="FILE", help="Write to FILE.")
@keeps_formulas
@click.option("--dry-run", is_flag=True, help="Show the request and send nothing.")
def command(  # noqa: PLR0913 - one per option
    action: str,
    rows: tuple[str, ...],
    source: str | None,
    form: str | None,
    output: str | None,
    *,
    limit: int | None,
    all_pages: bool,
    as_json: bool,
    keep_formulas: bool,
    dry_run: bool,
) -> int:
    """Run an action. The rows are its filter, such as status=active or user=~{GetUserUrl}~."""
    if limit is not None and all_pages:
        raise UsageError("--all and --limit exclude each other.", fix="Give one of them.")
    form = format_of(output, "json" if as_json else form)
    params, written = read_inputs(source), filter_rows(rows)
    with connect() as connection:
        call = connection.prepare(action, params, filter=written, limit=limit)
        if dry_run:
            import json

            click.echo(json.dumps(call.preview(), indent=2))
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


def _once(call: "ActionCall", out: Writer) -> None:
    """Write one record, or one page of a list."""
    result = call.run()
    records = [result.record] if result.record else result.records
    if records:
        out.page(records)
    out.end(_summary(call.action, result, complete=result.complete))
    _tell(len(records), result.warnings, complete=result.complete)


def _stream(call: "ActionCall", out: Writer, *, progress: bool) -> None:
    """Write a list as it is read; whatever ends the reading, what was written is valid."""
    stream = call.iterate()
    count = 0
    stopped: ConnectorError | None = None
    with _progress(on=progress) as show:
        try:
            for page in stream.pages():
                with _undisturbed():
                    out.page(page)
                    count += len(page)
                show(count, stream.calls)
        except KeyboardInterrupt:
            stopped = ConnectorError("Interrupted.", fix="What was written is valid, but incomplete.")
        except ConnectorError as error:
            stopped = error
    complete = stream.complete and stopped is None
    with _undisturbed():
        out.end(_summary(call.action, stream, complete=complete))
    _tell(count, stream.warnings, complete=complete or stopped is not None)
    if stopped is not None:
        click.echo(f"incomplete: {count} record(s) were written before this:", err=True)
        raise stopped


def _summary(action: Action, result: "Result | RecordStream", *, complete: bool) -> "Record":
    return {
        "action": action.id,
        "complete": complete,
        "calls": result.calls,
        **({"extra": result.extra} if result.extra else {}),
        "warnings": list(result.warnings),
    }


def _tell(count: int, warnings: tuple[str, ...], *, complete: bool) -> None:
    for warning in warnings:
        click.echo(f"warning: {printable(warning)}", err=True)
    if not complete:
        click.echo(f"note: {count} record(s), and there are more: --all or --limit N reads on.", err=True)


def filter_rows(rows: tuple[str, ...]) -> list[tuple[str, str]]:
    """Read KEY=VALUE words as rows of a filter."""
    pairs = [row.partition("=") for row in rows]
    for key, sign, _ in pairs:
        if not sign or not key:
            raise UsageError(f"{quoted(printable(key))} is no filter row.", fix="Write KEY=VALUE.")
    return [(key, value) for key, _, value in pairs]


def read_inputs(source: str | None) -> dict[str, Any]:
    """Read a JSON object from a file, or from standard input for `-`."""
    if source is None:
        return {}
    import json

    try:
        with click.open_file(source, encoding="utf-8") as file:
            inputs = json.load(file)
    except OSError as error:
        raise UsageError(f"--input: {source} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise UsageError(f"--input: {source} is not JSON.") from None
    if not isinstance(inputs, dict):
        raise UsageError(f"--input: {source} is not a JSON object.")
    return inputs


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold Ctrl-C back while something is written, so that it is written whole or not at all."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Ctrl-C reaches the main thread alone
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

    words = TextColumn("{task.completed} records, {task.fields[calls]} calls")
    with Progress(SpinnerColumn(), words, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=None, calls=0)
        yield lambda count, calls: progress.update(task, completed=count, calls=calls)
