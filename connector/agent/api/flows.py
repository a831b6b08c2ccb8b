"""`/api/flows`: deployed flows, their versions, and new ones."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import AfterValidator, Field

from ...errors import UsageError
from ..engine.engine import Engine
from ..engine.flow_store import ANY_VERSION
from ..flows import check
from ..flows.yaml_source import MOST_BYTES
from ..workspace import Workspace, audit, flows
from .values import JsonObject, Model, Name, Nothing, Text, Version, as_json, person, readable


class FlowText(Model):
    """The YAML of a flow."""

    text: Annotated[str, Field(max_length=MOST_BYTES), AfterValidator(readable)]


class Deployment(FlowText):
    """A flow to deploy."""

    expected_version: Annotated[
        int | None,
        Field(ge=0, le=2**31 - 1, description="The version that you changed; 0: the flow must be new."),
    ] = None


class GivenEvent(Model):
    """An event, as a webhook or a poll finds it. Its id is the run's: the same one again starts nothing."""

    id: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(readable)]
    kind: Text
    created_at: Text = ""
    created_by: Text | None = None
    payload: JsonObject


class Start(Model):
    """The event of a run by hand, if events start the flow."""

    event: GivenEvent | None = None


def router(workspace: Workspace) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/flows", tags=["Flows"])
    engine = workspace.engine

    @routes.get("", summary="List the flows")
    def list_flows() -> list[dict[str, Any]]:
        return engine.list_flows()

    @routes.post("/check", summary="Check the text of a flow")
    def check_text(body: FlowText) -> dict[str, Any]:
        flow, problems = check.check_file(
            body.text, workspace.connectors, credentials=workspace.vault.names()
        )
        return {"name": flow.name if flow else None, "problems": [one.to_dict() for one in problems]}

    @routes.post("", summary="Deploy a flow, or a new version of it")
    def deploy(body: Deployment, request: Request) -> dict[str, Any]:
        expected = body.expected_version
        version = ANY_VERSION if expected is None else expected or None  # 0: it must be new
        deployed = flows.deploy(workspace, body.text, expected_version=version, by=person(request))
        return engine.show_flow(deployed.name)

    @routes.get("/{flow}", summary="Show a flow, with its versions and counts of runs")
    def show(flow: Name) -> dict[str, Any]:
        return engine.show_flow(flow)

    @routes.get("/{flow}/text", summary="Return the YAML of a flow, or of an earlier version")
    def text(flow: Name, version: Version = None) -> dict[str, Any]:
        number = version or engine.flows.get(flow).version
        return {"name": flow, "version": number, "text": engine.flows.text(flow, number)}

    @routes.post("/{flow}/pause", summary="Let the events of a flow wait")
    def pause(flow: Name, _body: Nothing, request: Request) -> dict[str, Any]:
        engine.pause(flow)
        audit.note(person(request), "flow.pause", flow)
        return engine.show_flow(flow)

    @routes.post("/{flow}/resume", summary="Let a paused flow go on")
    def resume(flow: Name, _body: Nothing, request: Request) -> dict[str, Any]:
        engine.resume(flow)
        audit.note(person(request), "flow.resume", flow)
        return engine.show_flow(flow)

    @routes.delete("/{flow}", summary="Remove a flow, its subscriptions, and end its runs")
    def remove(flow: Name, request: Request, force: bool = False) -> dict[str, Any]:
        removed = engine.remove(flow, force=force)
        audit.note(person(request), "flow.remove", flow)
        return {"removed": as_json(removed)}

    _add_start(routes, engine)
    return routes


def _add_start(routes: APIRouter, engine: Engine) -> None:
    @routes.post("/{flow}/runs", summary="Start a run by hand")
    def start(flow: Name, body: Start, request: Request) -> dict[str, Any]:
        if body.event is None and engine.show_flow(flow)["events"]:
            raise UsageError(f"Events start the flow {flow}.", fix="Send one as `event`.")
        run_id = engine.start_run(flow, body.event.model_dump() if body.event else None)
        audit.note(person(request), "flow.run", flow)
        return engine.show(run_id)
