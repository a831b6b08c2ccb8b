"""`calendly-connector no-show`: mark invitees who didn't come."""

from typing import TYPE_CHECKING, Any

import click

from .account_view import AccountView, in_zone
from .commands import examples
from .everyday import EverydayCommand
from .meeting_choice import description, with_choice
from .options import connect, prints_json, signs_in
from .outcomes import print_outcome

if TYPE_CHECKING:
    from ..contract import Result


@click.command(
    "no-show",
    cls=EverydayCommand,
    epilog=examples("no-show noor@client.example", "no-show 'today 9:00'", "no-show noor --undo"),
)
@click.argument("what")
@click.option("--email", metavar="EMAIL", help="Of a meeting with several invitees, this one.")
@click.option("--undo", is_flag=True, help="Remove the mark.")
@click.option("--dry-run", is_flag=True, help="Show who would be marked.")
@signs_in
@in_zone
@prints_json()
def command(what: str, email: str | None, zone: Any, *, undo: bool, dry_run: bool, as_json: bool) -> None:
    """Mark an invitee of the meeting WHAT as a no-show.

    WHAT is an email, a name, a time, an id or a link.
    """
    action = "bookings.undo_no_show" if undo else "bookings.no_show"
    with connect() as connection:
        account = AccountView(connection, zone)
        params: dict[str, Any] = {"timezone": str(account.zone), "dry_run": dry_run}
        if email:
            params["email"] = email

        def mark(one: str) -> "Result":
            return connection.run(action, {**params, "what": one})

        result = with_choice(mark, description(what, account), key="uri")
    print_outcome(result, as_json=as_json)
