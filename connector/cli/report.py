"""`calendly-connector report`: counts of bookings and what became of them, as a table, bars or a picture."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import click

from ..contract import Record, Result
from ..errors import UsageError
from ..recipes import booking_report, charts
from ..support import timestamps
from . import terminal_bars
from .account_view import AccountView, now
from .call_output import Output, writes_records
from .commands import examples
from .everyday import EverydayCommand
from .options import connect, signs_in
from .ranges import TimeRange, takes_range
from .terminal import notice, output_width

_COUNTS = (*booking_report.COUNTS, "lead_time_hours")


@click.command(
    "report",
    cls=EverydayCommand,
    epilog=examples(
        "report --month --by event-type",
        "report --last-month --by host --everyone --chart hosts.png",
        "report --from 2026-01-01 --by month --source calendly.db --output year.xlsx",
    ),
)
@takes_range("week", "last-week", "month", "last-month")
@click.option(
    "--by",
    multiple=True,
    type=click.Choice([name.replace("_", "-") for name in booking_report.GROUPS]),
    help="What to count by; repeatable. Default: event-type.",
)
@click.option("--type", "event_type", metavar="NAME", help="Only meetings of this event type.")
@click.option("--host", metavar="NAME", help="Only meetings of this host.")
@click.option("--everyone", is_flag=True, help="The whole organization's meetings. Admins and owners only.")
@click.option(
    "--source", metavar="DATABASE", help="Count in a database that `sync` fills, without asking Calendly."
)
@click.option("--chart", metavar="FILE", help="Also draw a chart: FILE ends in .png or .html.")
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
    """Count bookings, by default those of today and the 30 days before it, by event type."""
    output.check()
    if chart:
        charts.check_path(Path(chart))
    if source and (everyone or event_type or host):
        raise click.UsageError("--source can't be used with --type, --host or --everyone.")
    groups = list(dict.fromkeys(name.replace("-", "_") for name in by)) or ["event_type"]
    with connect() as connection:
        account = AccountView(connection, output.zone)
        since, until = covered = _covered(when, account)
        rows: list[tuple[str, Any]] = [("by[]", name) for name in groups]
        rows += [("start", timestamps.write(since)), ("end", timestamps.write(until))]
        rows += [("timezone", str(account.zone))]
        rows += [("organization", "~{GetOrganizationUrl}~")] if everyone else []
        rows += [(name, value) for name, value in {"event_type": event_type, "host": host}.items() if value]
        call = connection.prepare("reports.bookings", filter=rows)
        with output.opened(call.action, account, columns=(*groups, *_COUNTS)) as write:
            if source:
                from .. import sync

                meetings = sync.bookings(source, since, until)
                counts = booking_report.aggregate(meetings, groups, account.zone, covered)
                result = Result(call.action.id, records=counts)
            else:
                result = call.run(all_pages=True)
            write(result)
    width = output_width()
    if output.form == "table" and not output.path and width and result.records:
        click.echo("\n".join(["", *terminal_bars.terminal_lines(result.records, width)]))
    if chart:
        _save(result.records, Path(chart), covered)
        notice("note", f"saved {chart}")


def _covered(when: TimeRange, account: AccountView) -> tuple[datetime, datetime]:
    start, end = when.read(account)
    today = datetime.combine(now().astimezone(account.zone), time.min, account.zone)
    until = (end or today + timedelta(days=1)).astimezone(account.zone)
    since = (start or until - timedelta(days=31)).astimezone(account.zone)
    if since >= until:
        raise UsageError("--from must be earlier than --to.")
    return since, until


def _save(groups: Sequence[Record], path: Path, covered: tuple[datetime, datetime]) -> None:
    since, until = covered
    last_day = until - timedelta(seconds=1)
    heading = charts.title(groups, f"{since:%Y-%m-%d}", f"{last_day:%Y-%m-%d}", str(since.tzinfo))
    charts.save(groups, path, heading=heading)
