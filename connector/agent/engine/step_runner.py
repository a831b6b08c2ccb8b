"""One call of a step: send it, or find out whether an earlier one happened. Errors become outcomes.

A write that isn't safe to repeat is noted in the database before it is sent. If its note is there already,
the process died meanwhile: then the connector's declared look-up decides, never a blind repeat.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ...contract import ActionInfo, Connection, PreparedCall
from ...errors import NoAnswer
from ...support.clock import Timing
from ..flows.model import Call, FlowConnection, Row
from ..telemetry import SpanReport, Telemetry
from .connections import Connections
from .database import Database, Interrupted
from .executors import Executors
from .moves import Move, Outcome, Settling
from .outcomes import as_connector_error, described, from_error, from_result, plain, shown_input
from .run_store import workflow_id

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StepCall:
    """A call with its rows, in a turn of a run. `key` names it within the run; `item` is of `for_each`."""

    flow: str
    run_id: str
    turn: int
    step: str
    item: int | None
    key: str
    connection: FlowConnection
    call: Call
    rows: Sequence[Row]
    timeout_s: float | None

    @property
    def workflow(self) -> str:
        """The DBOS workflow that makes the call."""
        return workflow_id(self.run_id, self.turn)


@dataclass(slots=True)
class StepRunner:
    """Runs calls. Threads may share it."""

    connections: Connections
    executors: Executors
    database: Database
    timing: Timing
    settling: Settling
    executor: str
    sure: Callable[[], bool]
    telemetry: Telemetry
    _running: dict[tuple[str, str], threading.Thread] = field(default_factory=dict)

    def perform(self, step_call: StepCall, move: Move, last: Outcome | None) -> Outcome:
        """Make a move, and return its outcome. Raises Interrupted if this process may not act any more."""
        flow, step = step_call.flow, step_call.step
        if move.kind == "send" and last is not None:
            self.telemetry.record_retry(flow, step, _code(last))
        with self.telemetry.step_span(flow, step, attempt=move.attempt, item=step_call.item) as span:
            outcome = self._perform(step_call, move, last)
            span.ended("done" if outcome["state"] == "ok" else outcome["state"], _code(outcome))
        if wait := outcome.get("retry_after_s"):
            self.telemetry.record_rate_limit_wait(step_call.connection.connector, wait)
        return outcome

    def _perform(self, step_call: StepCall, move: Move, last: Outcome | None) -> Outcome:
        shown: list[list[Any]] = []
        headroom = None
        try:
            with self.connections.open(step_call.connection) as connection:
                prepared = self._prepared(connection, step_call)
                shown = shown_input(prepared.action, step_call.rows)
                if move.kind == "settle" and last is not None:
                    outcome = self._settle(connection, prepared.action, step_call, last)
                else:
                    outcome = self._send(prepared, step_call, move.attempt)
                headroom = _headroom(connection)
        except Exception as error:  # noqa: BLE001 - a fault in one connector must not stop the others
            fault = as_connector_error(error)
            outcome = from_error(fault)
            if move.kind == "settle" and last is not None:
                if outcome["state"] == "paused":
                    outcome["was"] = last  # or else it would be sent again
                else:
                    outcome = self._undecided(last, str(fault), "")
        used = step_call.connection
        named = {"action": step_call.call.action, "connection": f"{used.connector}/{used.credential}"}
        known = {"headroom": headroom} if headroom else {}
        return plain(outcome | {"attempt": move.attempt, "input": shown, **named, **known})

    def _call_span(self, step_call: StepCall) -> AbstractContextManager[SpanReport]:
        return self.telemetry.call_span(step_call.connection.connector, step_call.call.action)

    def _prepared(self, connection: Connection, step_call: StepCall) -> PreparedCall:
        call = step_call.call
        return connection.prepare(call.action, filter=step_call.rows, limit=call.limit)

    def _send(self, prepared: PreparedCall, step_call: StepCall, attempt: int) -> Outcome:
        action, sent_at = prepared.action, self.timing.clock()
        claimed = action.effect != "read" and not action.safe_to_repeat
        note = f"{step_call.key}#{attempt}"
        if claimed:
            earlier = self._claim(step_call.workflow, note, sent_at)
            if earlier is not None:
                return self._unsettled(earlier, None)
        try:
            with self._call_span(step_call) as span:
                result = self._within(
                    step_call, claimed, lambda: prepared.run(all_pages=step_call.call.all_pages)
                )
                span.requests = result.calls
        except Exception as error:  # noqa: BLE001 - see perform
            fault = as_connector_error(error)
            if claimed and getattr(fault, "may_have_happened", False):
                return self._unsettled(sent_at, described(fault))
            if claimed:
                self.database.patiently(lambda: self.executors.release(step_call.workflow, note))
            return from_error(fault)
        return from_result(result)

    def _claim(self, workflow: str, note: str, sent_at: float) -> float | None:
        earlier = self.database.patiently(
            lambda: self.executors.claim(self.executor, workflow, note, sent_at)
        )
        # The claim shows that nobody had taken over. If this process slept since, that may have changed.
        if earlier is None and not self.database.patiently(self.sure):
            raise Interrupted
        return earlier

    def _within(self, step_call: StepCall, claimed: bool, send: Callable[[], T]) -> T:
        """Send, but wait no longer than the step's time-out.

        A connection can't be interrupted: its thread goes on, and a write is settled only when it has ended.
        """
        if step_call.timeout_s is None:
            return send()
        results: list[T] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                results.append(send())
            except BaseException as error:  # noqa: BLE001 - it is raised in the thread that waits
                errors.append(error)

        thread = threading.Thread(target=run, name=f"step {step_call.key}", daemon=True)
        thread.start()
        thread.join(step_call.timeout_s)
        if thread.is_alive():
            if claimed:
                self._running[step_call.run_id, step_call.key] = thread
            raise NoAnswer(
                f"The step took longer than its time-out of {step_call.timeout_s:g} s.",
                fix="Allow more time, or ask for less.",
                reason="timeout",
                may_have_happened=claimed,
            )
        if errors:
            raise errors[0]
        return results[0]

    def _settle(
        self, connection: Connection, action: ActionInfo, step_call: StepCall, last: Outcome
    ) -> Outcome:
        call = step_call.call
        with self._call_span(step_call):
            settled = connection.settle(
                call.action, sent_at=last["sent_at"], filter=step_call.rows, limit=call.limit
            )
        if settled.state == "done":
            return {
                "state": "ok",
                "record": settled.record,
                "records": [],
                "extra": {},
                "complete": True,
                "calls": last["looks"] + 1,
                "warnings": [settled.message],
            }
        this = (step_call.run_id, step_call.key)
        running = this in self._running and self._running[this].is_alive()
        if settled.state == "not_done" and not running:
            self._running.pop(this, None)
            return {"state": "not_done", "error": last["error"], "message": settled.message}
        if action.look_up is None:
            return _unknown(last, settled.message, settled.fix)
        return self._undecided(last, settled.message, settled.fix)

    def _undecided(self, last: Outcome, message: str, fix: str) -> Outcome:
        """Return when to look again, or that nobody knows."""
        if self.timing.clock() - last["sent_at"] >= self.settling.most_s:
            return _unknown(last, message, fix)
        looks = last["looks"] + 1
        return last | {"looks": looks, "wait_s": self.settling.wait_s(looks), "waited": False}

    def _unsettled(self, sent_at: float, error: dict[str, Any] | None) -> Outcome:
        wait = max(0.0, sent_at + self.settling.grace_s - self.timing.clock())
        wait = min(wait, self.settling.grace_s)  # the clock of another machine may be ahead
        return {"state": "unsettled", "sent_at": sent_at, "looks": 0, "wait_s": wait, "error": error}


def _unknown(last: Outcome, message: str, fix: str) -> Outcome:
    return {"state": "unknown", "sent_at": last["sent_at"], "message": message, "fix": fix}


def _headroom(connection: Connection) -> dict[str, int] | None:
    """Return what is left of the rate limit, if it is known. It must not fail a call that was sent."""
    try:
        limit = connection.rate_limit
        return {"allowed": int(limit.limit), "remaining": int(limit.remaining)} if limit else None
    except Exception:  # noqa: BLE001 - any fault of a connector
        return None


def _code(outcome: Outcome) -> str:
    """Return the code of an outcome's error, "" without one."""
    return str((outcome.get("error") or {}).get("code", ""))
