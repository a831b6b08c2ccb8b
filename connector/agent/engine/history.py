"""Runs for display: what DBOS recorded, in the words of flows. No secret is recorded, so all is shown."""

from typing import Any, Final

from dbos import DBOS

from .moves import Outcome
from .recall import step_of
from .run_store import JsonObject, Run, workflow_id

GIVEN_UP: Final = frozenset({"CANCELLED", "ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})  # by DBOS


def summary(run: Run) -> JsonObject:
    """Return a run in one row."""
    event = run.trigger.get("event") or {}
    return {
        "id": run.id,
        "flow": run.flow,
        "state": state(run),
        "version": run.version,
        "event": {key: event.get(key) for key in ("id", "kind", "created_at")} if event else None,
        "note": run.note,
        "created_at": run.created_at,
        "ended_at": run.ended_at,
    }


def state(run: Run) -> str:
    """Return the state of a run: waiting, running, delayed, paused, done, filtered, failed, needs_person."""
    if run.state not in {"waiting", "delayed"}:
        return run.state
    found = DBOS.get_workflow_status(run.workflow)
    if found is None:
        return run.state
    if found.status == "PENDING":
        return "running"
    if found.status in GIVEN_UP:
        return "failed"
    return run.state


def shown(run: Run, now_state: str, begin: str) -> JsonObject:
    """Return a run with its calls: each attempt with its input, output, duration and error."""
    calls: list[JsonObject] = []
    for turn in range(run.turn + 1):
        for one in DBOS.list_workflow_steps(workflow_id(run.id, turn)):
            output = one["output"]
            if one["function_name"] == begin or not isinstance(output, dict) or "attempt" not in output:
                continue
            started, completed = one["started_at_epoch_ms"] or 0, one["completed_at_epoch_ms"] or 0
            calls.append(_call(one["function_name"], turn, output, started, completed))
    return summary(run) | {"state": now_state, "trigger": run.trigger, "calls": calls}


def _call(key: str, turn: int, outcome: Outcome, started_ms: int, completed_ms: int) -> JsonObject:
    return {
        "step": step_of(key),
        "call": key,
        "turn": turn,
        "attempt": outcome["attempt"],
        "action": outcome.get("action", ""),
        "state": outcome["state"],
        "input": outcome.get("input", []),
        "output": {key: outcome[key] for key in ("record", "records", "extra") if outcome.get(key)},
        "api_calls": outcome.get("calls", 0),
        "error": outcome.get("error"),
        "message": outcome.get("message", ""),
        "started_at": started_ms / 1000,
        "duration_s": (completed_ms - started_ms) / 1000,
    }


def decided(last: Outcome, happened: bool, record: JsonObject | None) -> Outcome:
    """Return the outcome that a person decided on."""
    if not happened:
        return last | {"state": "not_done", "error": None}
    found: dict[str, Any] = {"state": "ok", "record": record, "records": [], "extra": {}, "complete": True}
    return last | found | {"calls": 0, "warnings": ["A person said that it happened."]}


def oldest_age(status: str, now: float) -> float | None:
    """Return the age of the oldest workflow with a DBOS status, in seconds; None without one."""
    found = DBOS.list_workflows(status=status, limit=1, load_input=False, load_output=False)
    created = found[0].created_at if found else None
    return max(0.0, now - created / 1000) if created else None
