"""Whether a failed request is sent again, and when. Pure. The client calls it after every error.

See docs/decisions/no-blind-write.md.
"""

from typing import Final

from ..errors import CalendlyDown, ConnectorError, NoAnswer, RateLimited, Rejected
from .request import Request

DEFAULT_WAIT_S: Final = 60.0  # after a 429 that names no time
_FIRST_BACKOFF_S: Final = 0.5
_MAX_BACKOFF_S: Final = 30.0
_LOST: Final = frozenset({"timeout", "broken", "refused"})  # other reasons don't go away within seconds


def retry_delay_s(request: Request, error: ConnectorError, attempt: int, jitter: float) -> float | None:
    """Return how long to wait before the next attempt, in seconds, or None to give up.

    `attempt` counts from 1, `jitter` is a random number from 0 to 1. A 429, and a rejection marked as
    retryable, can always be retried, because nothing happened. A 5xx or a lost reply is retried only if
    the request is repeatable or certainly never arrived.
    """
    if isinstance(error, RateLimited):
        return error.retry_after_s if error.retry_after_s is not None else DEFAULT_WAIT_S
    retry = (
        (isinstance(error, Rejected) and error.retryable)
        or (isinstance(error, CalendlyDown) and request.repeatable)
        or (
            isinstance(error, NoAnswer)
            and error.reason in _LOST
            and (request.repeatable or not error.may_have_happened)
        )
    )
    if not retry:
        return None
    backoff_s = jitter * min(_MAX_BACKOFF_S, _FIRST_BACKOFF_S * 2.0**attempt)
    retry_after_s = error.retry_after_s if isinstance(error, CalendlyDown) else None
    return max(backoff_s, retry_after_s or 0.0)
