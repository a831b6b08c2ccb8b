"""When a message that failed is tried again, and when its subscription is at an end. Pure; microseconds.

Calendly tells of an exponential back-off over 24 hours, and of no steps; these are a guess. A message is
retried for 24 hours, or until 24 hours after the booked event, whichever is later. A subscription to which
nothing got through for 24 hours is disabled, and that ends all its messages.
https://developer.calendly.com/api-docs/overview/webhooks/webhook-errors
"""

from ..world import times

FIRST_STEP = times.MINUTE
MAX_STEP = 6 * times.HOUR
PERIOD = times.DAY


def next_attempt(*, first: int, last: int, attempts: int, booked_end: int | None) -> int | None:
    """Give when to try again after so many failed attempts, in whole seconds; None for never again.

    Steps double. One attempt is made at the end of the 24 hours, whatever the steps, and one at the very end.
    """
    period_end = first + PERIOD
    end = max(period_end, (booked_end or first) + PERIOD)
    if last >= end:
        return None
    step = min(FIRST_STEP << min(attempts - 1, 16), MAX_STEP)
    at = min(last + step, end)
    if last < period_end:
        at = min(at, period_end)
    return -(-at // times.SECOND) * times.SECOND  # what failed in one second is retried together


def should_disable(*, failing_since: int, now: int) -> bool:
    """Whether a subscription to which nothing got through since then is disabled by one more failure."""
    return now - failing_since >= PERIOD
