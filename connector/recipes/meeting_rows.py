"""A meeting as one row per invitee: who, when, where, with which answers, and what became of it. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from typing import Final

from ..contract import Record
from ..support import timestamps
from ..support.meeting_words import CALLS, CONFERENCES, SETUPS, TRACKING
from . import answers, local_times


def rows(event: Record, invitees: Iterable[Record], lists: frozenset[str], zone: tzinfo) -> Iterator[Record]:
    """Yield the row of each invitee. `lists` are the questions whose answers become lists."""
    shared = _event_fields(event, zone)
    for invitee in invitees:
        yield shared | _invitee_fields(event, invitee, lists)


def location_text(location: Record | None) -> str | None:
    """Return a location as one readable text, None if it isn't set."""
    if not location:
        return None
    kind = location["type"]
    text, more = location.get("location"), location.get("additional_info")
    if kind in CONFERENCES:
        setup = "" if location.get("join_url") else SETUPS.get(location.get("status") or "", "")
        return CONFERENCES[kind] + setup
    if kind in CALLS:
        return f"{CALLS[kind]} {text}" if text else CALLS[kind]
    return (f"{text} ({more})" if text and more else text or more) or None


def status(event: Record, invitee: Record) -> str:
    """Return active, canceled, rescheduled or no_show."""
    if invitee.get("rescheduled"):
        return "rescheduled"
    if "canceled" in {invitee["status"], event["status"]}:
        return "canceled"
    return "no_show" if invitee.get("no_show") else "active"


def matches(row: Record, words: Iterable[str]) -> bool:
    """Check whether each word occurs in something that the row says about the meeting, ignoring case."""
    text = "\n".join(_texts(row)).casefold()
    return all(word.casefold() in text for word in words)


def has_host(event: Record, text: str) -> bool:
    """Check whether a text occurs in the name or email of a host, ignoring case."""
    wanted = text.strip().casefold()
    return any(
        wanted in (host.get("user_name") or "").casefold()
        or wanted in (host.get("user_email") or "").casefold()
        for host in event.get("event_memberships") or ()
    )


def _event_fields(event: Record, zone: tzinfo) -> Record:
    hosts = [
        {"name": host.get("user_name"), "email": host.get("user_email"), "user": host["user"]}
        for host in event.get("event_memberships") or ()
    ]
    first = hosts[0] if hosts else {}
    location = event.get("location")
    return {
        "start_time": timestamps.write(timestamps.read(event["start_time"])),
        "end_time": timestamps.write(timestamps.read(event["end_time"])),
        "start_local": _local(event["start_time"], zone),
        "end_local": _local(event["end_time"], zone),
        "timezone": str(zone),
        "name": event.get("name"),
        "host_name": first.get("name"),
        "host_email": first.get("email"),
        "location": location_text(location),
        "join_url": (location or {}).get("join_url"),
        "hosts": hosts,
        "guests": [guest["email"] for guest in event.get("event_guests") or ()],
        "event_type": event.get("event_type"),
        "event": event["uri"],
    }


def _invitee_fields(event: Record, invitee: Record, lists: frozenset[str]) -> Record:
    tracking = invitee.get("tracking") or {}
    cancellation = invitee.get("cancellation") or event.get("cancellation") or {}
    return {
        "invitee_name": invitee.get("name"),
        "invitee_email": invitee["email"],
        "invitee_timezone": invitee.get("timezone"),
        "status": status(event, invitee),
        "answers": answers.by_question(invitee.get("questions_and_answers"), lists),
        **{name: tracking.get(name) for name in TRACKING},
        "canceled_by": cancellation.get("canceled_by"),
        "canceler_type": cancellation.get("canceler_type"),
        "cancel_reason": cancellation.get("reason"),
        "canceled_at": cancellation.get("created_at"),
        "created_at": invitee.get("created_at"),
        "cancel_url": invitee.get("cancel_url"),
        "reschedule_url": invitee.get("reschedule_url"),
        "no_show": (invitee.get("no_show") or {}).get("uri"),
        "old_invitee": invitee.get("old_invitee"),
        "new_invitee": invitee.get("new_invitee"),
        "uri": invitee["uri"],
    }


def _local(text: str, zone: tzinfo) -> str:
    return local_times.local_text(timestamps.read(text), zone)


_SEARCHED: Final = (
    "name",
    "host_name",
    "host_email",
    "invitee_name",
    "invitee_email",
    "location",
    "join_url",
    "start_local",
    *TRACKING,
    "canceled_by",
    "cancel_reason",
    "event",
    "uri",
)


def _texts(row: Record) -> Iterator[str]:
    yield from (str(row[name]) for name in _SEARCHED if row[name])
    yield from answers.texts_of(row["answers"])
    yield from row["guests"]
    for host in row["hosts"]:
        yield from (text for text in host.values() if text)


def in_range(event: Record, start: datetime, end: datetime | None) -> bool:
    """Check whether an event starts in a range, its end excluded."""
    starts = timestamps.read(event["start_time"])
    return start <= starts and (end is None or starts < end)
