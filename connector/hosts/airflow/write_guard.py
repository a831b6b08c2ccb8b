"""Sends a write at most once, even if its worker dies.

Airflow runs a task again if its worker died, whatever its `retries`, and doesn't know what the worker had
sent. So the guard records the write in Airflow's store for the tries of a task: before it is sent, and again
with its result.

| recorded by an earlier try | this try |
|---|---|
| sent | fails, since the write may have happened |
| failed | fails the same way, until the task is cleared |
| done | returns the stored result, until the task is cleared |

See docs/decisions/airflow-write-guard.md.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ...errors import ConnectorError, NoAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk import Context

_KEY: Final = "calendly_write"


def send_once(context: Context, action: str, send: Callable[[], Any]) -> Any:
    """Return the result of `send`, from this try or an earlier one. Raises NoAnswer if it is unknown."""
    store = context["task_state_store"]
    tries = context["ti"].max_tries  # clearing a task raises it; a retry, or a reset after a death, doesn't
    record: Any = store.get(_KEY) or {"state": "none", "tries": tries}
    cleared = record["tries"] != tries
    if record["state"] == "done" and not cleared:
        return record["result"]
    if record["state"] == "sent" or (record["state"] == "failed" and not cleared):
        store.set(_KEY, {**record, "state": "failed", "tries": tries})
        raise NoAnswer(
            f"{action}: an earlier try sent this at {record['at']}, and its answer was lost. It may have "
            "happened, so it was not sent again.",
            fix="Look for its result in Calendly. If it is there, mark the task as success; if not, clear "
            "the task to send it again.",
            reason="broken",
            may_have_happened=True,
        )
    attempt = {"tries": tries, "at": datetime.now(UTC).isoformat(timespec="seconds")}
    store.set(_KEY, {"state": "sent", **attempt})
    try:
        result = send()
    except ConnectorError as error:
        if error.retryable:  # a retryable error of a write means that nothing happened
            store.delete(_KEY)
        else:
            store.set(_KEY, {"state": "failed", **attempt})
        raise
    store.set(_KEY, {"state": "done", "result": result, **attempt})
    return result
