"""`/api/runs`: what flows did."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from math import isfinite
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field

from ...errors import InvalidParams, Problem
from ..engine.run_store import Place, Run, RunQuery
from ..workspace import Workspace, audit
from ..workspace.runs import RunFilter
from .errors import conflict_if_unfit, missing_if_unknown
from .values import JsonObject, Model, RunId, Text, person, readable

_State = Literal["waiting", "delayed", "paused", "done", "filtered", "failed", "needs_person"]


class Replay(Model):
    """From which step, in which version: by default the first that didn't succeed, in the current one."""

    from_step: Text | None = None
    version: Annotated[int | None, Field(ge=1, le=2**31 - 1)] = None


class Decision(Model):
    """Whether a write happened whose outcome nobody could find out, and what it returned."""

    happened: bool
    record: JsonObject | None = None


class Wanted(Model):
    """Which runs to list, and how many at a time."""

    flow: Text = ""
    state: Annotated[list[_State], Field(max_length=10)] = Field(default_factory=list)
    by: Literal["", "triggered", "polling", "manual"] = ""
    within: Annotated[Literal["", "1h", "24h", "7d", "30d"], Field(description="Only the newest.")] = ""
    text: Annotated[Text, Field(description="A part of the id of the run or its event.")] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=2000, description="`next_cursor` of the page before.")] = ""

    def query(self, now: float) -> RunQuery:
        """Return the query of the database."""
        return RunFilter(self.flow, tuple(self.state), self.by, self.within, self.text).wanted(now)


def router(workspace: Workspace) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/runs", tags=["Runs"])
    engine = workspace.engine

    def known(run: str) -> None:
        with missing_if_unknown():
            engine.runs.get(run)

    @routes.get("", summary="List runs, the newest first")
    def list_runs(wanted: Annotated[Wanted, Query()]) -> dict[str, Any]:
        query = wanted.query(workspace.timing.clock())
        found = engine.runs.page(query, after=_place(wanted.cursor), limit=wanted.limit + 1)
        shown = found[: wanted.limit]
        cursor = _cursor(shown[-1]) if len(found) > wanted.limit else None
        return {"runs": engine.summaries(shown), "next_cursor": cursor}

    @routes.get("/{run}", summary="Show a run, with the attempts of each call")
    def show(run: RunId) -> dict[str, Any]:
        known(run)
        return engine.show(run)

    @routes.post("/{run}/replay", summary="Carry out a run that ended again")
    def replay(run: RunId, body: Replay, request: Request) -> dict[str, Any]:
        known(run)
        with conflict_if_unfit():
            engine.replay(run, from_step=body.from_step, version=body.version)
        audit.note(person(request), "run.replay", run)
        return engine.show(run)

    @routes.post("/{run}/decide", summary="Say whether a write happened")
    def decide(run: RunId, body: Decision, request: Request) -> dict[str, Any]:
        known(run)
        with conflict_if_unfit():
            engine.decide(run, happened=body.happened, record=body.record)
        audit.note(person(request), "run.decide", run, happened=body.happened)
        return engine.show(run)

    return routes


def _cursor(run: Run) -> str:
    place = json.dumps([run.created_at, run.id], ensure_ascii=False)
    return urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _place(cursor: str) -> Place | None:
    """Return where a page begins. Raises InvalidParams for a text that isn't a cursor."""
    if not cursor:
        return None
    try:
        created_at, run_id = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        place = float(created_at), readable(str(run_id))
        place[1].encode()
    except (ValueError, TypeError, RecursionError, OverflowError):
        problem = Problem("cursor", "isn't one that a page returned")
        raise InvalidParams("runs", [problem], fix="Start over without it.") from None
    return place if isfinite(place[0]) else None
