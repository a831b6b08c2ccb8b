"""Options for a range of time, as people write it: `--tomorrow`, `--from mon`, `--to 2026-12-01`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from ..errors import UsageError
from ..support import timestamps
from .account_view import AccountView, now
from .terminal import notice


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A range as written: `both` is the whole range, such as "this week"; or where it begins and ends."""

    both: str = ""
    since: str = ""
    until: str = ""

    def inputs(self, account: AccountView) -> dict[str, str]:
        """Return `start` and `end` as far as they are written, in UTC. Raises UsageError."""
        from . import dates

        found = {}
        for name, text in (("start", self.both or self.since), ("end", self.both or self.until)):
            if text:
                when = dates.read(text, now(), account.zone)
                found[name] = timestamps.write(when.start if name == "start" else when.end)
                if when.note:
                    notice("note", when.note)
        return found


def takes_range(shortcuts: Mapping[str, str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the decorator that adds `--from`, `--to` and an option per shortcut, passed as `when`."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        from functools import update_wrapper

        def decorated(*arguments: Any, since: str | None, until: str | None, **options: Any) -> Any:
            chosen = [text for name, text in shortcuts.items() if options.pop(name.replace("-", "_"))]
            if len(chosen) + bool(since or until) > 1:
                names = ", ".join(f"--{name}" for name in shortcuts)
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
        for name, text in reversed(list(shortcuts.items())):
            decorated = click.option(f"--{name}", is_flag=True, help=f"Short for {text}.")(decorated)
        return decorated

    return decorate
