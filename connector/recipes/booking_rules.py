"""Compares a booking with the rules of its event type, without sending it. Pure.

Rules: https://developer.calendly.com/api-docs/calendly-api/scheduled-events/create-event-invitee
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final

from ..contract import Record
from ..errors import Problem
from ..support import timestamps
from ..support.invisible_characters import strip_invisible

_MAX_SUGGESTED_TIMES: Final = 3


def booking_problems(event_type: Record, booking: Mapping[str, Any]) -> list[Problem]:
    """Compare a booking's location and answers with what its event type requires."""
    answers = booking.get("questions_and_answers", ())
    return [
        *_location_problems(event_type, booking.get("location")),
        *_answer_problems(event_type, answers),
    ]


def time_problems(start: datetime, slots: Iterable[Record]) -> Iterator[Problem]:
    """Compare a start time with the available slots around it."""
    times = {timestamps.read(slot["start_time"]) for slot in slots}
    if start not in times:
        suggestions = ", ".join(map(timestamps.write, nearest_times(start, times))) or "none within a day"
        yield Problem("start_time", f"is not available; nearest available times: {suggestions}")


def nearest_times(start: datetime, times: Iterable[datetime]) -> list[datetime]:
    """Return the few times that are nearest to a start, in order."""
    return sorted(sorted(times, key=lambda time: abs(time - start))[:_MAX_SUGGESTED_TIMES])


def state_problems(event_type: Record) -> Iterator[Problem]:
    """Yield why an event type can't be booked through the API at all."""
    name = repr(event_type.get("name"))
    if event_type.get("deleted_at"):
        yield Problem("event_type", f"{name} was deleted")
    elif not event_type.get("active", True):
        yield Problem("event_type", f"{name} is turned off: activate it first")
    if event_type.get("booking_method", "instant") != "instant":
        yield Problem("event_type", f"{name} is a {event_type['booking_method']}, which has no times to book")


def takes_location(event_type: Record) -> bool:
    """Check whether a booking names its location: round-robin event types, and those without one, don't."""
    return bool(event_type.get("locations")) and event_type.get("pooling_type") != "round_robin"


def asked_questions(event_type: Record) -> dict[str, Record]:
    """Return the questions that are shown, by their visible text."""
    return {
        str(strip_invisible(question["name"])): question
        for question in event_type.get("custom_questions") or ()
        if question.get("enabled", True)
    }


def _location_problems(event_type: Record, location: Mapping[str, Any] | None) -> Iterator[Problem]:
    if not takes_location(event_type):
        if location is not None:
            yield Problem("location", "must be omitted for this event type")
        return
    kinds = sorted({str(option["kind"]) for option in event_type["locations"]})
    if location is None:
        yield Problem("location", f"is missing; set its kind to {' or '.join(kinds)}")
    elif location.get("kind") not in kinds:
        nearest = get_close_matches(str(location.get("kind")), kinds, n=1, cutoff=0.4)
        reason = f"must be {' or '.join(kinds)} for this event type"
        yield Problem("location.kind", reason, nearest[0] if nearest else None)


def _answer_problems(event_type: Record, answers: Iterable[Mapping[str, Any]]) -> Iterator[Problem]:
    questions = asked_questions(event_type)
    answered = {str(strip_invisible(answer["question"])): str(answer["answer"]) for answer in answers}
    for index, (text, answer) in enumerate(answered.items()):
        path = f"questions_and_answers[{index}]"
        if text not in questions:
            nearest = get_close_matches(text, questions, n=1, cutoff=0.5)
            reason = "must match a question of this event type exactly"
            yield Problem(f"{path}.question", reason, nearest[0] if nearest else None)
        elif not _is_allowed(answer, questions[text]):
            choices = ", ".join(questions[text]["answer_choices"])
            yield Problem(f"{path}.answer", f"must be one of {choices}")
    for text, question in questions.items():
        if question.get("required") and not answered.get(text, "").strip():
            yield Problem("questions_and_answers", f"{text!r} is required")


def _is_allowed(answer: str, question: Record) -> bool:
    choices = question.get("answer_choices")
    return (
        not choices or question.get("include_other") or set(filter(None, answer.split("\n"))) <= set(choices)
    )
