"""Options for a range of time, as people write it: `--tomorrow`, `--from mon`, `--to 2026-12-01`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..support import timestamps
from ..support.redaction import quoted
from .account_view import AccountView, now
from .terminal import notice

if TYPE_CHECKING:
    from .dates import When


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A range as written: `both` is the whole range, such as "this week"; or where it begins and ends."""

    both: str = ""
    since: str = ""
    until: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the start or the end is missing."""
        return not (self.both or (self.since and self.until))

    def read(self, account: AccountView) -> tuple[datetime | None, datetime | None]:
        """Return start and end in the account's zone, None if not written. Raises UsageError."""
        start = self._read(self.both or self.since, account)
        end = self._read(self.both or self.until, account)
        if start and end and start.start >= end.end:
            raise UsageError(
                "--from must be earlier than --to.",
                fix=f"They mean {start.start:%Y-%m-%d %H:%M} and {end.end:%Y-%m-%d %H:%M}.",
            )
        return start.start if start else None, end.end if end else None

    def rows(self, account: AccountView) -> list[tuple[str, str]]:
        """Return inputs of an action: the time zone, and start and end in UTC if they are written."""
        times = zip(("start", "end"), self.read(account), strict=True)
        found = [(name, timestamps.write(moment)) for name, moment in times if moment]
        return [*found, ("timezone", str(account.zone))]

    @staticmethod
    def _read(text: str, account: AccountView) -> "When | None":
        from . import dates

        return noted(dates.read(text, now(), account.zone)) if text else None


def with_words(when: TimeRange, words: str, account: AccountView) -> TimeRange:
    """Return the range that a person named without an option, such as "next week"; without words, `when`.

    Raises UsageError if both are there, or if it isn't a range.
    """
    if not words:
        return when
    if when != TimeRange():
        raise UsageError(f"Choose one of {quoted(words)} and the options for a range.")
    from . import dates

    try:
        is_range = dates.read(words, now(), account.zone).is_range
    except UsageError as error:
        error.fix += " To search for a person, pass --who."
        raise
    if not is_range:
        raise UsageError(
            f"{quoted(words)} is a moment.", fix="Name a day or a range, or pass --from and --to."
        )
    return TimeRange(words)


def moment(text: str, account: AccountView) -> datetime:
    """Return the time that a person wrote. Raises UsageError for a day without a time."""
    from . import dates

    when = noted(dates.read(text, now(), account.zone))
    if when.is_range:
        raise UsageError(f"{quoted(text)} has no time.", fix=f"Add one, such as {quoted(f'{text} 14:00')}.")
    return when.start


def noted(when: "When") -> "When":
    """Print how a time was understood that clock changes make unclear, and return it."""
    if when.note:
        notice("note", when.note)
    return when


def takes_range(*shortcuts: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the decorator that adds `--from`, `--to` and an option per shortcut, passed as `when`.

    A shortcut is short for its words: `--next-week` for "next week", `--week` and `--month` for this one.
    """
    ranges = {
        name: f"this {name}" if name in {"week", "month"} else name.replace("-", " ") for name in shortcuts
    }

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        from functools import update_wrapper

        def decorated(*arguments: Any, since: str | None, until: str | None, **options: Any) -> Any:
            chosen = [text for name, text in ranges.items() if options.pop(name.replace("-", "_"))]
            if len(chosen) + bool(since or until) > 1:
                names = ", ".join(f"--{name}" for name in ranges)
                raise UsageError(f"Choose one of {names}, or --from and --to.")
            when = TimeRange(chosen[0] if chosen else "", since or "", until or "")
            return command(*arguments, when=when, **options)

        update_wrapper(decorated, command)
        decorated = click.option(
            "--to", "until", metavar="DATE", help="End: a date, or 'next fri', 'nov', …"
        )(decorated)
        decorated = click.option(
            "--from", "since", metavar="DATE", help="Start: a date, or 'mon', 'last month', 'in 2 weeks', …"
        )(decorated)
        for name, text in reversed(ranges.items()):
            names = (f"--{name}", "--this-week") if name == "week" else (f"--{name}",)
            decorated = click.option(*names, name.replace("-", "_"), is_flag=True, help=f"Short for {text}.")(
                decorated
            )
        return decorated

    return decorate
