"""Answers of people as named values: several choices as a list, all others as text. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from ..contract import Record

Answers = dict[str, Any]
"""The answer to each question by the question's text: text, a list of texts, or None."""


def multiple_choice(questions: Iterable[Record] | None) -> frozenset[str]:
    """Return the texts of an event type's questions that have several choices."""
    return frozenset(
        question["name"]
        for question in questions or ()
        if question.get("type") == "multi_select" and isinstance(question.get("name"), str)
    )


def by_question(answered: Iterable[Record] | None, lists: frozenset[str] = frozenset()) -> Answers:
    """Return answers by question. `lists` are the questions whose answers become lists.

    Calendly joins several choices with line breaks. Answers to several questions with the same text are
    joined in the same way.
    """
    texts: dict[str, list[str]] = {}
    for answer in answered or ():
        given = texts.setdefault(answer["question"], [])
        if answer.get("answer") is not None:
            given.append(answer["answer"])
    return {question: _value(given, is_list=question in lists) for question, given in texts.items()}


def _value(given: list[str], *, is_list: bool) -> Any:
    if is_list:
        return [choice for text in given for choice in text.split("\n") if choice]
    return "\n".join(given) if given else None


def texts_of(answers: Mapping[str, Any]) -> Iterable[str]:
    """Yield every text in the answers."""
    for value in answers.values():
        if isinstance(value, str):
            yield value
        else:
            yield from value or ()
