"""`run ACTION --each FILE`: run an action once per row of a table, and keep a row of result for each."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import ceil
from typing import TYPE_CHECKING, Any, Final

import click

from ..catalog import manifest, paths
from ..errors import ConnectorError, UsageError
from ..recipes.batch import Batch, Row, RowOutcome, input_of
from .options import connect
from .results_file import ResultsFile, columns_of
from .row_files import read_table
from .sync_progress import interruptible
from .terminal import counted, notice, print_json, printable

if TYPE_CHECKING:
    from ..catalog.models import Action
    from ..connection import CalendlyConnection

_SHOWN_PROBLEMS: Final = 5
_UNKNOWN: Final = "Calls with an unknown outcome may have been carried out. {}"
_FIND_OUT: Final = "Run the same command to find out, or with --retry-unknown to repeat them."
_CHECK_FIRST: Final = "Check them in Calendly, then run the same command with --retry-unknown to repeat them."


@dataclass(frozen=True, slots=True)
class EachOptions:
    """What to run: the file of rows, the file of results, and the inputs that all rows share.

    `params` are plain values, `defaults` filter rows; a row's own cells take precedence.
    """

    source: str
    output: str
    params: Mapping[str, Any] = field(default_factory=dict)
    defaults: Sequence[tuple[str, Any]] = ()
    retry_unknown: bool = False
    keep_formulas: bool = False


@dataclass(slots=True)
class EachSummary:
    """What a run did. `skipped` rows were done in earlier runs; `left` were not reached.

    `settles`: another run finds out about the unknown rows.
    """

    rows: int
    done: int = 0
    failed: int = 0
    unknown: int = 0
    skipped: int = 0
    left: int = 0
    problems: list[str] = field(default_factory=list)
    settles: bool = False

    @property
    def ok(self) -> bool:
        """Whether every row is done."""
        return self.done + self.skipped == self.rows

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as JSON values."""
        names = ("rows", "done", "failed", "unknown", "skipped", "left")
        return {name: getattr(self, name) for name in names}


def command(name: str, options: EachOptions, *, as_json: bool, dry_run: bool) -> int:
    """Run or check a batch for the command line; return the exit code."""
    with connect(shows_waits=False) as connection:
        if dry_run:
            print_json(check(connection, name, options))
            return 0
        return report(run(connection, name, options), options, as_json=as_json)


def run(
    connection: "CalendlyConnection",
    name: str,
    options: EachOptions,
    clock: Callable[[], float] = time.time,
) -> EachSummary:
    """Run an action for each row that isn't done, one after another. Ctrl-C stops after a row.

    Raises UsageError if a file can't be used, and the error of a row if all other rows would have it too.
    """
    batch, rows, results = _open(connection, name, options, clock)
    outcomes = results.outcomes
    left = batch.left(rows, outcomes, retry_unknown=options.retry_unknown)
    summary = EachSummary(len(rows), left=len(left), settles=all(map(batch.finds_earlier, rows)))
    to_run = {row.key for row, _ in left}
    kept = [outcomes[row.key] for row in rows if row.key not in to_run]
    summary.skipped = sum(outcome.status == "done" for outcome in kept)
    summary.unknown = len(kept) - summary.skipped
    field_of_links = batch.action.retry.get("field", "")
    known = [str(one.result.get(field_of_links) or "") for one in outcomes.values() if one.status == "done"]
    numbers = {row.key: row.number for row in rows}
    results.open(rows)
    try:
        with connection.batch(), interruptible("row") as stopped, _progress(connection, summary) as show:
            for outcome in batch.run(left, known, results.append):
                _count(summary, outcome, numbers)
                show()
                if stopped():
                    break
    except ConnectorError as error:  # all rows would have it
        error.fix = f"{error.fix} Then run the same command to resume.".strip()
        raise
    finally:
        results.close(rows)
    return summary


def check(connection: "CalendlyConnection", name: str, options: EachOptions) -> dict[str, Any]:
    """Return what a run would do, without using the network: the number of rows, and all problems."""
    batch, rows, results = _open(connection, name, options)
    left = [row for row, _ in batch.left(rows, results.outcomes, retry_unknown=options.retry_unknown)]
    problems = [{"row": row.number, "error": str(error)} for row in left if (error := batch.check(row))]
    shared = {"action": batch.action.id, "rows": len(rows), "to_run": len(left), "problems": problems}
    valid = [row for row in left if row.number not in {problem["row"] for problem in problems}]
    if valid:
        shared["first"] = dict(batch.prepared(valid[0]).preview())
    return shared


def report(summary: EachSummary, options: EachOptions, *, as_json: bool = False) -> int:
    """Print what a run did, and return the exit code."""
    if as_json:
        print_json(summary.to_dict())
    for problem in summary.problems[:_SHOWN_PROBLEMS]:
        notice("problem", problem)
    if len(summary.problems) > _SHOWN_PROBLEMS:
        notice("problem", f"… and {len(summary.problems) - _SHOWN_PROBLEMS} more, in {options.output}")
    parts = [f"{summary.done} done"]
    parts += [
        f"{count} {word}"
        for count, word in (
            (summary.skipped, "done before"),
            (summary.failed, "failed"),
            (summary.unknown, "unknown"),
            (summary.left, "not run"),
        )
        if count
    ]
    click.echo(f"{counted(summary.rows, 'row')}: {', '.join(parts)}. Results: {options.output}", err=True)
    if summary.failed or summary.left:
        click.echo("Run the same command to retry what failed and to run the rest.", err=True)
    if summary.unknown:
        click.echo(_UNKNOWN.format(_FIND_OUT if summary.settles else _CHECK_FIRST), err=True)
    return 0 if summary.ok else 1


def _open(
    connection: "CalendlyConnection",
    name: str,
    options: EachOptions,
    clock: Callable[[], float] = time.time,
) -> tuple[Batch, list[Row], ResultsFile]:
    table = read_table(options.source)
    columns = columns_of(table)
    own = [key.removesuffix("[]").partition(".")[0] for key, _ in options.defaults]
    action = manifest.find(name, frozenset([*own, *options.params, *columns]))
    if not table:
        raise UsageError(f"--each: {options.source} has no rows.")
    _report_columns(action, columns)
    batch = Batch(action, connection.prepare, clock, options.params, options.defaults)
    rows = batch.rows(table)
    names = (
        ["count", "records"]
        if action.returns == "many"
        else list(dict.fromkeys(path.partition(".")[0] for path in paths.properties(action.output)))
    )
    results = ResultsFile(options.output, columns, names, keep_formulas=options.keep_formulas)
    return batch, rows, results


def _report_columns(action: "Action", columns: Sequence[str]) -> None:
    """Say which columns are inputs. Warn of others that look like one."""
    used = [column for column in columns if input_of(column, action)]
    others = [column for column in columns if column not in used]
    if not used:
        known = ", ".join(action.inputs)
        raise UsageError(
            f"--each: no column is an input of {action.id} ({printable(', '.join(columns))}).",
            fix=f"Name the columns like inputs: {known}.",
        )
    for column in others:
        near = get_close_matches(column.casefold(), action.inputs, n=1, cutoff=0.75)
        if near:
            notice(
                "warning", f"column {column!r} isn't an input and is only copied. Did you mean {near[0]!r}?"
            )


def _count(summary: EachSummary, outcome: RowOutcome, numbers: Mapping[str, int]) -> None:
    summary.left -= 1
    if outcome.status == "done":
        summary.done += 1
        return
    summary.failed += outcome.status == "failed"
    summary.unknown += outcome.status == "unknown"
    summary.problems.append(f"row {numbers[outcome.key]}: {outcome.error}")


class _Notes:
    """Problems so far and the wait for the rate limit as text, up to date whenever it is read."""

    def __init__(self, connection: "CalendlyConnection", summary: EachSummary) -> None:
        self._connection = connection
        self._summary = summary

    def __str__(self) -> str:
        problems = len(self._summary.problems)
        waits_s, _ = self._connection.waits
        words = f", {counted(problems, 'problem')}" if problems else ""
        return words + (f", waiting {ceil(waits_s)} s for the rate limit" if waits_s >= 1 else "")


@contextmanager
def _progress(connection: "CalendlyConnection", summary: EachSummary) -> Iterator[Callable[[], None]]:
    """Yield a function that shows how many rows were run, if standard error is a terminal."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich import progress as bars
    from rich.console import Console

    words = bars.TextColumn("{task.completed} of {task.total} rows{task.fields[notes]}")
    columns = (bars.BarColumn(20), words, bars.TimeElapsedColumn())
    with bars.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=summary.left, notes=_Notes(connection, summary))
        yield lambda: bar.update(task, advance=1)
