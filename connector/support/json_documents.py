"""JSON from strangers, within limits: whatever is read can also be walked, masked and written again."""

from typing import Any, Final

LARGEST: Final = 64 * 1024 * 1024  # bytes of a reply; a page of 100 records is well under one MiB
DEEPEST: Final = 100  # levels of objects and lists; Calendly's own replies have fewer than ten

_DEEPEST_WRITTEN: Final = 254  # levels that orjson writes; it reads 1,024


class TooDeepError(ValueError):
    """The document is JSON, but nested deeper than anything that Calendly sends."""


def parse(body: bytes) -> Any:
    """Return the JSON document in a body. Raises ValueError, TooDeepError where it is nested too deep."""
    import orjson

    document = orjson.loads(body)
    # A short document, a webhook for one, has too few brackets to be deep.
    if body.count(b"{") + body.count(b"[") > DEEPEST and not is_writable(document):
        raise TooDeepError(f"nested more than {DEEPEST} levels deep")
    return document


def is_writable(value: Any) -> bool:
    """Whether a value can be written as JSON of at most `DEEPEST` levels."""
    import orjson

    # Writing takes a quarter of the time of a walk in Python, so the value is put below as many levels as lie
    # between our limit and orjson's.
    for _ in range(_DEEPEST_WRITTEN - DEEPEST):
        value = [value]
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True
