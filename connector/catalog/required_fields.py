"""Fields that a record must have for the connector to continue. If not, the error names the reply."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from ..errors import InvalidParams, UnexpectedAnswer

_FIX: Final = "Try again. If it happens again, report it."


def text_in(record: Any, name: str, reply: str) -> str:
    """Return a required text of a record from the reply to the action `reply`. Raises UnexpectedAnswer."""
    value = record.get(name) if isinstance(record, dict) else None
    if isinstance(value, str) and value:
        return value
    wrong = "is missing" if value in (None, "") else "isn't text"
    raise UnexpectedAnswer(f"The reply to {reply} has a record whose {name} {wrong}.", fix=_FIX)


def uri_in(record: Any, name: str, reply: str) -> str:
    """Return a required URI of a record; another text could pass for a name. Raises UnexpectedAnswer."""
    uri = text_in(record, name, reply)
    if uri.startswith(("https://", "http://")):
        return uri
    raise UnexpectedAnswer(f"The reply to {reply} has a record whose {name} isn't a URI.", fix=_FIX)


def texts_in(record: Any, name: str, reply: str) -> list[str]:
    """Return a required list of texts of a record. Raises UnexpectedAnswer."""
    value = record.get(name) if isinstance(record, dict) else None
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise UnexpectedAnswer(f"The reply to {reply} has a record whose {name} isn't a list of texts.", fix=_FIX)


@contextmanager
def taken_from(source: str) -> Iterator[None]:
    """Turn InvalidParams into UnexpectedAnswer: the inputs come from `source`, not from the caller."""
    try:
        yield
    except InvalidParams as error:
        problems = "; ".join(map(str, error.problems))
        raise UnexpectedAnswer(
            f"Invalid values in {source} ({error.action}: {problems}).", fix=_FIX
        ) from None
