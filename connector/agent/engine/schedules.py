"""Polling flows: when they are due, and looking for their events. One process at a time polls a flow."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import delete, exists, insert, select, update

from ...errors import AgentDatabaseError, ConnectorError
from ...support.clock import Timing
from ..flows.model import Flow, Schedule
from .connections import Connections
from .database import Database
from .flow_store import FlowStore, UnknownFlow
from .outcomes import as_connector_error, from_error
from .tables import EXECUTORS, FLOWS, POLLS

StartRun = Callable[..., str]
_AT_ONCE = 8
_LOGGER = logging.getLogger("calendly_connector.agent")


def next_due(schedule: Schedule, after: float) -> float:
    """Return when a schedule is due next, in unix seconds.

    A time that a clock change skips is due right after it. One that comes twice is due once, unless the
    schedule's hours have a `*`.
    """
    if not schedule.cron:
        return after + schedule.every_s
    from croniter import croniter

    zone = ZoneInfo(schedule.time_zone)
    names_hours = "*" not in schedule.cron.split()[1]
    times = croniter(schedule.cron, datetime.fromtimestamp(after, zone))
    while True:
        due: datetime = times.get_next(datetime)
        again = due.replace(fold=0).utcoffset() != due.utcoffset()
        if not (again and names_hours):
            return due.timestamp()


class Schedules:
    """The schedules of polling flows. `start_run` starts a run, once for each id."""

    def __init__(
        self,
        database: Database,
        flows: FlowStore,
        connections: Connections,
        timing: Timing,
        start_run: StartRun,
    ) -> None:
        self._database = database
        self._flows = flows
        self._connections = connections
        self._timing = timing
        self._start_run = start_run

    def plan(self, flow: Flow) -> None:
        """Plan a deployed flow. What it has seen already stays known."""
        now, schedule = self._timing.clock(), flow.trigger.schedule
        this = POLLS.c.flow == flow.name
        with self._database.transaction() as connection:
            if flow.trigger.type != "polling" or schedule is None:
                connection.execute(delete(POLLS).where(this))
                return
            due = next_due(schedule, now) if schedule.cron else now
            if not connection.execute(update(POLLS).where(this).values(due_at=due)).rowcount:
                row = {"flow": flow.name, "due_at": due, "cursor": "", "claimed_by": "", "error": ""}
                connection.execute(insert(POLLS).values(row))

    def drop(self, name: str) -> None:
        """Forget a flow that isn't deployed."""
        unknown = ~exists().where(FLOWS.c.name == name)
        with self._database.transaction() as connection:
            connection.execute(delete(POLLS).where(POLLS.c.flow == name, unknown))

    def polls(self) -> dict[str, tuple[float, str]]:
        """Return when each polling flow is due, in unix seconds, and the error of its last poll."""
        with self._database.transaction() as connection:
            return {row.flow: (row.due_at, row.error) for row in connection.execute(select(POLLS))}

    def poll(self, executor: str) -> int:
        """Poll the flows that are due. Return how many this process polled."""
        due = select(POLLS.c.flow, POLLS.c.due_at).where(POLLS.c.due_at <= self._timing.clock())
        with self._database.transaction() as connection:
            found = connection.execute(due.order_by(POLLS.c.due_at)).all()
        if not found:
            return 0
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="agent-polls") as pool:
            return sum(pool.map(lambda row: self._poll(row.flow, row.due_at, executor), found))

    def _poll(self, name: str, due_at: float, executor: str) -> bool:
        try:
            deployed = self._flows.get(name)
            flow = self._flows.flow(name, deployed.version)
        except UnknownFlow:  # it was removed while it was deployed
            self.drop(name)
            return False
        if deployed.state == "paused":
            return False
        cursor = self._claim(name, due_at, executor)
        if cursor is None:
            return False
        error = ""
        try:
            if flow.trigger.events:
                cursor = self._find(flow, cursor)
            else:
                moment = datetime.fromtimestamp(due_at, UTC).isoformat()
                self._start_run(name, run_id=f"{name}:{moment}", by="polling")
        except AgentDatabaseError:
            raise
        except Exception as raised:  # noqa: BLE001 - one flow's fault must not stop the others
            fault = as_connector_error(raised)
            error = str(fault)
            self._failed(name, fault)
        self._finish(flow, due_at, executor, cursor, error)
        return True

    def _find(self, flow: Flow, cursor: str) -> str:
        """Start a run for each new event, and return the cursor for the next poll."""
        trigger = flow.trigger
        with self._connections.open(flow.connections[trigger.connection]) as connection:
            polled = connection.trigger(trigger.events, dict(trigger.filters)).poll(cursor)
        for event in polled.events:
            self._start_run(flow.name, event, matched=True, by="polling")
        return polled.cursor

    def _failed(self, name: str, fault: ConnectorError) -> None:
        _LOGGER.warning("Polling for the flow %s failed. %s", name, fault)
        if from_error(fault)["state"] == "paused":
            self._flows.pause(name, by="agent", reason=fault.message, fix=fault.fix)

    def _claim(self, name: str, due_at: float, executor: str) -> str | None:
        """Claim a flow's poll; return its cursor, or None if another living process has claimed it."""
        others = select(EXECUTORS.c.id).where(EXECUTORS.c.dead.is_(False), EXECUTORS.c.id != executor)
        free = (POLLS.c.flow == name, POLLS.c.due_at == due_at, POLLS.c.claimed_by.not_in(others))
        with self._database.transaction() as connection:
            if not connection.execute(update(POLLS).where(*free).values(claimed_by=executor)).rowcount:
                return None
            return connection.scalar(select(POLLS.c.cursor).where(POLLS.c.flow == name))

    def _finish(self, flow: Flow, due_at: float, executor: str, cursor: str, error: str) -> None:
        """Keep the cursor: all its events are queued. A poll that others took over changes nothing."""
        schedule = flow.trigger.schedule
        if schedule is None:
            return
        mine = (POLLS.c.flow == flow.name, POLLS.c.due_at == due_at, POLLS.c.claimed_by == executor)
        then = next_due(schedule, self._timing.clock())
        after = {"cursor": cursor, "due_at": then, "claimed_by": "", "error": error[:2000]}
        with self._database.transaction() as connection:
            connection.execute(update(POLLS).where(*mine).values(after))
