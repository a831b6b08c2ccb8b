"""The engine of the agent: deploys flows, starts and replays runs, and shows them.

DBOS records what runs do. A process has one engine at a time, because DBOS has one instance per process.
This is the interface; what it does is in `deployments`, `control` and `turns`.
"""

import contextlib
import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, Self

from dbos import DBOS, DBOSConfig

from ...contract import Event
from ...errors import ConnectorError
from ...support.clock import Timing
from ..flows.model import Flow
from ..telemetry import Telemetry
from . import dbos_internals, history
from .connections import Connections
from .control import QUEUE, Control, StartedBy
from .database import Database
from .deployments import Deployments
from .executors import Executors
from .flow_store import ANY_VERSION, DeployedFlow, FlowStore, UnknownFlow
from .interpreter import BEGIN
from .records import JsonRecords
from .removal import Removal, RemovedFlow
from .run_store import JsonObject, Run, RunStore
from .schedules import Schedules
from .settings import EngineSettings
from .step_runner import StepRunner
from .turns import TO_BE_SEEN, Turns
from .watchdog import Loop, Watchdog
from .webhook_watch import WebhookWatch

__all__ = ["Engine", "EngineSettings"]

FORMAT: Final = "agent-1"  # DBOS's application version; it changes if old records can't be carried on

_NAME: Final = "calendly-agent"
_WORKFLOW: Final = "agent.run"
_RECHECK_S: Final = 60.0
_CLEAN_UP_S: Final = 3600.0
_AGED: Final = {"waiting": "ENQUEUED", "pending": "PENDING"}
_LOGGER: Final = logging.getLogger("calendly_connector.agent")


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
        self.database = Database(database_url)
        self.flows = FlowStore(self.database, read, self._timing)
        self.runs = RunStore(self.database)
        self._executors = Executors(self.database)
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
            self.database,
            self._timing,
            self._settings.settling,
            self.executor,
            self._watchdog.sure,
            self._telemetry,
        )
        self._control = Control(self.flows, self.runs, self._settings, self._timing, self._connect)
        self._schedules = Schedules(self.database, self.flows, self.connections, self._timing, self.start_run)
        self._removal = Removal(self.database, self.connections, self._timing)
        self._deployments = Deployments(
            self.database, self.flows, self.connections, self._schedules, self._removal, self.runs
        )
        self._turns = Turns(
            self.database,
            self.flows,
            self.runs,
            self._control,
            self.connections,
            self._telemetry,
            self._runner,
            self._deployments.urls,
        )
        self.webhooks = WebhookWatch(
            self.database,
            self.flows,
            self.connections,
            self._timing,
            self.start_run,
            every_s=self._settings.watch_every_s,
        )
        self._loops: list[Loop] = []
        self._workflow: Callable[..., Any] | None = None

    # Life

    def start(self, *, works: bool = True) -> None:
        """Open the database. If it `works`, this process carries out runs and schedules, too."""
        self.database.create()
        if base_url := self._settings.base_url.rstrip("/"):
            self.flows.set_base_url(base_url)
        if works:
            self._launch(works=True)
            self._telemetry.watch_ages(self._ages)
            self._watchdog.start()
            self._loops = [
                Loop("agent-schedules", 1.0, self._poll),
                Loop("agent-webhooks", 1.0, self._watch),
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
            "db_engine_kwargs": dbos_internals.engine_options(self.database.kind),
            "max_executor_threads": self._settings.at_once + 4,
            "log_level": "WARNING",
        }
        dbos_internals.log_to_ours()
        DBOS(config=config)
        starts = self._settings.most_starts
        workflow = DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=starts)(self._turns.entry())
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
        if self.database.is_closed:
            return
        for loop in self._loops:
            loop.stop()
        self.database.stop()
        self._watchdog.stop_looking()
        if self._workflow is not None:
            dbos_internals.be_quiet()
            DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=within_s)
            self._workflow = None
        self._watchdog.stop()
        with contextlib.suppress(ConnectorError):
            self._executors.leave(self.executor)
        self.database.close()

    @property
    def place(self) -> str:
        """Where the database is, without a password."""
        return self.database.place

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _on_dead(self) -> None:
        if not self.lost.is_set():
            _LOGGER.error("Other processes took over the runs of this one. Restart it.")
            self.database.stop()
            self.lost.set()

    # Flows

    def deploy(self, text: str, flow: Flow, *, expected_version: int | None = ANY_VERSION) -> DeployedFlow:
        """Deploy a checked flow, or a new version of it. The same text again changes nothing.

        If its trigger says so, its events are then subscribed to; an equal subscription is kept. Raises the
        error of the connection if that fails: the flow is deployed, and deploying it again tries again.
        Raises FlowChanged unless `expected_version` is active (None: unless the name is new).
        """
        return self._deployments.deploy(text, flow, expected_version=expected_version)

    def remove(self, name: str, *, force: bool = False) -> RemovedFlow:
        """Remove a flow: its versions, URL, schedule, and the webhook subscriptions that it made.

        Runs under way end; those that wait fail. Runs stay listed as long as others. Raises
        StillSubscribed if a subscription can't be deleted, unless you `force` it.
        """
        return self._removal.remove(name, force=force)

    def count_subscriptions(self, name: str) -> int:
        """Return how many webhook subscriptions deploying a flow made."""
        return len(self._removal.subscriptions(name))

    def pause(self, name: str, reason: str = "Paused by a person.") -> None:
        """Pause a flow: its events wait, and runs stop before their next turn."""
        self._deployments.pause(name, reason)

    def resume(self, name: str) -> None:
        """Let a paused flow go on, with the events that waited."""
        self._deployments.resume(name)
        self.go_on_after_repairs()

    def list_flows(self) -> list[JsonObject]:
        """Return all flows, each in one row, by name."""
        return self._deployments.rows()

    def flow_row(self, name: str) -> JsonObject:
        """Return a flow in one row, as `list_flows` does."""
        return self._deployments.row(name)

    def show_flow(self, name: str) -> JsonObject:
        """Return all about a flow: its row, its versions, and how many runs it has in each state."""
        return self._deployments.show(name)

    def url(self, name: str) -> str:
        """Return the Process Flow URL of a flow."""
        return self._deployments.url(name)

    def recheck(self) -> None:
        """Let flows go on whose connector or credential has been repaired."""
        for name in self._deployments.repaired():
            with contextlib.suppress(UnknownFlow):  # it was removed meanwhile
                self.resume(name)

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
        return self._control.start_run(
            name, event, run_id=run_id, matched=matched, by=by, traceparent=traceparent
        )

    def replay(self, run_id: str, *, from_step: str | None = None, version: int | None = None) -> None:
        """Carry a run out again from a step, or from the first that didn't succeed.

        Raises UsageError for a run that needs a person: its write would be sent again, blindly.
        """
        self._control.replay(run_id, from_step=from_step, version=version)

    def decide(self, run_id: str, *, happened: bool, record: JsonObject | None = None) -> None:
        """Say for a run that needs a person whether its write happened; then it goes on."""
        self._control.decide(run_id, happened=happened, record=record)

    def go_on_after_repairs(self) -> None:
        """Queue the runs that were paused with their flow, if it is active again."""
        self._control.go_on_after_repairs()

    def look_for_strays(self) -> None:
        """Note runs that DBOS gave up, and queue those whose process died before it could."""
        self._control.look_for_strays()

    def clean_up(self) -> int:
        """Delete runs that ended longer ago than they are kept. Return how many.

        A webhook that is delivered again after that becomes a new run.
        """
        return self._control.clean_up()

    def show(self, run_id: str) -> JsonObject:
        """Return all about a run: its state, event, and the attempts of each call."""
        run = self.runs.get(run_id)
        self._connect()
        return history.shown(run, BEGIN)

    def list_runs(self, name: str = "", *, states: Sequence[str] = (), limit: int = 100) -> list[JsonObject]:
        """Return runs, the newest first, without their steps."""
        return self.summaries(self.runs.find(flow=name, states=states, limit=limit))

    def latest_runs(self, names: Sequence[str]) -> dict[str, JsonObject]:
        """Return the newest run of each of these flows, by the flow's name."""
        return {one["flow"]: one for one in self.summaries(self.runs.latest(names))}

    def summaries(self, runs: Sequence[Run]) -> list[JsonObject]:
        """Return runs in one row each, with what DBOS knows of those under way."""
        if any(run.state in history.UNDER_WAY for run in runs):
            self._connect()
        return history.summaries(runs)

    def dead_letters(self, name: str = "", *, limit: int = 100) -> list[JsonObject]:
        """Return the runs that a person should look at: failed, or undecided."""
        return self.list_runs(name, states=TO_BE_SEEN, limit=limit)

    def health(self) -> JsonObject:
        """Return how the agent is: its processes, and the age of the oldest waiting and pending run."""
        self._connect()
        beats, ages, counts = self._executors.beats(), self._ages(), self.runs.count()
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

    def _poll(self) -> None:
        self._schedules.poll(self.executor)

    def _watch(self) -> None:
        self.webhooks.look(self.executor)
