"""JSON Schemas as the clients of agents take them. Pure.

An input schema loses what model APIs refuse at its root (anyOf, allOf and the like), the rules of the form
if/then at any depth, and what only we read; the connector checks every call by the whole schema. An output
schema names a record's fields and demands none: a client throws an answer away that misses it, and one field
that Calendly changed would hide the rest.
"""

import re
from functools import cache
from typing import Any, Final

from ...catalog.json_schema import Schema, contains, resolve
from ...catalog.manifest import catalog
from ...catalog.models import Action
from .paging import COUNT, INPUTS
from .toolset import declared, tool_name

_ROOT: Final = ("type", "properties", "required", "additionalProperties", "$defs")
_CONDITIONS: Final = ("allOf", "if", "then", "else", "dependentRequired")
_URI_OR_ID: Final = r"^(https?://\S+/)?[A-Za-z0-9_-]+$"
_WARNINGS: Final = {
    "warnings": {"type": "array", "items": {"type": "string"}, "description": "What to know of the answer."}
}
_LIST: Final = {
    "complete": {"type": "boolean", "description": "Whether the list ends here."},
    "next": {"type": "string", "description": "Give it as page_token to read on."},
    "extra": {"type": "object", "description": "What the list says beside its records."},
}


def input_schema(action: Action) -> dict[str, Any]:
    """Give what an agent fills in: no secret, and of a list how much of it."""
    whole = action.input
    root = {keyword: _plain(whole[keyword]) for keyword in _ROOT if keyword in whole}
    root["properties"] = {
        name: _input(rule, whole["properties"][name])
        for name, rule in root["properties"].items()
        if name not in action.secrets
    }
    if "required" in root:
        root["required"] = [name for name in root["required"] if name not in action.secrets]
    if action.returns == "many":
        root["properties"] = {**root["properties"], **INPUTS}
    return root


def tool_schema(action: Action) -> dict[str, Any]:
    """Return the input schema of a tool, in which some inputs have fields without words."""
    schema = input_schema(action)
    for name in declared("tools.yaml")["brief"].get(action.id, ()):
        rule = schema["properties"][name]
        fields = {field: {"type": told["type"]} for field, told in rule["properties"].items()}
        schema["properties"][name] = {**rule, "properties": fields}
    return schema


def inputs_of(action: str) -> tuple[str, ...]:
    """Return the names of the inputs that an agent may give."""
    return tuple(input_schema(catalog()[action])["properties"])


def output_schema(action: Action) -> dict[str, Any]:
    """Give the form of an answer."""
    if action.returns == "none":
        return {"type": "object", "required": ["done"], "properties": {"done": {"const": True}}}
    fields = resolve(action.output, action.output).get("properties", {})
    told = {name: _words(resolve(rule, action.output)) for name, rule in fields.items()}
    record: dict[str, Any] = {"type": "object", "properties": told}
    if action.returns == "one":
        properties, required = {"record": record, **_WARNINGS}, ["record"]
    else:
        records = {"type": "array", "items": record}
        properties, required = {"records": records, **_LIST, **_WARNINGS}, ["records", "complete"]
    return {"type": "object", "required": required, "properties": properties}


def description(action: Action) -> str:
    """Give an action's description, with tools instead of actions in it, and what its schema cannot say."""
    told = [in_tool_names(action.description)]
    choices = [branch.get("required", ()) for branch in action.input.get("anyOf", ())]
    if choices:
        told.append(f"Give at least one of {', '.join(' + '.join(names) for names in choices)}.")
    if any(contains(action.input, keyword, action.input) for keyword in _CONDITIONS):
        told.append("Some inputs need others; a call that lacks one is told which.")
    if action.secrets:
        told.append(f"{', '.join(sorted(action.secrets))} comes from the server's own credential.")
    if action.returns == "many":
        told.append(f"Gives {COUNT} records at a time.")
    return " ".join(told)


def in_tool_names(text: str) -> str:
    """Write the actions in a text as tools."""
    return _any_action().sub(lambda found: tool_name(catalog()[found[0]]), text)


@cache
def _any_action() -> re.Pattern[str]:
    return re.compile(rf"\b({'|'.join(map(re.escape, catalog()))})\b")


def _input(rule: dict[str, Any], declared: Schema) -> dict[str, Any]:
    if "x-options" not in declared.get("items", declared):
        return rule
    return {**rule, "description": f"{rule['description']} A name will do, too."}


def _plain(node: Any) -> Any:
    """Leave out conditions and the keywords that only this connector knows, and write actions as tools."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if isinstance(node, dict):
        told = {
            key: _plain(value)
            for key, value in node.items()
            if not key.startswith("x-") and key not in _CONDITIONS
        }
        return _resource(told, named="x-options" in node) if "x-resource" in node else told
    return in_tool_names(node) if isinstance(node, str) else node


def _resource(rule: dict[str, Any], *, named: bool) -> dict[str, Any]:
    """Let a field that names a resource hold all that the connector takes: URI, id and, with a list, name."""
    loose = {keyword: value for keyword, value in rule.items() if keyword not in {"format", "pattern"}}
    return {**loose, "pattern": _URI_OR_ID} if "pattern" in rule and not named else loose


def _words(field: Schema) -> dict[str, str]:
    return {"description": field["description"]} if "description" in field else {}
