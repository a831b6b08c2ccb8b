"""Decide when to retry a failed webhook message and when to disable its subscription. Pure; microseconds.

Calendly documents an exponential back-off over 24 hours, but not its steps; these are a guess. A message is
retried for 24 hours, or until 24 hours after the booked event, whichever is later. A subscription without a
successful delivery for 24 hours is disabled, and all its messages are given up.
https://developer.calendly.com/api-docs/overview/webhooks/webhook-errors
"""

from ..world import times

FIRST_STEP = times.MINUTE
MAX_STEP = 6 * times.HOUR
PERIOD = times.DAY


def next_attempt(*, first: int, last: int, attempts: int, booked_end: int | None) -> int | None:
    """Return when to retry after `attempts` failures, rounded up to whole seconds; None for no more retries.

    The steps double. There is always an attempt at the end of the first 24 hours and one at the very end.
    """
    period_end = first + PERIOD
    end = max(period_end, (booked_end or first) + PERIOD)
    if last >= end:
        return None
    step = min(FIRST_STEP << min(attempts - 1, 16), MAX_STEP)
    at = min(last + step, end)
    if last < period_end:
        at = min(at, period_end)
    return -(-at // times.SECOND) * times.SECOND  # failures of the same second are retried together


def should_disable(*, failing_since: int, now: int) -> bool:
    """Check whether a failure now disables a subscription that has been failing since a time."""
    return now - failing_since >= PERIOD
