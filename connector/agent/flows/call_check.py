"""Checks the rows of a call by the contract alone: no connection, no network.

Functions are replaced by their examples and references by those of the outputs that they lead to, so what
depends on a value of a run isn't judged.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ...catalog import explanations, expressions, json_schema
from ...catalog.expressions import FunctionCall
from ...catalog.json_schema import Schema
from ...contract import Field, FunctionInfo, Plain
from ...errors import Problem
from ...support.redaction import shortened
from . import references, shapes
from .model import Row
from .reference_check import reference_findings, shape_of
from .references import Reference
from .shapes import TEXT, Shape

_INDEX: Final = re.compile(r"\[[0-9]+\]")


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a row, by its number; None: with the rows as a whole."""

    row: int | None
    path: str
    message: str
    fix: str = ""
    near: str | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """What rows are checked against: the schema of the inputs, and their fields."""

    schema: Schema
    fields: tuple[Field, ...]
    functions: Mapping[str, FunctionInfo]
    unknown: str = "isn't an input"


@dataclass(frozen=True, slots=True)
class _Stand:
    """Stands for what a reference yields."""

    shape: Shape
    reference: str


@dataclass
class _Walk:
    """What was found while the stands in inputs were replaced by examples.

    `named` are the paths of fields whose texts may be names.
    """

    root: Schema
    named: frozenset[str]
    unsure: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def replace(self, value: Any, schema: Schema, path: str, *, in_list: bool = False) -> Any:
        """Return a value without stands. `unsure` are the paths whose values only a run knows."""
        schema = json_schema.resolve(schema, self.root)
        if isinstance(value, _Stand):
            self.unsure.append(path)
            self._check_type(value, json_schema.types(schema), path, in_list=in_list)
            return value.shape.example
        if isinstance(value, dict):
            fields, others = schema.get("properties", {}), schema.get("additionalProperties")
            usual = others if isinstance(others, dict) else {}
            return {
                name: self.replace(item, fields.get(name, usual), f"{path}.{name}".removeprefix("."))
                for name, item in value.items()
            }
        if isinstance(value, list):
            items = schema.get("items", {})
            return [
                self.replace(item, items, f"{path}[{number}]", in_list=True)
                for number, item in enumerate(value)
            ]
        may_be_text = isinstance(value, str) and "string" in json_schema.types(schema)
        if may_be_text and _INDEX.sub("[]", path).removesuffix("[]") in self.named:
            self.unsure.append(path)
        return value

    def _check_type(self, stand: _Stand, wanted: frozenset[str], path: str, *, in_list: bool) -> None:
        kind = stand.shape.type
        fits = not kind or not wanted or kind in wanted or (kind == "integer" and "number" in wanted)
        if not fits and not (in_list and kind == "array"):
            expected = " or ".join(str(Shape(name)) for name in sorted(wanted - {"null"}))
            self.problems.append(Problem(path, f"must be {expected}, but {stand.reference} is {stand.shape}"))


def check_rows(rows: tuple[Row, ...], form: Form, known: Mapping[str, Shape]) -> Iterator[Finding]:
    """Yield what is wrong with rows; `known` are the shapes of what references can use."""
    inputs = form.schema.get("properties", {})
    usable: list[Row] = []
    broken: set[str] = set()
    for number, (key, value) in enumerate(rows):
        findings: list[Finding] = []
        replaced = _with_stands(value, key, number, known, findings)
        secret = _is_secret(key, inputs)
        if not findings:
            findings += _function_findings(replaced, key, number, form.functions, is_secret=secret)
        name = expressions.input_name(key, inputs)
        if findings:
            broken.add(name)
        elif value not in (None, "") or name not in inputs:  # blank inputs count as missing
            usable.append((key, replaced))
        yield from findings
    values, problems = expressions.gather(usable, inputs, form.schema)
    values = expressions.evaluate(values, lambda call: _example(call, form.functions))
    walk = _Walk(form.schema, frozenset(_named(form.fields)))
    values = walk.replace(values, form.schema, "")
    problems += walk.problems
    reported = {problem.path for problem in problems}
    problems += [
        problem
        for problem in explanations.explain(form.schema, values, unknown=form.unknown)
        if problem.path not in reported and _is_sure(problem, walk.unsure, broken, form)
    ]
    for problem in problems:
        is_lost = problem.nearest is None and _is_unknown(problem.path, inputs)
        fix = f"Use {shapes.listing(inputs) or 'none'}." if is_lost else ""
        message = f"{problem.path}: {problem.message}" if problem.path else problem.message
        yield Finding(_row_of(problem.path, rows), problem.path, message, fix, problem.nearest)


def _with_stands(
    value: Any, key: str, number: int, known: Mapping[str, Shape], findings: list[Finding]
) -> Any:
    """Return a value whose texts with references are replaced by stands."""
    if isinstance(value, dict):
        return {name: _with_stands(item, key, number, known, findings) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_stands(item, key, number, known, findings) for item in value]
    if not isinstance(value, str):
        return value
    found = list(reference_findings(value, known, functions=True))
    if found:
        findings += [Finding(number, key, f"{key}: {message}", fix, near) for message, fix, near in found]
        return value
    parts = references.parse(value)
    if not any(isinstance(part, Reference) for part in parts):
        return value
    whole = parts[0] if len(parts) == 1 and isinstance(parts[0], Reference) else None
    shape = shape_of(whole, known) if whole else TEXT
    return Plain(_Stand(shape, str(whole) if whole else "a text with references"))


def _function_findings(
    value: Any, key: str, number: int, functions: Mapping[str, FunctionInfo], *, is_secret: bool
) -> Iterator[Finding]:
    for call in dict.fromkeys(expressions.calls(value)):
        function = functions.get(call.name)
        if function is None:
            message, near = (
                f"unknown function ~{{{shortened(call.name)}}}~",
                shapes.nearest(call.name, functions),
            )
            yield Finding(number, key, f"{key}: {message}", near=near)
        elif call.arguments and not function.arguments:
            yield Finding(number, key, f"{key}: ~{{{call.name}}}~ doesn't accept anything in parentheses")
        elif call.offset and not function.takes_offset:
            yield Finding(number, key, f"{key}: ~{{{call.name}}}~ doesn't take an offset such as +7d")
        elif function.secret and not is_secret:
            yield Finding(number, key, f"{key}: can't contain a secret such as ~{{{call.name}}}~")


def _example(call: FunctionCall, functions: Mapping[str, FunctionInfo]) -> str:
    return functions[call.name].example_value


def _is_secret(key: str, inputs: Mapping[str, Schema]) -> bool:
    return bool(inputs.get(key.removesuffix("[]"), {}).get("writeOnly"))


def _is_unknown(path: str, inputs: Mapping[str, Schema]) -> bool:
    return bool(path) and expressions.input_name(path.partition("[")[0], inputs) not in inputs


def _is_sure(problem: Problem, unsure: list[str], broken: set[str], form: Form) -> bool:
    """Check whether a problem is one whatever the run yields, and whatever names stand for."""
    path = problem.path
    if problem.message == form.unknown or "is not a field of" in problem.message:
        return True
    if path.partition(".")[0].partition("[")[0] in broken:
        return False
    return not any(_contains(path, other) or _contains(other, path) for other in unsure)


def _contains(outer: str, inner: str) -> bool:
    return outer == inner or (inner.startswith(outer) and inner[len(outer) : len(outer) + 1] in {".", "["})


def _named(fields: Iterable[Field]) -> Iterator[str]:
    """Yield the paths of fields with options: a name there is as good as the value that it stands for."""
    for one in fields:
        if one.has_options:
            yield one.path
        yield from _named(one.fields)


def _row_of(path: str, rows: tuple[Row, ...]) -> int | None:
    """Return the number of the row that a path of the inputs comes from."""
    fitting = [number for number, (key, _) in enumerate(rows) if _contains(key.removesuffix("[]"), path)]
    if not fitting:
        return None
    index = path.rpartition("[")[2].removesuffix("]")
    is_item = len(fitting) > 1 and index.isdecimal() and int(index) < len(fitting)
    return fitting[int(index)] if is_item else fitting[0]
