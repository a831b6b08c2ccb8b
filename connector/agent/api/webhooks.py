"""`/api/webhooks`: subscriptions of stored credentials, the doctor, and repair."""

from typing import Any

from fastapi import APIRouter, Request

from ..workspace import Workspace, webhooks
from .calls import contract_errors
from .errors import conflict_if_unfit, missing_if_unknown
from .values import Model, Text, as_json, person


class Which(Model):
    """A subscription, as the list names it."""

    app: Text
    key: Text


def router(workspace: Workspace) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/webhooks", tags=["Webhooks"])

    def found(which: Which) -> webhooks.Webhook:
        with missing_if_unknown():
            return webhooks.find(workspace, which.app, which.key)

    @routes.get("", summary="List the subscriptions of all stored credentials")
    def list_webhooks() -> dict[str, Any]:
        listing = webhooks.listing(workspace)
        return {
            "webhooks": [{"key": one.key, **as_json(one)} for one in listing.webhooks],
            "unread": as_json(listing.unread),
        }

    @routes.post("/doctor", summary="Find out what keeps events from arriving")
    def doctor(which: Which) -> dict[str, Any]:
        webhook = found(which)
        with conflict_if_unfit(), contract_errors():
            return {"findings": as_json(webhooks.diagnose(workspace, webhook))}

    @routes.post("/repair", summary="Repair a subscription")
    def repair(which: Which, request: Request) -> dict[str, Any]:
        webhook = found(which)
        with conflict_if_unfit(), contract_errors():
            return {"message": webhooks.repair(workspace, webhook, person(request))}

    @routes.post("/delete", summary="Delete a subscription")
    def delete(which: Which, request: Request) -> dict[str, Any]:
        webhook = found(which)
        with conflict_if_unfit(), contract_errors():
            return {"message": webhooks.delete(workspace, webhook, person(request))}

    return routes
