"""The one DBOS workflow: it carries out a version of a flow, step by step.

It runs again from its beginning after a crash, and DBOS returns what is recorded. So everything here follows
from its arguments and from recorded outcomes: no clock, no chance, no reads beside DBOS steps. Calls that run
in parallel get their places in the record beforehand, in the order of their items.

A long wait ends the turn of a run: it goes on in a new workflow, which DBOS queues when it is due, so that
waiting runs hold no place that others could use.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from dbos import DBOS

from ...errors import ConnectorError
from ...support import timestamps
from ..flows import values
from ..flows.model import Flow, Retry, Step
from .moves import Move, Outcome, next_move
from .outcomes import as_connector_error, described, from_error
from .run_store import REMOVED_NOTE, JsonObject
from .step_runner import StepCall, StepRunner

SHORT_WAIT_S: Final = 2.0  # a wait that isn't worth a new turn
BEGIN: Final = "begin"
_TRIGGER: Final = "trigger"
_TRIGGER_RETRY: Final = Retry(times=8, wait_s=5.0)

Perform = Callable[[Move, "Outcome | None"], Outcome]


@dataclass(frozen=True, slots=True)
class TurnStart:
    """What the first record of a turn says: the version, the event, and outcomes of earlier turns."""

    state: str  # run, paused, or removed
    version: int
    started_at: float
    recalled: dict[str, Outcome]
    reason: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """A call that a step makes: its key in the record, and how to make a move of it."""

    key: str
    perform: Perform


@dataclass(slots=True)
class Turn:
    """A turn of a run, with what is known in it."""

    run_id: str
    number: int
    flow: Flow
    recalled: dict[str, Outcome]
    known: dict[str, Any]
    steps: dict[str, str] = field(default_factory=dict)  # how each step ended
    finished: list[tuple[Step, list[StepCall]]] = field(default_factory=list)  # those with an undo
    calls: dict[str, JsonObject] = field(default_factory=dict)  # by connection


class RunEnded(Exception):
    """The turn ends here: with the state of the run, and the reason."""

    def __init__(
        self,
        state: str,
        note: JsonObject,
        *,
        wait_s: float = 0.0,
        calls: Mapping[str, JsonObject] | None = None,
    ) -> None:
        super().__init__(state)
        self.state = state
        self.note = note
        self.wait_s = wait_s
        self.calls = calls or {}  # the API calls of the turn, by connection


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Carries out a turn of a run.

    `begin` is the recorded function that starts a turn, `match` applies the flow's trigger to an event,
    and `pass_on` starts a run for another event.
    """

    begin: Callable[[str, str, int, JsonObject], JsonObject]
    flow: Callable[[str, int], Flow]
    match: Callable[[Flow, JsonObject], list[JsonObject]]
    pass_on: Callable[[str, JsonObject], None]
    urls: Callable[[], dict[str, str]]
    runner: StepRunner

    def run(
        self, flow_name: str, run_id: str, number: int, trigger: JsonObject, options: JsonObject
    ) -> tuple[RunEnded, int, JsonObject]:
        """Carry out a turn. Return how it ended, the version of the flow, and how each step ended."""
        start = TurnStart(**DBOS.run_step({"name": BEGIN}, self.begin, flow_name, run_id, number, options))
        if start.state == "paused":
            return RunEnded("paused", {"message": start.reason, "fix": start.fix}), start.version, {}
        if start.state == "removed":
            return RunEnded("failed", dict(REMOVED_NOTE)), start.version, {}
        flow = self.flow(flow_name, start.version)
        turn = Turn(run_id, number, flow, start.recalled, {})
        try:
            turn.known = {
                "event": self._event(turn, trigger),
                "run": {"id": run_id, "started_at": _moment(start.started_at)},
                **self._flows(flow),
            }
            for step in flow.steps:
                self._step(turn, step)
        except RunEnded as ended:
            ended.calls = turn.calls
            return ended, start.version, turn.steps
        return RunEnded("done", {}, calls=turn.calls), start.version, turn.steps

    def _flows(self, flow: Flow) -> JsonObject:
        """Return the names and URLs of all flows, which are only read if a step refers to them."""
        if not values.refers_to(flow.steps, ("flow", "flows")):
            return {}
        flows = {name: {"name": name, "url": url} for name, url in self.urls().items()}
        return {"flow": flows[flow.name], "flows": flows}

    def _event(self, turn: Turn, trigger: JsonObject) -> JsonObject:
        """Return the event of the run, if the flow's trigger wants it."""
        event: JsonObject = trigger.get("event") or {}
        flow = turn.flow
        if not event or trigger.get("matched") or not flow.trigger.events:
            return event

        def match(move: Move, _last: Outcome | None) -> Outcome:
            try:
                outcome: Outcome = {"state": "ok", "events": self.match(flow, event)}
            except Exception as error:  # noqa: BLE001 - a fault of the connector
                outcome = from_error(as_connector_error(error))
            return outcome | {"attempt": move.attempt}

        (outcome,) = self._carry_out(turn, [Work(_TRIGGER, match)], _TRIGGER_RETRY, 1)
        if outcome["state"] != "ok":
            raise RunEnded("failed", outcome["error"])
        events: list[JsonObject] = outcome["events"]
        mine = [one for one in events if one["id"] == event["id"]]
        for other in (one for one in events if one["id"] != event["id"]):
            self.pass_on(flow.name, other)
        if not mine:
            message = "It leads to another event, which has a run of its own." if events else _FILTERED
            raise RunEnded("filtered", {"message": message})
        return mine[0]

    def _step(self, turn: Turn, step: Step) -> None:
        try:
            if not values.holds(step.conditions, turn.known):
                turn.steps[step.id] = "skipped"
                turn.known[step.id] = _nothing()
                return
            calls = list(self._calls(turn, step, step.id))
        except ConnectorError as error:
            self._step_failed(turn, step, described(error))
            return
        works = [Work(call.key, self._performer(call)) for call in calls]
        outcomes = self._carry_out(turn, works, step.retry, step.at_once)
        turn.known[step.id] = _result(step, outcomes, turn.known)
        failed = [one for one in outcomes if one["state"] != "ok"]
        if step.undo is not None and len(failed) < len(outcomes):
            turn.finished.append((step, list(self._undo_calls(turn, step, outcomes))))
        if failed:
            self._step_failed(turn, step, failed[0]["error"])
        else:
            turn.steps[step.id] = "done"

    def _calls(self, turn: Turn, step: Step, key: str) -> Iterator[StepCall]:
        if not step.for_each:
            yield self._call(turn, step, key, turn.known)
            return
        for number, item in enumerate(values.items(step.for_each, turn.known)):
            yield self._call(turn, step, f"{key}[{number}]", {**turn.known, "item": item}, number)

    def _undo_calls(self, turn: Turn, step: Step, outcomes: Sequence[Outcome]) -> Iterator[StepCall]:
        """Yield the calls that undo the finished calls of a step; they refer to the result of just theirs."""
        if step.undo is None:
            return
        undoing = replace(step, call=step.undo)
        listed = values.items(step.for_each, turn.known) if step.for_each else [None]
        for number, (item, outcome) in enumerate(zip(listed, outcomes, strict=True)):
            if outcome["state"] == "ok":
                known = {**turn.known, step.id: _one_result(outcome), "item": item}
                yield self._call(turn, undoing, f"undo {step.id}[{number}]", known, number)

    def _call(
        self, turn: Turn, step: Step, key: str, known: Mapping[str, Any], item: int | None = None
    ) -> StepCall:
        return StepCall(
            flow=turn.flow.name,
            run_id=turn.run_id,
            turn=turn.number,
            step=step.id,
            item=item,
            key=key,
            connection=turn.flow.connections[step.call.connection],
            call=step.call,
            rows=values.rows(step, known),
            timeout_s=step.timeout_s,
        )

    def _performer(self, call: StepCall) -> Perform:
        return lambda move, last: self.runner.perform(call, move, last)

    def _step_failed(self, turn: Turn, step: Step, error: JsonObject) -> None:
        turn.steps[step.id] = "failed"
        turn.known.setdefault(step.id, _nothing())
        turn.known[step.id]["error"] = error
        if step.then == "continue":
            return
        note = {"step": step.id, **error}
        if step.then == "compensate":
            note |= self._compensate(turn)
        raise RunEnded("failed", note)

    def _compensate(self, turn: Turn) -> JsonObject:
        """Undo the finished steps, the last one first. Return what couldn't be undone."""
        not_undone = []
        for step, calls in reversed(turn.finished):
            works = [Work(call.key, self._performer(call)) for call in reversed(calls)]
            outcomes = self._carry_out(turn, works, step.retry, 1)
            failed = [one["error"] for one in outcomes if one["state"] != "ok"]
            turn.steps[f"undo {step.id}"] = "failed" if failed else "done"
            not_undone += [{"step": step.id, **error} for error in failed]
        return {"not_undone": not_undone} if not_undone else {}

    def _carry_out(self, turn: Turn, works: Sequence[Work], retry: Retry, at_once: int) -> list[Outcome]:
        """Make moves until the outcome of each work is final: ok or failed. Raises RunEnded for others."""
        last = [turn.recalled.get(work.key) for work in works]
        while True:
            moves = [next_move(outcome, retry) for outcome in last]
            due = [number for number, move in enumerate(moves) if move is not None and not move.wait_s]
            waiting = [number for number, move in enumerate(moves) if move is not None and move.wait_s]
            if not due and waiting:
                _wait(max(move.wait_s for move in moves if move is not None))
                due = waiting
            if not due:
                break
            chosen = [(works[number], moves[number], last[number]) for number in due]
            for number, outcome in zip(due, _together(chosen, at_once), strict=True):
                last[number] = outcome
                _count_calls(turn.calls, outcome)
        outcomes = [outcome for outcome in last if outcome is not None]
        for outcome in outcomes:
            if outcome["state"] == "paused":
                raise RunEnded("paused", outcome["error"])
        for work, outcome in zip(works, outcomes, strict=True):
            if outcome["state"] == "unknown":
                note = {"call": work.key, "message": outcome["message"], "fix": outcome["fix"]}
                raise RunEnded("needs_person", note | {"sent_at": outcome["sent_at"]})
        return outcomes


_FILTERED: Final = "The flow's trigger doesn't want this event."


def _wait(seconds: float) -> None:
    """Wait, but not longer than is worth holding a place for."""
    if seconds > SHORT_WAIT_S:
        raise RunEnded("delayed", {}, wait_s=seconds)
    DBOS.sleep(seconds)


def _together(chosen: Sequence[tuple[Work, Any, Outcome | None]], at_once: int) -> list[Outcome]:
    """Make moves in parallel, each as a step of its own that DBOS records."""
    places = [DBOS.reserve_step() for _ in chosen]

    def run(number: int) -> Outcome:
        work, move, last = chosen[number]
        outcome: Outcome = places[number].run({"name": work.key}, work.perform, move, last)
        return outcome

    if len(chosen) == 1 or at_once == 1:
        return [run(number) for number in range(len(chosen))]
    with ThreadPoolExecutor(at_once, thread_name_prefix="flow-items") as pool:
        waiting = [pool.submit(copy_context().run, run, number) for number in range(len(chosen))]
        try:
            return [one.result() for one in waiting]
        finally:
            for one in waiting:
                one.cancel()


def _count_calls(calls: dict[str, JsonObject], outcome: Outcome) -> None:
    """Add the API calls of an outcome to those of its connection, with what is left of the rate limit."""
    if count := outcome.get("calls"):
        known = calls.setdefault(str(outcome.get("connection", "")), {"allowed": None, "remaining": None})
        known["calls"] = known.get("calls", 0) + count
        known |= outcome.get("headroom") or {}


def _nothing() -> JsonObject:
    """Return what is known of a step that returned nothing."""
    return {"record": None, "records": [], "extra": {}, "items": []}


def _moment(time: float) -> str:
    return timestamps.write(datetime.fromtimestamp(time, UTC))


def _result(step: Step, outcomes: Sequence[Outcome], known: Mapping[str, Any]) -> JsonObject:
    """Return what a step returned; for each item, with the item itself."""
    if not step.for_each:
        return _one_result(outcomes[0])
    listed = values.items(step.for_each, known)
    pairs = zip(listed, outcomes, strict=True)
    return {"items": [{**_one_result(one), "item": item} for item, one in pairs]}


def _one_result(outcome: Outcome) -> JsonObject:
    return {name: outcome.get(name) for name in ("record", "records", "extra")}
