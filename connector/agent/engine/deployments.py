"""Deployed flows: new versions and their subscriptions, pausing, rows for display, and repairs."""

import contextlib
import logging
from collections.abc import Mapping
from typing import Final

from ...errors import UsageError
from ..flows.model import Flow
from .connections import Connections
from .database import Database
from .flow_store import ANY_VERSION, DeployedFlow, FlowStore, UnknownFlow
from .outcomes import as_connector_error
from .removal import Removal
from .run_store import JsonObject, RunQuery, RunStore
from .schedules import Schedules

_LOGGER: Final = logging.getLogger("calendly_connector.agent")


class Deployments:
    """What is done with deployed flows."""

    def __init__(
        self,
        database: Database,
        flows: FlowStore,
        connections: Connections,
        schedules: Schedules,
        removal: Removal,
        runs: RunStore,
    ) -> None:
        self._database = database
        self._flows = flows
        self._connections = connections
        self._schedules = schedules
        self._removal = removal
        self._runs = runs

    def deploy(self, text: str, flow: Flow, *, expected_version: int | None = ANY_VERSION) -> DeployedFlow:
        """Deploy a checked flow, or a new version of it. The same text again changes nothing.

        If its trigger says so, its events are then subscribed to; an equal subscription is kept. Raises the
        error of the connection if that fails: the flow is deployed, and deploying it again tries again.
        """
        if flow.trigger.subscribe and not self._flows.base_url():
            raise UsageError(
                "The agent doesn't know the address at which it gets events.",
                fix="Start it with --public-url, or change the flow's trigger to polling.",
            )
        deployed = self._flows.deploy(text, flow, expected_version=expected_version)
        self._schedules.plan(flow)
        if flow.trigger.subscribe:
            wanted = flow.connections[flow.trigger.connection]
            with self._connections.open(wanted) as connection:
                made = connection.subscribe(flow.trigger.events, self.url(flow.name))
            self._removal.note_subscriptions(flow.name, wanted, [one.id for one in made or ()])
        return deployed

    def pause(self, name: str, reason: str) -> None:
        """Pause a flow: its events wait, and runs stop before their next turn."""
        self._flows.require(name)
        self._flows.pause(name, by="person", reason=reason)

    def resume(self, name: str) -> None:
        """Let a paused flow go on, with the events that waited."""
        self._flows.require(name)
        self._flows.resume(name)

    def rows(self) -> list[JsonObject]:
        """Return all flows, each in one row, by name."""
        base_url, polls = self._flows.base_url(), self._schedules.polls()
        found = []
        for one in self._flows.all():
            with contextlib.suppress(UnknownFlow):  # it was removed meanwhile
                found.append(self._flow_row(one, base_url, polls))
        return found

    def row(self, name: str) -> JsonObject:
        """Return a flow in one row."""
        return self._flow_row(self._flows.get(name), self._flows.base_url(), self._schedules.polls())

    def show(self, name: str) -> JsonObject:
        """Return all about a flow: its row, its versions, and how many runs it has in each state."""
        runs = self._runs.count(RunQuery(flow=name))
        return self.row(name) | {"versions": self._flows.versions(name), "runs": runs}

    def _flow_row(
        self, deployed: DeployedFlow, base_url: str, polls: Mapping[str, tuple[float, str]]
    ) -> JsonObject:
        flow = self._flows.flow(deployed.name, deployed.version)
        due_at, error = polls.get(deployed.name, (None, ""))
        return {
            "name": deployed.name,
            "title": flow.title,
            "version": deployed.version,
            "state": deployed.state,
            "paused_by": deployed.paused_by,
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
        return _url(self._flows.base_url(), self._flows.get(name))

    def urls(self) -> dict[str, str]:
        """Return the URLs of all flows: a flow may subscribe another one to events."""
        base_url = self._database.patiently(self._flows.base_url)
        return {one.name: _url(base_url, one) for one in self._database.patiently(self._flows.all)}

    def repaired(self) -> list[str]:
        """Return the flows that the agent paused, and whose connector and credential work again."""
        return [
            one.name
            for one in self._flows.all()
            if one.state == "paused" and one.paused_by == "agent" and self._usable(one)
        ]

    def _usable(self, deployed: DeployedFlow) -> bool:
        try:
            flow = self._flows.flow(deployed.name, deployed.version)
        except UnknownFlow:
            return False
        for wanted in flow.connections.values():
            try:
                with self._connections.open(wanted) as connection:
                    if wanted.credential and not connection.check().ok:
                        return False
            except Exception as error:  # noqa: BLE001 - any fault of a connector
                _LOGGER.info("The flow %s stays paused: %s", deployed.name, as_connector_error(error))
                return False
        return True


def _url(base_url: str, deployed: DeployedFlow) -> str:
    return f"{base_url}/flows/{deployed.name}/{deployed.secret}"
