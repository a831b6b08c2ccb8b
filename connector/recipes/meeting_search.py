"""Which meeting somebody means: by email, name, time, id, URI or link. Pure, over rows of meetings."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from difflib import get_close_matches
from typing import Final

from ..catalog.identifiers import is_id
from ..contract import Record
from ..errors import AmbiguousMeeting, InvalidParams, Problem
from ..support import timestamps
from ..support.redaction import quoted

_EVENT: Final = re.compile(r"https?://[^/\s]+/scheduled_events/([\w-]+)/?")
_INVITEE: Final = re.compile(r"https?://[^/\s]+/scheduled_events/([\w-]+)/invitees/([\w-]+)/?")
_PAGE: Final = re.compile(
    r"https?://(?:\w+\.)?calendly\.com/(?:cancellations|reschedulings)/([\w-]+)/?(?:[?#].*)?"
)
_JOIN: Final = re.compile(r"https?://(?:\w+\.)?calendly\.com/events/([\w-]+)(?:[/?#].*)?")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_SHOWN: Final = (
    "start_time",
    "start_local",
    "timezone",
    "name",
    "status",
    "invitee_name",
    "invitee_email",
    "host_name",
    "event",
    "uri",
)


@dataclass(frozen=True, slots=True)
class Description:
    """What a text says about a meeting. Only the fields that it mentions are set.

    `either` is an id of an event or an invitee, `local` the beginning of a local time: a date, or a date and
    a time. `words` are parts of the invitee's name.
    """

    text: str
    event: str = ""
    invitee: str = ""
    either: str = ""
    email: str = ""
    moment: datetime | None = None
    local: str = ""
    words: tuple[str, ...] = ()

    def fits(self, row: Mapping[str, object]) -> bool:
        """Check whether a row of a meeting is described."""
        event, invitee = (str(row[name]).rpartition("/")[2] for name in ("event", "uri"))
        return (
            self.event in {"", event}
            and self.invitee in {"", invitee}
            and self.either in {"", event, invitee}
            and self.email.casefold() in {"", str(row["invitee_email"]).casefold()}
            and (self.moment is None or timestamps.read(str(row["start_time"])) == self.moment)
            and str(row["start_local"]).startswith(self.local)
            and all(word in str(row["invitee_name"]).casefold() for word in self.words)
        )

    def period(self, zone: tzinfo) -> tuple[datetime, datetime] | None:
        """Return a range that contains the described time; None if no time is described."""
        if self.moment is not None:
            return self.moment, self.moment + timedelta(minutes=1)
        if self.local:
            day = datetime.fromisoformat(self.local[:10]).replace(tzinfo=zone)
            return day, day + timedelta(days=1)
        return None


def describe(action: str, text: str) -> Description:
    """Read a description. Raises InvalidParams for a link that leads to no meeting, or an impossible time."""
    text = text.strip()
    if found := _INVITEE.fullmatch(text):
        return Description(text, event=found[1], invitee=found[2])
    if found := _EVENT.fullmatch(text) or _JOIN.fullmatch(text):
        return Description(text, event=found[1])
    if found := _PAGE.fullmatch(text):
        return Description(text, invitee=found[1])
    if "://" in text:
        raise _problem(action, f"{quoted(text)} isn't a link to a meeting")
    if is_id(text):
        return Description(text, either=text)
    if "@" in text and not text.split()[1:]:
        return Description(text, email=text)
    if _DATE.match(text):
        return _time(action, text)
    words = tuple(text.casefold().split())
    if not words:
        raise _problem(action, "is empty")
    return Description(text, words=words)


def _time(action: str, text: str) -> Description:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or timestamps.read_or_none(text) is None:
        expected = "expected a time such as 2026-11-25 09:00 or 2026-11-25T08:00:00Z, or a date"
        raise _problem(action, f"{quoted(text)} isn't a valid time; {expected}")
    if moment.tzinfo:
        return Description(text, moment=moment)
    return Description(
        text, local=f"{moment:%Y-%m-%d}" if len(text) == len("2026-11-25") else f"{moment:%Y-%m-%d %H:%M}"
    )


def only_one(
    action: str, what: str, fitting: Iterable[Record], seen: Iterable[Record], *, by: str, fix: str
) -> list[Record]:
    """Return the rows of the one meeting that fits; `by` is event, or uri for a single invitee.

    `seen` are all rows that were searched, for a suggestion. Raises InvalidParams if nothing fits, and
    AmbiguousMeeting with the candidates if several meetings do.
    """
    rows = list(fitting)
    meetings = list(dict.fromkeys(row[by] for row in rows))
    if not meetings:
        names = {str(row["invitee_name"]).casefold(): str(row["invitee_name"]) for row in seen}
        near = get_close_matches(what.casefold(), names, n=1, cutoff=0.5)
        raise _problem(action, f"no meeting fits {quoted(what)}", names[near[0]] if near else None, fix)
    if len(meetings) > 1:
        raise AmbiguousMeeting(
            f"{len(meetings)} meetings fit {quoted(what)}: {'; '.join(map(line, rows[:5]))}"
            + ("; …." if len(rows) > 5 else "."),  # noqa: PLR2004 - as many as are shown
            fix="Choose one by its time or id. All are in `candidates`.",
            candidates=[candidate(row) for row in rows],
        )
    return rows


def candidate(row: Record) -> Record:
    """Return what a person needs to choose a meeting, and its URIs."""
    return {name: row[name] for name in _SHOWN}


def line(row: Record) -> str:
    """Return a meeting as a line of text: when, what and with whom."""
    return f"{row['start_local']} {row['name']} with {row['invitee_name']} <{row['invitee_email']}>"


def _problem(action: str, message: str, nearest: str | None = None, fix: str = "") -> InvalidParams:
    return InvalidParams(action, [Problem("what", message, nearest)], fix=fix)
