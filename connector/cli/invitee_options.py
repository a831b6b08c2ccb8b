"""Options about an invitee that several commands share: answers and UTM parameters."""

from collections.abc import Sequence
from typing import Any

import click

from ..errors import UsageError
from ..support.redaction import quoted
from .options import key_values
from .terminal import printable

answer_option = click.option(
    "--answer",
    "answers",
    metavar="QUESTION=ANSWER",
    multiple=True,
    help="Answer a question; repeatable.",
)
location_option = click.option(
    "--location", metavar="KIND[=PLACE]", help="Such as zoom_conference, or outbound_call=+1 202 555 0100."
)
utm_option = click.option(
    "--utm", metavar="KEY=VALUE", multiple=True, help="Such as source=newsletter; repeatable."
)


def invitee_params(
    answers: Sequence[str], utm: Sequence[str] = (), location: str | None = None
) -> dict[str, Any]:
    """Return `answers`, `tracking` and `location` of an action, as far as they are set. Raises UsageError."""
    params: dict[str, Any] = {}
    for text in answers:
        question, sign, answer = text.partition("=")
        if not sign or not question:
            raise UsageError(f"Invalid --answer {quoted(printable(text))}: expected QUESTION=ANSWER.")
        chosen = params.setdefault("answers", {})
        chosen[question] = [*_several(chosen[question]), answer] if question in chosen else answer
    if utm:
        pairs = key_values(tuple(utm))
        params["tracking"] = {f"utm_{key.removeprefix('utm_')}": value for key, value in pairs}
    if location:
        kind, _, place = location.partition("=")
        params["location"] = {"kind": kind} | ({"location": place} if place else {})
    return params


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
