"""`/api/apps`: the installed connectors, and what they can do."""

from typing import Any

from fastapi import APIRouter

from ...contract import TriggerInfo
from ...errors import UnknownAction
from ...support.redaction import quoted
from ..workspace import Workspace, apps
from ..workspace.apps import App
from .errors import missing_if_unknown
from .values import Name, as_json

_KIND = ("id", "title", "description", "page", "docs", "fields", "needs_sign_in")
_FUNCTION = ("name", "description", "type", "example", "arguments", "takes_offset", "secret")
_ACTION = (
    *("id", "title", "description", "request", "returns", "effect", "scopes", "docs", "steps"),
    *("safe_to_repeat", "look_up", "aliases", "fields", "outputs", "columns", "input", "output", "examples"),
)
_TRIGGER_ROW = ("id", "title", "description", "scopes", "plan", "polling_gaps")
_TRIGGER = (*_TRIGGER_ROW, "fields", "outputs", "filters", "payload", "examples")


def router(workspace: Workspace) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/apps", tags=["Apps"])

    @routes.get("", summary="List the installed apps")
    def list_apps() -> list[dict[str, Any]]:
        return [_row(one) for one in apps.apps(workspace)]

    @routes.get("/{app}", summary="Show an app: kinds of credentials, functions, and what starts a flow")
    def show_app(app: Name) -> dict[str, Any]:
        with missing_if_unknown():
            found = apps.app(workspace, app)
            triggers = [] if found.problem else apps.triggers(workspace, app)
        functions = [] if found.problem else workspace.connectors[app].manifest.functions.values()
        return _row(found) | {
            "credentials": [_picked(one, _KIND) for one in found.kinds],
            "functions": [_picked(one, _FUNCTION) for one in functions],
            "triggers": [_picked(one, _TRIGGER_ROW) for one in triggers],
        }

    @routes.get("/{app}/actions", summary="List the actions of an app")
    def list_actions(app: Name) -> list[dict[str, Any]]:
        with missing_if_unknown():
            return [as_json(one) for one in apps.catalog(workspace, app)]

    @routes.get("/{app}/actions/{action}", summary="Show an action: form, schemas and examples")
    def show_action(app: Name, action: Name) -> dict[str, Any]:
        with missing_if_unknown():
            return _picked(apps.action(workspace, app, action), _ACTION)

    @routes.get("/{app}/triggers/{event}", summary="Show what starts a flow: filters and payload")
    def show_trigger(app: Name, event: Name) -> dict[str, Any]:
        with missing_if_unknown():
            return _picked(_trigger(workspace, app, event), _TRIGGER)

    return routes


def _trigger(workspace: Workspace, app: str, event: str) -> TriggerInfo:
    for one in apps.triggers(workspace, app):
        if one.id == event:
            return one
    raise UnknownAction(f"{app} has no event {quoted(event)}.", fix="Show the app for its events.")


def _row(app: App) -> dict[str, Any]:
    names = ("name", "summary", "version", "package", "docs", "actions", "problem")
    return {"app": app.id, **_picked(app, names)}


def _picked(one: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: as_json(getattr(one, name)) for name in names}
