"""Which meeting a person means: dates as people write them, and a choice at a terminal if several fit."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from ..errors import AmbiguousMeeting, UsageError
from ..support import timestamps
from .account_view import AccountView, now
from .terminal import can_ask, printable

if TYPE_CHECKING:
    from ..contract import Record

Result = TypeVar("Result")

_DAY: Final = timedelta(hours=25)  # the longest, when clocks go back


def description(what: str, account: AccountView) -> str:
    """Return WHAT for a recipe: a day or time is written as in ISO 8601, local; anything else is left."""
    from . import dates

    if "@" in what or "://" in what:
        return what
    try:
        when = dates.read(what, now(), account.zone)
    except UsageError:
        return what
    if when.start.tzinfo is not account.zone:  # written with its offset
        return timestamps.write(when.start)
    if when.end - when.start > _DAY:  # such as April, which is a name, too
        return what
    return f"{when.start:%Y-%m-%d}" if when.is_range else f"{when.start:%Y-%m-%d %H:%M}"


def with_choice(run: Callable[[str], Result], what: str, *, key: str = "event") -> Result:
    """Return `run(what)`. If several meetings fit, let a person at a terminal choose one.

    `key` is the field of a candidate that identifies it. Raises AmbiguousMeeting without a terminal.
    """
    try:
        return run(what)
    except AmbiguousMeeting as error:
        if not can_ask() or not error.candidates:
            error.fix = "Choose one by its time or id. With --json, the error lists all of them."
            raise
        chosen = _choose(error.message, error.candidates, key)
    return run(chosen)


def _choose(message: str, candidates: Sequence["Record"], key: str) -> str:
    click.echo(f"{printable(message.partition(':')[0])}:", err=True)
    for number, row in enumerate(candidates, 1):
        click.echo(f"  {number:>2}  {printable(in_words(row))}", err=True)
    number = click.prompt("Which one?", type=click.IntRange(1, len(candidates)), err=True)
    return str(candidates[number - 1][key])


def in_words(row: "Record") -> str:
    """Return a meeting in one line: when, what and with whom."""
    people = row.get("invitees") or [{"name": row.get("invitee_name"), "email": row.get("invitee_email")}]
    names = ", ".join(_person(person) for person in people) or "nobody"
    return f"{row['start_local']}  {row.get('name') or 'Meeting'} with {names}"


def _person(person: dict[str, Any]) -> str:
    name, email = person.get("name"), person.get("email")
    return f"{name} <{email}>" if name and email else str(name or email or "somebody")
