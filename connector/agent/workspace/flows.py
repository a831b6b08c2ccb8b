"""Deployed flows: lists and details for people, new versions, pausing and removing."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import ConnectorError
from .. import templates
from ..engine.flow_store import DeployedFlow, FlowChanged, UnknownFlow
from ..engine.removal import RemovedFlow
from ..flows import check, file
from ..flows.model import Flow, FlowConnection
from . import audit, flow_words
from .model import Workspace

__all__ = ["FlowChanged", "NotSubscribed", "UnknownFlow", "current", "deploy"]

_LAST_RUNS = 10


class NotSubscribed(ConnectorError):
    """A flow was deployed, but its events couldn't be subscribed to. Deploying it again tries again."""

    code = "not_subscribed"

    def __init__(self, name: str, version: int, cause: ConnectorError) -> None:
        super().__init__(
            f"Version {version} of {name} is deployed, but not subscribed to its events. {cause.message}",
            fix=f"{cause.fix} Then deploy it again.".strip(),
        )
        self.version = version


@dataclass(frozen=True, slots=True)
class LastRun:
    """A run in a list. `note` is why it ended like this."""

    short_id: str
    state: str
    started_at: float
    ended_at: float | None
    by: str
    note: str

    @property
    def state_words(self) -> str:
        """The state as people read it."""
        return flow_words.RUN_STATES.get(self.state, self.state)


@dataclass(frozen=True, slots=True)
class FlowRow:
    """A flow in a list. `connections` are like "calendly (work)"."""

    name: str
    title: str
    version: int
    state: str
    paused_by: str
    reason: str
    fix: str
    trigger: str
    waits_for_events: bool
    connections: tuple[str, ...]
    next_poll_at: float | None
    poll_error: str
    last_run: LastRun | None

    @property
    def is_active(self) -> bool:
        """Whether it takes up events."""
        return self.state == "active"


@dataclass(frozen=True, slots=True)
class FlowDetail:
    """A flow on its page. `url` is None unless events are posted to it."""

    row: FlowRow
    flow: Flow
    url: str | None
    runs: tuple[LastRun, ...]
    subscriptions: int


@dataclass(frozen=True, slots=True)
class FlowVersion:
    """A version of a flow that was deployed."""

    number: int
    created_at: float
    is_current: bool


def rows(workspace: Workspace) -> list[FlowRow]:
    """Return all deployed flows, by name."""
    engine = workspace.engine
    listed = engine.list_flows()
    latest = engine.latest_runs([one["name"] for one in listed])
    found = []
    for one in listed:
        try:
            flow = engine.flows.flow(one["name"], one["version"])
        except UnknownFlow:  # it was removed meanwhile
            continue
        found.append(_row(one, flow, latest.get(one["name"])))
    return found


def detail(workspace: Workspace, name: str) -> FlowDetail:
    """Return all that the page of a flow shows. Raises UnknownFlow."""
    engine = workspace.engine
    shown = engine.flow_row(name)
    flow = engine.flows.flow(name, shown["version"])
    runs = engine.list_runs(name, limit=_LAST_RUNS)
    return FlowDetail(
        _row(shown, flow, runs[0] if runs else None),
        flow,
        shown["url"],
        tuple(map(_run, runs)),
        engine.count_subscriptions(name),
    )


def _row(shown: Mapping[str, Any], flow: Flow, last: Mapping[str, Any] | None) -> FlowRow:
    return FlowRow(
        name=flow.name,
        title=flow.title,
        version=shown["version"],
        state=shown["state"],
        paused_by=shown["paused_by"],
        reason=shown["reason"],
        fix=shown["fix"],
        trigger=flow_words.trigger(flow),
        waits_for_events=flow.trigger.type == "triggered",
        connections=tuple(dict.fromkeys(map(_connection, flow.connections.values()))),
        next_poll_at=shown["next_poll_at"],
        poll_error=shown["poll_error"],
        last_run=_run(last) if last else None,
    )


def _run(one: Mapping[str, Any]) -> LastRun:
    note = str(one["note"].get("message", ""))
    return LastRun(one["short_id"], one["state"], one["created_at"], one["ended_at"], one["by"], note)


def _connection(wanted: FlowConnection) -> str:
    return f"{wanted.connector} ({wanted.credential})" if wanted.credential else wanted.connector


def template_titles() -> dict[str, str]:
    """Return the templates that a new flow can begin with: their titles by name."""
    return {name: file.parse(templates.read(name)).title for name in templates.names()}


def current(workspace: Workspace, name: str) -> tuple[int, str]:
    """Return the active version of a flow, and its text. Raises UnknownFlow."""
    store = workspace.engine.flows
    version = store.get(name).version
    return version, store.text(name, version)


def deploy(workspace: Workspace, text: str, *, expected_version: int | None, by: str) -> DeployedFlow:
    """Check and deploy a flow, or a new version of it.

    `expected_version` is the version that was edited; None: no flow of this name may exist yet. Raises
    InvalidFlow with all problems, FlowChanged if somebody else was faster, UsageError if the agent doesn't
    know its address, or NotSubscribed: then the flow is deployed.
    """
    flow = check.load(text, workspace.connectors, credentials=workspace.vault.names())
    engine = workspace.engine
    try:
        deployed = engine.deploy(text, flow, expected_version=expected_version)
    except FlowChanged:
        raise
    except ConnectorError as error:
        known = {one.name: one for one in engine.flows.all()}.get(flow.name)
        if known is None or engine.flows.text(flow.name, known.version) != text:
            raise
        audit.note(by, "flow.deploy", flow.name, version=known.version)
        raise NotSubscribed(flow.name, known.version, error) from error
    audit.note(by, "flow.deploy", flow.name, version=deployed.version)
    return deployed


def pause(workspace: Workspace, name: str, *, by: str) -> None:
    """Pause a flow: its events wait. Raises UnknownFlow."""
    workspace.engine.pause(name)
    audit.note(by, "flow.pause", name)


def resume(workspace: Workspace, name: str, *, by: str) -> None:
    """Let a paused flow go on, with the events that waited. Raises UnknownFlow."""
    workspace.engine.resume(name)
    audit.note(by, "flow.resume", name)


def remove(workspace: Workspace, name: str, *, by: str, force: bool = False) -> RemovedFlow:
    """Remove a flow. Raises UnknownFlow, or StillSubscribed unless `force`."""
    removed = workspace.engine.remove(name, force=force)
    audit.note(by, "flow.remove", name, force=force)
    return removed


def versions(workspace: Workspace, name: str) -> list[FlowVersion]:
    """Return the versions of a flow, the newest first. Raises UnknownFlow."""
    store = workspace.engine.flows
    active = store.get(name).version
    return [
        FlowVersion(int(one["version"]), one["created_at"], one["version"] == active)
        for one in store.versions(name)
    ]


def version_text(workspace: Workspace, name: str, version: int) -> str:
    """Return the text of a version. Raises UnknownFlow."""
    return workspace.engine.flows.text(name, version)


def difference(workspace: Workspace, name: str, version: int) -> str:
    """Return what changed from a version to the current one, as a unified diff; "" if nothing did."""
    active, text = current(workspace, name)
    earlier = version_text(workspace, name, version)
    return _difference(earlier, text, f"version {version}", f"version {active} (current)")


def _difference(earlier: str, later: str, from_name: str, to_name: str) -> str:
    lines: Iterable[str] = difflib.unified_diff(
        earlier.splitlines(), later.splitlines(), from_name, to_name, lineterm=""
    )
    return "\n".join(lines)


def deploy_again(
    workspace: Workspace, name: str, version: int, *, expected_version: int, by: str
) -> DeployedFlow:
    """Deploy an earlier version as a new one. It raises what `deploy` raises."""
    text = version_text(workspace, name, version)
    return deploy(workspace, text, expected_version=expected_version, by=by)
