"""Cuts choices into pages, and continues where the last page ended. Pure, but for the pages that it reads."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from ..contract import Option, OptionPage
from ..errors import UsageError

_MOST_OPTIONS: Final = 100  # on a page
_MOST_PAGES: Final = 100  # of Calendly, read for one page of matches
_MOST_CHARACTERS: Final = 10_000  # of a token
_LAST_SECOND: Final = 2**33
_START_OVER: Final = "Read the first page again, without a page token."


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice, and the texts besides its label that a search also looks in."""

    option: Option
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChoicePage:
    """The choices on one of Calendly's pages: the token of that page and the one of the next (None: none)."""

    token: str | None
    choices: Sequence[Choice]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page of choices starts: on one of Calendly's pages, after the choice with the value `last`.

    `at` is when the first page was read, in unix seconds: Calendly's page belongs to the filter of that time.
    """

    at: int = 0
    token: str | None = None
    last: str = ""

    def write(self, key: str) -> str:
        """Return the page token. `key` identifies the list that it continues."""
        content = json.dumps([key, self.at, self.token, self.last])
        return urlsafe_b64encode(content.encode()).decode("ascii")


def read_position(text: str, key: str) -> Position:
    """Return where a page token continues. Raises UsageError if it isn't one of this list."""
    try:
        found, at, token, last = json.loads(urlsafe_b64decode(text[:_MOST_CHARACTERS].encode("ascii")))
        is_ours = isinstance(token, str | None) and isinstance(last, str) and type(at) is int
    except (AttributeError, TypeError, ValueError, RecursionError):
        is_ours = False
    if not is_ours or not 0 <= at < _LAST_SECOND:
        raise UsageError("The page token is damaged.", fix=_START_OVER)
    if found != key:
        raise UsageError(
            "The page token belongs to another field, other values or another search.", fix=_START_OVER
        )
    return Position(at, token, last)


def list_key(of: str, field: str, values: Mapping[str, Any], search: str) -> str:
    """Return what identifies a list of choices: the same for all its pages."""
    content = json.dumps([of, field, dict(values), search], sort_keys=True, default=str)
    return sha256(content.encode()).hexdigest()[:16]


def expired() -> UsageError:
    """Return the error for a page of Calendly's that can't be read any more."""
    return UsageError("The page token has expired.", fix=_START_OVER)


def cut(pages: Iterable[ChoicePage], start: Position, search: str, key: str) -> OptionPage:
    """Return the next choices that match a search, with no more pages read than that takes.

    Raises UsageError if the choice at which the last page ended is gone.
    """
    found: list[Option] = []
    for number, page in enumerate(pages, 1):
        choices = page.choices
        if start.last and number == 1:
            choices = _after(choices, start.last)
        matches = [choice.option for choice in choices if matches_search(choice, search)]
        room = _MOST_OPTIONS - len(found)
        found += matches[:room]
        following = None
        if len(matches) > room:
            following = Position(start.at, page.token, found[-1].value)
        elif page.next and (len(found) == _MOST_OPTIONS or number == _MOST_PAGES):
            following = Position(start.at, page.next)
        if following:
            return OptionPage(tuple(found), following.write(key))
    return OptionPage(tuple(found))


def matches_search(choice: Choice, search: str) -> bool:
    """Return whether the label or a name contains the text, whatever its case and spaces."""
    wanted = folded(search)
    return any(wanted in folded(text) for text in (choice.option.label, *choice.names))


def folded(text: str) -> str:
    """Return a text for comparison, without case and repeated spaces."""
    return " ".join(text.casefold().split())


def _after(choices: Sequence[Choice], last: str) -> Sequence[Choice]:
    for index, choice in enumerate(choices, 1):
        if choice.option.value == last:
            return choices[index:]
    raise UsageError("The choices have changed since the last page.", fix=_START_OVER)
