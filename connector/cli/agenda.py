"""`calendly-connector agenda`: who comes when."""

import click

from .account_view import AccountView
from .call_output import Output, writes_records
from .commands import examples
from .everyday import EverydayCommand
from .options import connect, signs_in
from .ranges import TimeRange, takes_range, with_words


@click.command(
    "agenda",
    cls=EverydayCommand,
    epilog=examples(
        "agenda --tomorrow --answers",
        "agenda 'next week' --who noor",
        "agenda --last-month --everyone --status all --output meetings.xlsx",
    ),
)
@click.argument("words", metavar="[WHEN]", default="")
@takes_range("today", "tomorrow", "week", "next-week", "month", "last-month")
@click.option("--who", "text", metavar="TEXT", help="Only meetings that contain TEXT: a name, an email, …")
@click.option("--type", "event_type", metavar="NAME", help="Only meetings of this event type.")
@click.option("--host", metavar="NAME", help="Only meetings of this host.")
@click.option(
    "--status",
    type=click.Choice(("active", "canceled", "rescheduled", "no_show", "all")),
    default="active",
    show_default=True,
)
@click.option("--everyone", is_flag=True, help="The whole organization's meetings. Admins and owners only.")
@click.option("--answers", is_flag=True, help="Show what invitees answered when booking.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Show up to N invitees.")
@signs_in
@writes_records
def command(  # noqa: PLR0913 - one per option
    words: str,
    when: TimeRange,
    text: str | None,
    event_type: str | None,
    host: str | None,
    status: str,
    *,
    everyone: bool,
    answers: bool,
    limit: int | None,
    output: Output,
) -> None:
    """Show your meetings and invitees, by default those of the next seven days.

    WHEN is a day or a range, such as tomorrow or "next week". Times are in your account's time zone, or in
    --tz.
    """
    output.check()
    with connect() as connection:
        account = AccountView(connection, output.zone)
        rows = with_words(when, words, account).rows(account)
        rows += [("organization", "~{GetOrganizationUrl}~")] if everyone else []
        rows += [("status", status)] if status != "all" else []
        named = {"text": text, "event_type": event_type, "host": host}
        rows += [(name, value) for name, value in named.items() if value]
        call = connection.prepare("meetings.list", {"answers": True}, filter=rows, limit=limit)
        output.write(call, account, details="answers" if answers else "")
