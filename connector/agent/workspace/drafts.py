"""A flow in the making. Its text is the one truth: the form shows the text's flow, and writes a new text."""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from .. import templates
from ..flows import check, file
from ..flows.model import Flow, FlowTrigger, Row, Schedule
from ..flows.problems import FlowProblem
from . import draft_store
from .model import Workspace

EMPTY: Final = Flow("", {}, FlowTrigger(), ())
ABOVE: Final = ""
"""The place of problems that belong to no field."""

_ROW: Final = re.compile(r"\[([0-9]+)\]")
_STEP: Final = re.compile(r"steps\[([0-9]+)\]")
_STEP_FIELDS: Final = (
    *("id", "connection", "credential", "action", "filter", "for_each", "at_once", "when"),
    *("on_error", "limit", "all_pages", "timeout", "undo"),
)
_TRIGGER_FIELDS: Final = (
    *("type", "connection", "credential", "events", "filters", "every", "cron", "time_zone", "subscribe"),
)


_CHOICES: Final = {
    "connection": "Choose an application.",
    "action": "Choose an action.",
    "events": "Choose at least one event.",
    "steps": "Add a step.",
}
_IS_MISSING: Final = re.compile(r"(.+): is missing(?: \(.*\))?")
_ID: Final = "Enter an id: a lower case letter, then lower case letters, digits, - and _."
_NOT_AN_INPUT: Final = "isn't an input"
_VERBS: Final = ("is ", "isn't ", "must ", "has ", "can't ", "doesn't ", "needs ")


@dataclass(frozen=True, slots=True)
class Draft:
    """A text, and its flow as far as it can be read. What can't be read isn't in the flow."""

    text: str
    flow: Flow
    is_readable: bool = True
    problems: tuple[FlowProblem, ...] = field(default=(), compare=False)

    @property
    def is_by_hand(self) -> bool:
        """Whether the form would change more of the text than what a person changes in it."""
        return bool(self.text.strip()) and self.text != file.write(self.flow)

    @property
    def errors(self) -> tuple[FlowProblem, ...]:
        """What must be repaired before the flow can be deployed."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def read(text: str) -> Draft:
    """Return the draft of a text that a person wrote."""
    found = file.read(text)
    return Draft(text, found.flow or EMPTY, found.flow is not None)


def of_flow(flow: Flow) -> Draft:
    """Return the draft of a flow that a person changed in the form."""
    return Draft(file.write(flow), flow)


def new(trigger: str = "") -> Draft:
    """Return the draft of a new flow, which starts by `trigger`: triggered, polling, or manual."""
    triggers = {
        "triggered": FlowTrigger(type="triggered"),
        "polling": FlowTrigger(type="polling", schedule=Schedule(every_s=86_400.0)),
    }
    return of_flow(replace(EMPTY, trigger=triggers.get(trigger, FlowTrigger())))


def checked(workspace: Workspace, draft: Draft, *, name: str = "") -> Draft:
    """Return a draft with its problems. `name` is that of the deployed flow which it changes."""
    problems = check.check_file(draft.text, workspace.connectors, credentials=workspace.vault.names())[1]
    if name and draft.is_readable and draft.flow.name != name:
        message = f"This is the flow {name}, whose name can't change"
        fix = "For a flow with another name, copy the YAML into a new flow."
        problems.append(FlowProblem(1, 1, "name", message, fix))
    return replace(draft, problems=tuple(problems))


def placed(draft: Draft) -> dict[str, list[FlowProblem]]:
    """Return the problems by their places in the form; `ABOVE` are those that belong to no field."""
    known, found = set(places(draft.flow)), dict[str, list[FlowProblem]]()
    for problem in draft.problems:
        found.setdefault(_place(problem.path, draft.flow, known), []).append(problem)
    return found


def places(flow: Flow) -> Iterator[str]:
    """Yield the places of a form that have problems beside them."""
    yield from ("name", "title", "description", "steps")
    yield from (f"trigger.{name}" for name in _TRIGGER_FIELDS)
    yield from (f"trigger.filters[{number}]" for number in range(len(flow.trigger.filters)))
    for number, step in enumerate(flow.steps):
        path = f"steps[{number}]"
        yield path
        yield from (f"{path}.{name}" for name in _STEP_FIELDS)
        yield from (f"{path}.filter[{row}]" for row in range(len(step.call.rows)))
        yield from (f"{path}.when[{row}]" for row in range(len(step.conditions)))


def unfinished(flow: Flow) -> set[str]:
    """Return the places of a form that nobody has filled in yet."""
    trigger = flow.trigger
    found: dict[str, Any] = {"name": flow.name, "steps": flow.steps}
    found |= {"trigger.connection": trigger.connection, "trigger.events": trigger.events}
    found |= {f"trigger.filters[{n}]": key and value for n, (key, value) in enumerate(trigger.filters)}
    for number, step in enumerate(flow.steps):
        path, call = f"steps[{number}]", step.call
        found |= {f"{path}.id": step.id, f"{path}.action": call.action, f"{path}.filter": ""}
        found |= {f"{path}.connection": call.connection}
        found |= {f"{path}.filter[{n}]": key and value for n, (key, value) in enumerate(call.rows)}
        found |= {f"{path}.when[{n}]": one.value for n, one in enumerate(step.conditions)}
    return {place for place, value in found.items() if value in ("", None, ())}


def difference(theirs: str, mine: str) -> list[str]:
    """Return the lines that differ between two texts, with + for mine, - for theirs, and some around them."""
    lines = difflib.unified_diff(theirs.splitlines(), mine.splitlines(), lineterm="", n=2)
    return list(lines)[2:]


def in_words(problems: Sequence[FlowProblem]) -> str:
    """Return the problems of a field as one text, as it stands beside it: without the field's name."""
    absent = [
        found[1] for one in problems if (found := _IS_MISSING.fullmatch(one.message)) and _is_of_rows(one)
    ]
    rows = [f"Add {'a row' if len(absent) == 1 else 'rows'} for {_listing(absent)}."] if absent else []
    rest = [
        _sentence(one) for one in problems if not (_is_of_rows(one) and _IS_MISSING.fullmatch(one.message))
    ]
    return " ".join(dict.fromkeys(rows + rest))


def _is_of_rows(problem: FlowProblem) -> bool:
    """Whether a problem is about the rows of a step, not about one of them."""
    return problem.path.startswith("steps[") and problem.path.endswith("].filter")


def _listing(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _sentence(problem: FlowProblem) -> str:
    is_form = problem.message.startswith(f"{problem.path}: ")
    last = problem.path.rpartition(".")[2]
    if is_form and last in _CHOICES:
        return _CHOICES[last]
    if is_form and last == "id":
        return _ID
    if missing := _IS_MISSING.fullmatch(problem.message):
        if is_form:
            return f"Enter a {last.replace('_', ' ')}."
        if problem.path.removesuffix("[]").endswith((f".{missing[1]}", "].value")):
            return "Enter a value."
    if problem.message == _NOT_AN_INPUT and problem.path.endswith("."):
        return "Enter a key."
    subject, _, rest = str(problem).partition(": ")
    text = str(problem)
    if rest and (is_form or problem.path.endswith((f".{subject}", "].value"))):
        text = f"It {rest}" if rest.startswith(_VERBS) else rest
    elif rest.startswith(_VERBS):
        return f"{subject} {rest}"  # an input without a row
    return f"{text[:1].upper()}{text[1:]}"


def _place(path: str, flow: Flow, known: set[str]) -> str:
    path = _of_connection(path, flow)
    for base, rows in _row_places(flow):
        if path.startswith((f"{base}.", f"{base}[")):
            number = _row(path.removeprefix(base), rows)
            return base if number is None else f"{base}[{number}]"
    while path and path not in known:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return path or ABOVE


def _row_places(flow: Flow) -> Iterator[tuple[str, tuple[Row, ...]]]:
    yield "trigger.filters", flow.trigger.filters
    for number, step in enumerate(flow.steps):
        yield f"steps[{number}].filter", step.call.rows


def _row(rest: str, rows: tuple[Row, ...]) -> int | None:
    """Return the number of the row that the rest of a path leads to."""
    if (match := _ROW.match(rest)) and int(match[1]) < len(rows):
        return int(match[1])
    inside = rest.removeprefix(".")
    fitting = [
        (len(key), -number)
        for number, (key, _) in enumerate(rows)
        if inside == key or inside.startswith((f"{key}.", f"{key}["))
    ]
    return -max(fitting)[1] if fitting else None


def _of_connection(path: str, flow: Flow) -> str:
    """Return the path of the first user of a connection, for a path such as `connections.chat.credential`."""
    head, _, rest = path.partition(".")
    if head != "connections" or not rest:
        return path
    name, _, part = rest.partition(".")
    if name == flow.trigger.connection:
        owner = "trigger"
    else:
        users = (number for number, step in enumerate(flow.steps) if step.call.connection == name)
        owner = next((f"steps[{number}]" for number in users), "")
    return f"{owner}.{'credential' if part == 'credential' else 'connection'}" if owner else ABOVE


def step_of(place: str) -> int | None:
    """Return the number of the step that a place belongs to, None for other places."""
    match = _STEP.match(place)
    return int(match[1]) if match else None


# What a page opens


@dataclass(slots=True)
class Opened:
    """What a person edits. `key` names its stored draft, `name` the deployed flow; "" for a new one.

    `base` and `version` are what the person began with; `is_restored` says that the draft was kept before.
    """

    key: str
    name: str
    version: int | None
    base: str
    draft: Draft
    is_restored: bool = False


def open_flow(workspace: Workspace, person: str, name: str) -> Opened:
    """Open a deployed flow, with the person's changes to it. Raises UsageError for an unknown one."""
    store = workspace.engine.flows
    version = store.get(name).version
    return _restored(
        workspace, person, Opened(f"flow:{name}", name, version, store.text(name, version), new())
    )


def open_new(workspace: Workspace, person: str, *, template: str = "", trigger: str = "") -> Opened:
    """Open a new flow, or one of a template, with the person's changes to it. Raises UsageError."""
    if template:
        return _restored(
            workspace, person, Opened(f"new:{template}", "", None, templates.read(template), new())
        )
    kind = trigger if trigger in {"triggered", "polling"} else ""
    return _restored(workspace, person, Opened(f"new::{kind}", "", None, new(kind).text, new()))


def _restored(workspace: Workspace, person: str, opened: Opened) -> Opened:
    stored = draft_store.load(workspace, person, opened.key)
    opened.draft = read(stored.text if stored else opened.base)
    if stored:
        opened.is_restored = True
        if stored.version != opened.version:
            opened.version = stored.version  # so that deploying reports what others deployed since
    return opened


def begin_again(workspace: Workspace, person: str, opened: Opened) -> Opened:
    """Drop a person's changes, and return what is deployed now, or the new flow as it was at first."""
    draft_store.drop(workspace, person, opened.key)
    if opened.name:
        return open_flow(workspace, person, opened.name)
    return Opened(opened.key, "", None, opened.base, read(opened.base))


def keep(workspace: Workspace, person: str, opened: Opened, draft: Draft) -> None:
    """Keep a draft for later; one that changes nothing is dropped."""
    if draft.text == opened.base:
        draft_store.drop(workspace, person, opened.key)
    else:
        draft_store.save(workspace, person, opened.key, draft.text, opened.version)
