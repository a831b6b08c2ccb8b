"""JSON Schemas in the form that agents' clients accept. Pure.

Input schemas lose what model APIs reject at the root (anyOf, allOf and the like), if/then rules at any depth,
the titles of fields, and our own keywords; the connector still checks every call against the full schema.
Output schemas only name a record's fields, since a model reads them with every request, and require none:
clients discard an answer that doesn't match, so one field that Calendly changed would hide all the others.

See docs/decisions/loose-agent-schemas.md.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from ...catalog.json_schema import Schema, contains, resolve
from ...catalog.manifest import catalog
from ...catalog.models import Action
from ...catalog.pick_lists import has_names
from .pagination import DEFAULT_COUNT, INPUTS, is_paged
from .toolset import declared, tool_name

_ROOT_KEYWORDS: Final = ("type", "properties", "required", "additionalProperties", "$defs")
_OF_SCHEMAS: Final = ("properties", "$defs")
_CONDITIONS: Final = ("allOf", "if", "then", "else", "dependentRequired")
_DROPPED: Final = ("title", *_CONDITIONS)
_URI_OR_ID: Final = r"^(https?://\S+/)?[A-Za-z0-9_-]+$"
_WARNINGS: Final = {
    "warnings": {"type": "array", "items": {"type": "string"}, "description": "Warnings about the answer."}
}
_LIST: Final = {
    "complete": {"type": "boolean", "description": "Whether this is the end of the list."},
    "next": {"type": "string", "description": "Pass as page_token to get the next page."},
    "extra": {"type": "object", "description": "Other fields of the list, such as a total."},
}


def input_schema(action: Action) -> dict[str, Any]:
    """Return an action's input schema for agents: without secrets, with paging inputs for a list."""
    full = action.input
    simple = _simplify(full)
    root = {keyword: simple[keyword] for keyword in _ROOT_KEYWORDS if keyword in simple}
    root["properties"] = {
        name: _mention_names(rule, full["properties"][name])
        for name, rule in root["properties"].items()
        if name not in action.secrets
    }
    if "required" in root:
        root["required"] = [name for name in root["required"] if name not in action.secrets]
    if is_paged(action):
        root["properties"] = {**root["properties"], **INPUTS}
    return root


def short_input_schema(action: Action) -> dict[str, Any]:
    """Return `input_schema` with only the inputs in the action's short form, if it has one."""
    schema = input_schema(action)
    short = _short(action).get("inputs")
    if short is None:
        return schema
    paging = {name: {"type": rule["type"]} for name, rule in INPUTS.items() if name in schema["properties"]}
    inputs = {name: _shorten(schema["properties"][name], text) for name, text in short.items()}
    return {**schema, "properties": {**inputs, **paging}}


def input_names(action: str) -> tuple[str, ...]:
    """Return the names of the inputs that an agent may set."""
    return tuple(input_schema(catalog()[action])["properties"])


def record_schema(action: Action) -> dict[str, Any]:
    """Return the full schema of a record, without what only a form needs."""
    record: dict[str, Any] = _simplify(action.output)
    return record


def output_schema(action: Action) -> dict[str, Any]:
    """Return the schema of a tool's answer."""
    if action.returns == "none":
        return {"type": "object", "required": ["done"], "properties": {"done": {"const": True}}}
    fields = resolve(action.output, action.output).get("properties", {})
    record: dict[str, Any] = {"type": "object", "properties": {name: {} for name in fields}}
    if action.returns == "one":
        properties, required = {"record": record, **_WARNINGS}, ["record"]
    else:
        records = {"type": "array", "items": record}
        properties, required = {"records": records, **_LIST, **_WARNINGS}, ["records", "complete"]
    return {"type": "object", "required": required, "properties": properties}


def short_description(action: Action) -> str:
    """Return the description of an action's short form, or else its full one."""
    return _short(action).get("description") or description(action)


def description(action: Action) -> str:
    """Return an action's description for agents, with what `input_schema` can't express."""
    sentences = [in_tool_names(action.description)]
    choices = [branch.get("required", ()) for branch in action.input.get("anyOf", ())]
    if choices:
        sentences.append(f"Set at least one of {', '.join(' + '.join(names) for names in choices)}.")
    if any(contains(action.input, keyword, action.input) for keyword in _CONDITIONS):
        sentences.append("Some inputs require others; the error names the missing ones.")
    if action.secrets:
        sentences.append(f"{', '.join(sorted(action.secrets))} comes from the server's own credential.")
    if is_paged(action):
        sentences.append(f"Returns up to {DEFAULT_COUNT} records per page by default.")
    return " ".join(sentences)


def in_tool_names(text: str) -> str:
    """Return a text with action ids replaced by tool names."""
    return _action_id().sub(lambda match: tool_name(catalog()[match[0]]), text)


def _short(action: Action) -> dict[str, Any]:
    found: dict[str, Any] = declared("tools.yaml")["short"].get(action.id, {})
    return found


def _shorten(rule: dict[str, Any], description: str | None) -> dict[str, Any]:
    """Replace an input's description, and drop those of the fields below it and what only a form needs."""
    short = {key: value for key, value in rule.items() if key not in {"default", "maxLength"}}
    if description is not None:
        short["description"] = description
    if "properties" in rule:
        short["properties"] = {name: {"type": field["type"]} for name, field in rule["properties"].items()}
    if "items" in rule:
        short["items"] = {"type": rule["items"]["type"]}
    return short


@cache
def _action_id() -> re.Pattern[str]:
    return re.compile(rf"\b({'|'.join(map(re.escape, catalog()))})\b")


def _mention_names(rule: dict[str, Any], full: Schema) -> dict[str, Any]:
    if not has_names(full.get("items", full)):
        return rule
    return {**rule, "description": f"{rule['description']} Also accepts a name."}


def _simplify(node: Any) -> Any:
    """Drop conditions, titles and our own keywords, and replace action ids by tool names."""
    if isinstance(node, list):
        return [_simplify(item) for item in node]
    if isinstance(node, dict):
        kept = {key: value for key, value in node.items() if not key.startswith("x-") and key not in _DROPPED}
        rule = {
            key: _simplify_each(value) if key in _OF_SCHEMAS else _simplify(value)
            for key, value in kept.items()
        }
        return _loosen(rule, named=has_names(node)) if "x-resource" in node else rule
    return in_tool_names(node) if isinstance(node, str) else node


def _simplify_each(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Simplify the schemas of fields, of which one may be called "title"."""
    return {name: _simplify(schema) for name, schema in schemas.items()}


def _loosen(rule: dict[str, Any], *, named: bool) -> dict[str, Any]:
    """Let a resource field accept whatever the connector does: URI, id and, with a pick list, name."""
    loose = {keyword: value for keyword, value in rule.items() if keyword not in {"format", "pattern"}}
    return {**loose, "pattern": _URI_OR_ID} if "pattern" in rule and not named else loose
