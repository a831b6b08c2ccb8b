"""Cancels meetings: one or many, each with its own outcome, so a failure says what was done before it."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from ..contract import Record
from ..errors import ConnectorError, InvalidParams, PermissionDenied, Problem
from . import look_ups, lost_replies, meeting_lookup, meeting_search
from .steps import Inputs, Page, Steps

_ACTION: Final = "bookings.cancel"


def cancel(steps: Steps, inputs: Inputs) -> Iterator[Page]:
    """Yield one row per meeting. Nothing is canceled before every description fits exactly one meeting.

    Raises the error if nothing could be canceled; otherwise a failed meeting is a row with its error.
    """
    targets = _targets(steps, inputs)[: steps.limit]
    if inputs.get("dry_run"):
        yield [_row(rows, _state(rows) or "would_cancel") for rows in targets], False
        return
    outcomes: list[Record] = []
    errors: list[ConnectorError] = []
    for rows in targets:
        outcome = _state(rows)
        if outcome is None:
            try:
                outcome = cancel_event(steps, rows[0]["event"], inputs.get("reason"))
            except ConnectorError as error:
                errors.append(error)
                open_end = getattr(error, "may_have_happened", False)
                outcomes.append(_row(rows, "unknown" if open_end else "failed", str(error)))
                continue
        outcomes.append(_row(rows, outcome))
    if errors and len(errors) == len(targets):
        raise errors[0]
    yield outcomes, False


def cancel_event(steps: Steps, event: str, reason: str | None) -> str:
    """Cancel an event and return canceled, or already_canceled if somebody else did."""
    params: dict[str, Any] = {"uuid": event} | ({"reason": reason} if reason else {})
    look_up = partial(look_ups.find_change, steps, "scheduled_events.cancel", params)
    try:
        lost_replies.write(steps, "scheduled_events.cancel", params, look_up, what="the cancellation")
    except PermissionDenied:
        if look_up() is None:
            raise
        return "already_canceled"
    return "canceled"


def _targets(steps: Steps, inputs: Inputs) -> list[list[Record]]:
    """Return the rows of each meeting to cancel, once."""
    described = list(dict.fromkeys(inputs.get("what", ())))
    if described:
        found = [
            meeting_lookup.find_one(steps, inputs, what, "upcoming", _is_active, by="event", action=_ACTION)
            for what in described
        ]
        # An event is canceled for all its invitees, not only for the one that was described.
        zone = steps.zone(inputs.get("timezone"))
        events = dict.fromkeys(rows[0]["event"] for rows in found)
        read = steps.in_parallel(lambda event: meeting_lookup.rows_of_event(steps, event, zone), events)
        return list(read)
    if not {"start", "end"} <= inputs.keys():
        raise InvalidParams(_ACTION, [Problem("what", "is missing; pass it, or both start and end")])
    by_event: dict[str, list[Record]] = {}
    for row in meeting_lookup.in_range(steps, inputs):
        by_event.setdefault(row["event"], []).append(row)
    return list(by_event.values())


def _is_active(row: Record) -> bool:
    return row["status"] not in {"canceled", "rescheduled"}


def _state(rows: list[Record]) -> str | None:
    """Return already_canceled if no invitee is left."""
    return None if any(map(_is_active, rows)) else "already_canceled"


def _row(rows: list[Record], outcome: str, error: str | None = None) -> Record:
    first = rows[0]
    people = [row for row in rows if _is_active(row)] or rows
    return {
        "outcome": outcome,
        **{name: first[name] for name in ("start_time", "start_local", "timezone", "name")},
        "invitees": [{"name": row["invitee_name"], "email": row["invitee_email"]} for row in people],
        "hosts": [host["name"] for host in first["hosts"]],
        "event": first["event"],
        "message": _MESSAGES[outcome].format(" and ".join(map(meeting_search.line, people[:3]))),
        "error": error,
    }


_MESSAGES: Final = {
    "canceled": "Canceled {}.",
    "already_canceled": "Already canceled: {}.",
    "would_cancel": "Would cancel {}.",
    "failed": "Not canceled: {}.",
    "unknown": "May be canceled: {}. Check it before you repeat this.",
}
