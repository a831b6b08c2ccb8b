"""`/api/notices` and `/api/health`: what needs attention, and how the agent is."""

from typing import Any

from fastapi import APIRouter

from ..workspace import Workspace, attention
from .values import as_json


def router(workspace: Workspace) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["Status"])

    @routes.get("/notices", summary="List what needs a person's attention, the most urgent first")
    def list_notices() -> list[dict[str, Any]]:
        return [as_json(one) for one in attention.notices(workspace)]

    @routes.get("/health", summary="Show how the agent is")
    def health() -> dict[str, Any]:
        return workspace.engine.health()

    return routes
