"""What a record must hold for us to go on; where it does not, the reply is to blame, not the caller."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from ..errors import InvalidParams, UnexpectedAnswer

_FIX: Final = "Try again; if it happens again, report it."


def text_in(record: Any, name: str, reply: str) -> str:
    """Return a text that a record must have. `reply` names the action whose reply the record is from."""
    value = record.get(name) if isinstance(record, dict) else None
    if isinstance(value, str) and value:
        return value
    wrong = "is missing" if value in (None, "") else "is not text"
    raise UnexpectedAnswer(f"The reply to {reply} has a record whose {name} {wrong}.", fix=_FIX)


def uri_in(record: Any, name: str, reply: str) -> str:
    """Return a URI that a record must have; anything else could be looked up as a name."""
    uri = text_in(record, name, reply)
    if uri.startswith(("https://", "http://")):
        return uri
    raise UnexpectedAnswer(f"The reply to {reply} has a record whose {name} is not a URI.", fix=_FIX)


def texts_in(record: Any, name: str, reply: str) -> list[str]:
    """Return a list of texts that a record must have."""
    value = record.get(name) if isinstance(record, dict) else None
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise UnexpectedAnswer(
        f"The reply to {reply} has a record whose {name} is not a list of texts.", fix=_FIX
    )


@contextmanager
def taken_from(source: str) -> Iterator[None]:
    """Make calls whose inputs come from a reply or an event, and blame that where an input is refused."""
    try:
        yield
    except InvalidParams as error:
        problems = "; ".join(map(str, error.problems))
        raise UnexpectedAnswer(
            f"What {source} holds cannot be used ({error.action}: {problems}).", fix=_FIX
        ) from None
