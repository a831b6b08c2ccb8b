"""Parses untrusted JSON within limits, so every parsed document can be traversed, masked and written.

See docs/decisions/limits-for-replies.md.
"""

from typing import Any, Final

MAX_BODY: Final = 64 * 1024 * 1024  # bytes of a reply; a page of 100 records has far less than one MiB
MAX_DEPTH: Final = 100  # levels of objects and lists; Calendly's own replies have fewer than ten

_ORJSON_MAX_DEPTH: Final = 254  # levels that orjson writes; it reads 1,024


class TooDeepError(ValueError):
    """The document is JSON, but nested deeper than anything Calendly sends."""


def parse(body: bytes) -> Any:
    """Return the JSON document in a body. Raises ValueError, or TooDeepError if it is nested too deeply."""
    import orjson

    document = orjson.loads(body)
    # A short document, such as a webhook, has too few brackets to be deep.
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH and not is_writable(document):
        raise TooDeepError(f"nested more than {MAX_DEPTH} levels deep")
    return document


def is_writable(value: Any) -> bool:
    """Return whether a value can be written as JSON with at most `MAX_DEPTH` levels."""
    import orjson

    # Writing is four times as fast as a walk in Python, so add as many levels as lie between our limit and
    # orjson's, and let orjson check.
    for _ in range(_ORJSON_MAX_DEPTH - MAX_DEPTH):
        value = [value]
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True
