"""What a person changes in the form of a flow: each returns a new flow. Pure."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar, cast

from ..flows.model import Call, Condition, Flow, FlowConnection, FlowTrigger, Row, Schedule, Step

T = TypeVar("T")
_DAY_S: Final = 86_400.0

# Lists


def moved(items: Sequence[T], number: int, by: int) -> tuple[T, ...]:
    """Return items with one of them moved up (-1) or down (1); the same at the end of the list."""
    changed, target = list(items), number + by
    if 0 <= target < len(changed):
        changed.insert(target, changed.pop(number))
    return tuple(changed)


def without(items: Sequence[T], number: int) -> tuple[T, ...]:
    """Return items without one of them."""
    return tuple(items[:number]) + tuple(items[number + 1 :])


def with_item(items: Sequence[T], number: int, item: T) -> tuple[T, ...]:
    """Return items with one of them replaced."""
    return (*items[:number], item, *items[number + 1 :])


# Steps


def with_step(flow: Flow, number: int, **changes: Any) -> Flow:
    """Return a flow with a changed step."""
    return replace(flow, steps=with_item(flow.steps, number, replace(flow.steps[number], **changes)))


def with_call(flow: Flow, number: int, **changes: Any) -> Flow:
    """Return a flow with the changed call of a step."""
    return with_step(flow, number, call=replace(flow.steps[number].call, **changes))


def add_step(flow: Flow) -> Flow:
    """Return a flow with a further step, on the connection of the one before it."""
    connection = flow.steps[-1].call.connection if flow.steps else ""
    taken = {step.id for step in flow.steps}
    return replace(flow, steps=(*flow.steps, Step(_unique("step", taken), Call(connection, ""))))


def remove_step(flow: Flow, number: int) -> Flow:
    """Return a flow without a step, and without a connection that only this step used."""
    return _pruned(replace(flow, steps=without(flow.steps, number)))


def move_step(flow: Flow, number: int, by: int) -> Flow:
    """Return a flow with a step moved up or down."""
    return replace(flow, steps=moved(flow.steps, number, by))


# The trigger


def with_trigger(flow: Flow, **changes: Any) -> Flow:
    """Return a flow with a changed trigger."""
    return replace(flow, trigger=replace(flow.trigger, **changes))


def with_trigger_type(flow: Flow, kind: str) -> Flow:
    """Return a flow that starts in another way. What that way doesn't have is dropped."""
    old = flow.trigger
    if kind == "manual":
        return _pruned(replace(flow, trigger=FlowTrigger()))
    trigger = FlowTrigger(
        type=cast("Any", kind), connection=old.connection, events=old.events, filters=old.filters
    )
    if kind == "polling":
        trigger = replace(trigger, schedule=old.schedule or Schedule(every_s=_DAY_S))
    return replace(flow, trigger=trigger)


def with_schedule(flow: Flow, **changes: Any) -> Flow:
    """Return a flow with a changed schedule."""
    return with_trigger(flow, schedule=replace(flow.trigger.schedule or Schedule(), **changes))


# Connections


def connection_at(flow: Flow, step: int | None) -> FlowConnection:
    """Return the connection of a step, or of the trigger (None); an empty one if it has none."""
    return flow.connections.get(_name_at(flow, step), FlowConnection(""))


def with_connection(flow: Flow, step: int | None, wanted: FlowConnection) -> Flow:
    """Return a flow whose step, or trigger (None), uses a connector with a credential.

    A connection that only this place uses changes; otherwise an equal one is used, or one is added. Those
    that nothing uses any more are removed.
    """
    name = _name_at(flow, step)
    here = flow.connections.get(name)
    if not wanted.connector:
        return _pruned(_connected(flow, step, ""))
    if here and here.connector == wanted.connector and _uses(flow).count(name) == 1:
        return replace(flow, connections={**flow.connections, name: wanted})
    equal = [other for other, one in flow.connections.items() if one == wanted]
    found = equal[0] if equal else _unique(wanted.connector, flow.connections)
    connections = {**flow.connections, found: wanted}
    return _pruned(_connected(replace(flow, connections=connections), step, found))


def _connected(flow: Flow, step: int | None, name: str) -> Flow:
    if step is None:
        return with_trigger(flow, connection=name)
    old = flow.steps[step]
    undo = old.undo
    if undo and undo.connection == old.call.connection:
        undo = replace(undo, connection=name)
    return with_step(flow, step, call=replace(old.call, connection=name), undo=undo)


def _name_at(flow: Flow, step: int | None) -> str:
    return flow.trigger.connection if step is None else flow.steps[step].call.connection


def _uses(flow: Flow) -> list[str]:
    """Return the name of each use of a connection; a step and its undo count as one if they share it."""
    steps = [{call.connection for call in (step.call, step.undo) if call} for step in flow.steps]
    return [flow.trigger.connection, *(name for names in steps for name in names)]


def _pruned(flow: Flow) -> Flow:
    used = _uses(flow)
    return replace(flow, connections={name: one for name, one in flow.connections.items() if name in used})


def _unique(name: str, taken: Any) -> str:
    number = next(number for number in range(1, len(taken) + 2) if _numbered(name, number) not in taken)
    return _numbered(name, number)


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"


# Values, as a person sees and writes them


def shown(value: Any) -> str:
    """Return a value as it stands in a field: a text as it is, others as JSON, null as nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def entered(text: str, before: Any) -> Any:
    """Return the value of a field. Lists and mappings are JSON; what isn't, is a text.

    A number stays one while a person only changes its digits: a connector converts texts anyway.
    """
    if text == shown(before):
        return before
    if text.lstrip().startswith(("[", "{")):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def with_row(rows: tuple[Row, ...], number: int, *, key: str | None = None, text: str | None = None) -> Any:
    """Return rows with a changed key or value."""
    old_key, old = rows[number]
    value = old if text is None else entered(text, old)
    return with_item(rows, number, (old_key if key is None else key, value))


def operand(text: str, operator: str) -> Any:
    """Return what a condition compares with, of what a person wrote."""
    if operator == "exists":
        return text.strip().casefold() not in {"false", "no"}
    if operator in {"in", "not_in"} and "~{" not in text:
        value = entered(text, None)
        return value if isinstance(value, list) else [part.strip() for part in text.split(",")]
    return entered(text, None) or ""


def operand_shown(condition: Condition) -> str:
    """Return what a condition compares with, as a person wrote it."""
    value = condition.operand
    if isinstance(value, list) and all(isinstance(one, str) and "," not in one for one in value):
        return ", ".join(value)
    return shown(value)


def renamed(flow: Flow, **texts: str) -> Flow:
    """Return a flow with another name, title or description."""
    return replace(flow, **cast("Any", texts))
