"""A turn of a run as a DBOS workflow: how it begins, what it recalls, and how its end is noted."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

from dbos import DBOS
from dbos import error as dbos_error

from ...contract import Event
from ..flows.model import Flow
from ..telemetry import Telemetry, public_id
from . import dbos_internals, history
from .connections import Connections
from .control import Control, as_json
from .database import Database
from .flow_store import FlowStore, UnknownFlow
from .interpreter import BEGIN, Interpreter, RunEnded
from .recall import recorded_outcomes, to_go_on, to_replay
from .run_store import REMOVED_NOTE, JsonObject, RunStore, workflow_id
from .step_runner import StepRunner

TO_BE_SEEN: Final = ("failed", "needs_person")

_SUSPECT_STARTS: Final = 2
_SHUFFLE_S: Final = 1.0
_REMOVED_MIDWAY: Final = "Its flow was removed while it was under way. What it had done isn't undone."
_LOGGER: Final = logging.getLogger("calendly_connector.agent")


class Turns:
    """Carries out turns. `urls` returns the Process Flow URLs by the names of the flows."""

    def __init__(
        self,
        database: Database,
        flows: FlowStore,
        runs: RunStore,
        control: Control,
        connections: Connections,
        telemetry: Telemetry,
        runner: StepRunner,
        urls: Callable[[], dict[str, str]],
    ) -> None:
        self._database = database
        self._flows = flows
        self._runs = runs
        self._control = control
        self._connections = connections
        self._timing = control.timing
        self._telemetry = telemetry
        self._suspects = threading.Lock()
        self._interpreter = Interpreter(self._begin, self._flow, self._match, self._pass_on, urls, runner)

    def entry(self) -> Callable[..., Any]:
        """Return the function that DBOS makes a workflow of."""

        def run(name: str, run_id: str, turn: int, trigger: JsonObject, options: JsonObject) -> JsonObject:
            version = 0
            steps: JsonObject = {}
            parent = trigger["traceparent"]
            with self._telemetry.run_span(name, run_id, trigger=trigger["by"], traceparent=parent) as span:
                try:
                    with self._alone_if_suspect(workflow_id(run_id, turn)):
                        ended, version, steps = self._interpreter.run(name, run_id, turn, trigger, options)
                except dbos_error.DBOSException:
                    raise  # another process owns the run now, or this one is stopping
                except UnknownFlow:  # an earlier process began it
                    ended = RunEnded("failed", REMOVED_NOTE | {"message": _REMOVED_MIDWAY})
                except Exception as error:
                    _LOGGER.exception("The run %s failed.", run_id)
                    ended = RunEnded("failed", {"code": "agent_fault", "message": f"{type(error).__name__}"})
                code = str(ended.note.get("code", ""))
                span.ended(ended.state, code)
            level = logging.WARNING if ended.state in TO_BE_SEEN else logging.INFO
            _LOGGER.log(level, "run %s of %s: %s", public_id(run_id), name, f"{ended.state} {code}".rstrip())
            self._end_turn(name, run_id, turn, trigger, ended, version)
            return {"state": ended.state, "note": ended.note, "steps": steps}

        return run

    @contextlib.contextmanager
    def _alone_if_suspect(self, workflow: str) -> Iterator[None]:
        """Carry out runs whose processes died again and again one at a time, in any order.

        One of them may have ended the processes. So it ends the others less often, until it is given up.
        """
        if dbos_internals.starts(workflow) <= _SUSPECT_STARTS:
            yield
            return
        self._timing.sleep(self._timing.jitter() * _SHUFFLE_S)
        with self._suspects:
            yield

    def _end_turn(
        self, name: str, run_id: str, turn: int, trigger: JsonObject, ended: RunEnded, version: int
    ) -> None:
        """Note how a turn ended. Everything here may happen again after a crash."""
        if ended.state == "paused" and "code" in ended.note:  # otherwise the flow was paused before
            reason, fix = str(ended.note["message"]), str(ended.note["fix"])
            self._database.patiently(lambda: self._flows.pause(name, by="agent", reason=reason, fix=fix))
        state = self._database.patiently(
            lambda: self._runs.turn_ended(
                run_id,
                turn,
                state=ended.state,
                version=version,
                note=ended.note,
                now=self._timing.clock(),
                calls=ended.calls,
            )
        )
        if state == "delayed":
            options = {"mode": "waited", "previous": workflow_id(run_id, turn), "version": version}
            self._control.enqueue(name, run_id, turn + 1, trigger, options, delay_s=ended.wait_s)

    def _begin(self, name: str, run_id: str, turn: int, options: JsonObject) -> JsonObject:
        """Start a turn: which version of the flow, and what is kept of earlier turns. DBOS records it."""
        try:
            return self._begun(name, run_id, turn, options)
        except UnknownFlow:
            return {
                "state": "removed",
                "version": options.get("version") or 0,
                "started_at": self._timing.clock(),
                "recalled": {},
            }

    def _begun(self, name: str, run_id: str, turn: int, options: JsonObject) -> JsonObject:
        database, runs = self._database, self._runs
        if not database.patiently(lambda: runs.turn_queued(run_id, turn) if turn else runs.may_begin(run_id)):
            raise UnknownFlow(f"The flow {name} was removed.")
        deployed = database.patiently(lambda: self._flows.get(name))
        version = options.get("version") or deployed.version
        return {
            "state": "paused" if deployed.state == "paused" else "run",
            "version": version,
            "started_at": self._timing.clock(),
            "recalled": self._recalled(name, version, options),
            "reason": deployed.reason,
            "fix": deployed.fix,
        }

    def _recalled(self, name: str, version: int, options: JsonObject) -> JsonObject:
        if "previous" not in options:
            return {}
        recorded = DBOS.list_workflow_steps(options["previous"])
        outcomes = recorded_outcomes([(one["function_name"], one["output"]) for one in recorded], BEGIN)
        mode = options["mode"]
        if mode == "replay":
            flow = self._flow(name, version)
            return to_replay(outcomes, [step.id for step in flow.steps], options.get("from_step"))
        kept = to_go_on(outcomes, waited=mode == "waited")
        if mode == "decided":
            last = kept[options["call"]]
            kept[options["call"]] = history.decided(last, options["happened"], options.get("record"))
        return kept

    def _flow(self, name: str, version: int) -> Flow:
        return self._database.patiently(lambda: self._flows.flow(name, version))

    def _match(self, flow: Flow, event: JsonObject) -> list[JsonObject]:
        trigger = flow.trigger
        with self._connections.open(flow.connections[trigger.connection]) as connection:
            wanted = connection.trigger(trigger.events, dict(trigger.filters))
            return [as_json(one) for one in wanted.match(Event(**event))]

    def _pass_on(self, name: str, event: JsonObject) -> None:
        self._database.patiently(lambda: self._control.start_run(name, event, matched=True, by="triggered"))
