"""Submissions of routing forms with their answers, and the meetings that they led to."""

from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta, tzinfo
from functools import partial
from typing import Any, Final

from ..contract import Record
from ..errors import InvalidParams, NotFound, PermissionDenied, Problem
from ..support import timestamps
from ..support.meeting_words import TRACKING
from . import answers, local_times, meeting_rows, meetings
from .steps import Inputs, Page, Steps

_DAYS: Final = 30  # before today, covered by default
_ACTION: Final = "forms.answers"
_BOOKING_FIELDS: Final = (
    "invitee_name",
    "invitee_email",
    "status",
    "start_time",
    "end_time",
    "start_local",
    "name",
    "host_name",
    "host_email",
    "event_type",
    "event",
)


def find_answers(steps: Steps, inputs: Inputs) -> Iterator[Page]:
    """Yield the submissions of one form or all forms, the latest first, form by form."""
    meetings.check_times(inputs, _ACTION)
    zone = steps.zone(inputs.get("timezone"))
    start, end = _range(inputs, steps.now, zone)
    forms = _forms(steps, inputs)
    if not forms:
        yield [], False
    for number, form in enumerate(forms, 1):
        wanted = {"form": form["uri"], "sort": "created_at:desc"}
        for page, more in steps.pages("routing_form_submissions.list", wanted):
            times = [timestamps.read(submission["created_at"]) for submission in page]
            found = [
                submission
                for submission, moment in zip(page, times, strict=True)
                if start <= moment and (end is None or moment < end)
            ]
            is_last = not more or min(times, default=start) < start
            rows = list(steps.in_parallel(partial(_row, steps, form, zone), found))
            yield rows, not is_last or number < len(forms)
            if is_last:
                break


def row(form: Record, submission: Record, booking: Record | None, zone: tzinfo) -> Record:
    """Return a submission as a row. `booking` is the row of its meeting, None if there isn't one. Pure."""
    result: Mapping[str, Any] = submission.get("result") or {}
    tracking = submission.get("tracking") or {}
    submitted = timestamps.read(submission["created_at"])
    return {
        "submitted_at": timestamps.write(submitted),
        "submitted_local": local_times.local_text(submitted, zone),
        "timezone": str(zone),
        "form_name": form["name"],
        "answers": answers.by_question(submission.get("questions_and_answers")),
        "result_type": result.get("type"),
        "result": _result_text(result.get("value")),
        "booked": bool(submission.get("submitter")),
        **{name: (booking or {}).get(name) for name in _BOOKING_FIELDS},
        **{name: tracking.get(name) for name in TRACKING},
        "invitee": submission.get("submitter"),
        "form": submission["routing_form"],
        "uri": submission["uri"],
    }


def _result_text(value: Any) -> str | None:
    """Return a URI or a page as it is, and a message as its headline and body."""
    if isinstance(value, dict):
        return "\n".join(text for name in ("headline", "body") if (text := value.get(name))) or None
    return value if isinstance(value, str) else None


def _range(inputs: Inputs, now: datetime, zone: tzinfo) -> tuple[datetime, datetime | None]:
    today = datetime.combine(now.astimezone(zone).date(), time.min, zone)
    end = timestamps.read(inputs["end"]) if "end" in inputs else None
    first = (min(end.astimezone(zone), today) if end else today) - timedelta(days=_DAYS)
    start = timestamps.read(inputs["start"]) if "start" in inputs else first
    if end and end <= start:
        problem = Problem("end", f"must be later than {timestamps.write(start)}")
        raise InvalidParams(_ACTION, [problem])
    return start, end


def _forms(steps: Steps, inputs: Inputs) -> list[Record]:
    if "form" in inputs:
        return [steps.run("routing_forms.get", {"uuid": inputs["form"]})]
    return steps.records("routing_forms.list", {"organization": steps.user["current_organization"]})


def _row(steps: Steps, form: Record, zone: tzinfo, submission: Record) -> Record:
    invitee = submission.get("submitter")
    return row(form, submission, _booking(steps, invitee, zone) if invitee else None, zone)


def _booking(steps: Steps, invitee: str, zone: tzinfo) -> Record | None:
    """Return the row of an invitee's meeting; None if it was deleted or isn't visible."""
    event = invitee.partition("/invitees/")[0]
    try:
        found, booked = steps.in_parallel(
            lambda call: steps.run(*call),
            [("scheduled_events.get", {"uuid": event}), ("invitees.get", {"uuid": invitee})],
        )
    except (NotFound, PermissionDenied):
        return None
    return next(meeting_rows.rows(found, [booked], frozenset(), zone))
