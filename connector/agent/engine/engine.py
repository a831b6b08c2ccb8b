"""The engine of the agent: deploys flows, starts and replays runs, and shows them.

DBOS records what runs do. A process has one engine at a time, because DBOS has one instance per process.
"""

import contextlib
import logging
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self

from dbos import DBOS, DBOSConfig, SetEnqueueOptions, SetWorkflowID
from dbos import error as dbos_error

from ...contract import Event
from ...errors import ConnectorError, UsageError
from ...support.clock import Timing
from ..flows.model import Flow
from ..telemetry import Telemetry, public_id
from . import dbos_internals, history
from .connections import Connections
from .database import Database
from .executors import Executors
from .flow_store import DeployedFlow, FlowStore
from .interpreter import BEGIN, Interpreter, RunEnded
from .moves import Settling
from .outcomes import as_connector_error
from .recall import recorded_outcomes, to_go_on, to_replay
from .records import JsonRecords
from .run_store import JsonObject, Run, RunStore, workflow_id
from .schedules import Schedules
from .step_runner import StepRunner
from .watchdog import LEASE_S, Loop, Watchdog

FORMAT: Final = "agent-1"  # DBOS's application version; it changes if old records can't be carried on
QUEUE: Final = "agent"
RETENTION_S: Final = 30 * 86400.0
MOST_STARTS: Final = 20
StartedBy = Literal["triggered", "polling", "manual"]
ENDED: Final = ("done", "filtered", "failed")
TO_BE_SEEN: Final = ("failed", "needs_person")

_NAME: Final = "calendly-agent"
_WORKFLOW: Final = "agent.run"
_RECHECK_S: Final = 60.0
_CLEAN_UP_S: Final = 3600.0
_AT_A_TIME: Final = 200
_AGED: Final = {"waiting": "ENQUEUED", "pending": "PENDING"}
_SUSPECT_STARTS: Final = 2
_SHUFFLE_S: Final = 1.0
_GIVEN_UP: Final = {
    "code": "given_up",
    "message": "Every process that carried it out ended meanwhile.",
    "fix": "Look at the logs of the agent, then replay the run.",
}
_LOGGER: Final = logging.getLogger("calendly_connector.agent")


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How an engine works.

    `base_url` is where Process Flow URLs begin; "" keeps what an earlier process set. `at_once` runs are
    carried out at a time, and the queue is read every `look_every_s`. A process that shows no life for
    `lease_s` is dead for the others. Runs that ended are kept for `retention_s`. A run whose process dies
    again and again fails after `most_starts`.
    """

    base_url: str = ""
    at_once: int = 20
    look_every_s: float = 0.2
    lease_s: float = LEASE_S
    settling: Settling = field(default_factory=Settling)
    retention_s: float = RETENTION_S
    most_starts: int = MOST_STARTS


class Engine:
    """Runs flows durably. `start` it, and `stop` it at the end.

    `database_url` is an SQLAlchemy URL of SQLite (one machine) or PostgreSQL. `read` parses the text of a
    flow.
    """

    def __init__(
        self,
        database_url: str,
        *,
        read: Callable[[str], Flow],
        connections: Connections,
        settings: EngineSettings | None = None,
        timing: Timing | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._url = database_url
        self._settings = settings or EngineSettings()
        self._timing = timing or Timing()
        self._telemetry = telemetry or Telemetry()
        self.connections = connections
        self.executor = secrets.token_hex(8)
        self.lost = threading.Event()  # set when others declared this process dead
        self._database = Database(database_url)
        self.flows = FlowStore(self._database, read, self._timing)
        self.runs = RunStore(self._database)
        self._executors = Executors(self._database)
        self._watchdog = Watchdog(
            self._executors,
            self.executor,
            QUEUE,
            timing=self._timing,
            on_dead=self._on_dead,
            lease_s=self._settings.lease_s,
        )
        self._runner = StepRunner(
            self.connections,
            self._executors,
            self._database,
            self._timing,
            self._settings.settling,
            self.executor,
            self._watchdog.sure,
            self._telemetry,
        )
        self._interpreter = Interpreter(
            self._begin, self._flow, self._match, self._pass_on, self._urls, self._runner
        )
        self._schedules = Schedules(
            self._database, self.flows, self.connections, self._timing, self.start_run
        )
        self._suspects = threading.Lock()
        self._loops: list[Loop] = []
        self._workflow: Callable[..., Any] | None = None

    # Life

    def start(self, *, works: bool = True) -> None:
        """Open the database. If it `works`, this process carries out runs and schedules, too."""
        self._database.create()
        if base_url := self._settings.base_url.rstrip("/"):
            self.flows.set_base_url(base_url)
        if works:
            self._launch(works=True)
            self._telemetry.watch_ages(self._ages)
            self._watchdog.start()
            self._loops = [
                Loop("agent-schedules", 1.0, self._poll),
                Loop("agent-repairs", 1.0, self.go_on_after_repairs),
                Loop("agent-rechecks", _RECHECK_S, self.recheck),
                Loop("agent-strays", self._settings.lease_s * 4, self.look_for_strays),
                Loop("agent-retention", _CLEAN_UP_S, self.clean_up),
            ]
            for loop in self._loops:
                loop.start()

    def _connect(self) -> Callable[..., Any]:
        """Start DBOS if this process doesn't work, and so hasn't yet. Return the workflow."""
        return self._workflow or self._launch(works=False)

    def _launch(self, *, works: bool) -> Callable[..., Any]:
        if works:
            self._executors.join(self.executor, self._timing.clock())
            self._watchdog.beat()
        config: DBOSConfig = {
            "name": _NAME,
            "system_database_url": self._url,
            "application_version": FORMAT,
            "executor_id": self.executor,
            "serializer": JsonRecords(),
            "db_engine_kwargs": dbos_internals.engine_options(self._database.kind),
            "max_executor_threads": self._settings.at_once + 4,
            "log_level": "WARNING",
        }
        dbos_internals.log_to_ours()
        DBOS(config=config)
        starts = self._settings.most_starts
        workflow = DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=starts)(self._entry())
        self._workflow = workflow
        DBOS.listen_queues([QUEUE] if works else [])
        DBOS.launch()
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=self._settings.at_once,
            polling_interval_sec=self._settings.look_every_s,
            on_conflict="always_update" if works else "never_update",
        )
        return workflow

    def stop(self, *, within_s: int = 0) -> None:
        """Stop, once. Runs under way get `within_s` seconds to end; the next start takes over others."""
        if self._database.is_closed:
            return
        for loop in self._loops:
            loop.stop()
        self._database.stop()
        if self._workflow is not None:
            dbos_internals.be_quiet()
            DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=within_s)
            self._workflow = None
        self._watchdog.stop()
        with contextlib.suppress(ConnectorError):
            self._executors.leave(self.executor)
        self._database.close()

    @property
    def place(self) -> str:
        """Where the database is, without a password."""
        return self._database.place

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _on_dead(self) -> None:
        if not self.lost.is_set():
            _LOGGER.error("Other processes took over the runs of this one. Restart it.")
            self._database.stop()
            self.lost.set()

    # Flows

    def deploy(self, text: str, flow: Flow) -> DeployedFlow:
        """Deploy a checked flow, or a new version of it. The same text again changes nothing.

        If its trigger says so, its events are then subscribed to; an equal subscription is kept. Raises the
        error of the connection if that fails: the flow is deployed, and deploying it again tries again.
        """
        if flow.trigger.subscribe and not self.flows.base_url():
            raise UsageError(
                "The agent doesn't know the address at which it gets events.",
                fix="Start it with --public-url, or change the flow's trigger to polling.",
            )
        deployed = self.flows.deploy(text, flow)
        self._schedules.plan(flow)
        if flow.trigger.subscribe:
            with self.connections.open(flow.connections[flow.trigger.connection]) as connection:
                connection.subscribe(flow.trigger.events, self.url(flow.name))
        return deployed

    def pause(self, name: str, reason: str = "Paused by a person.") -> None:
        """Pause a flow: its events wait, and runs stop before their next turn."""
        self.flows.require(name)
        self.flows.pause(name, by="person", reason=reason)

    def resume(self, name: str) -> None:
        """Let a paused flow go on, with the events that waited."""
        self.flows.require(name)
        self.flows.resume(name)
        self.go_on_after_repairs()

    def list_flows(self) -> list[JsonObject]:
        """Return all flows, each in one row, by name."""
        base_url, polls = self.flows.base_url(), self._schedules.polls()
        return [self._flow_row(one, base_url, polls) for one in self.flows.all()]

    def show_flow(self, name: str) -> JsonObject:
        """Return all about a flow: its row, its versions, and how many runs it has in each state."""
        row = self._flow_row(self.flows.get(name), self.flows.base_url(), self._schedules.polls())
        return row | {"versions": self.flows.versions(name), "runs": self.runs.counts(name)}

    def _flow_row(
        self, deployed: DeployedFlow, base_url: str, polls: Mapping[str, tuple[float, str]]
    ) -> JsonObject:
        flow = self.flows.flow(deployed.name, deployed.version)
        due_at, error = polls.get(deployed.name, (None, ""))
        return {
            "name": deployed.name,
            "title": flow.title,
            "version": deployed.version,
            "state": deployed.state,
            "reason": deployed.reason,
            "fix": deployed.fix,
            "trigger": flow.trigger.type,
            "events": list(flow.trigger.events),
            "url": _url(base_url, deployed) if flow.trigger.type == "triggered" else None,
            "next_poll_at": due_at,
            "poll_error": error,
        }

    def url(self, name: str) -> str:
        """Return the Process Flow URL of a flow."""
        return _url(self.flows.base_url(), self.flows.get(name))

    def _urls(self) -> dict[str, str]:
        """Return the URLs of all flows: a flow may subscribe another one to events."""
        base_url = self._database.patiently(self.flows.base_url)
        return {one.name: _url(base_url, one) for one in self._database.patiently(self.flows.all)}

    def recheck(self) -> None:
        """Let flows go on whose connector or credential has been repaired."""
        for deployed in self.flows.all():
            if deployed.state == "paused" and deployed.paused_by == "agent" and self._usable(deployed):
                self.resume(deployed.name)

    def _usable(self, deployed: DeployedFlow) -> bool:
        flow = self.flows.flow(deployed.name, deployed.version)
        for wanted in flow.connections.values():
            try:
                with self.connections.open(wanted) as connection:
                    if wanted.credential and not connection.check().ok:
                        return False
            except Exception as error:  # noqa: BLE001 - any fault of a connector
                _LOGGER.info("The flow %s stays paused: %s", deployed.name, as_connector_error(error))
                return False
        return True

    # Runs

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
        Its spans continue the trace of `traceparent`.
        """
        self.flows.require(name)
        given = _event(event) if event is not None else None
        this = run_id or f"{name}:{given['id'] if given else secrets.token_hex(8)}"
        trigger = {"by": by, "event": given, "matched": matched, "traceparent": traceparent}
        self.runs.add(this, name, trigger, self._timing.clock())
        self._enqueue(name, this, 0, trigger, {})
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
            flow = self.flows.flow(run.flow, version or self.flows.get(run.flow).version)
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

    def show(self, run_id: str) -> JsonObject:
        """Return all about a run: its state, event, and the attempts of each call."""
        run = self.runs.get(run_id)
        self._connect()
        return history.shown(run, BEGIN)

    def list_runs(self, name: str = "", *, states: Sequence[str] = (), limit: int = 100) -> list[JsonObject]:
        """Return runs, the newest first, without their steps."""
        found = self.runs.find(flow=name, states=states, limit=limit)
        if any(run.state in history.UNDER_WAY for run in found):
            self._connect()
        return history.summaries(found)

    def dead_letters(self, name: str = "", *, limit: int = 100) -> list[JsonObject]:
        """Return the runs that a person should look at: failed, or undecided."""
        return self.list_runs(name, states=TO_BE_SEEN, limit=limit)

    def health(self) -> JsonObject:
        """Return how the agent is: its processes, and the age of the oldest waiting and pending run."""
        self._connect()
        beats, ages, counts = self._executors.beats(), self._ages(), self.runs.counts()
        return {
            "processes": sum(beat is not None for beat in beats.values()),
            "oldest_waiting_s": ages.get("waiting"),
            "oldest_pending_s": ages.get("pending"),
            "to_be_seen": sum(counts.get(state, 0) for state in TO_BE_SEEN),
            "paused_flows": [one.name for one in self.flows.all() if one.state == "paused"],
        }

    def _ages(self) -> dict[str, float]:
        """Return the age in seconds of the oldest run by state, where there is one."""
        now = self._timing.clock()
        ages = {name: history.oldest_age(status, now) for name, status in _AGED.items()}
        return {name: age for name, age in ages.items() if age is not None}

    def go_on_after_repairs(self) -> None:
        """Queue the runs that were paused with their flow, if it is active again."""
        for run in self.runs.released(_AT_A_TIME):
            self._next_turn(run, {"mode": "go_on"})

    def look_for_strays(self) -> None:
        """Note runs that DBOS gave up, and queue those whose process died before it could."""
        now = self._timing.clock()
        waiting = self.runs.waiting_since(now - 4 * self._settings.lease_s, _AT_A_TIME)
        ids = [run.workflow for run in waiting]
        found = DBOS.list_workflows(workflow_ids=ids, load_input=False, load_output=False) if ids else []
        states = {one.workflow_id: one.status for one in found}
        for run in waiting:
            state = states.get(run.workflow)
            if state is None and run.turn == 0:
                self._enqueue(run.flow, run.id, 0, run.trigger, {})
            elif state in history.GIVEN_UP:
                self.runs.turn_ended(
                    run.id, run.turn, state="failed", version=run.version, note=_GIVEN_UP, now=now
                )

    def clean_up(self) -> int:
        """Delete runs that ended longer ago than they are kept. Return how many.

        A webhook that is delivered again after that becomes a new run.
        """
        runs = self.runs.ended_before(self._timing.clock() - self._settings.retention_s, ENDED, _AT_A_TIME)
        if runs:
            DBOS.delete_workflows([workflow_id(run.id, turn) for run in runs for turn in range(run.turn + 1)])
            self.runs.delete(runs)
        return len(runs)

    # The workflow

    def _entry(self) -> Callable[..., Any]:
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
            self._database.patiently(lambda: self.flows.pause(name, by="agent", reason=reason, fix=fix))
        self._database.patiently(
            lambda: self.runs.turn_ended(
                run_id,
                turn,
                state=ended.state,
                version=version,
                note=ended.note,
                now=self._timing.clock(),
            )
        )
        if ended.state == "delayed":
            options = {"mode": "waited", "previous": workflow_id(run_id, turn), "version": version}
            self._enqueue(name, run_id, turn + 1, trigger, options, delay_s=ended.wait_s)

    def _begin(self, name: str, run_id: str, turn: int, options: JsonObject) -> JsonObject:
        """Start a turn: which version of the flow, and what is kept of earlier turns. DBOS records it."""
        if turn:
            self._database.patiently(lambda: self.runs.turn_queued(run_id, turn))
        deployed = self._database.patiently(lambda: self.flows.get(name))
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
        return self._database.patiently(lambda: self.flows.flow(name, version))

    def _match(self, flow: Flow, event: JsonObject) -> list[JsonObject]:
        trigger = flow.trigger
        with self.connections.open(flow.connections[trigger.connection]) as connection:
            wanted = connection.trigger(trigger.events, dict(trigger.filters))
            return [_event(one) for one in wanted.match(Event(**event))]

    def _pass_on(self, name: str, event: JsonObject) -> None:
        self._database.patiently(lambda: self.start_run(name, event, matched=True, by="triggered"))

    def _next_turn(self, run: Run, options: JsonObject) -> None:
        options = {**options, "previous": run.workflow}
        self._enqueue(run.flow, run.id, run.turn + 1, run.trigger, options)
        self.runs.turn_queued(run.id, run.turn + 1)

    def _enqueue(
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
        workflow = self._connect()
        with SetWorkflowID(workflow_id(run_id, turn)), SetEnqueueOptions(delay_seconds=delay_s or None):
            DBOS.enqueue_workflow(QUEUE, workflow, name, run_id, turn, trigger, options)

    def _ended(self, run_id: str) -> Run:
        run = self.runs.get(run_id)
        if run.state in history.UNDER_WAY:
            raise UsageError(f"The run {run_id!r} hasn't ended.", fix="Wait until it has.")
        return run

    def _poll(self) -> None:
        self._schedules.poll(self.executor)


def _url(base_url: str, deployed: DeployedFlow) -> str:
    return f"{base_url}/flows/{deployed.name}/{deployed.secret}"


def _event(event: Event | Mapping[str, Any]) -> JsonObject:
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
