"""Whether an event fits filters: event type, host, group, answers, UTM, internal or external. Pure."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, TypeGuard

from ..contract import Event, Record
from .reschedules import RESCHEDULED
from .webhooks.event import last_part

Filters = Mapping[str, Any]

NAMING_RESOURCES: Final = ("event_type", "host", "group", "routing_form")
"""The filters that name a resource. Here their value is the last part of its URI."""
OF_MEETING: Final = ("event_type", "host", "group")
"""The filters that a scheduled event can be checked against without its invitees."""


def fits(event: Event, filters: Filters, members: Collection[str]) -> bool:
    """Check whether an event fits all filters but `first_time`; `members` are the wanted group's user ids."""
    payload = subject(event)
    return all(_fits(name, value, payload, members) for name, value in filters.items())


def could_fit(meeting: Record, filters: Filters, members: Collection[str]) -> bool:
    """Check whether an invitee of a scheduled event could fit; if not, there is no need to read them."""
    payload = {"scheduled_event": meeting}
    return all(_fits(name, filters[name], payload, members) for name in OF_MEETING if name in filters)


def subject(event: Event) -> Record:
    """Return the payload that filters are about: for a reschedule, that of the new booking."""
    new = event.payload.get("new")
    return new if event.kind == RESCHEDULED and isinstance(new, dict) else event.payload


def _fits(name: str, value: Any, payload: Record, members: Collection[str]) -> bool:
    match name:
        case "event_type":
            meeting = payload.get("scheduled_event")
            return bool(value == last_part(meeting.get("event_type") if _is(meeting) else payload.get("uri")))
        case "host":
            return value in set(_hosts(payload))
        case "group":
            return not set(_hosts(payload)).isdisjoint(members)
        case "routing_form":
            return bool(value == last_part(payload.get("routing_form")))
        case "invitee":
            return bool(_is_internal(payload) == (value == "internal"))
        case "answers":
            return all(_is_answered(payload, question, answer) for question, answer in value.items())
        case _:  # one of the utm_… fields
            tracking = payload.get("tracking")
            return _is_same(tracking.get(name) if _is(tracking) else None, value)


def _hosts(payload: Record) -> Iterator[str]:
    profile = payload.get("profile")
    if _is(profile):
        yield last_part(profile.get("owner"))
    yield from (last_part(host.get("user")) for host in _memberships(payload.get("scheduled_event")))


def _memberships(meeting: Any) -> list[Record]:
    listed = meeting.get("event_memberships") if _is(meeting) else None
    return [entry for entry in listed if _is(entry)] if isinstance(listed, list) else []


def _is_internal(payload: Record) -> bool:
    hosts = {_domain(host.get("user_email")) for host in _memberships(payload.get("scheduled_event"))}
    return bool(domain := _domain(payload.get("email"))) and domain in hosts


def _domain(address: Any) -> str:
    return address.rpartition("@")[2].casefold() if isinstance(address, str) else ""


def _is_answered(payload: Record, question: str, wanted: str) -> bool:
    listed = payload.get("questions_and_answers")
    entries = [entry for entry in listed if _is(entry)] if isinstance(listed, list) else []
    answers = [entry.get("answer") for entry in entries if _is_same(entry.get("question"), question)]
    # Several choices are separated by line breaks.
    lines = [line for answer in answers if isinstance(answer, str) for line in answer.split("\n")]
    return any(_is_same(text, wanted) for text in (*answers, *lines))


def _is_same(one: Any, other: str) -> bool:
    return isinstance(one, str) and one.strip().casefold() == other.strip().casefold()


def _is(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)
