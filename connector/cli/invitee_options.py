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
utm_option = click.option(
    "--utm", metavar="KEY=VALUE", multiple=True, help="Such as source=newsletter; repeatable."
)


def invitee_params(answers: Sequence[str], utm: Sequence[str]) -> dict[str, Any]:
    """Return `answers` and `tracking` of an action, if there are any. Raises UsageError."""
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
    return params


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
