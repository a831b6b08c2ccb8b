"""Reads and writes a flow's file (`flow.schema.json`).

`read` never raises: it returns what can be used of a broken file, so that one check finds everything.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, cast, get_args

from ...catalog import explanations
from . import cron, yaml_source
from .model import Call, Condition, Flow, FlowConnection, FlowTrigger, Operator, Retry, Row, Schedule, Step
from .problems import FlowProblem, InvalidFlow, Positions, in_order
from .yaml_source import Source

_UNITS: Final = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_UNKNOWN: Final = (
    "is not a field of a flow; its fields are name, title, description, connections, trigger and steps"
)


@dataclass(frozen=True, slots=True)
class FlowFile:
    """What a file says: its flow, where the values are, and what is wrong with its form.

    The flow lacks what can't be read; None if nothing can.
    """

    flow: Flow | None
    positions: Positions
    problems: tuple[FlowProblem, ...]


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of a flow's file."""
    content = files(__package__ or "").joinpath("flow.schema.json").read_bytes()
    found: dict[str, Any] = json.loads(content)
    return found


def read(content: str | bytes) -> FlowFile:
    """Read a flow's file."""
    source = yaml_source.read(content)
    if source.problems and source.document is None:
        return FlowFile(None, source.positions, tuple(source.problems))
    if not isinstance(source.document, dict):
        source.add(source.positions.of(""), "", "A flow must be a mapping", "Begin it with `name: …`.")
        return FlowFile(None, source.positions, tuple(source.problems))
    _check_form(source)
    return FlowFile(_flow(source.document), source.positions, tuple(in_order(source.problems)))


def parse(content: str | bytes) -> Flow:
    """Return the flow of a file. Raises InvalidFlow if its form is wrong; `check` knows what it means."""
    found = read(content)
    if found.problems or found.flow is None:
        raise InvalidFlow(found.problems)
    return found.flow


def write(flow: Flow) -> str:
    """Return a flow as the text of its file. Equal flows have equal texts."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - yaml's signature
            return True

    def represent_text(dumper: Any, text: str) -> Any:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)

    Dumper.add_representer(str, represent_text)
    # Put texts in quotes that our reader takes for numbers, such as 1e5, which YAML 1.1 doesn't.
    Dumper.add_implicit_resolver("tag:yaml.org,2002:float", yaml_source.NUMBER, list("-0123456789"))
    text: str = yaml.dump(_document(flow), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text


def seconds(text: str) -> float:
    """Return the seconds of a length of time such as 5m."""
    return float(int(text[:-1]) * _UNITS[text[-1]])


def duration(length_s: float, *, unless: float = 0.0) -> str:
    """Return a length of time in its largest whole unit, such as 5m; "" for the usual one."""
    if length_s == unless:
        return ""
    unit = next(unit for unit, size in _UNITS.items() if length_s % size == 0)
    return f"{int(length_s) // _UNITS[unit]}{unit}"


# From the document to the flow


def _check_form(source: Source) -> None:
    """Add what is wrong with the form of a document."""
    document, positions = source.document, source.positions
    for problem in explanations.explain(schema(), document, unknown=_UNKNOWN):
        is_key = problem.path not in positions.values or "is not a field" in problem.message
        place = (positions.of_key if is_key else positions.of)(problem.path)
        message = f"{problem.path or 'flow'}: {problem.message}"
        source.problems.append(
            FlowProblem(place.line, place.column, problem.path, message, near=problem.nearest)
        )
    schedule = _schedule(document.get("trigger"))
    if schedule and schedule.cron and (wrong := cron.problem(schedule.cron)):
        path = "trigger.cron"
        source.add(positions.of(path), path, f"{path}: {wrong}")


def _flow(document: Mapping[str, Any]) -> Flow:
    connections = {
        name: FlowConnection(_text(given, "connector"), _text(given, "credential"))
        for name, given in _mapping(document.get("connections")).items()
    }
    return Flow(
        name=_text(document, "name"),
        connections=connections,
        trigger=_trigger(document.get("trigger")),
        steps=tuple(map(_step, _list(document.get("steps")))),
        title=_text(document, "title"),
        description=_text(document, "description"),
    )


def _trigger(given: Any) -> FlowTrigger:
    kind = _text(given, "type")
    return FlowTrigger(
        type=cast("Any", kind) if kind in {"triggered", "polling"} else "manual",
        connection=_text(given, "connection"),
        events=tuple(event for event in _list(_mapping(given).get("events")) if isinstance(event, str)),
        filters=_rows(_mapping(given).get("filters")),
        schedule=_schedule(given),
        subscribe=_mapping(given).get("subscribe") is True,
    )


def _schedule(given: Any) -> Schedule | None:
    if _text(given, "type") != "polling":
        return None
    return Schedule(
        every_s=_seconds(given, "every", 0.0),
        cron=_text(given, "cron"),
        time_zone=_text(given, "time_zone") or "UTC",
    )


def _step(given: Any) -> Step:
    fields, on_error = _mapping(given), _mapping(_mapping(given).get("on_error"))
    call = _call(fields, "")
    undo = fields.get("undo")
    then = on_error.get("then")
    return Step(
        id=_text(fields, "id"),
        call=call,
        conditions=tuple(filter(None, map(_condition, _list(fields.get("when"))))),
        for_each=_text(fields, "for_each"),
        at_once=_whole(fields, "at_once", 1),
        retry=_retry(on_error.get("retry")),
        then=then if then in ("continue", "compensate") else "stop",
        undo=_call(undo, call.connection) if isinstance(undo, dict) else None,
        timeout_s=_seconds(fields, "timeout", 0.0) or None,
    )


def _call(given: Any, connection: str) -> Call:
    fields = _mapping(given)
    return Call(
        connection=_text(fields, "connection") or connection,
        action=_text(fields, "action"),
        rows=_rows(fields.get("filter")),
        limit=_whole(fields, "limit", 0) or None,
        all_pages=fields.get("all_pages") is True,
    )


def _condition(given: Any) -> Condition | None:
    fields = _mapping(given)
    operators = [name for name in get_args(Operator) if name in fields]
    if "value" not in fields or len(operators) != 1:
        return None
    return Condition(fields["value"], operators[0], fields[operators[0]])


def _retry(given: Any) -> Retry:
    fields, usual = _mapping(given), Retry()
    factor = fields.get("factor", usual.factor)
    return Retry(
        times=_whole(fields, "times", usual.times),
        wait_s=_seconds(fields, "wait", usual.wait_s),
        factor=float(factor) if isinstance(factor, int | float) else usual.factor,
        most_wait_s=_seconds(fields, "most_wait", usual.most_wait_s),
    )


def _rows(given: Any) -> tuple[Row, ...]:
    if isinstance(given, dict):
        return tuple(given.items())
    rows = map(_mapping, _list(given))
    return tuple((_text(row, "key"), row.get("value")) for row in rows)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(fields: Any, name: str) -> str:
    value = _mapping(fields).get(name)
    return value if isinstance(value, str) else ""


def _whole(fields: Mapping[str, Any], name: str, usual: int) -> int:
    value = fields.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else usual


def _seconds(fields: Any, name: str, usual: float) -> float:
    text = _text(fields, name)
    is_valid = text[-1:] in _UNITS and text[:-1].isdecimal() and text.isascii()
    return seconds(text) if is_valid else usual


# From the flow to the document


def _document(flow: Flow) -> dict[str, Any]:
    return _filled(
        name=flow.name,
        title=flow.title,
        description=flow.description,
    ) | {
        "connections": {
            name: _filled(connector=one.connector, credential=one.credential)
            for name, one in flow.connections.items()
        },
        "trigger": _trigger_document(flow.trigger),
        "steps": [_step_document(step) for step in flow.steps],
    }


def _trigger_document(trigger: FlowTrigger) -> dict[str, Any]:
    schedule = trigger.schedule or Schedule()
    return {"type": trigger.type} | _filled(
        every=duration(schedule.every_s),
        cron=schedule.cron,
        time_zone=schedule.time_zone if schedule.time_zone != "UTC" else "",
        connection=trigger.connection,
        events=list(trigger.events),
        filters=_rows_document(trigger.filters),
        subscribe=trigger.subscribe,
    )


def _step_document(step: Step) -> dict[str, Any]:
    usual = Retry()
    retry = {
        "times": step.retry.times,
        "wait": duration(step.retry.wait_s, unless=usual.wait_s),
        "factor": step.retry.factor if step.retry.factor != usual.factor else None,
        "most_wait": duration(step.retry.most_wait_s, unless=usual.most_wait_s),
    }
    on_error = _filled(
        retry=_filled(**retry) if step.retry != usual else {}, then=step.then if step.then != "stop" else ""
    )
    return {"id": step.id, "connection": step.call.connection, "action": step.call.action} | _filled(
        filter=_rows_document(step.call.rows),
        limit=step.call.limit,
        all_pages=step.call.all_pages,
        when=[{"value": each.value, each.operator: each.operand} for each in step.conditions],
        for_each=step.for_each,
        at_once=step.at_once if step.at_once != 1 else None,
        on_error=on_error,
        undo=_undo_document(step),
        timeout=duration(step.timeout_s or 0.0),
    )


def _undo_document(step: Step) -> dict[str, Any]:
    if step.undo is None:
        return {}
    connection = step.undo.connection if step.undo.connection != step.call.connection else ""
    return _filled(connection=connection, action=step.undo.action, filter=_rows_document(step.undo.rows))


def _rows_document(rows: tuple[Row, ...]) -> Any:
    by_key = dict(rows)
    return by_key if len(by_key) == len(rows) else [{"key": key, "value": value} for key, value in rows]


def _filled(**fields: Any) -> dict[str, Any]:
    """Return fields without those that are empty, which mean the same as missing ones."""
    return {name: value for name, value in fields.items() if value or (value == 0 and value is not False)}
