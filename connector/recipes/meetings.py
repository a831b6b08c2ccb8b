"""Meetings with the people in them: one row per invitee."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from ..contract import Record
from ..errors import NotFound, PermissionDenied
from ..support import timestamps
from .steps import Inputs, Page, Steps

_DAYS: Final = 7  # of the default range
_OWNERS: Final = ("user", "organization", "group")
_UTM: Final = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
_LOCATIONS: Final = {  # those that a word alone describes; the others have an address, a number or a text
    "google_conference": "Google Meet",
    "gotomeeting": "GoTo Meeting",
    "inbound_call": "Invitee calls",
    "microsoft_teams_conference": "Microsoft Teams",
    "outbound_call": "Host calls",
    "webex_conference": "Webex",
    "zoom": "Zoom",
}


def list_meetings(steps: Steps, inputs: Inputs) -> Iterator[Page]:
    """Yield the rows of a range, page by page of events; the invitees of a page are read in parallel."""
    zone = steps.zone(inputs.get("timezone"))
    multi_selects: dict[str, frozenset[str]] = {}
    for events, more in steps.pages("scheduled_events.list", _query(steps, inputs, zone)):
        wanted = [event for event in events if _is_wanted(event, inputs)]
        rows = _rows_of(steps, wanted, inputs.get("email"), zone, multi_selects)
        yield [row for row in rows if matches(row, inputs)], more


def rows(
    event: Record, invitees: Iterable[Record], zone: tzinfo, multi_selects: frozenset[str] = frozenset()
) -> Iterator[Record]:
    """Yield a row per invitee of an event; times are also written in a zone.

    `multi_selects` are the questions whose answers are lists.
    """
    hosts = event.get("event_memberships") or [{}]
    for invitee in invitees:
        tracking, cancellation = invitee.get("tracking") or {}, invitee.get("cancellation") or {}
        yield {
            "start_time": event["start_time"],
            "end_time": event["end_time"],
            "start_local": local(event["start_time"], zone),
            "end_local": local(event["end_time"], zone),
            "timezone": str(zone),
            "name": event.get("name"),
            "status": status(invitee),
            "invitee_name": invitee.get("name"),
            "invitee_email": invitee.get("email"),
            "invitee_timezone": invitee.get("timezone"),
            "host_name": hosts[0].get("user_name"),
            "host_email": hosts[0].get("user_email"),
            "hosts": [{name: host.get(f"user_{name}") for name in ("name", "email")} for host in hosts],
            "guests": [guest["email"] for guest in event.get("event_guests") or ()],
            **_location(event.get("location") or {}),
            "answers": answers(invitee.get("questions_and_answers") or (), multi_selects),
            **{name: tracking.get(name) for name in (*_UTM, "salesforce_uuid")},
            "canceled_by": cancellation.get("canceled_by"),
            "cancel_reason": cancellation.get("reason"),
            "created_at": invitee.get("created_at"),
            "cancel_url": invitee.get("cancel_url"),
            "reschedule_url": invitee.get("reschedule_url"),
            "event_type": event.get("event_type"),
            "event": event["uri"],
            "uri": invitee["uri"],
            "old_invitee": invitee.get("old_invitee"),
            "new_invitee": invitee.get("new_invitee"),
        }


def status(invitee: Record) -> str:
    """Return active, canceled, rescheduled or no_show."""
    if invitee.get("status") == "canceled":
        return "rescheduled" if invitee.get("rescheduled") else "canceled"
    return "no_show" if invitee.get("no_show") else "active"


def answers(pairs: Iterable[Record], multi_selects: frozenset[str]) -> dict[str, Any]:
    """Return the answers by question; those to multiple-choice questions as lists."""
    return {
        pair["question"]: pair["answer"].split("\n") if pair["question"] in multi_selects else pair["answer"]
        for pair in pairs
    }


def local(text: str, zone: tzinfo) -> str:
    """Return a time in a zone, such as 2026-11-24 14:00."""
    return f"{timestamps.read(text).astimezone(zone):%Y-%m-%d %H:%M}"


def matches(row: Record, inputs: Mapping[str, Any]) -> bool:
    """Check whether a row has the wanted status, and contains the wanted text anywhere."""
    if "status" in inputs and row["status"] != inputs["status"]:
        return False
    text = str(inputs.get("text", "")).casefold()
    return not text or any(text in found for found in _texts(row))


def _query(steps: Steps, inputs: Inputs, zone: tzinfo) -> dict[str, Any]:
    query: dict[str, Any] = {name: inputs[name] for name in _OWNERS if name in inputs}
    start = inputs.get("start") or timestamps.write(_midnight(steps.now.astimezone(zone)))
    query |= {"min_start_time": start, "sort": "start_time:asc"}
    if "end" in inputs:
        query["max_start_time"] = inputs["end"]
    elif not inputs.keys() & {"email", "text"}:  # whoever looks for a person isn't interested in a range
        days = _midnight(timestamps.read(start).astimezone(zone)) + timedelta(_DAYS)
        query["max_start_time"] = timestamps.write(days)
    if "email" in inputs:
        query["invitee_email"] = inputs["email"]
    if inputs.get("status") in {"active", "no_show"}:
        query["status"] = "active"
    return query


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def _is_wanted(event: Record, inputs: Inputs) -> bool:
    if inputs.get("event_type") not in (None, event.get("event_type")):
        return False
    host = str(inputs.get("host", "")).casefold()
    return not host or any(
        host in str(membership.get(name)).casefold()
        for membership in event.get("event_memberships") or ()
        for name in ("user_name", "user_email", "user")
    )


def _rows_of(
    steps: Steps,
    events: list[Record],
    email: str | None,
    zone: tzinfo,
    multi_selects: dict[str, frozenset[str]],
) -> Iterator[Record]:
    """Read the invitees of some events, and the questions of event types that weren't read before."""
    only = {"email": email} if email else {}
    event_types = {str(event["event_type"]) for event in events if event.get("event_type")}

    def read(call: tuple[str, str]) -> Any:
        kind, uri = call
        if kind == "event_type":
            return _multi_selects(steps, uri)
        return steps.records("invitees.list", {"uuid": uri, **only})

    calls = [("event", event["uri"]) for event in events]
    calls += [("event_type", uri) for uri in sorted(event_types - multi_selects.keys())]
    found = dict(zip(calls, steps.in_parallel(read, calls), strict=True))
    multi_selects |= {uri: found["event_type", uri] for kind, uri in calls if kind == "event_type"}
    for event in events:
        questions = multi_selects.get(event.get("event_type") or "", frozenset())
        yield from rows(event, found["event", event["uri"]], zone, questions)


def _multi_selects(steps: Steps, event_type: str) -> frozenset[str]:
    """Return the multiple-choice questions of an event type; none if it is gone or may not be read."""
    try:
        found = steps.run("event_types.get", {"uuid": event_type})
    except (NotFound, PermissionDenied):
        return frozenset()
    questions = found.get("custom_questions") or ()
    return frozenset(one["name"] for one in questions if one.get("type") == "multi_select")


def _location(location: Record) -> dict[str, Any]:
    """Return where a meeting is, in words, and the link to join it."""
    parts = [_LOCATIONS.get(location.get("type") or "", ""), location.get("location") or ""]
    return {"location": ": ".join(filter(None, parts)) or None, "join_url": location.get("join_url")}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        yield str(value).casefold()
        return
    for item in value:
        yield from _texts(item)
