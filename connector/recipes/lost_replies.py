"""A write whose reply is lost: a look-up finds out whether it happened.

See docs/decisions/no-blind-write.md.
"""

from collections.abc import Callable
from copy import copy
from typing import Final

from ..contract import Params, Record
from ..errors import CalendlyDown, ConnectorError, NoAnswer, UnexpectedAnswer
from .steps import Steps

LookUp = Callable[[], Record | None]
"""Returns the record that a write made or changed, or None if it didn't happen."""

_LATE: Final = "timeout"  # the write may still be on its way


def write(steps: Steps, action: str, params: Params, look_up: LookUp, *, what: str) -> Record:
    """Run a write and return its record; if the reply is lost, return what the look-up finds.

    If it finds nothing, the error says that `what` (such as "the booking") doesn't exist; if the look-up
    fails, too, the error is the one about the lost reply.
    """
    try:
        return steps.run(action, params)
    except (NoAnswer, CalendlyDown, UnexpectedAnswer) as error:
        if not getattr(error, "may_have_happened", True):
            raise
        try:
            found = look_up()
        except ConnectorError:
            raise error from None
        if found is None:
            raise _not_there(error, what) from None
    steps.warnings.append(f"The reply to {action} was lost. A look-up found that it was done.")
    return found


def _not_there(error: ConnectorError, what: str) -> ConnectorError:
    """Return a lost reply's error with what the look-up found."""
    explained = copy(error)
    if getattr(error, "reason", "") == _LATE:
        explained.message = f"{error.message} A look-up didn't find {what}, but it may still appear."
        explained.fix = "Look again in a minute before you repeat it."
        return explained
    explained.message = f"{error.message} A look-up didn't find {what}, so nothing happened."
    explained.fix = "Run it again."
    explained.retryable = True
    if hasattr(explained, "may_have_happened"):
        explained.may_have_happened = False
    return explained
