"""`calendly-connector reschedule`: move a meeting to another time."""

from typing import TYPE_CHECKING, Any

import click

from ..support import timestamps
from .account_view import AccountView, in_zone
from .commands import PROGRAM, examples
from .confirm import confirm, yes_option
from .everyday import EverydayCommand
from .invitee_options import answer_option, invitee_params, location_option
from .meeting_choice import description, with_choice
from .options import connect, prints_json, signs_in
from .outcomes import interruptible_write, print_outcome
from .ranges import moment

if TYPE_CHECKING:
    from ..contract import Record, Result


@click.command(
    "reschedule",
    cls=EverydayCommand,
    epilog=examples(
        "reschedule noor@client.example 'thu 10:00'",
        "reschedule 'tomorrow 14:00' 'fri 9am' --reason 'The host travels'",
    ),
)
@click.argument("what")
@click.argument("when")
@click.option("--reason", metavar="TEXT", help="Why the old meeting is canceled.")
@answer_option
@location_option
@click.option("--dry-run", is_flag=True, help="Check everything without changing anything.")
@yes_option
@signs_in
@in_zone
@prints_json()
def command(  # noqa: PLR0913 - one per option
    what: str,
    when: str,
    reason: str | None,
    answers: tuple[str, ...],
    location: str | None,
    zone: Any,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Move the meeting WHAT to the time WHEN.

    WHAT is an email, a name, a time, an id or a link. Calendly has no call for this: the new time is booked
    with the same answers and location, then the old meeting is canceled. If that fails, the new one is
    canceled again.
    """
    params = invitee_params(answers, location=location)
    if reason:
        params["reason"] = reason
    with connect() as connection:
        account = AccountView(connection, zone)
        params["start_time"] = timestamps.write(moment(when, account))
        params["timezone"] = str(account.zone)

        def look(one: str) -> "tuple[str, Result]":
            return one, connection.run("bookings.reschedule", {**params, "what": one, "dry_run": True})

        chosen, result = with_choice(look, description(what, account))
        if not dry_run:
            confirm(f"  {_move(result.record or {})}", yes=yes, question="Move it?")
            done = "the new meeting may be booked, and the old one not canceled"
            with interruptible_write(done, fix=f"Run `{PROGRAM} agenda` to find out."):
                result = connection.run("bookings.reschedule", {**params, "what": chosen})
    print_outcome(result, "hosts", "cancel_url", "reschedule_url", "event", as_json=as_json)


def _move(found: "Record") -> str:
    """Return what would be moved, in one line."""
    person = f"{found.get('name')} <{found.get('email')}>"
    return (
        f"{found.get('event_type_name')} with {person}: {found['old_start_local']} to {found['start_local']}"
    )
