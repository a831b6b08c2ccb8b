"""`calendly-connector run`: run one action and print or save its records."""

from datetime import UTC
from typing import TYPE_CHECKING

import click

from ..errors import InvalidParams, UsageError
from .account_view import AccountView, now
from .call_output import Output, writes_records
from .commands import examples
from .completers import actions, inputs
from .confirm import confirm_call, yes_option
from .options import connect, key_values, read_inputs, signs_in
from .terminal import notice, print_json

if TYPE_CHECKING:
    from ..connection import CalendlyConnection
    from ..contract import Params, PreparedCall
    from .date_inputs import Rows


@click.command(
    "run",
    epilog=examples(
        "run scheduled_events status=active min_start_time=tomorrow --limit 5",
        "run scheduled_events min_start_time=nov --all --output events.csv",
        "run links.create --each people.csv event_type=intro --output links.csv",
        'run cancel_event uuid=EVENT reason="Room is not available" --dry-run',
    ),
)
@click.argument("action", shell_complete=actions)
@click.argument("rows", metavar="[KEY=VALUE]...", nargs=-1, shell_complete=inputs)
@signs_in
@click.option(
    "--input", "source", metavar="FILE", help="Read inputs from a JSON file; - reads standard input."
)
@click.option("--all", "all_pages", is_flag=True, help="Fetch the whole list, not just one page.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Fetch up to N records of a list.")
@click.option(
    "--each",
    "rows_file",
    metavar="FILE",
    help="Run once per row of FILE: CSV, JSON or JSON lines; - reads CSV.",
)
@click.option("--retry-unknown", is_flag=True, help="With --each: repeat rows whose outcome is unknown, too.")
@writes_records
@click.option(
    "--dry-run",
    is_flag=True,
    help="Show the request without sending it. Names and functions are looked up first.",
)
@yes_option
def command(  # noqa: PLR0913 - one per option
    action: str,
    rows: tuple[str, ...],
    source: str | None,
    rows_file: str | None,
    *,
    output: Output,
    retry_unknown: bool,
    limit: int | None,
    all_pages: bool,
    dry_run: bool,
    yes: bool,
) -> int:
    """Run an action.

    KEY=VALUE arguments are the action's inputs, such as status=active or user=~{GetUserUrl}~. Run
    `calendly-connector describe ACTION` to list them, and `calendly-connector functions` for the functions.
    Dates can be written as min_start_time=tomorrow, 'mon 14:00', 'next week' or 2026-12-01.

    With --each, columns named like inputs are inputs, KEY=VALUE arguments apply to all rows, and --output
    gets a row of result for each. Run the same command to resume.
    """
    if limit is not None and all_pages:
        raise UsageError("--all and --limit can't be used together.")
    if rows_file is not None:
        from . import each

        if all_pages or limit is not None or output.named_form or not output.path:
            raise UsageError("--each needs --output, and can't be used with --all, --limit or --format.")
        shared = (read_inputs(source), key_values(rows))
        options = each.EachOptions(rows_file, output.path, *shared, retry_unknown, output.keep_formulas)
        return each.command(action, options, as_json=output.as_json, dry_run=dry_run)
    if retry_unknown:
        raise UsageError("--retry-unknown only works with --each.")
    output.check()
    params, written = read_inputs(source), key_values(rows)
    with connect() as connection:
        account = AccountView(connection, output.zone)
        call = _prepare(connection, action, params, written, limit, account)
        if dry_run:
            requests = call.preview_resolved()
            print_json(requests[0] if len(requests) == 1 else list(requests))
            return 0
        confirm_call(connection, call, yes=yes)
        output.write(call, account, whole=all_pages or limit is not None)
    return 0


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
    from .dates import EXAMPLES

    action = find(name, frozenset([*params, *(key.removesuffix("[]") for key, _ in rows)]))
    if not date_inputs.has_any(action, rows):
        return connection.prepare(name, params, filter=rows, limit=limit)
    time = now()
    if problems := date_inputs.problems(action, rows, time):
        fix = f"Write dates such as {EXAMPLES}."
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
