"""Tests of one step with sample data, before a flow is deployed.

A step sees what it would see in a run: the sample of the trigger's event, and of each earlier step the result
of its own test, or else the example that its action declares.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from ...contract import Connection, PreparedCall
from ...errors import ConnectorError, UsageError
from ...support import timestamps
from ..engine.outcomes import as_connector_error, from_result, plain, shown_input
from ..flows import check, values
from ..flows.model import Flow, Step
from .draft_edits import connection_at
from .model import Workspace

LONGEST: Final = 20_000
_NOTHING: Final[dict[str, Any]] = {"record": None, "records": [], "extra": {}}


@dataclass(slots=True)
class Samples:
    """What tests of a flow work with: results of steps by their ids, and the event."""

    event: dict[str, Any] | None = None
    results: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trial:
    """A call that is ready: what it would send. A run would skip the step if `is_skipped`."""

    action: str
    is_read: bool
    rows: list[list[Any]]
    requests: list[Mapping[str, Any]]
    is_skipped: bool


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What a test returned."""

    summary: str
    result: dict[str, Any]
    warnings: tuple[str, ...] = ()


def prepare(workspace: Workspace, flow: Flow, number: int, samples: Samples) -> Trial:
    """Return what a step would send. It may look names up. Raises the error that a run would have."""
    step, known = flow.steps[number], _known(workspace, flow, number, samples)
    with _open(workspace, flow, number) as connection:
        prepared = _prepared(connection, step, known)
        action = prepared.action
        try:
            requests = list(prepared.preview_resolved())
        except ConnectorError:
            requests = [prepared.preview()]
        rows = shown_input(action, values.rows(step, known))
    return Trial(
        action.title, action.effect == "read", rows, requests, not values.holds(step.conditions, known)
    )


def run(workspace: Workspace, flow: Flow, number: int, samples: Samples) -> TrialResult:
    """Run a step for real, with sample data, and keep its result for the steps after it."""
    step, known = flow.steps[number], _known(workspace, flow, number, samples)
    with _open(workspace, flow, number) as connection:
        try:
            result = _prepared(connection, step, known).run()
        except Exception as error:
            raise as_connector_error(error) from error
    outcome = plain(from_result(result))
    one = {name: outcome[name] for name in _NOTHING}
    samples.results[step.id] = {"items": [{**one, "item": known.get("item")}]} if step.for_each else one
    count = len(outcome["records"])
    more = "" if outcome["complete"] else " on the first page"
    summary = f"{count} record{'' if count == 1 else 's'}{more}." if outcome["records"] else "Done."
    return TrialResult(summary, one, tuple(outcome["warnings"]))


def load_event(workspace: Workspace, flow: Flow, samples: Samples) -> None:
    """Get the trigger's own sample of its first event. Without it, the declared example stays."""
    if not flow.trigger.events:
        return
    wanted = connection_at(flow, None)
    try:
        with workspace.open(wanted.connector, wanted.credential) as connection:
            event = connection.trigger(flow.trigger.events[:1]).sample()
    except Exception:  # noqa: BLE001 - the example does as well
        return
    samples.event = {
        "id": event.id,
        "kind": event.kind,
        "created_at": event.created_at,
        "created_by": event.created_by,
        "payload": dict(event.payload),
    }


def as_text(value: Any) -> str:
    """Return JSON for people, cut off where it gets too long."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n… {len(text) - LONGEST} more characters"


def _open(workspace: Workspace, flow: Flow, number: int) -> Connection:
    wanted = connection_at(flow, number)
    if not wanted.connector:
        raise UsageError("The step has no application yet.", fix="Choose its destination application.")
    if not flow.steps[number].call.action:
        raise UsageError("The step has no action yet.", fix="Choose its action.")
    try:
        return workspace.open(wanted.connector, wanted.credential)
    except Exception as error:
        raise as_connector_error(error) from error


def _prepared(connection: Connection, step: Step, known: Mapping[str, Any]) -> PreparedCall:
    try:
        return connection.prepare(step.call.action, filter=values.rows(step, known), limit=step.call.limit)
    except Exception as error:
        raise as_connector_error(error) from error


def _known(workspace: Workspace, flow: Flow, number: int, samples: Samples) -> dict[str, Any]:
    """Return what a step knows: like in a run, but with samples."""
    urls = {one.name: workspace.engine.url(one.name) for one in workspace.engine.flows.all()}
    urls.setdefault(flow.name, f"{workspace.engine.flows.base_url()}/flows/{flow.name or 'flow'}/example")
    flows = {name: {"name": name, "url": url} for name, url in urls.items()}
    now = datetime.fromtimestamp(workspace.timing.clock(), UTC)
    known: dict[str, Any] = {
        "event": samples.event or _event(workspace, flow),
        "run": {"id": "test", "started_at": timestamps.write(now)},
        "flow": flows[flow.name],
        "flows": flows,
    }
    for earlier, step in enumerate(flow.steps[:number]):
        known[step.id] = samples.results.get(step.id) or _example(workspace, flow, earlier, known)
    if (step := flow.steps[number]).for_each:
        items = values.items(step.for_each, known)
        if not items:
            raise UsageError(
                f"The list {step.for_each} is empty, so there is no item to test with.",
                fix="Test the step that returns the list first.",
            )
        known["item"] = items[0]
    return known


def _event(workspace: Workspace, flow: Flow) -> dict[str, Any]:
    """Return the declared example of the trigger's first event."""
    connector = workspace.connectors.get(connection_at(flow, None).connector)
    kind = next(iter(flow.trigger.events), "")
    trigger = connector.manifest.triggers.get(kind) if connector else None
    if trigger is None or not trigger.examples:
        return {}
    example = trigger.examples[0]
    return {
        "id": "sample",
        "kind": kind,
        "created_at": example.get("created_at"),
        "created_by": example.get("created_by"),
        "payload": example.get("payload", {}),
    }


def _example(workspace: Workspace, flow: Flow, number: int, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a step returns by the example that its action declares."""
    step = flow.steps[number]
    connector = workspace.connectors.get(connection_at(flow, number).connector)
    action = check.find_action(connector.actions(), step.call) if connector else None
    output = action.examples[0].get("output") if action and action.examples else None
    one = dict(_NOTHING)
    if action and action.returns == "many" and output is not None:
        one["records"] = [output]
    elif action and action.returns == "one":
        one["record"] = output
    if not step.for_each:
        return one
    try:
        items = values.items(step.for_each, known)
    except ConnectorError:
        items = [None]
    return {"items": [{**one, "item": item} for item in items[:1]]}
