"""What the headers of a reply say: rate limit, time to wait, difference between the clocks. Pure.

Header names are in lower case.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from ..contract import RateLimit

_DIGITS: Final = re.compile(r"[0-9]{1,9}")


def rate_limit(headers: Mapping[str, str]) -> RateLimit | None:
    """Return the `X-RateLimit-*` headers; None if `Limit` or `Remaining` is missing."""
    limit = _whole_number(headers.get("x-ratelimit-limit", ""))
    remaining = _whole_number(headers.get("x-ratelimit-remaining", ""))
    reset = _whole_number(headers.get("x-ratelimit-reset", ""))
    return None if limit is None or remaining is None else RateLimit(limit, remaining, reset)


def rate_limit_wait_s(headers: Mapping[str, str]) -> float | None:
    """Return how long to wait after a 429: `Retry-After`, else `X-RateLimit-Reset` (both in seconds)."""
    wait_s = retry_after_s(headers)
    if wait_s is None:
        reset = _whole_number(headers.get("x-ratelimit-reset", ""))
        return None if reset is None else float(reset)
    return wait_s


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return `Retry-After` in seconds. A date is compared with the reply's own `Date`."""
    after = headers.get("retry-after", "").strip()
    if (seconds := _whole_number(after)) is not None:
        return float(seconds)
    until, now = _timestamp(after), _timestamp(headers.get("date", ""))
    return None if until is None or now is None else max(0.0, until - now)


def clock_skew_s(headers: Mapping[str, str], sent: float, received: float) -> float | None:
    """Return how far our clock is ahead of the server's `Date`, measured halfway through the call."""
    date = _timestamp(headers.get("date", ""))
    # `Date` has whole seconds, so half a second is the best estimate of the part that is cut off.
    return None if date is None else (sent + received) / 2 - (date + 0.5)


def _timestamp(http_date: str) -> float | None:
    try:
        return parsedate_to_datetime(http_date).timestamp()
    except (ValueError, OverflowError):
        return None


def _whole_number(text: str) -> int | None:
    # `isdigit` would accept ², which `int` rejects.
    return int(text) if _DIGITS.fullmatch(text := text.strip()) else None
