"""Meetings of a range of time with the people in them, one row per invitee."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import partial
from typing import Any, Final

from ..contract import Record
from ..errors import InvalidParams, NotFound, PermissionDenied, Problem
from ..support import timestamps
from . import answers, meeting_rows
from .steps import Inputs, Page, Steps

_DAYS: Final = 7  # covered by default
_AT_LEAST: Final = 20  # events whose invitees are read at the same time, if rows are filtered afterwards

Range = tuple[datetime, datetime | None]
"""The earliest start time, and the time before which meetings start; None for no limit."""

Questions = dict[str, frozenset[str]]
"""The texts of the questions with several choices, by event type URI."""


def find(steps: Steps, inputs: Inputs) -> Iterator[Page]:
    """Yield the meetings in order of time, page by page."""
    zone = steps.zone(inputs.get("timezone"))
    covered = time_range(inputs, steps.now, zone)
    questions: Questions = {}
    for page, more in steps.pages("scheduled_events.list", _event_inputs(steps, inputs, covered)):
        events = [event for event in page if _is_wanted(event, inputs, covered)]
        parts = _parts(events, steps.limit, is_filtered=bool({"text", "status"} & inputs.keys()))
        for number, part in enumerate(parts, 1):
            rows = _rows(steps, inputs, part, questions, zone)
            yield rows, more or number < len(parts)


def time_range(inputs: Inputs, now: datetime, zone: tzinfo, *, action: str = "meetings.list") -> Range:
    """Return the range of start times. Raises InvalidParams if it is empty.

    Default: 7 days from the start of today in the zone, without an end if a person or a text is searched.
    """
    check_times(inputs, action)
    today = datetime.combine(now.astimezone(zone).date(), time.min, zone)
    start = timestamps.read(inputs["start"]) if "start" in inputs else today
    is_search = bool({"text", "email"} & inputs.keys())
    if "end" in inputs:
        end: datetime | None = timestamps.read(inputs["end"])
    else:
        end = None if is_search else _days_later(start, zone)
    if end and end <= start:
        raise InvalidParams(action, [Problem("end", f"must be later than {timestamps.write(start)}")])
    return start, end


def check_times(inputs: Inputs, action: str) -> None:
    """Raise InvalidParams if a time is at the end of the calendar, where offsets would overflow."""
    problems = [
        Problem(name, "isn't within the calendar")
        for name in ("start", "end")
        if name in inputs and timestamps.read_or_none(inputs[name]) is None
    ]
    if problems:
        raise InvalidParams(action, problems)


def _days_later(start: datetime, zone: tzinfo) -> datetime:
    """Return the same time of day some days later, even if the clocks change in between."""
    return (start.astimezone(zone) + timedelta(days=_DAYS)).astimezone(UTC)


def _event_inputs(steps: Steps, inputs: Inputs, covered: Range) -> dict[str, Any]:
    """Return the inputs of the list of events; Calendly filters as much as it can."""
    start, end = covered
    wanted: dict[str, Any] = {
        name: inputs[name] for name in ("user", "organization", "group") if name in inputs
    }
    wanted |= {"min_start_time": timestamps.write(start), "sort": "start_time:asc"}
    if "user" in wanted and wanted["user"] != steps.user["uri"]:  # Calendly wants both
        wanted.setdefault("organization", steps.user["current_organization"])
    if end:
        wanted["max_start_time"] = timestamps.write(end)
    if "email" in inputs:
        wanted["invitee_email"] = inputs["email"]
    if inputs.get("status") in {"active", "no_show"}:
        wanted["status"] = "active"
    return wanted


def _is_wanted(event: Record, inputs: Inputs, covered: Range) -> bool:
    """Check whether an event can have rows that are wanted, so others cost no call."""
    if not meeting_rows.in_range(event, *covered):
        return False
    if "event_type" in inputs and event.get("event_type") != inputs["event_type"]:
        return False
    if "host" in inputs and not meeting_rows.has_host(event, inputs["host"]):
        return False
    counter = event.get("invitees_counter") or {}
    total, active = counter.get("total"), counter.get("active")
    if total == 0:
        return False
    match inputs.get("status"):
        case "active" | "no_show":
            return active != 0
        case "canceled" | "rescheduled":
            return event["status"] == "canceled" or total is None or total != active
    return True


def _parts(events: Sequence[Record], limit: int | None, *, is_filtered: bool) -> list[Sequence[Record]]:
    """Return the events in parts that are read one after the other: one part, or enough for the limit."""
    size = max(len(events), 1) if limit is None else max(limit, _AT_LEAST if is_filtered else 1)
    return [events[first : first + size] for first in range(0, max(len(events), 1), size)]


def _rows(
    steps: Steps, inputs: Inputs, events: Sequence[Record], questions: Questions, zone: tzinfo
) -> list[Record]:
    """Read the invitees of events, and each new event type once, all at the same time; return the rows."""
    with_answers = inputs.get("answers", True)
    kinds = dict.fromkeys(event["event_type"] for event in events if event.get("event_type"))
    new = [kind for kind in kinds if kind not in questions] if with_answers else []
    calls: list[Callable[[], Any]] = [
        *(partial(_invitees, steps, event, inputs) for event in events),
        *(partial(_multiple_choice, steps, kind) for kind in new),
    ]
    found = list(steps.in_parallel(lambda call: call(), calls))
    questions |= zip(new, found[len(events) :], strict=True)
    rows = [
        row
        for event, invitees in zip(events, found, strict=False)
        for row in meeting_rows.rows(
            event, invitees, questions.get(event.get("event_type") or "", frozenset()), zone
        )
    ]
    words = str(inputs.get("text", "")).split()
    wanted = [
        row
        for row in rows
        if inputs.get("status") in {None, row["status"]} and meeting_rows.matches(row, words)
    ]
    return wanted if with_answers else [{**row, "answers": {}} for row in wanted]


def _invitees(steps: Steps, event: Record, inputs: Inputs) -> list[Record]:
    wanted = {"uuid": event["uri"]}
    if "email" in inputs:
        wanted["email"] = inputs["email"]
    return steps.records("invitees.list", wanted)


def _multiple_choice(steps: Steps, event_type: str) -> frozenset[str]:
    """Return an event type's questions with several choices; nothing if it was deleted or isn't visible."""
    try:
        return answers.multiple_choice(
            steps.run("event_types.get", {"uuid": event_type}).get("custom_questions")
        )
    except (NotFound, PermissionDenied):
        return frozenset()
