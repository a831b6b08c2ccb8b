"""Control of runs: starting, replaying and deciding them, queueing their turns, and finding lost ones."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

from ...contract import Event
from ...errors import UsageError
from ...support.clock import Timing
from . import history
from .flow_store import FlowStore
from .run_store import FLOW_REMOVED, REMOVED_NOTE, JsonObject, Run, RunStore, workflow_id
from .settings import EngineSettings

QUEUE: Final = "agent"
StartedBy = Literal["triggered", "polling", "manual"]
ENDED: Final = ("done", "filtered", "failed")

_AT_A_TIME: Final = 200
_GIVEN_UP: Final = {
    "code": "given_up",
    "message": "Every process that carried it out ended meanwhile.",
    "fix": "Look at the logs of the agent, then replay the run.",
}


class Control:
    """Decides which turns runs have. `workflow` returns DBOS's workflow, and starts DBOS if needed."""

    def __init__(
        self,
        flows: FlowStore,
        runs: RunStore,
        settings: EngineSettings,
        timing: Timing,
        workflow: Callable[[], Callable[..., Any]],
    ) -> None:
        self._flows = flows
        self._runs = runs
        self._settings = settings
        self.timing = timing
        self._workflow = workflow

    def start_run(
        self,
        name: str,
        event: Event | JsonObject | None = None,
        *,
        run_id: str = "",
        matched: bool = False,
        by: StartedBy = "manual",
        traceparent: str = "",
    ) -> str:
        """Start a run, once for each `run_id`; the default follows from the event's id. Return the run id.

        When this returns, the run is in the database. If `matched`, the flow's trigger already wants it.
        Its spans continue the trace of `traceparent`. Raises UnknownFlow.
        """
        given = as_json(event) if event is not None else None
        this = run_id or f"{name}:{given['id'] if given else secrets.token_hex(8)}"
        trigger = {"by": by, "event": given, "matched": matched, "traceparent": traceparent}
        self._runs.add(this, name, trigger, self.timing.clock())
        self.enqueue(name, this, 0, trigger, {})
        return this

    def replay(self, run_id: str, *, from_step: str | None = None, version: int | None = None) -> None:
        """Carry a run out again from a step, or from the first that didn't succeed.

        Raises UsageError for a run that needs a person: its write would be sent again, blindly.
        """
        run = self._ended(run_id)
        if run.state == "needs_person":
            raise UsageError(
                f"Nobody knows yet whether a write of the run {run_id!r} happened.",
                fix="Say so first: flow decide.",
            )
        if from_step:
            flow = self._flows.flow(run.flow, version or self._flows.get(run.flow).version)
            known = [step.id for step in flow.steps]
            if from_step not in known:
                raise UsageError(
                    f"The flow has no step {from_step!r}.", fix=f"Choose one of {', '.join(known)}."
                )
        self._next_turn(run, {"mode": "replay", "from_step": from_step, "version": version})

    def decide(self, run_id: str, *, happened: bool, record: JsonObject | None = None) -> None:
        """Say for a run that needs a person whether its write happened; then it goes on."""
        run = self._ended(run_id)
        if run.state != "needs_person":
            raise UsageError(f"The run {run_id!r} doesn't need a decision: it is {run.state}.")
        self._next_turn(
            run, {"mode": "decided", "call": run.note["call"], "happened": happened, "record": record}
        )

    def go_on_after_repairs(self) -> None:
        """Queue the runs that were paused with their flow, if it is active again."""
        for run in self._runs.released(_AT_A_TIME):
            self._next_turn(run, {"mode": "go_on"})

    def look_for_strays(self) -> None:
        """Note runs that DBOS gave up, and queue those whose process died before it could."""
        now = self.timing.clock()
        waiting = self._runs.waiting_since(now - 4 * self._settings.lease_s, _AT_A_TIME)
        ids = [run.workflow for run in waiting]
        found = DBOS.list_workflows(workflow_ids=ids, load_input=False, load_output=False) if ids else []
        states = {one.workflow_id: one.status for one in found}
        for run in waiting:
            state = states.get(run.workflow)
            if state is None and run.turn == 0:
                self.enqueue(run.flow, run.id, 0, run.trigger, {})
            elif state in history.GIVEN_UP:
                self._runs.turn_ended(
                    run.id, run.turn, state="failed", version=run.version, note=_GIVEN_UP, now=now
                )

    def clean_up(self) -> int:
        """Delete runs that ended longer ago than they are kept. Return how many.

        A webhook that is delivered again after that becomes a new run.
        """
        runs = self._runs.ended_before(self.timing.clock() - self._settings.retention_s, ENDED, _AT_A_TIME)
        if runs:
            DBOS.delete_workflows([workflow_id(run.id, turn) for run in runs for turn in range(run.turn + 1)])
            self._runs.delete(runs)
        return len(runs)

    def _next_turn(self, run: Run, options: JsonObject) -> None:
        options = {**options, "previous": run.workflow}
        self.enqueue(run.flow, run.id, run.turn + 1, run.trigger, options)
        self._runs.turn_queued(run.id, run.turn + 1)

    def enqueue(
        self,
        name: str,
        run_id: str,
        turn: int,
        trigger: JsonObject,
        options: JsonObject,
        *,
        delay_s: float = 0.0,
    ) -> None:
        """Queue a turn, once. Within a workflow DBOS records that."""
        workflow = self._workflow()
        with SetWorkflowID(workflow_id(run_id, turn)), SetEnqueueOptions(delay_seconds=delay_s or None):
            DBOS.enqueue_workflow(QUEUE, workflow, name, run_id, turn, trigger, options)

    def _ended(self, run_id: str) -> Run:
        run = self._runs.get(run_id)
        if run.note.get("code") == FLOW_REMOVED:
            raise UsageError(f"The flow of the run {run_id!r} was removed.", fix=REMOVED_NOTE["fix"])
        self._flows.require(run.flow)
        if run.state in history.UNDER_WAY:
            raise UsageError(f"The run {run_id!r} hasn't ended.", fix="Wait until it has.")
        return run


def as_json(event: Event | Mapping[str, Any]) -> JsonObject:
    """Return an event as plain JSON."""
    if isinstance(event, Mapping):
        return dict(event)
    return {
        "id": event.id,
        "kind": event.kind,
        "created_at": event.created_at,
        "created_by": event.created_by,
        "payload": event.payload,
    }
