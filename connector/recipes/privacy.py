"""Requests to delete personal data, with a report of what they cover."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from ..contract import Record
from ..errors import CalendlyDown, InvalidParams, NoAnswer, Problem
from ..support import timestamps
from .steps import Inputs, Steps

_DURATION: Final = timedelta(days=7)  # https://developer.calendly.com/api-docs/calendly-api/data-compliance
_MAX_RANGE: Final = timedelta(days=731)  # 24 months
_DAYS_IN_MONTH: Final = 30.44
_RANGE: Final = ("start", "end")
_MESSAGES: Final = {
    "invitees": "all data about these invitees in past meetings",
    "events": "all data about the meetings in this range, of everyone in the organization",
}
_UPCOMING: Final = (
    "Upcoming meetings: cancel them first, and request the deletion again when they have passed."
)
_CONTACTS: Final = "Contacts in the address book: delete them with contacts.delete."
_ELSEWHERE: Final = (
    "Emails that were sent, and entries in connected calendars.",
    "Data that webhooks, integrations and exports passed on, such as the database of a sync.",
)


def delete(steps: Steps, inputs: Inputs) -> Record:
    """Report what a deletion covers and, if confirmed, request it. Raises InvalidParams with all problems."""
    if problems := list(_problems(inputs, steps.now)):
        raise InvalidParams("privacy.delete", problems)
    if "emails" in inputs:
        report = _invitees(steps, inputs)
        action, params = "data_compliance.delete_invitees", {"emails": inputs["emails"]}
    else:
        report = _events(steps, inputs)
        action, params = "data_compliance.delete_events", {f"{name}_time": inputs[name] for name in _RANGE}
    requested = not inputs.get("dry_run", False)
    if requested:
        _request(steps, action, params)
    subject = _MESSAGES[report["kind"]]
    return {
        "requested": requested,
        **report,
        "completed_by": timestamps.write_sortable(steps.now + _DURATION) if requested else None,
        "not_covered": [*([_UPCOMING] if report["upcoming_meetings"] else ()), _CONTACTS, *_ELSEWHERE],
        "message": f"Calendly deletes {subject} within 7 days. This can't be undone."
        if requested
        else f"Nothing was requested. With confirm, Calendly would delete {subject}, permanently.",
    }


def _problems(inputs: Inputs, now: datetime) -> Iterator[Problem]:
    if "emails" in inputs and any(name in inputs for name in _RANGE):
        yield Problem("emails", "can't be combined with start and end: pass one or the other")
    if inputs.get("dry_run") and inputs.get("confirm"):
        yield Problem("confirm", "can't be combined with dry_run")
    if not inputs.get("dry_run") and not inputs.get("confirm"):
        yield Problem(
            "confirm",
            "must be true, since the deletion is permanent; pass dry_run=true to see what it covers",
        )
    start, end = (timestamps.read_or_none(inputs.get(name)) for name in _RANGE)
    if start and end:
        if end > now:
            yield Problem("end", "must be in the past")
        if end <= start:
            yield Problem("end", "must be after start")
        elif end - start > _MAX_RANGE:
            yield Problem("end", "must be at most 24 months after start")


def _invitees(steps: Steps, inputs: Inputs) -> Record:
    """Return what is found for each email address."""
    since = steps.now - timedelta(days=inputs.get("months", 24) * _DAYS_IN_MONTH)
    emails = list(dict.fromkeys(email.casefold() for email in inputs["emails"]))
    found = list(steps.in_parallel(lambda email: _person(steps, email, since), emails))
    people = [
        {"email": email, **_summary(events, steps.now), "contact": contact}
        for email, (events, contact) in zip(emails, found, strict=True)
    ]
    whole = _summary([event for events, _ in found for event in events], steps.now)
    return {"kind": "invitees", **whole, "people": people}


def _person(steps: Steps, email: str, since: datetime) -> tuple[list[Record], str | None]:
    """Return the meetings of an email address, and the URI of its contact."""
    events = steps.records(
        "scheduled_events.list",
        {
            "organization": steps.user["current_organization"],
            "invitee_email": email,
            "min_start_time": timestamps.write(since.replace(microsecond=0)),
        },
    )
    contacts = steps.records("contacts.list", {"email": email}, limit=1)
    return events, contacts[0]["uri"] if contacts else None


def _events(steps: Steps, inputs: Inputs) -> Record:
    """Return what is found in the range."""
    params = {"min_start_time": inputs["start"], "max_start_time": inputs["end"]}
    events = steps.records(
        "scheduled_events.list", {"organization": steps.user["current_organization"], **params}
    )
    return {"kind": "events", **_summary(events, steps.now), "people": []}


def _summary(events: list[Record], now: datetime) -> Record:
    """Return the numbers of past meetings and of active ones to come, and the first and last past one."""
    moment = timestamps.write_sortable(now)
    starts = {event["uri"]: timestamps.normalize(event["start_time"]) or "" for event in events}
    past = sorted(start for start in starts.values() if start <= moment)
    upcoming = {
        event["uri"] for event in events if event["status"] == "active" and starts[event["uri"]] > moment
    }
    return {
        "meetings": len(past),
        "upcoming_meetings": len(upcoming),
        "first_meeting": past[0] if past else None,
        "last_meeting": past[-1] if past else None,
    }


def _request(steps: Steps, action: str, params: Record) -> None:
    try:
        steps.run(action, params)
    except (NoAnswer, CalendlyDown) as error:
        if error.may_have_happened:
            error.fix = "Run it again: requesting the same deletion twice does no harm."
        raise
