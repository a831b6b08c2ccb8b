"""Convert undocumented forms of requests into the documented form, which the rest of the sandbox reads. Pure.

docs/how-to/sandbox.md lists the evidence for each conversion, and which are guesses. `--strict` turns them
all off.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from .api import body_schema
from .api.body_schema import ArrayRule, BodySchema, ObjectRule, OneOfRule, Rule
from .api.calls import Route
from .api.http_messages import FORM, Headers, HttpRequest
from .api.parameters import IntegerReader
from .world.records import Record

CORS: Headers = [
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD"),
    ("Access-Control-Allow-Headers", "*, Authorization"),
    ("Access-Control-Expose-Headers", "ETag"),
    ("Access-Control-Max-Age", "86400"),
]

Pairs = Sequence[tuple[str, str]]

_WHOLE_FLOAT = re.compile(r"(\d+)\.0+", re.ASCII)
_DIGITS = re.compile(r"-?\d{1,15}", re.ASCII)
_MAX_NAME_DEPTH = 5


def head_as_get(request: HttpRequest) -> HttpRequest:
    """Return HEAD as GET; the server omits the body."""
    return replace(request, method="GET") if request.method == "HEAD" else request


def json_as_form(request: HttpRequest) -> HttpRequest:
    """Return an OAuth request with a JSON object as a form; anything else unchanged."""
    if request.media_type == FORM:
        return request
    body = _json(request.body)
    if not isinstance(body, dict):
        return request
    return replace(request, content_type=FORM, body=urlencode(_pairs(body)).encode())


def normalize(request: HttpRequest, route: Route) -> HttpRequest:
    """Return a request in the documented form of its operation; parts without one stay unchanged."""
    query = parse_qsl(request.query, keep_blank_values=True)
    body: Any = _json(request.body)
    is_text = False
    if request.method in {"GET", "DELETE"}:
        if request.method == "GET" and isinstance(body, dict):
            known = {_base_name(name) for name, _ in query}
            query += [(name, value) for name, value in _pairs(body) if _base_name(name) not in known]
        return replace(request, query=_query_string(request, route, query), body=b"")
    if request.body in {b"", b"null"}:
        declared = {parameter.name for parameter in route.parameters}
        body, is_text = _nested([pair for pair in query if _base_name(pair[0]) not in declared]), True
        query = [pair for pair in query if _base_name(pair[0]) in declared]
    elif body is None and request.media_type == FORM:
        form = request.body.decode("utf-8", "replace")
        body, is_text = _nested(parse_qsl(form, keep_blank_values=True)), True
    request = replace(request, query=_query_string(request, route, query))
    return _with_body(request, route.body, body, is_text=is_text) if isinstance(body, dict) else request


# Queries


def _base_name(name: str) -> str:
    return name.removesuffix("[]")


def _query_string(request: HttpRequest, route: Route, pairs: Pairs) -> str:
    """Return a query string with integers such as 20.0 written as 20; unchanged if there are none."""
    integers = {parameter.name for parameter in route.parameters if isinstance(parameter.read, IntegerReader)}
    normalized = [
        (name, match[1] if name in integers and (match := _WHOLE_FLOAT.fullmatch(value)) else value)
        for name, value in pairs
    ]
    unchanged = parse_qsl(request.query, keep_blank_values=True) == normalized
    return request.query if unchanged else urlencode(normalized)


def _pairs(fields: Record) -> Pairs:
    """Return the fields of an object as parameters; nulls and nested objects are dropped."""
    return [
        (name, _text(item))
        for name, value in fields.items()
        for item in (value if isinstance(value, list) else [value])
        if item is not None and not isinstance(item, list | dict)
    ]


def _text(value: str | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


# Bodies


def _json(body: bytes) -> Any:
    """Return a JSON value; None for null and for invalid JSON."""
    with suppress(orjson.JSONDecodeError):
        return orjson.loads(body)
    return None


def _nested(pairs: Pairs) -> Record:
    """Return form fields as an object: `a[b]` becomes a nested object, `a[]` an array."""
    body: Record = {}
    for name, value in pairs:
        keys = name.replace("]", "").split("[") if name.count("[") < _MAX_NAME_DEPTH else [name]
        container: Any = body
        for key, following in pairwise(keys):
            inner: Any = {} if following else []
            if not isinstance(container.get(key), type(inner)):
                container[key] = inner
            container = container[key]
            if not following:
                container.append(value)
                break
        else:
            container[keys[-1]] = value
    return body


def _with_body(
    request: HttpRequest, schema: BodySchema | None, body: Record, *, is_text: bool
) -> HttpRequest:
    coerced = body
    if schema is not None:
        coerced = _coerced(schema, body, is_text=is_text, is_new=request.method == "POST")
    if coerced == _json(request.body):
        return request
    with suppress(orjson.JSONEncodeError):  # nested too deeply
        return replace(request, body=orjson.dumps(coerced) if coerced else b"")
    return request


def _coerced(schema: BodySchema, body: Record, *, is_text: bool, is_new: bool) -> Record:
    """Convert the values of an object to its schema; in a POST, drop nulls that only replies may have."""
    fields = {field.name: field for field in schema.fields}
    droppable = {name for name, field in fields.items() if is_new and field.null_in_reply}
    return {
        name: _coerced_value(fields[name].rule, value, is_text=is_text, is_new=is_new)
        if name in fields
        else value
        for name, value in body.items()
        if value is not None or name not in droppable
    }


def _coerced_value(rule: Rule, value: Any, *, is_text: bool, is_new: bool) -> Any:
    if isinstance(rule, ObjectRule) and isinstance(value, dict):
        return _coerced(rule.schema, value, is_text=is_text, is_new=is_new)
    if isinstance(rule, ArrayRule) and isinstance(value, list):
        return [_coerced_value(rule.rule, item, is_text=is_text, is_new=is_new) for item in value]
    if isinstance(value, str):
        return _from_text(rule, value) if is_text else value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return _choice(rule, value) if isinstance(rule, OneOfRule) and is_number else value


def _from_text(rule: Rule, text: str) -> Any:
    """Return the number or boolean that a rule expects, from the string in a form."""
    if isinstance(rule, OneOfRule):
        return _choice(rule, text)
    if rule is body_schema.boolean and text in {"true", "false"}:
        return text == "true"
    return int(text) if isinstance(rule, body_schema.IntegerRule) and _DIGITS.fullmatch(text) else text


def _choice(rule: OneOfRule, value: str | float) -> str | float:
    """Return the choice that is written like the value, such as "1" for 1."""
    return next((choice for choice in rule.choices if str(choice) == _text(value)), value)
