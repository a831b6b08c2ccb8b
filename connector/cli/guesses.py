"""What people try first, as in other programs, with the command that does it."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final

_CUTOFF: Final = 0.5  # how alike two words must be, from 0 to 1

GUESSES: Final[Mapping[str, Mapping[str, str]]] = {
    "": {
        "add": "book",
        "auth": "login",
        "bookings": "agenda",
        "calendar": "agenda",
        "config": "use",
        "create": "book",
        "delete": "cancel",
        "doctor": "check",
        "event": "agenda",
        "event-types": "run event_types",
        "events": "agenda",
        "export": "agenda --output meetings.xlsx",
        "free": "slots",
        "list": "agenda",
        "listen": "webhooks listen",
        "move": "reschedule",
        "new": "book",
        "next": "agenda",
        "profile": "use",
        "remove": "cancel",
        "schedule": "agenda",
        "sign-in": "login",
        "signin": "login",
        "slack": "webhooks listen --slack URL",
        "stats": "report",
        "status": "check",
        "subscribe": "webhooks subscribe",
        "today": "agenda --today",
        "tomorrow": "agenda --tomorrow",
        "version": "--version",
        "week": "agenda --week",
        "whoami": "check",
    },
    "completion": {"bash": "completion install", "fish": "completion install", "zsh": "completion install"},
    "flow": {
        "check": "flow validate",
        "create": "flow templates",
        "delete": "flow remove",
        "new": "flow templates",
        "start": "flow run",
    },
    "vault": {"delete": "vault remove", "get": "vault show", "set": "vault add"},
    "webhooks": {
        "add": "webhooks subscribe",
        "create": "webhooks subscribe",
        "delete": "webhooks unsubscribe",
        "remove": "webhooks unsubscribe",
    },
}
"""By group of commands ("" is the program): the word, and what to type after the program's name instead."""


def nearest(group: str, word: str, commands: Iterable[str]) -> str | None:
    """Return what to type after the program's name for an unknown command, which may be misspelt, too."""
    guesses = GUESSES.get(group, {})
    near = get_close_matches(word.casefold(), [*guesses, *commands], n=1, cutoff=_CUTOFF)
    if not near:
        return None
    return guesses.get(near[0]) or f"{group} {near[0]}".strip()
