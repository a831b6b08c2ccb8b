"""`calendly-connector cancel`: cancel meetings, after showing which."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from .account_view import AccountView
from .call_output import Output, writes_records
from .commands import examples
from .confirm import confirm, yes_option
from .everyday import EverydayCommand
from .meeting_choice import description, in_words, with_choice
from .options import connect, signs_in
from .outcomes import interruptible_write
from .ranges import TimeRange, takes_range
from .terminal import counted, notice, printable

if TYPE_CHECKING:
    from ..connection import CalendlyConnection
    from ..contract import Result

_OPEN = frozenset({"failed", "unknown"})


@click.command(
    "cancel",
    cls=EverydayCommand,
    epilog=examples(
        "cancel noor@client.example --reason 'The host is ill'",
        "cancel 'mon 14:00'",
        "cancel --tomorrow --type intro --reason 'Office closed' --yes",
    ),
)
@click.argument("what", nargs=-1)
@takes_range("today", "tomorrow", "week", "next-week")
@click.option("--type", "event_type", metavar="NAME", help="Only meetings of this event type.")
@click.option("--host", metavar="NAME", help="Only meetings of this host.")
@click.option("--reason", metavar="TEXT", help="Calendly sends it to everyone.")
@click.option("--dry-run", is_flag=True, help="Show what would be canceled.")
@yes_option
@signs_in
@writes_records
def command(
    what: tuple[str, ...],
    when: TimeRange,
    event_type: str | None,
    host: str | None,
    reason: str | None,
    *,
    dry_run: bool,
    yes: bool,
    output: Output,
) -> int:
    """Cancel meetings. WHAT is an email, a name, a time, an id or a link; several can be named.

    Without WHAT, all meetings between --from and --to are canceled; choose among them with --type and --host.
    You are asked first.
    """
    output.check()
    if not what and when.is_open:
        raise click.UsageError("Name a meeting, or pass --from and --to.")
    with connect() as connection:
        account = AccountView(connection, output.zone)
        rows: list[tuple[str, Any]] = list(when.rows(account))
        rows += [(name, value) for name, value in {"event_type": event_type, "host": host}.items() if value]
        call = connection.prepare("bookings.cancel", {"dry_run": True}, filter=rows)
        with output.opened(call.action, account) as write:
            result = _found(connection, [description(one, account) for one in what], rows)
            if not dry_run:
                result = _cancel(connection, account, result, reason, yes=yes)
            if output.form == "table" and not (output.named_form or output.columns):
                _print(result)
            else:
                write(result)
    return int(any(row["outcome"] in _OPEN for row in result.records))


def _cancel(
    connection: "CalendlyConnection", account: AccountView, found: "Result", reason: str | None, *, yes: bool
) -> "Result":
    """Ask, and cancel what was found. Raises ConnectorError if the answer is no."""
    active = [row for row in found.records if row["outcome"] == "would_cancel"]
    if not active:
        return found
    lines = (f"  {in_words(row)}" for row in active)
    confirm(*lines, yes=yes, question=f"Cancel {counted(len(active), 'meeting')}?")
    params: dict[str, Any] = {"what": [row["event"] for row in found.records]}
    params |= {"reason": reason} if reason else {}
    zone = [("timezone", str(account.zone))]
    fix = "Run the same command with --dry-run to see which are left."
    with interruptible_write("some of the meetings may be canceled", fix=fix):
        return connection.run("bookings.cancel", params, filter=zone, all_pages=True)


def _print(result: "Result") -> None:
    """Print what became of each meeting, in a line for a person."""
    for row in result.records:
        click.echo(printable(f"{row['message']} {row['error'] or ''}".rstrip()))
    if not result.records:
        click.echo("No meetings found.")
    for warning in result.warnings:
        notice("warning", warning)


def _found(connection: "CalendlyConnection", whats: list[str], rows: list[tuple[str, Any]]) -> "Result":
    """Return the meetings that would be canceled. A person chooses between several that fit one WHAT."""

    def look_up(what: Sequence[str]) -> "Result":
        params: dict[str, Any] = {"dry_run": True} | ({"what": what} if what else {})
        return connection.run("bookings.cancel", params, filter=rows, all_pages=True)

    events = [row["event"] for one in whats for row in with_choice(lambda one: look_up([one]), one).records]
    return look_up(list(dict.fromkeys(events)))
