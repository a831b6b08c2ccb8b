"""What is taken from a reply: how many records, which page token, how many words of an error. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

LONGEST_WORDS: Final = 500  # characters of a text of an error
MOST_DETAILS: Final = 10

_MOST_RECORDS: Final = 10_000  # of a reply to a request that does not say how many it wants
_FEWEST_TAKEN: Final = 200  # records of a reply, however few were asked for
_MOST_FIELDS: Final = 100  # of the query of `next_page`
_LARGEST_ERROR: Final = 64 * 1024  # bytes


def most_records(query: Iterable[tuple[str, str]]) -> int:
    """Return how many records a page may hold: twice as many as were asked for."""
    count = dict(query).get("count", "")
    return max(2 * int(count), _FEWEST_TAKEN) if count.isdecimal() else _MOST_RECORDS


def next_token(pagination: Any) -> str | None:
    """Return the token of the next page, from the query of `next_page` if it does not stand by itself.

    ValueError says what is wrong. An address without a token must not pass for the end of the list.
    """
    told = pagination or {}
    token, address = (
        (told.get("next_page_token"), told.get("next_page")) if isinstance(told, dict) else (0, 0)
    )
    if not isinstance(token, str | None) or not isinstance(address, str | None):
        raise ValueError("JSON that has no readable pagination")  # noqa: TRY004 - it is a reply's mistake
    if token or not address:
        return token or None
    try:
        tokens = parse_qs(urlsplit(address).query, max_num_fields=_MOST_FIELDS).get("page_token", [])
    except ValueError:
        tokens = []
    if len(tokens) != 1:
        raise ValueError("a next_page that has no page token, so the rest of the list cannot be read")
    return tokens[0]


def shortened(told: Mapping[str, Any], details: Iterable[Mapping[str, Any]], size: int) -> Mapping[str, Any]:
    """Return what a refusal of `size` bytes says; of a very long one the beginnings of its texts."""
    if size <= _LARGEST_ERROR:
        return told
    return {**_beginnings(told), "details": [_beginnings(detail) for detail in list(details)[:MOST_DETAILS]]}


def _beginnings(told: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name: value for name, value in told.items() if isinstance(value, str)}
    return {name[:LONGEST_WORDS]: texts[name][:LONGEST_WORDS] for name in list(texts)[:MOST_DETAILS]}
