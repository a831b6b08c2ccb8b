"""What an editor offers while a person writes a value: functions, and what a step can refer to. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from ...catalog import completions as functions_at
from ...catalog.expressions import Braced, ExpressionError
from ...contract import Connector, Field, FunctionInfo, OutputField
from ..flows import check, references
from ..flows.model import Flow, Step
from ..flows.references import Reference
from .draft_edits import shown

MOST: Final = 40
_KEY: Final = re.compile(r"[\w-]+(\[\])?(\.[\w-]+(\[\])?)*")
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One thing to offer. `text` becomes the text of the field, `label` names it, `detail` explains it."""

    text: str
    label: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class KnownValue:
    """A value that a step can refer to, by the path in its reference."""

    path: str
    title: str
    type: str
    example: Any = None


def complete(
    text: str,
    known: Iterable[KnownValue],
    functions: Mapping[str, FunctionInfo],
    field: Field | None = None,
) -> tuple[Suggestion, ...]:
    """Return what fits behind the last `~{` of a text, the nearest first; nothing if none is open.

    One value contains either references or functions, so beside one of them the others aren't offered.
    """
    opened = text.rfind("~{")
    if opened < 0 or text[opened - 1 : opened] == "~" or "}~" in text[opened:]:
        return ()
    before, part = text[:opened], text[opened + 2 :]
    kinds = _kinds(before)
    offered: list[Suggestion] = []
    if Reference not in kinds:
        offered += _functions(text, functions, field)
    if Braced not in kinds:
        offered += [_reference(before, value) for value in _fitting(known, part)]
    return tuple(islice(offered, MOST))


def known_values(
    flow: Flow, number: int, connectors: Mapping[str, Connector], flow_names: Iterable[str] = ()
) -> list[KnownValue]:
    """Return what a step can refer to: the event, the step's item, earlier steps, this flow, other flows."""
    event, steps = list(_event(flow, connectors)), list(_earlier(flow, number, connectors))
    item = list(_item(flow.steps[number], [*steps, *event])) if number < len(flow.steps) else []
    return [*item, *reversed_steps(steps), *event, *_always(flow_names)]


def reversed_steps(values: list[KnownValue]) -> list[KnownValue]:
    """Return values with those of the last step first: a step mostly uses what is just before it."""
    names = list(dict.fromkeys(value.path.partition(".")[0] for value in values))
    order = {name: -number for number, name in enumerate(names)}
    return sorted(values, key=lambda value: order[value.path.partition(".")[0]])


def _kinds(text: str) -> set[type]:
    try:
        return {type(part) for part in references.parse(text)}
    except ExpressionError:
        return set()


def _functions(text: str, functions: Mapping[str, FunctionInfo], field: Field | None) -> Iterator[Suggestion]:
    for one in functions_at.completions(text, len(text), functions, field):
        whole = text[: one.start] + one.insert + text[one.end :]
        example = f"for example {one.example_value}" if one.example_value else ""
        detail = " · ".join(filter(None, (one.description or one.detail, example)))
        yield Suggestion(whole, f"~{{{one.detail if one.description else one.label}}}~", detail)


def _fitting(known: Iterable[KnownValue], part: str) -> list[KnownValue]:
    """Return the values whose path or title contains a text: first those whose path begins with it."""
    wanted = part.strip().casefold()
    found = [one for one in known if wanted in one.path.casefold() or wanted in one.title.casefold()]
    return sorted(found, key=lambda one: not one.path.casefold().startswith(wanted))


def _reference(before: str, value: KnownValue) -> Suggestion:
    written = f"~{{{value.path}}}~"
    example = shown(value.example)
    short = example if len(example) <= _LONGEST else f"{example[:_LONGEST]}…"
    parts = (value.title, value.type, f"for example {short}" if short else "")
    return Suggestion(before + written, written, " · ".join(filter(None, parts)))


def _event(flow: Flow, connectors: Mapping[str, Connector]) -> Iterator[KnownValue]:
    if not flow.trigger.events:
        return
    connection = flow.connections.get(flow.trigger.connection)
    connector = connectors.get(connection.connector) if connection else None
    triggers = connector.manifest.triggers if connector else {}
    outputs = [one for kind in flow.trigger.events if kind in triggers for one in triggers[kind].outputs]
    yield from _outputs("event.payload", outputs)
    yield KnownValue("event.payload", "All of the event", "mapping")
    yield KnownValue("event.id", "Id of the event", "text")
    yield KnownValue("event.kind", "Kind of the event", "text", flow.trigger.events[0])
    yield KnownValue("event.created_at", "When it happened", "date-time")


def _earlier(flow: Flow, number: int, connectors: Mapping[str, Connector]) -> Iterator[KnownValue]:
    for step in flow.steps[:number]:
        if step.id:
            yield from _of_step(flow, step, connectors)


def _of_step(flow: Flow, step: Step, connectors: Mapping[str, Connector]) -> Iterator[KnownValue]:
    connection = flow.connections.get(step.call.connection)
    connector = connectors.get(connection.connector) if connection else None
    action = check.find_action(connector.actions(), step.call) if connector else None
    place = f"{step.id}.items[]" if step.for_each else step.id
    if step.for_each:
        yield KnownValue(f"{step.id}.items", f"Results of {step.id}, one for each item", "list")
    match action.returns if action else "none":
        case "many" if action:
            yield KnownValue(f"{place}.records", f"Records of {step.id}", "list")
            if not step.for_each:
                yield from _outputs(f"{place}.records[0]", action.outputs)
            yield from _outputs(f"{place}.records[]", action.outputs)
        case "one" if action:
            yield from _outputs(f"{place}.record", action.outputs)
            yield KnownValue(f"{place}.record", f"Record of {step.id}", "mapping")


def _outputs(base: str, outputs: Iterable[OutputField]) -> Iterator[KnownValue]:
    seen: set[str] = set()
    for output in outputs:
        path = f"{base}.{output.path}"
        if path not in seen and _KEY.fullmatch(output.path):
            seen.add(path)
            yield KnownValue(path, output.title, output.type, output.example)


def _item(step: Step, known: Iterable[KnownValue]) -> Iterator[KnownValue]:
    """Yield what is in the item of a step: what is known of the items of the list that it runs for."""
    if not step.for_each:
        return
    base = check.item_source(step)
    for value in known:
        if base and value.path.startswith(f"{base}[]."):
            rest = value.path.removeprefix(f"{base}[].")
            yield KnownValue(f"item.{rest}", value.title, value.type, value.example)
    yield KnownValue("item", "The item", "")


def _always(flow_names: Iterable[str]) -> Iterator[KnownValue]:
    yield KnownValue("flow.url", "Process Flow URL of this flow", "uri")
    yield KnownValue("flow.name", "Name of this flow", "text")
    for name in flow_names:
        yield KnownValue(f'flows["{name}"].url', f"Process Flow URL of {name}", "uri")
    yield KnownValue("run.id", "Id of the run", "text")
    yield KnownValue("run.started_at", "When the run started", "date-time")
