"""Settles a write whose reply was lost: done, not done, or unknown and what a person can do.

See docs/decisions/lost-writes-looked-up.md.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, Final

from ..calls.inputs import CheckedInputs, Inputs
from ..catalog import expressions
from ..catalog.expressions import FunctionCall
from ..catalog.look_ups import LookUpRule
from ..catalog.models import Action
from ..contract import Settled
from ..errors import ConnectorError, UsageError
from . import look_ups
from .look_ups import Findings
from .steps import Steps

Resolve = Callable[[FunctionCall], Any]

STILL_RUNNING_S: Final = 120.0
"""How long Calendly may still work on a request after its deadline has passed here."""

_SHOWN: Final = 5


def settle(
    steps: Steps,
    inputs: Inputs,
    checked: CheckedInputs,
    *,
    sent_at: float,
    deadline_s: float,
    resolve_then: Resolve,
) -> Settled:
    """Look a write up, and judge what was found. Only a wrong call raises: UsageError.

    `deadline_s` is how long a call may take, and `resolve_then` returns a function's value as of `sent_at`.
    """
    action, rule = checked.action, checked.action.look_up
    if action.effect == "read":
        raise UsageError(f"{action.id} only reads, so there is nothing to settle.", fix="Run it again.")
    try:
        sent = datetime.fromtimestamp(sent_at, UTC)
        since, over = sent - look_ups.CLOCKS_DIFFER, sent + timedelta(seconds=deadline_s + STILL_RUNNING_S)
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"sent_at isn't a time: {sent_at!r}.", fix="Pass it in unix seconds.") from None
    if rule is None:
        return _unknown(action, action.no_look_up or f"{action.id} has no look-up.")
    try:
        moved = _moved(checked.filter, rule, inputs.functions.resolve, resolve_then)
        if moved:
            return _unknown(action, f"{moved} has a function, whose value at that time isn't known.")
        [values] = inputs.resolve(checked)
        found = look_ups.find(steps, rule, values, since)
    except ConnectorError as error:
        return _unknown(action, f"The look-up of {action.id} failed: {error.message}", error.fix)
    doubt = found.doubt or next(iter(steps.warnings), "")
    return _judge(action, rule, Findings(found.records, doubt), wait=over - steps.now)


def _judge(action: Action, rule: LookUpRule, found: Findings, wait: timedelta) -> Settled:
    if len(found.records) == 1:
        return Settled("done", f"{action.id} was done: {rule.description}.", record=found.records[0] or None)
    if found.records:
        uris = [str(record["uri"]) for record in found.records[:_SHOWN] if record.get("uri")]
        text = f"{len(found.records)} records fit, so it can't be decided which one {action.id} made."
        return _unknown(action, text, f"Look at them: {', '.join(uris)}." if uris else "")
    missing = f"{rule.action} doesn't show that {rule.description}"
    if found.doubt:
        return _unknown(action, f"{missing}, but that decides nothing: {found.doubt.rstrip('.')}.")
    if wait > timedelta():
        text = f"{missing}, but it may still be under way."
        return _unknown(action, text, f"Look again in {ceil(wait.total_seconds())} s.")
    return Settled("not_done", f"{action.id} was not done: {missing}.")


def _unknown(action: Action, message: str, fix: str = "") -> Settled:
    if action.safe_to_repeat:
        repeating = "It is safe to run it again."
    elif action.look_up:
        repeating = "Check it in Calendly before you run it again."
    else:
        repeating = "If you run it again, it may be done twice."
    return Settled("unknown", message, fix=f"{fix} {repeating}".strip())


def _moved(written: Mapping[str, Any], rule: LookUpRule, now: Resolve, then: Resolve) -> str:
    """Return an input that the look-up needs and whose functions have other values now than then.

    If the values are equal, so were those in between, when the write was sent.
    """
    used = dict.fromkeys(path.partition(".")[0] for path in rule.by)
    for name in used:
        value = written.get(name)
        if expressions.calls(value) and (
            expressions.evaluate(value, now) != expressions.evaluate(value, then)
        ):
            return name
    return ""
