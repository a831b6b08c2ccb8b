"""`calendly-connector slots`: when somebody can be booked."""

import click

from .account_view import AccountView
from .call_output import Output, writes_records
from .commands import examples
from .everyday import EverydayCommand
from .options import connect, signs_in
from .ranges import TimeRange, takes_range


@click.command(
    "slots",
    cls=EverydayCommand,
    epilog=examples(
        "slots intro --next-week",
        "slots intro --first",
        "slots intro panel --from mon --to fri --output slots.csv",
        "slots --common me --common 'Ben Iwu' --minutes 45 --next-week",
    ),
)
@click.argument("event_types", metavar="[EVENT_TYPE]...", nargs=-1)
@takes_range("today", "tomorrow", "week", "next-week")
@click.option("--host", "hosts", metavar="NAME", multiple=True, help="Of this person's event types.")
@click.option(
    "--common",
    "people",
    metavar="NAME",
    multiple=True,
    help="When all of these people can meet; repeat it for each. me is you.",
)
@click.option(
    "--minutes", type=click.IntRange(1, 720), default=30, show_default=True, help="Length, with --common."
)
@click.option("--first", is_flag=True, help="Only the next free time.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Show up to N times.")
@signs_in
@writes_records
def command(
    event_types: tuple[str, ...],
    when: TimeRange,
    hosts: tuple[str, ...],
    people: tuple[str, ...],
    minutes: int,
    *,
    first: bool,
    limit: int | None,
    output: Output,
) -> None:
    """Show the free times of event types, by default in the next seven days; with --first in the next month.

    EVENT_TYPE is a name, an id or a link's last part, such as intro. Times are in your account's time zone,
    or in --tz.
    """
    output.check()
    if not (event_types or hosts or people):
        raise click.UsageError("Name an event type, or pass --host or --common.")
    if people and (event_types or hosts):
        raise click.UsageError("--common can't be used with an event type or --host.")
    with connect() as connection:
        account = AccountView(connection, output.zone)
        covered = TimeRange("next 7 days") if when == TimeRange() and not first else when
        rows = covered.rows(account)
        if people:
            action = "slots.common"
            rows += [("users[]", name) for name in people] + [("duration", str(minutes))]
        else:
            action = "slots.list"
            rows += [("event_types[]", name) for name in event_types]
            rows += [("users[]", name) for name in hosts]
        rows += [("first", "true")] if first else []
        output.write(connection.prepare(action, filter=rows, limit=limit), account)
