"""Finds the bookings of a person in Calendly, to tell whether one exists."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..contract import Record
from ..errors import PermissionDenied
from ..support import timestamps
from . import booking_form
from .look_ups import Findings
from .steps import Inputs, Steps

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class FoundBooking:
    """An invitee and the event that they booked."""

    event: Record
    invitee: Record


@dataclass(frozen=True, slots=True)
class FoundBookings:
    """The bookings of a person; `complete` is False if the token's user only sees their own events."""

    bookings: tuple[FoundBooking, ...]
    complete: bool

    def with_key(self, client_key: str) -> FoundBooking | None:
        """Return the booking that a `client_key` marks; of a moved one, where it is now."""
        mark = booking_form.key_mark(client_key)
        marked = [
            one
            for one in self.bookings
            if (one.invitee.get("tracking") or {}).get(booking_form.KEY_FIELD) == mark
        ]
        active = (one for one in marked if one.invitee.get("status") == "active")
        return next(active, marked[-1] if marked else None)

    def since(self, earlier: "FoundBookings") -> FoundBooking | None:
        """Return an active booking that `earlier` doesn't contain."""
        known = {one.invitee["uri"] for one in earlier.bookings}
        return next(
            (
                one
                for one in self.bookings
                if one.invitee["uri"] not in known and one.invitee.get("status") == "active"
            ),
            None,
        )

    def made_since(self, time: datetime) -> tuple[list[FoundBooking], str]:
        """Return the bookings that were made since a time, and why there may be others.

        A booking that was moved to this start isn't new.
        """
        times = [(one, timestamps.read_or_none(one.invitee.get("created_at"))) for one in self.bookings]
        new = [one for one, made in times if made and made >= time and not one.invitee.get("old_invitee")]
        if not self.complete:
            return new, "this token only shows its own user's meetings"
        return new, "one fits, but has no valid created_at" if any(made is None for _, made in times) else ""


def find_new(steps: Steps, inputs: Inputs, since: datetime) -> Findings:
    """Find what `invitees.create` with these inputs has booked since a time."""
    start = timestamps.read_or_none(inputs["start_time"])
    if start is None:
        return Findings(doubt="start_time isn't within the calendar")
    found = bookings_of(steps, inputs["invitee"]["email"], inputs["event_type"], start)
    if not found.complete:
        event_type = steps.run("event_types.get", {"uuid": inputs["event_type"]})
        found = replace(found, complete=is_own(steps, event_type))
    new, doubt = found.made_since(since)
    return Findings(tuple(one.invitee for one in new), doubt)


def is_own(steps: Steps, event_type: Record) -> bool:
    """Check whether all bookings of an event type are meetings of the token's user."""
    owner = (event_type.get("profile") or {}).get("owner")
    return bool(owner == steps.user["uri"])


def bookings_of(steps: Steps, email: str, event_type: str, start: datetime | None = None) -> FoundBookings:
    """Return a person's bookings of an event type, at any time or at one start."""
    params: Record = {"invitee_email": email}
    if start is not None:
        params["min_start_time"] = timestamps.write(start)
        params["max_start_time"] = timestamps.write(start + _MINUTE)
    events, complete = _events(steps, params)
    wanted = [
        event
        for event in events
        if event.get("event_type") == event_type
        and (start is None or timestamps.read(event["start_time"]) == start)
    ]
    lists = steps.in_parallel(lambda event: list(_of_event(steps, event, email)), wanted)
    return FoundBookings(tuple(one for found in lists for one in found), complete)


def _of_event(steps: Steps, event: Record, email: str) -> Iterator[FoundBooking]:
    for invitee in steps.records("invitees.list", {"uuid": event["uri"], "email": email}):
        yield FoundBooking(event, invitee)


def _events(steps: Steps, params: Record) -> tuple[list[Record], bool]:
    """Return the events of the organization, or the user's own if they may not see the others."""
    user = steps.user
    try:
        organization = {"organization": user["current_organization"]}
        return steps.records("scheduled_events.list", {**params, **organization}), True
    except PermissionDenied as error:
        if error.reason == "scope":
            raise
    return steps.records("scheduled_events.list", {**params, "user": user["uri"]}), False
