"""`calendly-connector report`: counts of bookings and what became of them, as a table, bars or a picture."""

import shutil
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..recipes.booking_report import GROUPS
from ..support import timestamps
from .account_view import AccountView, now
from .call_output import Output, writes_records
from .commands import examples
from .options import connect, signs_in
from .ranges import TimeRange, takes_range
from .terminal import notice

if TYPE_CHECKING:
    from ..contract import Record

_SHORTCUTS = {"week": "this week", "month": "this month", "last-month": "last month"}
_COUNTS = ("bookings", "active", "canceled", "rescheduled", "no_shows", "lead_time_hours")


@click.command(
    "report",
    epilog=examples(
        "report --month --by event-type",
        "report --last-month --by host --everyone --chart hosts.png",
        "report --from 2026-01-01 --by month --source calendly.db --output year.xlsx",
    ),
)
@takes_range(_SHORTCUTS)
@click.option(
    "--by",
    multiple=True,
    type=click.Choice([name.replace("_", "-") for name in GROUPS]),
    help="What to count by; repeatable. Default: event-type.",
)
@click.option("--type", "event_type", metavar="NAME", help="Only meetings of this event type.")
@click.option("--host", metavar="NAME", help="Only meetings of this host.")
@click.option("--everyone", is_flag=True, help="The whole organization's meetings. Admins and owners only.")
@click.option(
    "--source", metavar="DATABASE", help="Count in a database that `sync` fills, without asking Calendly."
)
@click.option("--chart", metavar="FILE", help="Also draw a picture: FILE ends in .png or .html.")
@signs_in
@writes_records
def command(
    when: TimeRange,
    by: tuple[str, ...],
    event_type: str | None,
    host: str | None,
    source: str | None,
    chart: str | None,
    *,
    everyone: bool,
    output: Output,
) -> None:
    """Count bookings, by default of the last 30 days, by event type."""
    output.check()
    groups = [name.replace("-", "_") for name in by] or ["event_type"]
    if source and (everyone or event_type or host):
        raise UsageError("--source can't be used with --type, --host and --everyone.")
    with connect() as connection:
        account = AccountView(connection, output.zone)
        since, until = _range(when, account)
        rows: list[tuple[str, Any]] = [("by[]", name) for name in groups]
        rows += [("start", timestamps.write(since)), ("end", timestamps.write(until))]
        rows += [("timezone", str(account.zone))]
        rows += [("organization", "~{GetOrganizationUrl}~")] if everyone else []
        rows += [(name, value) for name, value in {"event_type": event_type, "host": host}.items() if value]
        call = connection.prepare("reports.bookings", filter=rows)
        if source:
            found = _from_sync(source, groups, since, until, account)
        else:
            result = call.run(all_pages=True)
            found = result.records
            for warning in result.warnings:
                notice("warning", warning)
        output.write_records(call.action, found, account, columns=(*groups, *_COUNTS))
    _draw(found, chart, output, since, until)


def _range(when: TimeRange, account: AccountView) -> tuple[datetime, datetime]:
    found = when.inputs(account)
    today = now().astimezone(account.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    until = timestamps.read(found["end"]) if "end" in found else today + timedelta(days=1)
    since = timestamps.read(found["start"]) if "start" in found else until - timedelta(days=31)
    return since.astimezone(account.zone), until.astimezone(account.zone)


def _from_sync(
    source: str, groups: list[str], since: datetime, until: datetime, account: AccountView
) -> "list[Record]":
    from ..recipes.booking_report import aggregate
    from ..sync import bookings

    return aggregate(bookings(source, since, until), groups, account.zone, (since, until))


def _draw(found: "list[Record]", chart: str | None, output: Output, since: datetime, until: datetime) -> None:
    """Print bars below a table at a terminal, and save the picture."""
    from ..recipes import charts
    from .terminal_bars import terminal_lines

    if output.form == "table" and not output.path and sys.stdout.isatty():
        lines = terminal_lines(found, shutil.get_terminal_size().columns)
        click.echo("\n".join(["", *lines]) if lines else "")
    if chart:
        last = until - timedelta(seconds=1)
        heading = charts.title(found, f"{since:%Y-%m-%d}", f"{last:%Y-%m-%d}", str(since.tzinfo))
        charts.save(found, Path(chart), heading=heading)
        notice("note", f"saved {chart}")
