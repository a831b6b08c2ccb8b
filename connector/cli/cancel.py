"""`calendly-connector cancel`: cancel meetings, after showing which."""

import sys
from typing import TYPE_CHECKING, Any

import click

from ..errors import ConnectorError
from .account_view import AccountView
from .call_output import Output, writes_records
from .commands import examples
from .confirm import yes_option
from .meeting_choice import description, in_words, with_choice
from .options import connect, signs_in
from .ranges import TimeRange, takes_range
from .terminal import counted, printable

if TYPE_CHECKING:
    from ..connection import CalendlyConnection
    from ..contract import Result

_SHORTCUTS = {"today": "today", "tomorrow": "tomorrow", "week": "this week"}


@click.command(
    "cancel",
    epilog=examples(
        "cancel noor@client.example --reason 'The host is ill'",
        "cancel 'mon 14:00'",
        "cancel --tomorrow --type intro --reason 'Office closed' --yes",
    ),
)
@click.argument("what", nargs=-1)
@takes_range(_SHORTCUTS)
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
) -> None:
    """Cancel meetings. WHAT is an email, a name, a time, an id or a link; several can be named.

    Without WHAT, all meetings that fit --from, --to, --type and --host are canceled. You are asked first.
    """
    output.check()
    with connect() as connection:
        account = AccountView(connection, output.zone)
        rows: list[tuple[str, Any]] = list(when.inputs(account).items())
        rows += [("timezone", str(account.zone))]
        rows += [(name, value) for name, value in {"event_type": event_type, "host": host}.items() if value]
        found = _preview(connection, [description(one, account) for one in what], rows)
        events = [row["event"] for row in found]
        if not dry_run and events:
            _ask(found, yes=yes)
        params: dict[str, Any] = {"what": events, "dry_run": dry_run} if events else {"dry_run": True}
        if reason:
            params["reason"] = reason
        zone = [("timezone", str(account.zone))]
        call = connection.prepare("bookings.cancel", params, filter=zone if events else rows)
        output.write(call, account)


def _preview(
    connection: "CalendlyConnection", whats: list[str], rows: list[tuple[str, Any]]
) -> list[dict[str, Any]]:
    """Return the meetings that would be canceled. A person chooses between several that fit one WHAT."""

    def look(one: str) -> "Result":
        params = {"what": [one], "dry_run": True}
        return connection.run("bookings.cancel", params, filter=rows, all_pages=True)

    if not whats:
        return connection.run("bookings.cancel", {"dry_run": True}, filter=rows, all_pages=True).records
    found = [row for one in whats for row in with_choice(look, one).records]
    return list({row["event"]: row for row in found}.values())


def _ask(found: list[dict[str, Any]], *, yes: bool) -> None:
    """Show whom it affects, and ask at a terminal. Raises ConnectorError if the answer is no."""
    if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    for row in found:
        click.echo(f"  {printable(in_words(row))}", err=True)
    if not click.confirm(f"Cancel {counted(len(found), 'meeting')}?", err=True):
        raise ConnectorError("Nothing was canceled.")
