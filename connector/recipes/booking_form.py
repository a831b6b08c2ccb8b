"""From what a person writes about a booking to the request: answers by question, places filled in. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final

from ..contract import Record
from ..errors import Problem
from ..support import time_zones, timestamps
from ..support.invisible_characters import strip_invisible
from .booking_rules import asked_questions, booking_problems, takes_location

TRACKING: Final = ("utm_campaign", "utm_source", "utm_medium", "utm_content", "utm_term", "salesforce_uuid")
KEY_FIELD: Final = "utm_term"
"""The tracking field that keeps a `client_key`. See docs/decisions/client-key-in-tracking.md."""

_PLACES: Final = {  # kinds whose place is a text, and what to write there
    "ask_invitee": "the place that the invitee wants",
    "custom": "the place",
    "outbound_call": "the invitee's phone number",
    "physical": "the address",
}
_PHONE: Final = re.compile(r"\+?[0-9][0-9 ()./-]{4,}")


def key_mark(client_key: str) -> str:
    """Return the text in `KEY_FIELD` that marks the booking of a `client_key`."""
    return f"client_key:{client_key}"


def booking_body(
    event_type: Record, inputs: Mapping[str, Any], start: datetime, timezone: str
) -> tuple[Record, list[Problem]]:
    """Return the body of POST /invitees, and what is wrong with it by the rules of the event type."""
    invitee = {name: value for name, value in inputs["invitee"].items() if str(value).strip()}
    body: Record = {
        "event_type": event_type["uri"],
        "start_time": timestamps.write(start),
        "invitee": {"timezone": timezone, **invitee},
    }
    answers, problems = _answers(event_type, inputs.get("answers", {}))
    if answers:
        body["questions_and_answers"] = answers
    if (location := _location(event_type, inputs.get("location"))) is not None:
        body["location"] = location
    if guests := inputs.get("guests"):
        body["event_guests"] = guests
    tracking = {name: value for name, value in inputs.get("tracking", {}).items() if value not in {None, ""}}
    if client_key := inputs.get("client_key"):
        if KEY_FIELD in tracking:
            problems.append(Problem("client_key", f"is kept in tracking.{KEY_FIELD}, which is in use"))
        tracking[KEY_FIELD] = key_mark(client_key)
    if tracking:
        body["tracking"] = dict.fromkeys(TRACKING) | tracking
    problems += _rule_problems(event_type, body)
    problems += _place_problems(event_type, body.get("location"))
    problems += _person_problems(body["invitee"])
    return body, problems


def request_problems(found: Iterable[Problem], known: Iterable[Problem]) -> Iterator[Problem]:
    """Yield the problems of the request by its schema that aren't known yet, with the recipe's own names."""
    paths = {problem.path.partition(".")[0] for problem in known if problem.path.startswith("location")}
    for problem in found:
        path = problem.path.replace("event_guests", "guests", 1)
        if path.partition(".")[0] not in paths:
            yield Problem(path, problem.message, problem.nearest)


def _answers(event_type: Record, answers: Mapping[str, Any]) -> tuple[list[Record], list[Problem]]:
    """Return the answers as Calendly expects them: under the exact text of each question."""
    questions = asked_questions(event_type)
    by_text = {_folded(text): question for text, question in questions.items()}
    found: dict[str, Record] = {}
    problems = []
    for text, value in answers.items():
        question = by_text.get(_folded(text))
        if question is None:
            near = get_close_matches(_folded(text), by_text, n=1, cutoff=0.4)
            nearest = str(strip_invisible(by_text[near[0]]["name"])) if near else None
            known = ", ".join(map(repr, questions)) or "none"
            reason = f"isn't a question of this event type; its questions: {known}"
            problems.append(Problem(f"answers.{text}", reason, nearest))
        elif question["name"] in found:
            problems.append(Problem(f"answers.{text}", "is answered twice"))
        elif answer := _answer(question, value):
            position = question.get("position", list(questions.values()).index(question))
            found[question["name"]] = {
                "question": question["name"],
                "answer": answer,
                "position": position,
            }
    return sorted(found.values(), key=lambda answer: answer["position"]), problems


def _answer(question: Record, value: Any) -> str:
    """Return an answer as text; choices are spelled as the event type spells them, one per line."""
    choices = {_folded(choice): choice for choice in question.get("answer_choices") or ()}
    if isinstance(value, bool):
        value = "Yes" if value else "No"
    parts = [str(part) for part in (value if isinstance(value, list) else [value])]
    if question.get("type") == "multi_select" and len(parts) == 1 and _folded(parts[0]) not in choices:
        lines = [line.strip() for line in parts[0].split("\n")]
        commas = [part.strip() for part in parts[0].split(",")]
        parts = commas if all(_folded(part) in choices for part in commas) else lines
    return "\n".join(choices.get(_folded(part), part) for part in parts if part.strip())


def _location(event_type: Record, location: Mapping[str, Any] | None) -> Record | None:
    """Return the location to send: kind and place are filled in if the event type offers only one."""
    if not takes_location(event_type):
        return dict(location) if location else None
    chosen = {name: value for name, value in (location or {}).items() if str(value).strip()}
    kinds = {option["kind"] for option in event_type["locations"]}
    if "kind" not in chosen and len(kinds) == 1:
        chosen["kind"] = next(iter(kinds))
    places = _offered_places(event_type, chosen.get("kind"))
    if chosen.get("kind") in _PLACES and "location" not in chosen and len(places) == 1:
        chosen["location"] = places[0]
    return chosen or None


def _offered_places(event_type: Record, kind: str | None) -> list[str]:
    return [
        option["location"]
        for option in event_type["locations"]
        if option["kind"] == kind and option.get("location")
    ]


def _rule_problems(event_type: Record, body: Record) -> Iterator[Problem]:
    """Yield what breaks the event type's rules, under the recipe's names of the inputs."""
    answers = body.get("questions_and_answers", [])
    for problem in booking_problems(event_type, body):
        path = problem.path
        if path == "questions_and_answers":
            path = "answers"
        elif path.startswith("questions_and_answers["):
            path = f"answers.{answers[int(path.split('[')[1].split(']')[0])]['question']}"
        yield Problem(path, problem.message, problem.nearest)


def _place_problems(event_type: Record, location: Mapping[str, Any] | None) -> Iterator[Problem]:
    if not location or not takes_location(event_type):
        return
    kind, place = location.get("kind"), location.get("location")
    if kind not in {option["kind"] for option in event_type["locations"]}:
        return  # reported by the rules
    if kind in _PLACES and not place:
        offered = "; ".join(_offered_places(event_type, kind))
        choices = f", one of: {offered}" if offered else ""
        yield Problem("location.location", f"is missing: with {kind}, pass {_PLACES[kind]}{choices}")
    elif kind == "inbound_call" and place:
        yield Problem("location.location", "must be omitted with inbound_call: the event type has the number")
    elif kind == "outbound_call" and not _PHONE.fullmatch(str(place).strip()):
        yield Problem("location.location", "must be the invitee's phone number, such as +49 30 1234567")


def _person_problems(invitee: Record) -> Iterator[Problem]:
    number = invitee.get("text_reminder_number")
    if number and not _PHONE.fullmatch(number.strip()):
        yield Problem("invitee.text_reminder_number", "must be a phone number such as +49 151 1234567")
    name = invitee["timezone"]
    if time_zones.find(name) is None:
        yield Problem("invitee.timezone", f"unknown time zone {name[:60]!r}", time_zones.nearest(name))


def _folded(text: str) -> str:
    """Return a text for comparison: without invisible characters, case and repeated spaces."""
    return " ".join(str(strip_invisible(text)).casefold().split())
