"""A booking page's address, pre-filled: from the inputs of a caller to the URL. Pure.

Parameters: https://developer.calendly.com/api-docs/overview/embedding. A question with choices is answered by
the number of the choice, several separated by commas; other questions by text. The reference doesn't say so:
it is what public embeds send, and wasn't tested against Calendly itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from ..contract import Record
from ..errors import Problem
from ..support.redaction import quoted

_MAX_QUESTIONS: Final = 10  # the page reads a1 to a10
_HOST: Final = "calendly.com"
_TEXTS: Final = ("name", "first_name", "last_name", "email", "date", "month", "location")
_COLORS: Final = ("background_color", "text_color", "primary_color")
_FLAGS: Final = ("hide_event_type_details", "hide_landing_page_details", "hide_gdpr_banner")
_CHOICES: Final = {"single_select", "multi_select"}

Inputs = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Prefill:
    """The parameters of an address, and everything that is wrong with the inputs they come from."""

    parameters: tuple[tuple[str, str], ...]
    problems: tuple[Problem, ...]

    def url(self, page: str) -> str:
        """Return a page's address with the parameters; its own ones of the same name are replaced."""
        parts = urlsplit(page)
        names = {name for name, _ in self.parameters}
        kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in names]
        query = urlencode([*kept, *self.parameters], quote_via=quote)
        return urlunsplit(parts._replace(query=query))


def read_prefill(inputs: Inputs, questions: Sequence[Record] | None) -> Prefill:
    """Return the parameters that inputs stand for. `questions` are the event type's; None if unknown."""
    problems = [*_name_problems(inputs), *_month_problems(inputs)]
    pairs = [(name, inputs[name]) for name in _TEXTS if inputs.get(name)]
    if inputs.get("date") and not inputs.get("month"):
        pairs.append(("month", inputs["date"][:7]))  # without it, the page opens on the current month
    if inputs.get("guests"):
        pairs.append(("guests", ",".join(inputs["guests"])))
    pairs += _answers(inputs.get("answers") or {}, questions, problems)
    pairs += [(name, value) for name, value in (inputs.get("tracking") or {}).items() if value]
    pairs += [(name, inputs[name].removeprefix("#")) for name in _COLORS if inputs.get(name)]
    pairs += [(name, "1") for name in _FLAGS if inputs.get(name)]
    return Prefill(tuple(pairs), tuple(problems))


def page_problems(link: str) -> Iterator[Problem]:
    """Yield what is wrong with the address of a booking page."""
    try:
        parts = urlsplit(link)
        host, secure = parts.hostname or "", parts.scheme == "https" and parts.port in {None, 443}
    except ValueError:  # a malformed host or port
        host, secure = "", False
    is_calendlys = host == _HOST or host.endswith(f".{_HOST}")
    if not (secure and is_calendlys and not parts.username and parts.path.strip("/") and link.isprintable()):
        yield Problem("link", "must be a booking page such as https://calendly.com/ada-okafor/intro")


def _name_problems(inputs: Inputs) -> Iterator[Problem]:
    parts = [name for name in ("first_name", "last_name") if inputs.get(name)]
    if inputs.get("name") and parts:
        yield Problem("name", f"can't be combined with {' and '.join(parts)}: pass one or the other")


def _month_problems(inputs: Inputs) -> Iterator[Problem]:
    day, month = inputs.get("date"), inputs.get("month")
    if day and month and not day.startswith(month):
        yield Problem("month", f"is {month}, but date is {day}: leave month out")


def _answers(
    answers: Mapping[str, Any], questions: Sequence[Record] | None, problems: list[Problem]
) -> list[tuple[str, str]]:
    """Return a1 to a10 in order; append what is wrong to `problems`."""
    asked = _asked(questions or ())
    found: dict[int, str] = {}
    for text, answer in answers.items():
        path = f"answers.{text}"
        given = [str(one) for one in (answer if isinstance(answer, list) else [answer]) if str(one).strip()]
        if not given:
            continue
        numbers = _numbers(text, asked)
        if len(numbers) > 1:
            problems.append(Problem(path, f"{len(numbers)} questions have this text: use a1 to a10 instead"))
        elif not numbers:
            problems.append(_unknown(path, text, asked, known=questions is not None))
        elif numbers[0] in found:
            problems.append(Problem(path, f"answers question {numbers[0]}, which another answer answers"))
        elif numbers[0] > _MAX_QUESTIONS:
            problems.append(Problem(path, f"is question {numbers[0]}; only the first ten can be pre-filled"))
        else:
            found[numbers[0]] = ""
            try:
                found[numbers[0]] = _value(given, asked.get(numbers[0], {}))
            except _WrongAnswerError as error:
                problems.append(Problem(path, str(error), error.nearest))
    return [(f"a{number}", value) for number, value in sorted(found.items()) if value]


def _asked(questions: Iterable[Record]) -> dict[int, Record]:
    """Return the questions on the page by their number, from 1."""
    shown = [question for question in questions if question.get("enabled", True)]
    ordered = sorted(shown, key=lambda question: question.get("position", 0))
    return dict(enumerate(ordered, 1))


def _numbers(text: str, asked: Mapping[int, Record]) -> list[int]:
    """Return the numbers of the questions that a text names: by their text, or a1 to a10."""
    exact = [number for number, question in asked.items() if question["name"] == text]
    folded = _folded(text)
    similar = [number for number, question in asked.items() if _folded(question["name"]) == folded]
    if exact or similar:
        return exact or similar
    number = int(folded[1:]) if folded in {f"a{number}" for number in range(1, _MAX_QUESTIONS + 1)} else 0
    return [number] if number and (number in asked or not asked) else []


def _unknown(path: str, text: str, asked: Mapping[int, Record], *, known: bool) -> Problem:
    if not known:
        return Problem(path, "pass event_type as well, so its questions can be read, or use a1 to a10")
    names = [question["name"] for question in asked.values()]
    near = get_close_matches(_folded(text), map(_folded, names), n=1, cutoff=0.5)
    nearest = next((name for name in names if near and _folded(name) == near[0]), None)
    listed = "; ".join(map(quoted, names)) if names else "it has none"
    return Problem(path, f"isn't a question of this event type ({listed})", nearest)


class _WrongAnswerError(ValueError):
    def __init__(self, message: str, nearest: str | None = None) -> None:
        super().__init__(message)
        self.nearest = nearest


def _value(given: list[str], question: Record) -> str:
    """Return the value of an answer's parameter. Raises _WrongAnswerError."""
    choices = question.get("answer_choices") or []
    kind = question.get("type")
    if not choices or kind not in _CHOICES:
        if len(given) > 1:
            raise _WrongAnswerError(f"accepts only one answer, but has {len(given)}")
        return given[0]
    if kind == "multi_select" and len(given) == 1:
        given = _split(given[0], choices)
    if kind == "single_select" and len(given) > 1:
        raise _WrongAnswerError(f"accepts only one answer, but has {len(given)}")
    return ",".join(_choice(answer, choices, question) for answer in given)


def _split(answer: str, choices: Sequence[str]) -> list[str]:
    """Split an answer to a question with several choices, unless it is one of them, comma included."""
    if _folded(answer) in map(_folded, choices):
        return [answer]
    return [part for line in answer.split("\n") for part in line.split(",") if part.strip()]


def _choice(answer: str, choices: Sequence[str], question: Record) -> str:
    numbers = {_folded(choice): str(number) for number, choice in enumerate(choices, 1)}
    if number := numbers.get(_folded(answer)):
        return number
    if question.get("include_other"):
        return answer.strip()
    near = get_close_matches(_folded(answer), numbers, n=1, cutoff=0.5)
    nearest = choices[int(numbers[near[0]]) - 1] if near else None
    raise _WrongAnswerError(f"must be one of {', '.join(choices)}, not {quoted(answer)}", nearest)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
