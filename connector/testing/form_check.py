"""What is wrong with a form: with its fields alone, and compared with a JSON Schema. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import get_args

from ..contract import Connector, Field, FieldType
from .schemas import Schema, allowed_values, field_types, item, properties, variants

_TYPES = frozenset(get_args(FieldType))


def walk(fields: Iterable[Field]) -> Iterator[Field]:
    """Yield every field of a form, those of objects included."""
    for field in fields:
        yield field
        yield from walk(field.fields)


def form_fields(connector: Connector) -> Iterator[tuple[str, Field]]:
    """Yield every field of every form of inputs, with its action or trigger."""
    for declared in (connector.actions(), connector.manifest.triggers):
        for name, one in declared.items():
            yield from ((name, field) for field in walk(one.fields))


def drawing_problems(form: str, fields: Iterable[Field]) -> Iterator[str]:
    """Yield why a form can't be drawn: a title, a type, a choice or words are missing or ambiguous."""
    fields = tuple(fields)
    for path, times in Counter(field.path for field in walk(fields)).items():
        if times > 1:
            yield f"{form}: {times} fields have the path {path!r}"
    for field in fields:
        if field.required and field.group == "advanced":
            yield f"{form}, {field.path}: it is required, so it can't be in the group 'advanced'"
    for field in walk(fields):
        for problem in _drawing_problems_of(field):
            yield f"{form}, {field.path}: {problem}"
    yield from (f"{form}, {problem}" for problem in _misplaced(fields, ""))


def _drawing_problems_of(field: Field) -> Iterator[str]:
    values = [option.value for option in field.choices]
    problems = {
        "it has no title": not field.title.strip(),
        f"{field.type!r} isn't a type of fields": field.type not in _TYPES,
        f"{field.group!r} isn't a group": field.group not in {"main", "advanced"},
        f"it has fields, but the type {field.type!r}": field.fields and field.type != "object",
        "only text can have several lines": field.multiline and field.type != "text",
        "it has both choices and options": field.choices and field.has_options,
        "two choices have the same value": len(set(values)) < len(values),
        "a choice has no label": not all(option.label.strip() for option in field.choices),
        "its default isn't one of the choices": values and not _texts(field.default) <= set(values),
        "it has a pattern, but no words for it in `expected`": field.pattern and not field.expected,
        "its pattern isn't a regular expression": not _compiles(field.pattern),
    }
    yield from (problem for problem, applies in problems.items() if applies)


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _texts(default: object) -> set[str]:
    """Return the values of a default: none, one or, for a list, several."""
    values = default if isinstance(default, list) else [default]
    return {str(value) for value in values if value is not None}


def _misplaced(fields: Iterable[Field], prefix: str) -> Iterator[str]:
    """Yield fields of objects whose paths aren't below their object's path."""
    for field in fields:
        if field.path != f"{prefix}{field.name}":
            yield f"{field.path}: its path should be {f'{prefix}{field.name}'!r}"
        yield from _misplaced(field.fields, f"{field.path}{'[]' if field.is_list else ''}.")


def dependency_problems(form: str, fields: Iterable[Field]) -> Iterator[str]:
    """Yield dependencies on fields that the form doesn't have, or that have no use."""
    fields = tuple(walk(fields))
    paths = {field.path for field in fields}
    for field in fields:
        for other in field.depends_on:
            if other not in paths or other == field.path:
                yield f"{form}, {field.path}: it depends on {other!r}, which isn't another field of the form"
        if field.depends_on and not field.has_options:
            yield f"{form}, {field.path}: it depends on others, but has no options"


def missing_inputs(form: str, fields: Iterable[Field], schema: Schema, root: Schema) -> Iterator[str]:
    """Yield inputs without a field, and fields without an input. Secret inputs have none."""
    fields = tuple(fields)
    rules = properties(schema, root)
    drawn = {field.name for field in fields}
    secret = {name for name, rule in rules.items() if rule.get("writeOnly")}
    yield from (f"{form}: the input {name!r} has no field" for name in rules.keys() - secret - drawn)
    yield from (f"{form}: {name!r} is a field, but not an input" for name in drawn - rules.keys())
    for field in fields:
        if field.fields and (rule := rules.get(field.name)):
            inner = item(rule, root) or rule
            yield from missing_inputs(f"{form}, {field.path}", field.fields, inner, root)


def secret_fields(form: str, fields: Iterable[Field], schema: Schema, root: Schema) -> Iterator[str]:
    """Yield fields for secrets, which a form of inputs leaves out."""
    rules = properties(schema, root)
    for field in fields:
        rule = rules.get(field.name, {})
        if field.secret or rule.get("writeOnly"):
            yield f"{form}, {field.path}: it is secret, so the form must leave it out"
        yield from secret_fields(form, field.fields, item(rule, root) or rule, root)


def schema_problems(form: str, fields: Iterable[Field], schema: Schema, root: Schema) -> Iterator[str]:
    """Yield where a field and its schema disagree about the type, the choices, or whether it is required."""
    rules = properties(schema, root)
    required = set(next(variants(schema, root)).get("required", ()))
    for field in fields:
        if field.name not in rules:
            continue  # missing_inputs reports it
        where, rule = f"{form}, {field.path}", rules[field.name]
        if field.required != (field.name in required):
            yield f"{where}: required is {field.required}, but the schema says {field.name in required}"
        inner = item(rule, root)
        other_types = field_types(rule, root)
        if field.is_list and inner is None:
            yield f"{where}: it is a list, but its schema isn't"
        if not field.is_list and inner is not None and not other_types:
            yield f"{where}: its schema is a list, so it must be one"
        yield from _value_problems(where, field, inner if field.is_list and inner is not None else rule, root)
        yield from schema_problems(form, field.fields, inner or rule, root)


def _value_problems(where: str, field: Field, rule: Schema, root: Schema) -> Iterator[str]:
    types = field_types(rule, root)
    if "uri" in types:
        types |= {"text"}  # an id or a name may stand for the URI of a resource
    if types and field.type not in types:
        yield f"{where}: its type is {field.type}, but its schema allows {', '.join(sorted(types))}"
    allowed = allowed_values(rule, root)
    chosen = {option.value for option in field.choices}
    if allowed is not None and "boolean" not in types and not field.has_options:
        expected = {value if isinstance(value, str) else str(value) for value in allowed}
        if missing := expected - chosen:
            yield f"{where}: the choices lack {', '.join(sorted(missing))}"
        if unknown := chosen - expected:
            yield f"{where}: the choices include {', '.join(sorted(unknown))}, which the schema doesn't allow"
