"""Which events a trigger tells: event type, host, group, answers, UTM, internal or external. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard

from ..contract import Event, Record
from .reschedules import RESCHEDULED

Wanted = Mapping[str, Any]

NAMING: Final = ("event_type", "host", "group", "routing_form")
"""The filters that name a resource; here they hold the last part of its URI."""


@dataclass(frozen=True, slots=True)
class Known:
    """What an event itself does not say: the ids of a group's members, and whether it is a first booking."""

    members: Collection[str] = field(default_factory=frozenset)
    first_time: bool | None = None


def fits(event: Event, wanted: Wanted, known: Known) -> bool:
    """Say whether an event is told; all that is given has to fit."""
    payload = subject(event)
    return all(_one(name, value, payload, known) for name, value in wanted.items())


def could_fit(meeting: Record, wanted: Wanted, members: Collection[str]) -> bool:
    """Say whether any invitee of a scheduled event could fit: a no saves the call that reads them."""
    payload = {"scheduled_event": meeting}
    of_meeting = {name: wanted[name] for name in ("event_type", "host", "group") if name in wanted}
    return all(_one(name, value, payload, Known(members)) for name, value in of_meeting.items())


def subject(event: Event) -> Record:
    """Give the payload that is asked: of a reschedule, that of the new booking."""
    new = event.payload.get("new")
    return new if event.kind == RESCHEDULED and isinstance(new, dict) else event.payload


def _one(name: str, value: Any, payload: Record, known: Known) -> bool:
    match name:
        case "event_type":
            meeting = payload.get("scheduled_event")
            return bool(value == last_part(meeting.get("event_type") if _is(meeting) else payload.get("uri")))
        case "host":
            return value in set(_hosts(payload))
        case "group":
            return not set(_hosts(payload)).isdisjoint(known.members)
        case "routing_form":
            return bool(value == last_part(payload.get("routing_form")))
        case "invitee":
            return bool(_is_internal(payload) == (value == "internal"))
        case "first_time":
            return bool(value == known.first_time)
        case "answers":
            return all(_answered(payload, question, answer) for question, answer in value.items())
        case _:  # one of the utm_… fields
            tracking = payload.get("tracking")
            return _same(tracking.get(name) if _is(tracking) else None, value)


def last_part(uri: Any) -> str:
    """Give the last part of a URI."""
    return uri.rpartition("/")[2] if isinstance(uri, str) else ""


def _hosts(payload: Record) -> Iterator[str]:
    meeting, profile = payload.get("scheduled_event"), payload.get("profile")
    if _is(profile):
        yield last_part(profile.get("owner"))
    yield from (last_part(host.get("user")) for host in _memberships(meeting))


def _memberships(meeting: Any) -> list[Record]:
    listed = meeting.get("event_memberships") if _is(meeting) else None
    return [entry for entry in listed if _is(entry)] if isinstance(listed, list) else []


def _is_internal(payload: Record) -> bool:
    hosts = {_domain(host.get("user_email")) for host in _memberships(payload.get("scheduled_event"))}
    return bool(domain := _domain(payload.get("email"))) and domain in hosts


def _domain(address: Any) -> str:
    return address.rpartition("@")[2].casefold() if isinstance(address, str) else ""


def _answered(payload: Record, question: str, wanted: str) -> bool:
    listed = payload.get("questions_and_answers")
    entries = [entry for entry in listed if _is(entry)] if isinstance(listed, list) else []
    given = [entry.get("answer") for entry in entries if _same(entry.get("question"), question)]
    return any(_same(one, wanted) or _chose(one, wanted) for one in given)


def _chose(answer: Any, wanted: str) -> bool:
    """Several choices are set apart by line breaks."""
    return isinstance(answer, str) and any(_same(line, wanted) for line in answer.split("\n"))


def _same(one: Any, other: str) -> bool:
    return isinstance(one, str) and one.strip().casefold() == other.strip().casefold()


def _is(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)
