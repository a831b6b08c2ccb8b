"""Outcomes of calls as plain JSON: what is recorded of a result, an error and the input of a step."""

import json
from collections.abc import Iterable
from typing import Any, Final

from ...contract import ActionInfo, Plain, Result
from ...errors import (
    ConnectorError,
    InvalidCredential,
    PartlyDone,
    SignInRequired,
    Unauthenticated,
    UnknownCredential,
    UsageError,
    VaultError,
)
from ..flows.model import Row
from .moves import Outcome

MASKED: Final = "(secret)"
_PAUSING: Final = (InvalidCredential, SignInRequired, Unauthenticated, UnknownCredential, VaultError)


class ConnectorMissing(UsageError):
    """A flow's connector isn't installed in this process."""

    code = "connector_missing"


class ConnectorFault(ConnectorError):
    """A connector raised an error that its contract doesn't know. A write may have happened."""

    code = "connector_fault"
    may_have_happened = True


def as_connector_error(error: Exception) -> ConnectorError:
    """Return an error of the contract as it is, and any other as a fault of the connector."""
    if isinstance(error, ConnectorError):
        return error
    return ConnectorFault(
        f"The connector failed with {type(error).__name__}.", fix="Report it to the connector's maintainers."
    )


def plain(outcome: Outcome) -> Outcome:
    """Return an outcome as JSON returns it, so that a run sees the same before and after a crash."""
    same: Outcome = json.loads(json.dumps(outcome, default=str))
    return same


def from_result(result: Result) -> Outcome:
    """Return the outcome of a call that succeeded."""
    return {
        "state": "ok",
        "record": result.record,
        "records": result.records,
        "extra": result.extra,
        "complete": result.complete,
        "calls": result.calls,
        "warnings": list(result.warnings),
    }


def from_error(error: ConnectorError) -> Outcome:
    """Return the outcome of a call that certainly had no effect, or only read."""
    if isinstance(error, (ConnectorMissing, *_PAUSING)) and not error.retryable:
        return {"state": "paused", "error": described(error)}
    # Only calls that are safe to repeat get here after a lost reply, so they are tried again.
    again = error.retryable or getattr(error, "may_have_happened", False)
    again = again and not isinstance(error, (ConnectorFault, PartlyDone))
    wait = getattr(error, "retry_after_s", None)
    return {"state": "failed", "error": described(error), "retryable": again, "retry_after_s": wait}


def described(error: ConnectorError) -> dict[str, Any]:
    """Return an error for display: what is wrong, and what to do."""
    shown = {"code": error.code, "message": error.message, "fix": error.fix, "retryable": error.retryable}
    return shown | ({"done": error.done} if isinstance(error, PartlyDone) else {})


def shown_input(action: ActionInfo, rows: Iterable[Row]) -> list[list[Any]]:
    """Return the rows of a call with its secrets masked. Functions stay as they are written."""
    properties = action.input.get("properties", {})
    secret = {name for name, schema in properties.items() if schema.get("writeOnly")}
    return [[key, MASKED if _name(key) in secret else _without_marks(value)] for key, value in rows]


def _without_marks(value: Any) -> Any:
    """Return a value of a row with each `Plain` replaced by what it holds."""
    if isinstance(value, Plain):
        return value.value
    if isinstance(value, dict):
        return {name: _without_marks(inner) for name, inner in value.items()}
    return [_without_marks(inner) for inner in value] if isinstance(value, list) else value


def _name(key: str) -> str:
    return key.partition(".")[0].removesuffix("[]")
