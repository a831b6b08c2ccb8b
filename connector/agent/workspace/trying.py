"""Trying a flow: whether its address can be reached, and a run that a person starts."""

import json
import secrets
from dataclasses import dataclass
from typing import Any, Final

from ...errors import ConnectorError, UsageError
from ..flows.model import Flow
from . import audit
from .model import Finding, Workspace

_LARGEST: Final = 1024 * 1024
_NEEDED: Final = ("kind", "payload")


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether events can be posted to a flow, and what was found."""

    is_reached: bool
    findings: tuple[Finding, ...]


def check_reach(workspace: Workspace, name: str) -> Reach:
    """Post to a flow's own address, as the application would. Raises UnknownFlow or UsageError.

    It only ever posts to the address of a deployed flow, so nobody can have it post elsewhere.
    """
    engine = workspace.engine
    url = engine.flow_row(name)["url"]
    if url is None:
        raise UsageError(f"No events are posted to {name}: it has no address.")
    if workspace.probe is None:
        raise UsageError("This agent can't check addresses.")
    if not url.startswith("http"):
        raise UsageError(
            "The agent doesn't know the address at which it gets events.",
            fix="Start it with --public-url.",
        )
    findings = tuple(workspace.probe(url))
    return Reach(all(one.severity == "ok" for one in findings), findings)


def sample_event(workspace: Workspace, name: str) -> str:
    """Return an event that would start a flow, as JSON; "" if it needs none. Raises UnknownFlow."""
    store = workspace.engine.flows
    flow = store.flow(name, store.get(name).version)
    return json.dumps(_sample(workspace, flow), indent=2, ensure_ascii=False) if flow.trigger.events else ""


def _sample(workspace: Workspace, flow: Flow) -> dict[str, Any]:
    """Return the connector's own sample, or a bare event if it has none or can't be opened."""
    trigger = flow.trigger
    bare: dict[str, Any] = {"id": "sample", "kind": trigger.events[0], "payload": {}}
    try:
        with workspace.engine.connections.open(flow.connections[trigger.connection]) as connection:
            event = connection.trigger(trigger.events, dict(trigger.filters)).sample()
    except ConnectorError:
        return bare
    return {
        "id": event.id,
        "kind": event.kind,
        "created_at": event.created_at,
        "created_by": event.created_by,
        "payload": event.payload,
    }


def start(workspace: Workspace, name: str, event: str, *, by: str) -> str:
    """Start a run by hand, with an event as JSON ("": none). Return the run's short id.

    It is a new run each time, even for the same event. Raises UnknownFlow or UsageError.
    """
    engine = workspace.engine
    flow = engine.flows.flow(name, engine.flows.get(name).version)
    given = read_event(event) if event.strip() else None
    if flow.trigger.events and given is None:
        raise UsageError("Events start this flow.", fix="Enter one as JSON.")
    run_id = engine.start_run(name, given, run_id=f"{name}:{secrets.token_hex(8)}")
    audit.note(by, "flow.run", name)
    return engine.runs.get(run_id).short_id


def read_event(text: str) -> dict[str, Any]:
    """Return an event that a person entered as JSON. Raises UsageError."""
    if len(text.encode()) > _LARGEST:
        raise UsageError("The event is larger than 1 MB.", fix="Shorten it.")
    try:
        event = json.loads(text)
    except (ValueError, RecursionError) as error:
        place = f" in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise UsageError(f"The event isn't JSON{place}.", fix="Correct it.") from None
    if not isinstance(event, dict):
        raise UsageError("The event isn't a JSON object.", fix='Write it as {"kind": …, "payload": {…}}.')
    if missing := [key for key in _NEEDED if key not in event]:
        raise UsageError(f"The event has no {missing[0]}.", fix=f"It needs {' and '.join(_NEEDED)}.")
    if not isinstance(event["payload"], dict) or not isinstance(event["kind"], str):
        raise UsageError("The event's kind is a text, and its payload an object.", fix="Correct it.")
    known = {"id": str(event.get("id") or "sample"), "created_at": "", "created_by": None}
    unknown = event.keys() - {*known, *_NEEDED}
    if unknown:
        raise UsageError(f"An event has no {min(unknown)!r}.", fix="Move it into the payload.")
    return {**known, **event, "id": known["id"]}
