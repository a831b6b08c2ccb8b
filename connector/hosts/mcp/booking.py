"""Checks of a booking that don't need to send it. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final

from ...contract import Record
from ...errors import Problem
from ...support import timestamps
from .invisible_characters import strip_invisible

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
        nearest = sorted(times, key=lambda time: abs(time - start))[:_MAX_SUGGESTED_TIMES]
        suggestions = ", ".join(map(timestamps.write, sorted(nearest))) or "none within a day"
        yield Problem("start_time", f"is not available; nearest available times: {suggestions}")


def _location_problems(event_type: Record, location: Mapping[str, Any] | None) -> Iterator[Problem]:
    options = event_type.get("locations") or ()
    if not options or event_type.get("pooling_type") == "round_robin":
        if location is not None:
            yield Problem("location", "must be omitted for this event type")
        return
    kinds = sorted({str(option["kind"]) for option in options})
    if location is None:
        yield Problem("location", f"is missing; set its kind to {' or '.join(kinds)}")
    elif location["kind"] not in kinds:
        yield Problem("location.kind", f"must be {' or '.join(kinds)} for this event type")


def _answer_problems(event_type: Record, answers: Iterable[Mapping[str, Any]]) -> Iterator[Problem]:
    questions = {
        str(strip_invisible(question["name"])): question
        for question in event_type.get("custom_questions") or ()
        if question.get("enabled", True)
    }
    answered = {str(answer["question"]): str(answer["answer"]) for answer in answers}
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
            yield Problem("questions_and_answers", f"must answer {text!r}")


def _is_allowed(answer: str, question: Record) -> bool:
    choices = question.get("answer_choices")
    return (
        not choices or question.get("include_other") or set(filter(None, answer.split("\n"))) <= set(choices)
    )
