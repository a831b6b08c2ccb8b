"""Which meeting a person means: dates as people write them, and a choice at a terminal if several fit."""

import re
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from ..errors import AmbiguousMeeting, UsageError
from .account_view import AccountView, now
from .terminal import printable

if TYPE_CHECKING:
    from ..contract import Record

Result = TypeVar("Result")

_MONTH: Final = re.compile(r"[A-Za-z]+")  # alone, it is rather a name: April, June, May


def description(what: str, account: AccountView) -> str:
    """Return WHAT for a recipe: a day or time is written as in ISO 8601, local; anything else is left."""
    from . import dates

    if "@" in what or "://" in what:
        return what
    try:
        when = dates.read(what, now(), account.zone)
    except UsageError:
        return what
    days = (when.end - when.start).days
    if days > 1 or (days == 1 and _MONTH.fullmatch(what) and what.casefold() not in _DAYS):
        return what
    local = when.start.astimezone(account.zone)
    return f"{local:%Y-%m-%d}" if when.is_range else f"{local:%Y-%m-%d %H:%M}"


_DAYS: Final = frozenset({"today", "tomorrow", "yesterday"})


def with_choice(run: Callable[[str], Result], what: str, *, key: str = "event") -> Result:
    """Return `run(what)`. If several meetings fit, let a person at a terminal choose one.

    `key` is the field of a candidate that identifies it. Raises AmbiguousMeeting without a terminal.
    """
    try:
        return run(what)
    except AmbiguousMeeting as error:
        if not (sys.stdin.isatty() and sys.stderr.isatty()) or not error.candidates:
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
