"""Marks invitees who didn't come, and takes the mark back."""

from functools import partial
from typing import Final

from ..contract import Record
from ..errors import InvalidParams, NotFound, Problem, Rejected
from . import look_ups, lost_replies, meeting_lookup, meeting_search
from .steps import Inputs, Steps

_LATER: Final = "A canceled meeting can't be a no-show."


def mark(steps: Steps, inputs: Inputs) -> Record:
    """Mark an invitee as a no-show, or return that they are marked already."""
    row = _find(steps, inputs, "bookings.no_show")
    if row["status"] in {"canceled", "rescheduled"}:
        raise InvalidParams("bookings.no_show", [Problem("what", f"is {row['status']}")], fix=_LATER)
    mark = _read_mark(steps, row)
    if mark is not None:
        return _answer(row, "already_marked", mark)
    if inputs.get("dry_run"):
        return _answer(row, "would_mark", None)
    params = {"invitee": row["uri"]}
    look_up = partial(look_ups.find_change, steps, "invitee_no_shows.create", params)
    try:
        made = lost_replies.write(steps, "invitee_no_shows.create", params, look_up, what="the mark")
    except Rejected:
        mark = _read_mark(steps, row)  # somebody else may have been faster
        if mark is None:
            raise
        return _answer(row, "already_marked", mark)
    return _answer(row, "marked", made["uri"])


def unmark(steps: Steps, inputs: Inputs) -> Record:
    """Take a no-show mark back, or return that there is none."""
    row = _find(steps, inputs, "bookings.undo_no_show")
    mark = _read_mark(steps, row)
    if mark is None:
        return _answer(row, "not_marked", None)
    if inputs.get("dry_run"):
        return _answer(row, "would_unmark", mark)
    try:
        steps.run("invitee_no_shows.delete", {"uuid": mark})
    except NotFound:  # somebody else was faster
        return _answer(row, "not_marked", None)
    return _answer(row, "unmarked", None)


def _find(steps: Steps, inputs: Inputs, action: str) -> Record:
    wanted = str(inputs.get("email", "")).casefold()

    def is_possible(row: Record) -> bool:
        is_person = wanted in {"", str(row["invitee_email"]).casefold()}
        return is_person and row["status"] in {"active", "no_show"}

    row = meeting_lookup.find_one(
        steps, inputs, inputs["what"], "past", is_possible, by="uri", action=action
    )[0]
    if wanted not in {"", str(row["invitee_email"]).casefold()}:
        raise InvalidParams(
            action, [Problem("email", "isn't an invitee of this meeting", row["invitee_email"])]
        )
    return row


def _read_mark(steps: Steps, row: Record) -> str | None:
    """Return the URI of an invitee's mark as it is now."""
    event, uuid = row["event"], row["uri"].rpartition("/")[2]
    invitee = steps.run("invitees.get", {"event": event.rpartition("/")[2], "uuid": uuid})
    mark: str | None = (invitee.get("no_show") or {}).get("uri")
    return mark


def _answer(row: Record, outcome: str, no_show: str | None) -> Record:
    names = ("start_time", "start_local", "timezone", "name", "invitee_name", "invitee_email", "host_name")
    return {
        "outcome": outcome,
        **{name: row[name] for name in names},
        "event": row["event"],
        "invitee": row["uri"],
        "no_show": no_show,
        "message": _MESSAGES[outcome].format(meeting_search.line(row)),
    }


_MESSAGES: Final = {
    "marked": "Marked as a no-show: {}.",
    "already_marked": "Already marked as a no-show: {}.",
    "would_mark": "Would mark as a no-show: {}.",
    "unmarked": "No longer marked as a no-show: {}.",
    "not_marked": "Not marked as a no-show: {}.",
    "would_unmark": "Would take the no-show mark back: {}.",
}
