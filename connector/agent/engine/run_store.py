"""Runs: one row each, so that they can be listed and counted without reading DBOS's records."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Row, delete, func, insert, select, update

from ...errors import UsageError
from ..telemetry import public_id
from .database import Database
from .tables import FLOWS, RUNS, SENT

JsonObject = dict[str, Any]
_SHORT_ID: Final = re.compile(r"[0-9a-f]{4,16}")


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


def workflow_id(run_id: str, turn: int) -> str:
    """Return the id of the DBOS workflow for a turn of a run."""
    return f"{run_id}~{turn}" if turn else run_id


class RunStore:
    """The runs of all flows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, run_id: str, flow: str, trigger: JsonObject, now: float) -> bool:
        """Add a run that waits. Return False if the id exists."""
        row = {
            "id": run_id,
            "short_id": public_id(run_id),
            "flow": flow,
            "turn": 0,
            "state": "waiting",
            "trigger": trigger,
            "note": {},
        }
        with suppress(KeyError), self._database.transaction() as connection:
            connection.execute(insert(RUNS).values(**row, created_at=now))
            return True
        return False

    def turn_ended(
        self, run_id: str, turn: int, *, state: str, version: int | None, note: JsonObject, now: float
    ) -> None:
        """Note how a turn ended. Later turns aren't overwritten."""
        this = update(RUNS).where(RUNS.c.id == run_id, RUNS.c.turn <= turn)
        ended = {"turn": turn, "state": state, "version": version, "note": note, "ended_at": now}
        with self._database.transaction() as connection:
            connection.execute(this.values(**ended))

    def turn_queued(self, run_id: str, turn: int, state: str = "waiting") -> None:
        """Note that a turn is queued, unless it ended already."""
        this = update(RUNS).where(RUNS.c.id == run_id, RUNS.c.turn < turn)
        with self._database.transaction() as connection:
            connection.execute(this.values(turn=turn, state=state, note={}, ended_at=None))

    def get(self, run_id: str) -> Run:
        """Return the run with this id, or with a short id that begins like this. Raises UsageError."""
        query = select(RUNS).where(RUNS.c.id == run_id)
        if _SHORT_ID.fullmatch(run_id):
            query = select(RUNS).where(RUNS.c.short_id.startswith(run_id)).limit(2)
        with self._database.transaction() as connection:
            rows = connection.execute(query).all()
        if not rows:
            raise UsageError(f"There is no run {run_id!r}.", fix="List the runs: flow runs.")
        if len(rows) > 1:
            raise UsageError(f"Several runs begin with {run_id!r}.", fix="Write more of its id.")
        return _run(rows[0])

    def find(self, *, flow: str = "", states: Sequence[str] = (), limit: int = 100) -> list[Run]:
        """Return runs, the newest first."""
        query = select(RUNS).order_by(RUNS.c.created_at.desc()).limit(limit)
        if flow:
            query = query.where(RUNS.c.flow == flow)
        if states:
            query = query.where(RUNS.c.state.in_(states))
        with self._database.transaction() as connection:
            return [_run(row) for row in connection.execute(query)]

    def counts(self, flow: str = "") -> dict[str, int]:
        """Return how many runs a flow, or all flows together, have in each state."""
        query = select(RUNS.c.state, func.count()).group_by(RUNS.c.state)
        if flow:
            query = query.where(RUNS.c.flow == flow)
        with self._database.transaction() as connection:
            rows = connection.execute(query.order_by(RUNS.c.state)).all()
        return {row.state: row[1] for row in rows}

    def waiting_since(self, time: float, limit: int) -> list[Run]:
        """Return runs that have waited since a time, the oldest first."""
        query = select(RUNS).where(RUNS.c.state == "waiting", RUNS.c.created_at < time)
        with self._database.transaction() as connection:
            return [_run(row) for row in connection.execute(query.order_by(RUNS.c.created_at).limit(limit))]

    def released(self, limit: int) -> list[Run]:
        """Return paused runs whose flow is active again, the oldest first."""
        query = select(RUNS).join(FLOWS, FLOWS.c.name == RUNS.c.flow)
        query = query.where(RUNS.c.state == "paused", FLOWS.c.state == "active")
        with self._database.transaction() as connection:
            return [_run(row) for row in connection.execute(query.order_by(RUNS.c.created_at).limit(limit))]

    def ended_before(self, time: float, states: Sequence[str], limit: int) -> list[Run]:
        """Return runs in these states that ended before a time."""
        query = select(RUNS).where(RUNS.c.state.in_(states), RUNS.c.ended_at < time).limit(limit)
        with self._database.transaction() as connection:
            return [_run(row) for row in connection.execute(query)]

    def delete(self, runs: Sequence[Run]) -> None:
        """Delete runs, and what was noted about their writes."""
        ids = [run.id for run in runs]
        workflows = [workflow_id(run.id, turn) for run in runs for turn in range(run.turn + 1)]
        with self._database.transaction() as connection:
            connection.execute(delete(SENT).where(SENT.c.workflow.in_(workflows)))
            connection.execute(delete(RUNS).where(RUNS.c.id.in_(ids)))


def _run(row: "Row[tuple[Any, ...]]") -> Run:
    return Run(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
