"""The runs of flows: lists with filters, counts, replays and decisions. What one run did is in `run_view`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

from ...errors import UsageError
from ...support.redaction import shortened
from ..engine.run_store import Place, Run, RunQuery
from ..engine.turns import TO_BE_SEEN
from . import audit
from .flow_words import RUN_STATES, STARTED_BY
from .model import Workspace
from .moments import duration, moment, when

PAGE: Final = 50
MOST: Final = 1000
RANGES: Final = {"1h": 3600.0, "24h": 86400.0, "7d": 7 * 86400.0, "30d": 30 * 86400.0}
NEEDS_ATTENTION: Final = TO_BE_SEEN
_UNDER_WAY: Final = frozenset({"waiting", "running", "delayed", "paused"})
# A running one is found as waiting: only its process knows that it runs.
_FOUND: Final = tuple(state for state in RUN_STATES if state != "running")
_LONGEST_TEXT: Final = 500

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs a person wants to see. `within` is one of RANGES, or "" for all."""

    flow: str = ""
    states: tuple[str, ...] = ()
    by: str = ""
    within: str = ""
    text: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "RunFilter":
        """Return the filter of a URL's query. What isn't valid is ignored."""
        by, within = query.get("by", ""), query.get("within", "")
        chosen = query.get("state", "").split(",")
        return cls(
            flow=_clean(query.get("flow", "")),
            states=tuple(state for state in _FOUND if state in chosen),
            by=by if by in STARTED_BY else "",
            within=within if within in RANGES else "",
            text=_clean(query.get("text", "")),
        )

    @property
    def query(self) -> str:
        """The query of a URL, with a leading `?`; "" without a filter."""
        found = asdict(self) | {"state": ",".join(self.states)}
        del found["states"]
        query = urlencode({name: value for name, value in found.items() if value})
        return f"?{query}" if query else ""

    def wanted(self, now: float) -> RunQuery:
        """Return the query of the database."""
        since = now - RANGES[self.within] if self.within else None
        return RunQuery(self.flow, self.states, self.by, since, text=_clean(self.text))


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run in a list, in words. `place` is where a list may be cut after it."""

    id: str
    short_id: str
    flow: str
    state: str
    state_word: str
    started: str
    started_at: str
    duration: str
    by: str
    event: str
    place: Place


@dataclass(frozen=True, slots=True)
class RunPage:
    """A part of a list. `next` is where the following part begins: None at the end."""

    rows: tuple[RunRow, ...]
    next: Place | None


def find(
    workspace: Workspace, wanted: RunFilter, *, after: Place | None = None, limit: int = PAGE
) -> RunPage:
    """Return runs, the newest first. The list is cut by place, so that later parts cost no more."""
    now = workspace.timing.clock()
    found = workspace.engine.runs.page(wanted.wanted(now), after=after, limit=limit + 1)
    rows = _rows(workspace, found[:limit], now)
    return RunPage(rows, rows[-1].place if len(found) > limit else None)


def refresh(workspace: Workspace, wanted: RunFilter, down_to: Place) -> tuple[RunRow, ...]:
    """Return the runs of a list as they are now, down to the last one that is shown."""
    now = workspace.timing.clock()
    found = workspace.engine.runs.page(wanted.wanted(now), down_to=down_to, limit=MOST)
    return _rows(workspace, found, now)


def counts(workspace: Workspace, wanted: RunFilter) -> dict[str, int]:
    """Return how many runs the filter finds in each state, whatever states it wants."""
    query = replace(wanted, states=()).wanted(workspace.timing.clock())
    return workspace.engine.runs.count(query)


def flow_names(workspace: Workspace) -> list[str]:
    """Return the names of all flows."""
    return [flow.name for flow in workspace.engine.flows.all()]


def versions(workspace: Workspace, run_id: str) -> dict[int, list[str]]:
    """Return the versions of a run's flow, the newest first, each with the ids of its steps."""
    flows, flow = workspace.engine.flows, workspace.engine.runs.get(run_id).flow
    numbers = sorted((int(one["version"]) for one in flows.versions(flow)), reverse=True)
    return {number: [step.id for step in flows.flow(flow, number).steps] for number in numbers}


def replay(
    workspace: Workspace, by: str, run_id: str, *, from_step: str = "", version: int | None = None
) -> None:
    """Carry a run out again: from a step, or from the first that didn't succeed. Raises UsageError."""
    run = workspace.engine.runs.get(run_id)
    workspace.engine.replay(run.id, from_step=from_step or None, version=version)
    audit.note(by, "run.replay", run.id, from_step=from_step, version=version or 0)


def decide(workspace: Workspace, by: str, run_id: str, *, happened: bool, record: str = "") -> None:
    """Say whether the write of a run happened. `record` is what it returned, as JSON. Raises UsageError."""
    run = workspace.engine.runs.get(run_id)
    written = read_record(record) if happened else None
    workspace.engine.decide(run.id, happened=happened, record=written)
    audit.note(by, "run.decide", run.id, happened=happened)


def read_record(text: str) -> JsonObject | None:
    """Return the object of a JSON text, None for "". Raises UsageError."""
    if not text.strip():
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UsageError(
            f"{shortened(text)!r} isn't a JSON object.", fix='Write it like {"uri": "…"}, or leave it empty.'
        )
    return found


def _rows(workspace: Workspace, found: list[Run], now: float) -> tuple[RunRow, ...]:
    return tuple(
        _row(run, summary, now) for run, summary in zip(found, workspace.engine.summaries(found), strict=True)
    )


def _row(run: Run, summary: JsonObject, now: float) -> RunRow:
    event = summary["event"] or {}
    under_way = summary["state"] in _UNDER_WAY
    return RunRow(
        id=run.id,
        short_id=run.short_id,
        flow=run.flow,
        state=summary["state"],
        state_word=str(RUN_STATES.get(summary["state"], summary["state"])),
        started=when(run.created_at, now),
        started_at=moment(run.created_at),
        duration="" if under_way or run.ended_at is None else duration(run.ended_at - run.created_at),
        by=str(STARTED_BY.get(summary["by"], summary["by"])),
        event=str(event.get("kind") or ""),
        place=(run.created_at, run.id),
    )


def _clean(text: str) -> str:
    """Return a text that a database can look for."""
    return text.strip().replace("\0", "")[:_LONGEST_TEXT].encode("utf-8", "replace").decode()
