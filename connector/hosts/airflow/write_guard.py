"""Sends a write at most once, even if its worker dies.

Airflow runs a task again if its worker died, whatever its `retries`, and doesn't know what the worker had
sent. So the guard records the write in Airflow's store for the tries of a task: before it is sent, and again
with its result.

| recorded by an earlier try | this try |
|---|---|
| sent | looks it up: returns what it made, sends it if it wasn't done, fails if that can't be decided |
| failed | fails the same way, until the task is cleared |
| done | returns the stored result, until the task is cleared |

See docs/decisions/airflow-write-guard.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ...errors import CalendlyDown, ConnectorError, NoAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk import Context

    from ...contract import Settled

_KEY: Final = "calendly_write"


@dataclass(frozen=True, slots=True)
class GuardedWrite:
    """A write: `send` runs it and returns the task's result.

    `settle` looks up whether it happened, given when it was sent (unix seconds). `adopt` returns the task's
    result from what was found.
    """

    action: str
    send: Callable[[], Any]
    settle: Callable[[float], Settled]
    adopt: Callable[[Settled], Any]


def send_once(context: Context, write: GuardedWrite) -> Any:
    """Return the result of a write, from this try or an earlier one. Raises NoAnswer if it is unknown."""
    store = context["task_state_store"]
    tries = context["ti"].max_tries  # clearing a task raises it; a retry, or a reset after a death, doesn't
    record: Any = store.get(_KEY) or {"state": "none", "tries": tries}
    cleared = record["tries"] != tries
    if record["state"] == "done" and not cleared:
        return record["result"]
    if record["state"] == "failed" and not cleared:
        raise _unknown(write.action, record["at"])
    if record["state"] == "sent":
        settled = write.settle(datetime.fromisoformat(record["at"]).timestamp())
        if settled.state == "done":
            return _done(store, {**record, "tries": tries}, write.adopt(settled))
        if settled.state == "unknown":
            store.set(_KEY, {**record, "state": "failed", "tries": tries})
            raise _unknown(write.action, record["at"], settled)
    now = datetime.now(UTC)
    attempt = {"tries": tries, "at": now.isoformat(timespec="seconds")}
    store.set(_KEY, {"state": "sent", **attempt})
    try:
        result = write.send()
    except ConnectorError as error:
        if isinstance(error, NoAnswer | CalendlyDown) and error.may_have_happened:
            settled = write.settle(now.timestamp())
            if settled.state == "done":
                return _done(store, attempt, write.adopt(settled))
        if error.retryable:  # a retryable error of a write means that nothing happened
            store.delete(_KEY)
        else:
            store.set(_KEY, {"state": "failed", **attempt})
        raise
    return _done(store, attempt, result)


def _done(store: Any, attempt: dict[str, Any], result: Any) -> Any:
    store.set(_KEY, {**attempt, "state": "done", "result": result})
    return result


def _unknown(action: str, sent_at: str, settled: Settled | None = None) -> NoAnswer:
    found = f" {settled.message}" if settled else ""
    return NoAnswer(
        f"{action}: an earlier try sent this at {sent_at}, and its answer was lost.{found} It may have "
        "happened, so it was not sent again.",
        fix="Look for its result in Calendly. If it is there, mark the task as success; if not, clear "
        "the task to send it again.",
        reason="broken",
        may_have_happened=True,
    )
