"""Removing flows: what deploying them subscribed to is undone, and runs that wait are ended."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import CursorResult, delete, func, insert, select, update

from ...errors import ConnectorError
from ...support.clock import Timing
from ...support.redaction import shortened
from ..flows.model import FlowConnection
from .connections import Connections
from .database import Database
from .flow_store import UnknownFlow
from .outcomes import as_connector_error
from .run_store import REMOVED_NOTE
from .tables import FLOWS, POLLS, REMOVED, RUNS, SUBSCRIPTIONS, VERSIONS

if TYPE_CHECKING:
    from sqlalchemy import Connection as DatabaseConnection

_LOGGER: Final = logging.getLogger("calendly_connector.agent")


@dataclass(frozen=True, slots=True)
class RemovedFlow:
    """What removing a flow did: subscriptions deleted, those left behind, and runs that were ended."""

    name: str
    unsubscribed: int
    left_behind: tuple[str, ...]  # why
    ended_runs: int


class StillSubscribed(ConnectorError):
    """A flow can't be removed, because its webhook subscription can't be deleted."""

    code = "still_subscribed"


class Removal:
    """Removes flows, in any process."""

    def __init__(self, database: Database, connections: Connections, timing: Timing) -> None:
        self._database = database
        self._connections = connections
        self._timing = timing

    def note_subscriptions(self, flow: str, wanted: FlowConnection, ids: list[str]) -> None:
        """Keep what a flow subscribed to."""
        row = {"flow": flow, "connector": wanted.connector, "credential": wanted.credential}
        for one in ids:
            with suppress(KeyError), self._database.transaction() as connection:  # an equal one was kept
                connection.execute(insert(SUBSCRIPTIONS).values(**row, id=one))

    def subscriptions(self, flow: str) -> list[tuple[str, FlowConnection]]:
        """Return the ids of a flow's subscriptions, and the connection that each belongs to."""
        query = select(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.flow == flow).order_by(SUBSCRIPTIONS.c.id)
        with self._database.transaction() as connection:
            rows = connection.execute(query).all()
        return [(row.id, FlowConnection(row.connector, row.credential)) for row in rows]

    def remove(self, name: str, *, force: bool = False) -> RemovedFlow:
        """Remove a flow. Raises UnknownFlow, or StillSubscribed unless `force`.

        The subscriptions go first: if that fails, the flow is as it was, and can be removed again.
        """
        with self._database.transaction() as connection:
            if connection.scalar(select(FLOWS.c.name).where(FLOWS.c.name == name)) is None:
                raise _unknown(name)
        unsubscribed, errors = self._unsubscribe(name)
        if errors and not force:
            raise StillSubscribed(
                f"The flow {name} isn't removed: its webhook subscription can't be deleted. {errors[0]}",
                fix="Or remove it without that (--force): its address then answers 404, until you delete the "
                "subscription or the application disables it.",
            )
        ended = self._delete(name)
        _LOGGER.info("The flow %s was removed.", name)
        return RemovedFlow(name, unsubscribed, tuple(errors), ended)

    def _unsubscribe(self, name: str) -> tuple[int, list[str]]:
        """Delete the subscriptions of a flow. Return how many, and why others couldn't be deleted."""
        done, errors = 0, []
        for one, wanted in self.subscriptions(name):
            try:
                with self._connections.open(wanted) as connection:
                    connection.unsubscribe(one)
            except Exception as error:  # noqa: BLE001 - any fault of a connector
                errors.append(str(as_connector_error(error)))
                continue
            this = (SUBSCRIPTIONS.c.flow == name, SUBSCRIPTIONS.c.id == one)
            with self._database.transaction() as database:
                database.execute(delete(SUBSCRIPTIONS).where(*this))
            done += 1
        return done, errors

    def _delete(self, name: str) -> int:
        """Delete a flow, and end its runs that wait. Return how many runs that were."""
        with self._database.transaction() as connection:
            if not connection.execute(delete(FLOWS).where(FLOWS.c.name == name)).rowcount:
                raise _unknown(name)
            newest = select(func.max(VERSIONS.c.version)).where(VERSIONS.c.name == name)
            _keep_count(connection, name, connection.scalar(newest) or 0)
            connection.execute(delete(VERSIONS).where(VERSIONS.c.name == name))
            connection.execute(delete(POLLS).where(POLLS.c.flow == name))
            connection.execute(delete(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.flow == name))
            return self._end_runs(connection, name)

    def _end_runs(self, connection: "DatabaseConnection", name: str) -> int:
        """End the runs that no process carries out. Those in the queue end when their turn comes.

        Runs under way are like those in the queue in this table: they go on, and their end overwrites the
        note.
        """
        runs = update(RUNS).where(RUNS.c.flow == name)
        connection.execute(runs.where(RUNS.c.state == "waiting").values(note=REMOVED_NOTE))
        held = runs.where(RUNS.c.state.in_(("paused", "delayed")))
        ended: CursorResult[object] = connection.execute(
            held.values(state="failed", note=REMOVED_NOTE, ended_at=self._timing.clock())
        )
        return ended.rowcount


def _keep_count(connection: "DatabaseConnection", name: str, version: int) -> None:
    this = update(REMOVED).where(REMOVED.c.name == name)
    if not connection.execute(this.values(version=version)).rowcount:
        connection.execute(insert(REMOVED).values(name=name, version=version))


def _unknown(name: str) -> UnknownFlow:
    return UnknownFlow(f"No flow named {shortened(name)!r} is deployed.", fix="List the flows: flow list.")
