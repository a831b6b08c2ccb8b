"""Writes what a call returns, as the options of a command ask for: a table, JSON, CSV or a file."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from functools import update_wrapper
from typing import TYPE_CHECKING, Any

import click

from ..errors import ConnectorError, UsageError
from .account_view import AccountView, in_zone
from .options import keeps_formulas, prints_json
from .terminal import counted, notice

if TYPE_CHECKING:
    from datetime import tzinfo

    from ..contract import ActionInfo, PreparedCall, Record, Records, Result
    from .columns import View
    from .output import Writer

_INCOMPLETE = "The output is valid but incomplete."
_FORMATS = ("table", "json", "jsonl", "csv", "xlsx")


@dataclass(frozen=True, slots=True)
class Output:
    """Where and how a command writes records, as its options say, and the zone that they chose."""

    path: str | None = None
    named_form: str | None = None
    columns: tuple[str, ...] = ()
    zone: "tzinfo | None" = None
    as_json: bool = False
    excel: bool = False
    keep_formulas: bool = False

    @property
    def form(self) -> str:
        """The format: as specified, or a table at a terminal, or JSON. Raises UsageError."""
        from .output import format_of

        named = format_of(self.path, "json" if self.as_json else self.named_form)
        named = named or ("csv" if self.excel else None)
        if self.excel and named != "csv":
            raise UsageError("--excel is for csv.", fix="Remove --excel: .xlsx files have real dates anyway.")
        if self.excel and self.keep_formulas:
            raise UsageError("--excel and --keep-formulas can't be used together.")
        form = named or ("table" if sys.stdout.isatty() and not self.path else "json")
        if self.columns and form in {"json", "jsonl"}:
            raise UsageError(
                "--columns needs a table, csv or xlsx.", fix="Add --format table, or remove --columns."
            )
        return form

    def check(self) -> None:
        """Raise UsageError if the options contradict each other, before anything is read."""
        _ = self.form

    def write(
        self, call: "PreparedCall", account: AccountView, *, whole: bool = True, details: str = ""
    ) -> None:
        """Run a call and write its records. Of a list, `whole` writes all that it reads, else one page.

        A table shows the property `details` below each row.
        """
        with self._writer(call.action, account.view(self.columns, details)) as out:
            if call.action.returns == "many" and whole:
                seen = sys.stderr.isatty() and (self.path is not None or not sys.stdout.isatty())
                _stream(call, out, self._saved, progress=seen)
            else:
                _finish(call.action, call.run(), out, self._saved)

    @contextmanager
    def opened(
        self, action: "ActionInfo", account: AccountView, *, columns: tuple[str, ...] = ()
    ) -> "Iterator[Callable[[Result], None]]":
        """Open the output, so what is wrong with it is found before the call; yield what writes the result.

        A spreadsheet has these columns unless others were chosen.
        """
        default = columns if self.form in {"csv", "xlsx"} else ()
        with self._writer(action, account.view(self.columns or default)) as out:
            yield lambda result: _finish(action, result, out, self._saved)

    def _saved(self, count: int) -> None:
        """Tell a person at a terminal that the file is written."""
        if self.path and sys.stderr.isatty():
            notice("note", f"saved {counted(count, 'record')} to {self.path}")

    @contextmanager
    def _writer(self, action: "ActionInfo", view: "View") -> "Iterator[Writer]":
        from .output import Target, writer

        with closing(Target(self.path, sys.stdout.buffer)) as target:
            yield writer(
                self.form, target, action, view=view, keep_formulas=self.keep_formulas, excel=self.excel
            )


def writes_records(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a command with the options of its output, which it gets as `output`."""

    def decorated(*arguments: Any, **options: Any) -> Any:
        chosen = {field.name: options.pop(field.name) for field in fields(Output)}
        chosen["columns"] = tuple(chosen["columns"].split(",")) if chosen["columns"] is not None else ()
        return command(*arguments, output=Output(**chosen), **options)

    update_wrapper(decorated, command)
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


_OPTIONS = (
    click.option(
        "--format",
        "named_form",
        type=click.Choice(_FORMATS),
        help="Default: by the extension of --output; else table in a terminal, otherwise json.",
    ),
    prints_json("Same as --format json."),
    click.option("--output", "path", metavar="FILE", help="Write to FILE instead of standard output."),
    click.option(
        "--columns",
        metavar="A,B,…",
        help="Show these columns in a table, csv or xlsx. An unknown one lists all of them.",
    ),
    in_zone,
    click.option(
        "--excel", is_flag=True, help="Write csv that Excel opens correctly: local times, marked as UTF-8."
    ),
    keeps_formulas,
)


def _finish(action: "ActionInfo", result: "Result", out: "Writer", saved: Callable[[int], None]) -> None:
    records = [result.record] if result.record else result.records
    if records:
        out.page(records)
    out.end(_summary(action, result, complete=result.complete))
    _report(len(records), result.warnings, complete=result.complete)
    saved(len(records))


def _stream(call: "PreparedCall", out: "Writer", saved: Callable[[int], None], *, progress: bool) -> None:
    """Write a list while fetching it; the output is valid even after an error or Ctrl-C.

    Before the first record, an error leaves no output: a script gets no empty list, a file stays as it was.
    """
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
            stopped = ConnectorError("Interrupted.", fix=_INCOMPLETE if count else "")
        except ConnectorError as error:
            stopped = error
    complete = stream.complete and stopped is None
    if count or stopped is None:
        with _interrupts_held():
            out.end(_summary(call.action, stream, complete=complete))
    _report(count, stream.warnings, complete=complete or stopped is not None, more="Raise --limit for more.")
    if stopped is not None:
        if count:
            notice("incomplete", f"wrote {counted(count, 'record')} before this error:")
        raise stopped
    saved(count)


def _summary(action: "ActionInfo", result: "Result | Records", *, complete: bool) -> "Record":
    return {
        "action": action.id,
        "complete": complete,
        "calls": result.calls,
        **({"extra": result.extra} if result.extra else {}),
        "warnings": list(result.warnings),
    }


def _report(
    count: int,
    warnings: tuple[str, ...],
    *,
    complete: bool,
    more: str = "Use --all or --limit N for more.",
) -> None:
    for warning in warnings:
        notice("warning", warning)
    if not complete:
        notice("note", f"showing the first {counted(count, 'record')}. {more}")


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
    console = Console(stderr=True)
    columns = (SpinnerColumn(), words, TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=console.is_dumb_terminal) as progress:
        task = progress.add_task("", total=None, calls=0)
        yield lambda count, calls: progress.update(task, completed=count, calls=calls)
