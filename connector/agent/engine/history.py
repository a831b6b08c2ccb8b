"""Runs for display: what DBOS recorded, in the words of flows. No secret is recorded, so all is shown."""

from collections.abc import Sequence
from typing import Any, Final

from dbos import DBOS

from .moves import Outcome
from .recall import step_of
from .run_store import JsonObject, Run, workflow_id

UNDER_WAY: Final = frozenset({"waiting", "delayed"})  # states of which DBOS knows more
GIVEN_UP: Final = frozenset({"CANCELLED", "ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})  # by DBOS


def summaries(runs: Sequence[Run]) -> list[JsonObject]:
    """Return each run in one row."""
    waiting = [run.workflow for run in runs if run.state in UNDER_WAY]
    found = DBOS.list_workflows(workflow_ids=waiting, load_input=False, load_output=False) if waiting else []
    statuses = {one.workflow_id: one.status for one in found}
    return [_summary(run, statuses.get(run.workflow, "")) for run in runs]


def _summary(run: Run, status: str) -> JsonObject:
    event = run.trigger.get("event") or {}
    return {
        "id": run.id,
        "short_id": run.short_id,
        "flow": run.flow,
        "state": _state(run, status),
        "by": run.trigger["by"],
        "version": run.version,
        "event": {key: event.get(key) for key in ("id", "kind", "created_at")} if event else None,
        "note": run.note,
        "created_at": run.created_at,
        "ended_at": run.ended_at,
    }


def _state(run: Run, status: str) -> str:
    """Return the state of a run, from its own and the status that DBOS gives to its workflow."""
    if run.state not in UNDER_WAY:
        return run.state
    if status == "PENDING":
        return "running"
    return "failed" if status in GIVEN_UP else run.state


def shown(run: Run, begin: str) -> JsonObject:
    """Return a run with its calls: each attempt with its input, output, duration and error."""
    calls: list[JsonObject] = []
    for turn in range(run.turn + 1):
        for one in DBOS.list_workflow_steps(workflow_id(run.id, turn)):
            output = one["output"]
            if one["function_name"] == begin or not isinstance(output, dict) or "attempt" not in output:
                continue
            started, completed = one["started_at_epoch_ms"] or 0, one["completed_at_epoch_ms"] or 0
            calls.append(_call(one["function_name"], turn, output, started, completed))
    (summary,) = summaries([run])
    return summary | {"trigger": run.trigger, "calls": calls}


def _call(key: str, turn: int, outcome: Outcome, started_ms: int, completed_ms: int) -> JsonObject:
    return {
        "step": step_of(key),
        "call": key,
        "turn": turn,
        "attempt": outcome["attempt"],
        "action": outcome.get("action", ""),
        "connection": outcome.get("connection", ""),
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
