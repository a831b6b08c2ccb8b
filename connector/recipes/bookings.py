"""Books a meeting: checks everything first, then books it, and finds it if the reply is lost.

See docs/decisions/client-key-in-tracking.md.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import Any, Final

from ..contract import Record
from ..errors import ConnectorError, InvalidParams, NotFound, Problem, Rejected, SlotTaken
from ..support import timestamps
from ..support.redaction import quoted
from . import booking_form, booking_rules, booking_search, local_times, lost_replies
from .booking_search import FoundBookings
from .look_ups import Findings
from .steps import Inputs, Steps

_ACTION: Final = "bookings.create"
_BEFORE: Final = timedelta(days=3)  # with what follows, as much as one call accepts
_AROUND: Final = timedelta(days=31)
_NOTHING_BOOKED: Final = "Nothing was booked. Fix the inputs and run it again."


def create(steps: Steps, inputs: Inputs) -> Record:
    """Book a meeting, or return the one that an earlier call with the same `client_key` booked.

    Raises InvalidParams with all problems, or SlotTaken if the time is all that is wrong.
    """
    request = BookingRequest(steps, inputs)
    if earlier := request.booked_before(request.earlier):
        return request.result("already_booked", earlier)
    try:
        request.check()
    except SlotTaken:
        # Another process may have booked it with the same key, after the search and before the check.
        if own := request.booked_meanwhile():
            return request.result("already_booked", own)
        raise
    if inputs.get("dry_run"):
        return request.result("would_book", None)
    return request.book()


def find_new(steps: Steps, inputs: Inputs, since: datetime) -> Findings:
    """Find what `create` with these inputs has booked since a time, or ever with this `client_key`."""
    return BookingRequest(steps, inputs).find_new(since)


@dataclass(frozen=True, slots=True)
class _Slots:
    """The free times around a start."""

    times: frozenset[datetime]
    earliest: datetime  # that was asked for
    error: ConnectorError | None = None  # why they can't be read

    def reason(self, start: datetime, now: datetime) -> str | None:
        """Return why a start can't be booked."""
        if start <= now:
            return "is in the past"
        if start in self.times:
            return None
        if self.earliest > start - _BEFORE and self.times and start < min(self.times):
            return "is before the first free time, so it is too soon for the event type's notice, or taken"
        return "isn't free"


class BookingRequest:
    """One booking: what it compares with, its request and its answer."""

    def __init__(self, steps: Steps, inputs: Inputs) -> None:
        self._steps = steps
        self._inputs = inputs
        self._zone: tzinfo = steps.zone(inputs.get("timezone"))
        moment = timestamps.read_or_none(inputs["start_time"])
        if moment is None:
            raise InvalidParams(_ACTION, [Problem("start_time", "isn't within the calendar")])
        self._start = moment.astimezone(UTC)
        self._email: str = inputs["invitee"]["email"]
        self._email_problems: list[Problem] = []
        self._event_type, self._slots, self.earlier = self._read()
        timezone = inputs["invitee"].get("timezone") or steps.user["timezone"]
        self._body, self._problems = booking_form.booking_body(
            self._event_type, inputs, self._start, timezone
        )

    def check(self) -> None:
        """Raise everything that stands in the way of the booking."""
        problems = [*booking_rules.state_problems(self._event_type), *self._problems, *self._email_problems]
        problems += booking_form.request_problems(
            self._steps.problems("invitees.create", self._body), problems
        )
        reason = self._slots.reason(self._start, self._steps.now)
        if not problems and reason:
            raise self._slots.error or self._taken(reason)
        if not problems:
            return
        if reason:
            nearest = [time["start_time"] for time in self._nearest()]
            problems.append(Problem("start_time", reason, nearest[0] if nearest else None))
        if wait_s := self._steps.quota_wait_s("invitees.create"):
            minutes = f"{wait_s / 60:.0f} min" if wait_s > 60 else f"{wait_s:.0f} s"  # noqa: PLR2004 - a minute
            problems.append(Problem("", f"the plan's limit of bookings is used up for {minutes}"))
        raise InvalidParams(_ACTION, problems, fix=_NOTHING_BOOKED)

    def book(self) -> Record:
        """Send the booking and return the answer; if the reply is lost, look it up."""
        try:
            invitee = lost_replies.write(
                self._steps, "invitees.create", self._body, self._look_up, what="the booking"
            )
        except (NotFound, Rejected):
            # Calendly has no status of its own for a slot that somebody else has just taken.
            if own := self.booked_meanwhile():
                return self.result("already_booked", own)
            self._slots = self._read_slots()
            if self._start in self._slots.times:
                raise
            raise self._taken("was taken in the meantime") from None
        booking = booking_search.FoundBooking(self._read_event(invitee), invitee)
        return self.result("booked", booking)

    def booked_before(self, found: FoundBookings) -> booking_search.FoundBooking | None:
        """Return the booking that an earlier call with this `client_key` made."""
        key = self._inputs.get("client_key")
        return found.with_key(key) if key else None

    def booked_meanwhile(self) -> booking_search.FoundBooking | None:
        """Search again for a booking with this `client_key`."""
        return self.booked_before(self._search()) if self._inputs.get("client_key") else None

    def find_new(self, since: datetime) -> Findings:
        """Return the bookings that this request has made since a time, as it returns them."""
        found = self.earlier
        if not found.complete:
            found = replace(found, complete=booking_search.is_own(self._steps, self._event_type))
        new, doubt = found.made_since(since)
        if "client_key" in self._inputs:
            new = [one] if (one := self.booked_before(found)) else []
        return Findings(tuple(self.result("booked", one) for one in new), doubt)

    def result(self, outcome: str, booking: booking_search.FoundBooking | None) -> Record:
        """Return the answer of the recipe."""
        event = booking.event if booking else {}
        invitee = booking.invitee if booking else self._body["invitee"]
        name = invitee.get("name") or " ".join(
            filter(None, (invitee.get("first_name"), invitee.get("last_name")))
        )
        start = timestamps.read(event.get("start_time") or self._body["start_time"])
        row: Record = {
            "outcome": outcome,
            "status": invitee.get("status") if booking else None,
            **local_times.local_fields(start, self._zone),
            "end_time": timestamps.write(self._end(start, event)),
            "event_type": self._event_type["uri"],
            "event_type_name": self._event_type.get("name") or "",
            "name": name,
            "email": invitee["email"],
            "hosts": [host.get("user_name") for host in event.get("event_memberships") or ()],
            "location": event.get("location") or self._body.get("location"),
            "event": invitee.get("event") if booking else None,
            "invitee": invitee.get("uri") if booking else None,
            "cancel_url": invitee.get("cancel_url"),
            "reschedule_url": invitee.get("reschedule_url"),
        }
        row["message"] = _message(row)
        return row | ({} if booking else {"request": self._body})

    def _end(self, start: datetime, event: Record) -> datetime:
        if event.get("end_time"):
            return timestamps.read(event["end_time"])
        return start + timedelta(minutes=self._event_type.get("duration") or 0)

    def _look_up(self) -> Record | None:
        found = booking_search.bookings_of(self._steps, self._email, self._event_type["uri"], self._start)
        new = self.booked_before(found) or found.since(self.earlier)
        if new is None and not (found.complete or booking_search.is_own(self._steps, self._event_type)):
            raise ConnectorError("Only the user's own events can be searched.")
        return new.invitee if new else None

    def _read_event(self, invitee: Record) -> Record:
        """Return the event that was booked; {} if it can't be read, because the booking is done anyway."""
        try:
            return self._steps.run("scheduled_events.get", {"uuid": invitee["event"]})
        except ConnectorError as error:
            self._steps.warnings.append(f"Booked, but the event can't be read for its host: {error.message}")
            return {}

    def _taken(self, reason: str) -> SlotTaken:
        nearest = self._nearest()
        text = local_times.local_text(self._start, self._zone)
        times = ", ".join(f"{time['start_local']} ({time['start_time']})" for time in nearest)
        return SlotTaken(
            f"{text} ({self._zone}) {reason} for {self._event_type.get('name')!r}.",
            fix=f"Nothing was booked. Nearest free times: {times}."
            if nearest
            else "Nothing was booked. No free time within a month of it; see slots.list.",
            start_time=timestamps.write(self._start),
            nearest=nearest,
        )

    def _nearest(self) -> list[Record]:
        times = booking_rules.nearest_times(self._start, self._slots.times)
        return [local_times.local_fields(time, self._zone) for time in times]

    def _read(self) -> tuple[Record, _Slots, FoundBookings]:
        """Return the event type, the free times and the person's earlier bookings."""
        reads: tuple[Any, ...] = (self._read_event_type, self._read_slots, self._search)
        event_type, slots, earlier = self._steps.in_parallel(lambda read: read(), reads)
        return event_type, slots, earlier

    def _read_event_type(self) -> Record:
        return self._steps.run("event_types.get", {"uuid": self._inputs["event_type"]})

    def _read_slots(self) -> _Slots:
        soon = local_times.next_minute(self._steps.now)
        since = max(self._start - _BEFORE, soon)
        window = {
            "event_type": self._inputs["event_type"],
            "start_time": timestamps.write(since),
            "end_time": timestamps.write(since + _AROUND),
        }
        try:
            slots = self._steps.records("event_type_available_times.list", window)
        except (NotFound, Rejected) as error:  # probably the event type can't be booked; the check reports it
            return _Slots(frozenset(), since, error)
        return _Slots(frozenset(timestamps.read(slot["start_time"]) for slot in slots), since)

    def _search(self) -> FoundBookings:
        if self._steps.problems("scheduled_events.list", {"invitee_email": self._email}):
            return FoundBookings((), complete=True)  # no address; the check reports it
        anywhere = bool(self._inputs.get("client_key"))  # the person may have rescheduled it since
        search = partial(booking_search.bookings_of, self._steps, self._email, self._inputs["event_type"])
        try:
            return search() if anywhere else search(self._start)
        except Rejected as error:  # Calendly's rules for addresses are stricter than the schema's
            if not any("invitee_email" in str(detail.get("parameter", "")) for detail in error.details):
                raise
            rejected = f"Calendly rejects the address {quoted(self._email)}"
            self._email_problems.append(Problem("invitee.email", rejected))
            return FoundBookings((), complete=True)


def _message(row: Record) -> str:
    what = f"{row['event_type_name']!r} with {row['name']} on {row['start_local']} ({row['timezone']})"
    match row["outcome"], row["status"]:
        case "would_book", _:
            return f"All checks passed: {what} can be booked. Nothing was sent."
        case "already_booked", "canceled":
            return f"{what} was booked with this client_key, and canceled since. Nothing was booked."
        case "already_booked", _:
            return f"{what} is booked already with this client_key. Nothing was booked."
    return f"Booked {what}."
