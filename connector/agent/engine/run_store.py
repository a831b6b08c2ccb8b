"""Runs: one row each, so that they can be listed and counted without reading DBOS's records."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Row,
    Select,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from ...errors import UsageError
from ...support.redaction import shortened
from ..telemetry import public_id
from .database import Database
from .flow_store import UnknownFlow
from .tables import CALLS, FLOWS, RUNS, SENT, listed

JsonObject = dict[str, Any]
Place = tuple[float, str]
"""Where a list of runs is cut: the time and the id of a run."""

FLOW_REMOVED: Final = "flow_removed"
REMOVED_NOTE: Final = {
    "code": FLOW_REMOVED,
    "message": "Its flow was removed.",
    "fix": "To carry it out after all, deploy the flow again, and start a new run.",
}
_SHORT_ID: Final = re.compile(r"[0-9a-f]{4,16}")
_COLUMNS: Final = tuple(
    RUNS.c[name]
    for name in (
        *("id", "short_id", "flow", "turn", "state", "version"),
        *("trigger", "note", "created_at", "ended_at"),
    )
)
_LISTED: Final = (
    *(column for column in _COLUMNS if column is not RUNS.c.trigger),
    *(RUNS.c.started_by, RUNS.c.event_id, RUNS.c.event_kind),
)


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a flow.

    `state` is waiting (queued or running), delayed (until the next attempt), paused, done, filtered (its
    event isn't one of the flow's trigger), failed or needs_person. `note` says why it ended like this.
    `short_id` stands for the id where people read it.
    """

    id: str
    short_id: str
    flow: str
    turn: int
    state: str
    version: int | None
    trigger: JsonObject
    note: JsonObject = field(default_factory=dict)
    created_at: float = 0.0
    ended_at: float | None = None

    @property
    def workflow(self) -> str:
        """The id of the DBOS workflow of its last turn."""
        return workflow_id(self.id, self.turn)


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs to list; what is empty doesn't matter.

    They were created from `since` until before `until`. `text` is a part of the id of the run or its event.
    """

    flow: str = ""
    states: tuple[str, ...] = ()
    by: str = ""
    since: float | None = None
    until: float | None = None
    text: str = ""


def workflow_id(run_id: str, turn: int) -> str:
    """Return the id of the DBOS workflow for a turn of a run."""
    return f"{run_id}~{turn}" if turn else run_id


class RunStore:
    """The runs of all flows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, run_id: str, flow: str, trigger: JsonObject, now: float) -> bool:
        """Add a run that waits. Return False if the id exists. Raises UnknownFlow."""
        row = {
            "id": run_id,
            "short_id": public_id(run_id),
            "flow": flow,
            "turn": 0,
            "state": "waiting",
            "trigger": trigger,
            "note": {},
            "created_at": now,
            **listed(trigger),
        }
        # Only if the flow is there, in one statement: events are frequent.
        values = [literal(value, RUNS.c[name].type) for name, value in row.items()]
        is_there = exists().where(FLOWS.c.name == flow)
        query = insert(RUNS).from_select(list(row), select(*values).where(is_there))
        query = query.execution_options(preserve_rowcount=True)
        with suppress(KeyError), self._database.transaction() as connection:
            if not connection.execute(query).rowcount:
                raise UnknownFlow(
                    f"No flow named {shortened(flow)!r} is deployed.", fix="List the flows: flow list."
                )
            return True
        return False

    def turn_ended(
        self,
        run_id: str,
        turn: int,
        *,
        state: str,
        version: int | None,
        note: JsonObject,
        now: float,
        calls: Mapping[str, JsonObject] | None = None,
    ) -> str:
        """Note how a turn ended, and its API calls by connection. Later turns aren't overwritten.

        Return the state: a run that would go on has failed instead if its flow was removed.
        """
        workflow = workflow_id(run_id, turn)
        rows = [{"workflow": workflow, "connection": key, **one} for key, one in (calls or {}).items()]
        this = update(RUNS).where(RUNS.c.id == run_id, RUNS.c.turn <= turn)
        with self._database.transaction() as connection:
            if state in _GOING_ON and _is_removed(connection, run_id):
                state, note = "failed", dict(REMOVED_NOTE)
            ended = {"turn": turn, "state": state, "version": version, "note": note, "ended_at": now}
            connection.execute(this.values(**ended))
            if rows:  # a turn may end twice, after a crash
                connection.execute(delete(CALLS).where(CALLS.c.workflow == workflow))
                connection.execute(insert(CALLS).values(ended_at=now), rows)
        return state

    def turn_queued(self, run_id: str, turn: int) -> bool:
        """Note that a turn is queued, unless it ended already. Return False if its flow was removed."""
        this = update(RUNS).where(RUNS.c.id == run_id, RUNS.c.turn < turn)
        with self._database.transaction() as connection:
            if _is_removed(connection, run_id):
                return False
            connection.execute(this.values(turn=turn, state="waiting", note={}, ended_at=None))
        return True

    def may_begin(self, run_id: str) -> bool:
        """Whether the flow of a run hasn't been removed since the run was started."""
        with self._database.transaction() as connection:
            note = connection.scalar(select(RUNS.c.note).where(RUNS.c.id == run_id)) or {}
        return note.get("code") != FLOW_REMOVED

    def get(self, run_id: str) -> Run:
        """Return the run with this id, or with a short id that begins like this. Raises UsageError."""
        query = select(*_COLUMNS).where(RUNS.c.id == run_id)
        if _SHORT_ID.fullmatch(run_id):
            query = select(*_COLUMNS).where(RUNS.c.short_id.startswith(run_id)).limit(2)
        with self._database.transaction() as connection:
            rows = connection.execute(query).all()
        if not rows:
            raise UsageError(f"There is no run {run_id!r}.", fix="List the runs: flow runs.")
        if len(rows) > 1:
            raise UsageError(f"Several runs begin with {run_id!r}.", fix="Write more of its id.")
        return _run(rows[0])

    def find(self, *, flow: str = "", states: Sequence[str] = (), limit: int = 100) -> list[Run]:
        """Return runs, the newest first."""
        query = select(*_COLUMNS).order_by(RUNS.c.created_at.desc()).limit(limit)
        if flow:
            query = query.where(RUNS.c.flow == flow)
        if states:
            query = query.where(RUNS.c.state.in_(states))
        with self._database.transaction() as connection:
            return [_run(row) for row in connection.execute(query)]

    def latest(self, flows: Sequence[str]) -> list[Run]:
        """Return the newest run of each of these flows that has any."""
        query = select(*_COLUMNS).order_by(RUNS.c.created_at.desc()).limit(1)
        with self._database.transaction() as connection:  # each reads one entry of an index
            rows = [connection.execute(query.where(RUNS.c.flow == flow)).first() for flow in flows]
        return [_run(row) for row in rows if row is not None]

    def page(
        self, wanted: RunQuery, *, after: Place | None = None, down_to: Place | None = None, limit: int
    ) -> list[Run]:
        """Return runs without their events, the newest first: after a place, or down to one."""
        query = _wanted(select(*_LISTED), wanted)
        place = tuple_(RUNS.c.created_at, RUNS.c.id)
        if after is not None:
            query = query.where(place < after)
        if down_to is not None:
            query = query.where(place >= down_to)
        query = query.order_by(RUNS.c.created_at.desc(), RUNS.c.id.desc()).limit(limit)
        with self._database.transaction() as connection:
            return [_listed_run(row) for row in connection.execute(query)]

    def count(self, wanted: RunQuery = RunQuery()) -> dict[str, int]:
        """Return how many runs there are in each state."""
        query = _wanted(select(RUNS.c.state, func.count()), wanted).group_by(RUNS.c.state)
        with self._database.transaction() as connection:
            return {row.state: row[1] for row in connection.execute(query.order_by(RUNS.c.state))}

    def last_started(self, flow: str, by: str) -> float | None:
        """Return when the last run of a flow that was started like this began."""
        query = select(func.max(RUNS.c.created_at)).where(RUNS.c.flow == flow, RUNS.c.started_by == by)
        with self._database.transaction() as connection:
            found: float | None = connection.scalar(query)
        return found

    def waiting_since(self, time: float, limit: int) -> list[Run]:
        """Return runs that have waited since a time, the oldest first."""
        query = select(*_COLUMNS).where(RUNS.c.state == "waiting", RUNS.c.created_at < time)
        with self._database.transaction() as connection:
            return [_run(row) for row in connection.execute(query.order_by(RUNS.c.created_at).limit(limit))]

    def released(self, limit: int) -> list[Run]:
        """Return paused runs whose flow is active again, the oldest first."""
        query = select(*_COLUMNS).join(FLOWS, FLOWS.c.name == RUNS.c.flow)
        query = query.where(RUNS.c.state == "paused", FLOWS.c.state == "active")
        with self._database.transaction() as connection:
            return [_run(row) for row in connection.execute(query.order_by(RUNS.c.created_at).limit(limit))]

    def ended_before(self, time: float, states: Sequence[str], limit: int) -> list[Run]:
        """Return runs in these states that ended before a time."""
        query = select(*_COLUMNS).where(RUNS.c.state.in_(states), RUNS.c.ended_at < time).limit(limit)
        with self._database.transaction() as connection:
            return [_run(row) for row in connection.execute(query)]

    def delete(self, runs: Sequence[Run]) -> None:
        """Delete runs, and what was noted about their writes and API calls."""
        ids = [run.id for run in runs]
        workflows = [workflow_id(run.id, turn) for run in runs for turn in range(run.turn + 1)]
        with self._database.transaction() as connection:
            connection.execute(delete(CALLS).where(CALLS.c.workflow.in_(workflows)))
            connection.execute(delete(SENT).where(SENT.c.workflow.in_(workflows)))
            connection.execute(delete(RUNS).where(RUNS.c.id.in_(ids)))


_GOING_ON: Final = frozenset({"paused", "delayed"})


def _is_removed(connection: Connection, run_id: str) -> bool:
    """Whether the flow of a run was removed. The run is locked: removals wait, and this waits for them."""
    connection.execute(update(RUNS).where(RUNS.c.id == run_id).values(turn=RUNS.c.turn))
    query = select(RUNS.c.note, FLOWS.c.name).outerjoin(FLOWS, FLOWS.c.name == RUNS.c.flow)
    row = connection.execute(query.where(RUNS.c.id == run_id)).first()
    return row is not None and (row.name is None or row.note.get("code") == FLOW_REMOVED)


def _run(row: "Row[tuple[Any, ...]]") -> Run:
    return Run(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping


def _listed_run(row: "Row[tuple[Any, ...]]") -> Run:
    found = dict(row._mapping)  # noqa: SLF001 - see _run
    by, event_id, kind = found.pop("started_by"), found.pop("event_id"), found.pop("event_kind")
    event = {"id": event_id, "kind": kind} if event_id else None
    return Run(**found, trigger={"by": by, "event": event})


def _wanted(query: "Select[Any]", wanted: RunQuery) -> "Select[Any]":
    """Return a query that is limited to some runs."""
    if wanted.flow:
        query = query.where(RUNS.c.flow == wanted.flow)
    if wanted.states:
        query = query.where(RUNS.c.state.in_(wanted.states))
    if wanted.by:
        query = query.where(RUNS.c.started_by == wanted.by)
    if wanted.since is not None:
        query = query.where(RUNS.c.created_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(RUNS.c.created_at < wanted.until)
    if wanted.text:
        columns = (RUNS.c.id, RUNS.c.short_id, RUNS.c.event_id)
        query = query.where(or_(*(column.contains(wanted.text, autoescape=True) for column in columns)))
    return query
