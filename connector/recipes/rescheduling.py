"""Moves a meeting: books the new time, then cancels the old one, because Calendly has no call for it.

If the old one can't be canceled, the new one is canceled again.
"""

from typing import Any, Final

from ..contract import Record
from ..errors import ConnectorError, InvalidParams, PartlyDone, Problem
from ..support import timestamps
from . import booking_rules, cancellations, meeting_lookup
from .bookings import BookingRequest
from .steps import Inputs, Steps

_ACTION: Final = "bookings.reschedule"
_KINDS: Final = {"zoom": "zoom_conference", "gotomeeting": "gotomeeting_conference"}
_COPIED: Final = ("first_name", "last_name", "timezone", "text_reminder_number")


def reschedule(steps: Steps, inputs: Inputs) -> Record:
    """Move a meeting to another time. Raises PartlyDone if it ends with both meetings, or may have."""
    row = meeting_lookup.find_one(
        steps,
        inputs,
        inputs["what"],
        "upcoming",
        lambda row: row["status"] == "active",
        by="event",
        action=_ACTION,
    )[0]
    event = steps.run("scheduled_events.get", {"uuid": row["event"]})
    invitee = _only_invitee(steps, row)
    start = timestamps.read_or_none(inputs["start_time"])
    if start is not None and start == timestamps.read(event["start_time"]):
        raise InvalidParams(_ACTION, [Problem("start_time", "is the meeting's time already")])
    event_type = steps.run("event_types.get", {"uuid": event["event_type"]})
    request = BookingRequest(steps, _booking(steps, inputs, event, invitee, event_type))
    request.check()
    if inputs.get("dry_run"):
        return _answer("would_reschedule", row, request.result("would_book", None))
    new = request.book()
    reason = inputs.get("reason") or f"Rescheduled to {new['start_local']} ({new['timezone']})"
    try:
        cancellations.cancel_event(steps, row["event"], reason)
    except ConnectorError as error:
        _undo(steps, row, new, error)
    return _answer("rescheduled", row, new)


def _only_invitee(steps: Steps, row: Record) -> Record:
    """Return the meeting's invitee. Raises InvalidParams if it can't be moved this way."""
    active = steps.records("invitees.list", {"uuid": row["event"], "status": "active"})
    if not active:
        raise InvalidParams(_ACTION, [Problem("what", "is canceled already")], fix="Book a new meeting.")
    if len(active) > 1:
        links = "; ".join(f"{one['email']}: {one['reschedule_url']}" for one in active[:5])
        raise InvalidParams(
            _ACTION,
            [Problem("what", f"has {len(active)} invitees, and canceling it would cancel it for all")],
            fix=f"Send each invitee their own rescheduling link: {links}.",
        )
    return active[0]


def _booking(
    steps: Steps, inputs: Inputs, event: Record, invitee: Record, event_type: Record
) -> dict[str, Any]:
    """Return the inputs of the new booking: those of the old one at the new time."""
    asked = {question["name"] for question in booking_rules.asked_questions(event_type).values()}
    old = {one["question"]: one["answer"] for one in invitee.get("questions_and_answers") or ()}
    if dropped := [question for question in old if question not in asked]:
        steps.warnings.append(f"No longer asked, so not copied: {', '.join(map(repr, dropped))}.")
    person = {name: invitee[name] for name in _COPIED if invitee.get(name)}
    if "first_name" not in person:
        person["name"] = invitee["name"]
    answers = {text: value for text, value in old.items() if text in asked} | inputs.get("answers", {})
    location = inputs.get("location") or _location(event, event_type)
    booking: dict[str, Any] = {
        "event_type": event["event_type"],
        "start_time": inputs["start_time"],
        "invitee": person | {"email": invitee["email"]},
        "answers": answers,
        "tracking": invitee.get("tracking") or {},
        "guests": [guest["email"] for guest in event.get("event_guests") or ()],
    }
    if location:
        booking["location"] = location
    if "timezone" in inputs:
        booking["timezone"] = inputs["timezone"]
    return booking


def _location(event: Record, event_type: Record) -> Record | None:
    """Return the old meeting's location as a booking names it."""
    location = event.get("location")
    if not location or not booking_rules.takes_location(event_type):
        return None
    kind = _KINDS.get(location["type"], location["type"])
    has_place = kind in {"ask_invitee", "custom", "outbound_call", "physical"} and location.get("location")
    return {"kind": kind} | ({"location": location["location"]} if has_place else {})


def _undo(steps: Steps, row: Record, new: Record, error: ConnectorError) -> None:
    """Cancel the new meeting, because the old one couldn't be canceled, and raise what that leads to."""
    done = [{"booked": new["event"], "start_time": new["start_time"]}]
    both = f"Old: {row['event']}, new: {new['event']}. Keep one, and cancel the other with bookings.cancel."
    if getattr(error, "may_have_happened", False):
        raise PartlyDone(
            f"The new meeting is booked, but whether the old one is canceled isn't known: {error.message}",
            fix=f"Check the old meeting. {both}",
            done=done,
        ) from error
    try:
        cancellations.cancel_event(steps, new["event"], "The old meeting couldn't be canceled")
    except ConnectorError:
        raise PartlyDone(
            f"The new meeting is booked, and the old one couldn't be canceled: {error.message}",
            fix=f"Both may exist. {both}",
            done=done,
        ) from error
    raise PartlyDone(
        f"Not rescheduled: the old meeting couldn't be canceled, so the new one was. {error.message}",
        fix=f"The old meeting is unchanged. {error.fix}".strip(),
        done=[*done, {"canceled": new["event"], "start_time": new["start_time"]}],
    ) from error


def _answer(outcome: str, row: Record, new: Record) -> Record:
    names = ("start_time", "start_local", "weekday", "timezone", "end_time", "event_type_name", "hosts")
    links = ("event", "invitee", "cancel_url", "reschedule_url")
    verb = "Moved" if outcome == "rescheduled" else "Can move"
    return {
        "outcome": outcome,
        "old_start_time": row["start_time"],
        "old_start_local": row["start_local"],
        **{name: new[name] for name in names},
        "name": new["name"],
        "email": new["email"],
        **{name: new[name] for name in links},
        "old_event": row["event"],
        "old_invitee": row["uri"],
        "old_reschedule_url": row["reschedule_url"],
        "message": f"{verb} {new['event_type_name']!r} with {new['name']} from {row['start_local']} "
        f"to {new['start_local']} ({new['timezone']}): one call books it, another cancels the old one.",
    }
