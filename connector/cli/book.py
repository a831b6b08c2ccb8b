"""`calendly-connector book`: book a meeting for somebody."""

from typing import Any

import click

from ..support import timestamps
from .account_view import AccountView, in_zone
from .commands import PROGRAM, examples
from .everyday import EverydayCommand
from .invitee_options import answer_option, invitee_params, location_option, utm_option
from .options import connect, prints_json, signs_in
from .outcomes import interruptible_write, print_outcome
from .ranges import moment

_FACTS = ("hosts", "location", "cancel_url", "reschedule_url", "event")


@click.command(
    "book",
    cls=EverydayCommand,
    epilog=examples(
        'book intro "mon 14:00" --name "Lena Marsh" --email lena@client.example '
        '--answer "What would you like to discuss?=Pricing" --location zoom_conference',
        'book intro "2026-12-01 09:30" --name Lena --email lena@client.example '
        '--answer "What would you like to discuss?=Pricing" --location ask_invitee=Berlin --dry-run',
    ),
)
@click.argument("event_type")
@click.argument("when")
@click.option("--name", required=True, help="The invitee's name.")
@click.option("--email", required=True, help="The invitee's email.")
@answer_option
@location_option
@click.option("--guest", "guests", metavar="EMAIL", multiple=True, help="Invite a guest, too; repeatable.")
@click.option("--invitee-tz", metavar="ZONE", help="The invitee's time zone. Default: yours.")
@utm_option
@click.option(
    "--key",
    "client_key",
    metavar="TEXT",
    help="Your own name for this booking, so that it is made only once.",
)
@click.option("--dry-run", is_flag=True, help="Check everything without booking.")
@signs_in
@in_zone
@prints_json()
def command(  # noqa: PLR0913, PLR0917 - one per option
    event_type: str,
    when: str,
    name: str,
    email: str,
    answers: tuple[str, ...],
    location: str | None,
    guests: tuple[str, ...],
    invitee_tz: str | None,
    utm: tuple[str, ...],
    client_key: str | None,
    zone: Any,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Book EVENT_TYPE at WHEN, such as "mon 14:00", and send the usual invitations.

    EVENT_TYPE is a name, an id or a link's last part, such as intro. Before anything is booked, all problems
    are reported: a taken time with the nearest free ones, missing answers, a wrong location.
    """
    params = invitee_params(answers, utm, location)
    if guests:
        params["guests"] = list(guests)
    if client_key:
        params["client_key"] = client_key
    if dry_run:
        params["dry_run"] = True
    with connect() as connection:
        account = AccountView(connection, zone)
        start = moment(when, account)
        params["start_time"] = timestamps.write(start)
        params["timezone"] = str(account.zone)
        params["invitee"] = {"name": name, "email": email, "timezone": invitee_tz or str(account.zone)}
        on = start.astimezone(account.zone).date()
        fix = f"Run `{PROGRAM} agenda --from {on} --to {on} --who {email}` to find out."
        with interruptible_write("the meeting may be booked", fix=fix):
            result = connection.run("bookings.create", params, filter=[("event_type", event_type)])
    print_outcome(result, *_FACTS, as_json=as_json)
