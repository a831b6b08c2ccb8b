"""A write that is sent once, whatever becomes of the worker that sends it.

Airflow runs a task again when its worker died, `retries` or not, and does not know what the worker had
sent. So a write is noted in the store that Airflow keeps for the tries of a task: before it is sent, and
again with its result.

| the note of an earlier try | what this try does |
|---|---|
| sent | it fails, since the write may have happened |
| failed | the same, until the task is cleared |
| done | it returns the result of then, until the task is cleared |
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ...errors import ConnectorError, NoAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk import Context

_KEY: Final = "calendly_write"


def once(context: Context, action: str, send: Callable[[], Any]) -> Any:
    """Return what `send` returns, or returned in an earlier try. Raises NoAnswer where that is not known."""
    store = context["task_state_store"]
    tries = context["ti"].max_tries  # clearing a task raises it; a retry, or a reset after a death, does not
    note: Any = store.get(_KEY) or {"state": "none", "tries": tries}
    cleared = note["tries"] != tries
    if note["state"] == "done" and not cleared:
        return note["result"]
    if note["state"] == "sent" or (note["state"] == "failed" and not cleared):
        store.set(_KEY, {**note, "state": "failed", "tries": tries})
        raise NoAnswer(
            f"{action}: an earlier try sent this at {note['at']}, and its answer was lost. It may have "
            "happened, so it was not sent again.",
            fix="Look for its result in Calendly. If it is there, mark the task as success; if not, clear "
            "the task to send it again.",
            reason="broken",
            may_have_happened=True,
        )
    noted = {"tries": tries, "at": datetime.now(UTC).isoformat(timespec="seconds")}
    store.set(_KEY, {"state": "sent", **noted})
    try:
        result = send()
    except ConnectorError as error:
        if error.retryable:  # of a write this says that nothing happened
            store.delete(_KEY)
        else:
            store.set(_KEY, {"state": "failed", **noted})
        raise
    store.set(_KEY, {"state": "done", "result": result, **noted})
    return result
