"""One run, in words: how it is, and what each attempt of its calls sent and got."""

import json
from dataclasses import dataclass
from typing import Any, Final

from ...support.redaction import shortened
from .flow_words import ATTEMPT_STATES, RUN_STATES, STARTED_BY
from .model import Workspace
from .moments import duration, moment, when
from .runs import JsonObject

FOLDED: Final = 2_000
LONGEST: Final = 100_000
_UNDER_WAY: Final = frozenset({"waiting", "running", "delayed"})
_ENDED_WELL: Final = frozenset({"done", "filtered"})


@dataclass(frozen=True, slots=True)
class Json:
    """A value as indented JSON. `short` is shown first, then `text`, which is `cut` if it is too long."""

    short: str
    text: str
    cut: bool = False

    @classmethod
    def of(cls, value: Any) -> "Json":
        """Return the JSON of a value."""
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
        return cls(text[:FOLDED], text[:LONGEST], len(text) > LONGEST)

    @property
    def is_folded(self) -> bool:
        """Whether there is more than what is shown first."""
        return len(self.text) > len(self.short)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong, and what to do."""

    message: str
    fix: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt of a call, or a look-up whether it happened."""

    title: str
    state: str
    state_word: str
    turn: int
    details: str
    trouble: Trouble | None
    input: Json | None
    output: Json | None


@dataclass(frozen=True, slots=True)
class RunView:
    """A run. `can_replay` and `needs_decision` say what a person may do with it."""

    id: str
    short_id: str
    flow: str
    state: str
    state_word: str
    under_way: bool
    can_replay: bool
    needs_decision: bool
    facts: tuple[tuple[str, str], ...]
    trouble: tuple[Trouble, ...]
    event: Json | None
    attempts: tuple[Attempt, ...]


def show(workspace: Workspace, run_id: str) -> RunView:
    """Return a run by its id or the beginning of its short id. Raises UsageError."""
    found = workspace.engine.show(run_id)
    state = found["state"]
    event = found["trigger"].get("event")
    return RunView(
        id=found["id"],
        short_id=found["short_id"],
        flow=found["flow"],
        state=state,
        state_word=str(RUN_STATES.get(state, state)),
        under_way=state in _UNDER_WAY,
        can_replay=state not in _UNDER_WAY and state != "needs_person",
        needs_decision=state == "needs_person",
        facts=_facts(found, workspace.timing.clock()),
        trouble=() if state in _UNDER_WAY else _troubles(found["note"], state),
        event=Json.of(event) if event else None,
        attempts=tuple(_attempt(call) for call in found["calls"]),
    )


def _facts(found: JsonObject, now: float) -> tuple[tuple[str, str], ...]:
    started, ended = found["created_at"], found["ended_at"]
    event = found["event"] or {}
    calls = sum(call["api_calls"] for call in found["calls"])
    facts = (
        ("Started", f"{moment(started)} ({when(started, now)})"),
        ("Duration", duration(ended - started) if ended and found["state"] not in _UNDER_WAY else ""),
        ("Started by", STARTED_BY.get(found["by"], found["by"])),
        ("Version", str(found["version"] or "")),
        ("API requests", str(calls)),
        ("Event", str(event.get("kind") or "")),
        ("Event id", shortened(str(event.get("id") or ""))),
    )
    return tuple((name, value) for name, value in facts if value)


def _troubles(note: JsonObject, state: str) -> tuple[Trouble, ...]:
    if state in _ENDED_WELL or not note.get("message"):
        return (Trouble(str(note["message"])),) if note.get("message") else ()
    first = _trouble(note, f"Step {note['step']}: " if note.get("step") else "")
    undone = (_trouble(one, f"Step {one['step']} couldn't be undone: ") for one in note.get("not_undone", ()))
    return (first, *undone)


def _trouble(error: JsonObject, before: str = "") -> Trouble:
    message = str(error.get("message") or error.get("code") or "")
    return Trouble(before + message, str(error.get("fix") or ""), str(error.get("code") or ""))


def _attempt(call: JsonObject) -> Attempt:
    state, error = call["state"], call["error"]
    requests, number = call["api_calls"], call["attempt"]
    details = (
        call["action"],
        call["connection"].rstrip("/"),
        moment(call["started_at"]) if call["started_at"] else "",
        duration(call["duration_s"]),
        f"{requests} API request{'' if requests == 1 else 's'}" if requests else "",
    )
    trouble = _trouble(error) if error else None
    if trouble is None and call["message"]:
        trouble = Trouble(call["message"])
    return Attempt(
        title=f"{call['call']}, attempt {number}" if number > 1 else call["call"],
        state=state,
        state_word=str(ATTEMPT_STATES.get(state, state)),
        turn=call["turn"],
        details=" · ".join(detail for detail in details if detail),
        trouble=trouble if state != "ok" else None,
        input=Json.of(_input(call["input"])) if call["input"] else None,
        output=Json.of(call["output"]) if call["output"] else None,
    )


def _input(rows: list[list[Any]]) -> Any:
    """Return the rows of a call as an object, unless a key stands twice."""
    found = {str(key): value for key, value in rows}
    return found if len(found) == len(rows) else rows
