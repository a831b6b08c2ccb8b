"""Reads the inputs of Shelf's actions: rows of a filter, functions, and what is wrong with them. Pure."""

import difflib
import re
from datetime import date, datetime
from urllib.parse import urlsplit

from calendly_connector.contract import Plain
from calendly_connector.errors import Problem

_CALL = re.compile(r"~\{(?P<name>\w+)(?P<offset>[+-]\d+[dh])?\}~")
_WORDS = {"true": True, "false": False}


def merged(fields, params, rows, stand_for):
    """Return the inputs: `params` unchanged, and `rows` with their functions replaced and types converted.

    `stand_for` returns what a function's name and offset stand for, in the field of a path.
    """
    inputs = {name: value for name, value in params.items() if value not in (None, "")}
    by_path = dict(walk(fields))
    for path, text in rows:
        field = by_path.get(path.removesuffix("[]"))
        value = plain(text)
        if isinstance(text, str):
            value = _CALL.sub(
                lambda found, at=path: stand_for(at, found["name"], found["offset"] or ""), text
            )
            value = _converted(field, value)
        _put(inputs, path, value)
    return inputs


def plain(value):
    """Return a value without the marks of what is sent as it is."""
    if isinstance(value, Plain):
        return value.value
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def walk(fields):
    """Yield every field of a form with its path, those of objects included."""
    for field in fields:
        yield field.path, field
        yield from walk(field.fields)


def _converted(field, text):
    if field and field.type in {"integer", "number"} and re.fullmatch(r"-?\d+", text):
        return int(text)
    return _WORDS.get(text, text) if field and field.type == "boolean" else text


def _put(inputs, path, value):
    *parents, last = path.split(".")
    for name in parents:
        inputs = inputs.setdefault(name, {})
    if last.endswith("[]"):
        inputs.setdefault(last.removesuffix("[]"), []).append(value)
    else:
        inputs[last] = value


def problems(fields, inputs, secrets=(), prefix=""):
    """Yield what is wrong with inputs."""
    by_name = {field.name: field for field in fields}
    for name in inputs:
        if name not in by_name and name not in secrets:
            near = difflib.get_close_matches(str(name), by_name, 1)
            yield Problem(f"{prefix}{name}", "is not an input", near[0] if near else None)
    for name, field in by_name.items():
        if name in inputs:
            yield from _of_value(field, inputs[name], f"{prefix}{name}")
        elif field.required:
            yield Problem(f"{prefix}{name}", "is missing")


def _of_value(field, value, path):
    if field.is_list:
        if not isinstance(value, list):
            yield Problem(path, "must be a list")
            return
        for number, item in enumerate(value):
            yield from _of_item(field, item, f"{path}[{number}]")
    else:
        yield from _of_item(field, value, path)


def _of_item(field, value, path):
    if field.choices and value not in (known := [option.value for option in field.choices]):
        near = difflib.get_close_matches(str(value), known, 1)
        yield Problem(path, f"must be one of {', '.join(known)}", near[0] if near else None)
    elif not _is(field.type, value):
        yield Problem(path, f"isn't a valid {field.type}")
    elif field.pattern and not re.search(field.pattern, value):
        yield Problem(path, f"must be {field.expected}")
    elif field.fields:
        yield from problems(field.fields, value, prefix=f"{path}.")


def _is(kind, value):
    if kind in {"integer", "number", "boolean", "object"}:
        types = {"integer": int, "number": (int, float), "boolean": bool, "object": dict}
        return isinstance(value, types[kind]) and isinstance(value, bool) == (kind == "boolean")
    if not isinstance(value, str):
        return False
    try:
        if kind == "date":
            date.fromisoformat(value)
        elif kind == "date-time":
            datetime.fromisoformat(value)
        elif kind == "uri":
            return bool(urlsplit(value).scheme)
    except ValueError:
        return False
    return kind != "email" or "@" in value
