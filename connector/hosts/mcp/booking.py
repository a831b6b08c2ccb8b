"""What can be known to be wrong with a booking before it is sent. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final

from ...contract import Record
from ...errors import Problem
from ...support import timestamps
from .invisible_characters import plain

_MOST_TIMES: Final = 3


def problems(event_type: Record, booking: Mapping[str, Any]) -> list[Problem]:
    """Compare the place and the answers of a booking with what its event type asks for."""
    answers = booking.get("questions_and_answers", ())
    return [*_wrong_place(event_type, booking.get("location")), *_wrong_answers(event_type, answers)]


def wrong_time(start: datetime, offered: Iterable[Record]) -> Iterator[Problem]:
    """Compare the start with the times on offer, which are those around it."""
    times = {timestamps.read(slot["start_time"]) for slot in offered}
    if start not in times:
        near = sorted(times, key=lambda time: abs(time - start))[:_MOST_TIMES]
        told = ", ".join(map(timestamps.write, sorted(near))) or "none within a day"
        yield Problem("start_time", f"is not on offer, or not any more; the nearest: {told}")


def _wrong_place(event_type: Record, place: Mapping[str, Any] | None) -> Iterator[Problem]:
    offered = event_type.get("locations") or ()
    if not offered or event_type.get("pooling_type") == "round_robin":
        if place is not None:
            yield Problem("location", "must be left out for this event type")
        return
    kinds = sorted({str(location["kind"]) for location in offered})
    told = " or ".join(kinds)
    if place is None:
        yield Problem("location", f"is missing; its kind is {told}")
    elif place["kind"] not in kinds:
        yield Problem("location.kind", f"must be {told} for this event type")


def _wrong_answers(event_type: Record, answers: Iterable[Mapping[str, Any]]) -> Iterator[Problem]:
    asked = {
        str(plain(question["name"])): question
        for question in event_type.get("custom_questions") or ()
        if question.get("enabled", True)
    }
    given = {str(answer["question"]): str(answer["answer"]) for answer in answers}
    for place, (text, answer) in enumerate(given.items()):
        path = f"questions_and_answers[{place}]"
        if text not in asked:
            near = get_close_matches(text, asked, n=1, cutoff=0.5)
            words = "is not a question of this event type, letter by letter"
            yield Problem(f"{path}.question", words, near[0] if near else None)
        elif not _may_be(answer, asked[text]):
            choices = ", ".join(asked[text]["answer_choices"])
            yield Problem(f"{path}.answer", f"must be among {choices}")
    for text, question in asked.items():
        if question.get("required") and not given.get(text, "").strip():
            yield Problem("questions_and_answers", f"must answer {text!r}")


def _may_be(answer: str, question: Record) -> bool:
    choices = question.get("answer_choices")
    return (
        not choices or question.get("include_other") or set(filter(None, answer.split("\n"))) <= set(choices)
    )
