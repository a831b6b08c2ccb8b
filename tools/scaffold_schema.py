"""The YAML entry and the JSON schema of a new action, made from its operation in the OpenAPI file. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

from calendly_connector.catalog import json_schema, paths

import openapi
from drift import flattened
from openapi import Schema, follow
from scaffold import NOBODY, PUBLIC, Known, NewAction, split_words

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_NO_LOOK_UP: Final = "Nobody has looked yet for what would show it."
_DOCS: Final = "https://developer.calendly.com/api-docs/calendly-api"
_COLUMNS: Final = 5
_ID: Final = "^[A-Za-z0-9_-]+$"
_DEFAULTS: Final = {"user": "~{GetUserUrl}~", "organization": "~{GetOrganizationUrl}~"}
_DEFAULT_WORDS: Final = {"user": "the current user", "organization": "the current user's organization"}
_ACRONYMS: Final = {
    **{word: word.upper() for word in ("api", "html", "id", "uri", "url", "utc", "utm")},
    "uuid": "ID",
}
_SECRET: Final = re.compile("key|secret|password|token")
_SORT: Final = re.compile(r"(\w+):asc\|desc")
_KEPT: Final = (
    "type",
    "format",
    "enum",
    "const",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "required",
    "default",
)
_PATTERNED: Final = ("09:00", "2026-11-17", "#0069ff", "+15550100100", "a-b_1")  # one may fit a pattern
_DEEPEST: Final = 8


def entry(target: NewAction, output: Schema) -> str:
    """Return the lines for `actions/<resource>.yaml`. A list shows the first columns of its `output`."""
    about = target.operation.entry
    since = str(about.get("x-since", ""))
    defaults = ", ".join(f'{name}: "{_DEFAULTS[name]}"' for name in target.required if name in _DEFAULTS)
    tag = _slug(str((about.get("tags") or [target.resource])[0]))
    guess = f"{_DOCS}/{tag}/{_slug('-'.join(split_words(about['operationId'])))}"
    lines = {
        "request": f"{target.operation.method} {target.path}",
        "returns": target.returns,
        "scopes": f"[{', '.join(about['x-required-scopes'])}]",
        "plan": target.plan,
        "role": "admin" if "admin" in str(about.get("x-plan", "")) else "",
        "since": f'"{since}"' if re.fullmatch(r"\d{4}-\d\d-\d\d", since) else "",
        "bare": "true" if target.bare else "",
        "query": f"[{', '.join(target.query)}]" if target.operation.method != "GET" and target.query else "",
        "defaults": f"{{{defaults}}}" if defaults else "",
        "no_look_up": _NO_LOOK_UP if target.operation.method == "POST" else "",
        "docs": about.get("externalDocs", {}).get("url") or guess,
    }
    columns = _columns(output) if target.returns == "many" else []
    return "\n".join(
        [f"{target.verb}:", *(f"  {key}: {value}" for key, value in lines.items() if value), *columns, ""]
    )


def _columns(output: Schema) -> list[str]:
    """Return the lines of the columns that are likely to be worth reading; a URI is the last."""
    names = list(paths.properties(json_schema.bundle(output)))
    readable = [name for name in names if name != "uri" and not name.endswith("_at")][:_COLUMNS]
    uri = ["    - {path: uri, title: ID}"] if "uri" in names else []
    return ["  columns:", *(f"    - {{path: {name}}}" for name in readable), *uri]


def schema(target: NewAction, known: Known) -> dict[str, Any]:
    """Return the content of `schemas/<id>.json`."""
    title = _title(target)
    output, record = _output(target, known)
    properties = {**_path_rules(target, known), **_input_rules(target, known)}
    required = target.required
    rules = {"required": required} if required else {}
    given = {
        name: _input_example(name, properties[name], target, known) for name in _shown(target, properties)
    }
    return {
        "$schema": _DIALECT,
        "title": title,
        "description": f"{title}.",
        "input": {"type": "object", "additionalProperties": False, **rules, "properties": properties},
        "output": output,
        "examples": [{"input": given, "output": record}],
    }


def example(rule: Schema, root: Schema, name: str = "value") -> Any:
    """Return a value that fits a schema. `name` is the field's name."""
    rule = _first_choice(json_schema.resolve(rule, root), root)
    for key in ("const", "default"):
        if key in rule:
            return rule[key]
    if "enum" in rule:
        return rule["enum"][0]
    kinds = rule.get("type", "object" if "properties" in rule else "null")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if kind == "object":
        return {field: example(inner, root, field) for field, inner in rule.get("properties", {}).items()}
    if kind == "array":
        return [example(rule.get("items", {}), root, name)] * max(1, rule.get("minItems", 1))
    if kind == "string":
        return _text(rule, name)
    return {"integer": rule.get("minimum", 1), "number": rule.get("minimum", 1), "boolean": False}.get(kind)


def _first_choice(rule: Schema, root: Schema) -> Schema:
    for key in ("oneOf", "anyOf"):
        if key in rule:
            rest = {name: value for name, value in rule.items() if name != key}
            return _first_choice({**rest, **json_schema.resolve(rule[key][0], root)}, root)
    return rule


def _text(rule: Schema, name: str) -> str:
    texts = {
        "date-time": "2026-11-17T09:00:00.000000Z",
        "date": "2026-11-17",
        "email": "noor@client.example",
        "uri": f"{PUBLIC}/{name}s/{NOBODY}",
    }
    plain = _sentence(name).rstrip(".").ljust(rule.get("minLength", 0), ".")
    fitting = (text for text in (plain, *_PATTERNED) if re.search(rule.get("pattern", ""), text))
    return texts.get(rule.get("format", "")) or next(fitting, plain)


def _output(target: NewAction, known: Known) -> tuple[dict[str, Any], Any]:
    """Return the schema of one record, and an example of it."""
    if target.returns == "none":
        return {"type": "null"}, None
    theirs = openapi.record(target.envelope)
    shape = _shape(theirs, target.spec)
    ours = {"$ref": f"shapes/{shape}.json"} if shape else inlined(theirs, target.spec, shapes=True)
    if shape and (record := known.record(shape)):
        return ours, record
    bundled = json_schema.bundle(ours)
    record = example(bundled, bundled)
    for name, value in record.items():
        resource = target.resource if name == "uri" else known.resource(name)
        if resource and str(value).startswith(PUBLIC):
            record[name] = known.uri(resource)
    return ours, record


def _shape(theirs: Schema, spec: Schema) -> str:
    """Return the name of our shape for a schema that the file names; it must have all of their fields."""
    name = "_".join(split_words(theirs.get("$ref", "").rpartition("/")[2]))
    try:
        ours = json_schema.bundle({"$ref": f"shapes/{name}.json"})
    except FileNotFoundError:
        return ""
    return name if flattened(ours, ours).keys() >= flattened(theirs, spec).keys() else ""


def inlined(theirs: Schema, spec: Schema, *, shapes: bool, depth: int = 0) -> dict[str, Any]:
    """Return a schema without references into the file; with `shapes`, those to our shapes stay."""
    if depth > _DEEPEST:
        return {}
    if shapes and depth and (shape := _shape(theirs, spec)):
        return {"$ref": f"shapes/{shape}.json"}
    theirs = follow(theirs, spec)

    def inner(schema: Schema) -> dict[str, Any]:
        return inlined(schema, spec, shapes=shapes, depth=depth + 1)

    ours: dict[str, Any] = {key: theirs[key] for key in _KEPT if key in theirs}
    if "properties" in theirs:
        ours["properties"] = {
            name: {"title": label(name), **inner(rule)} for name, rule in theirs["properties"].items()
        }
    if "items" in theirs:
        ours["items"] = inner(theirs["items"])
    for key in ("oneOf", "anyOf"):
        if key in theirs:
            ours[key] = [inner(choice) for choice in theirs[key]]
    if theirs.get("description"):
        ours["description"] = _sentence(theirs["description"])
    return ours


def _path_rules(target: NewAction, known: Known) -> dict[str, Any]:
    rules = {}
    for name in target.path_ids:
        path = f"{target.path.partition(f'{{{name}}}')[0]}{{{name}}}"
        resource = known.resource_at(path, target)
        thing = _singular(resource)
        rules[name] = {
            "title": thing[:1].upper() + thing[1:],
            "type": "string",
            "pattern": _ID,
            "x-expected": f"the URI of {_a(thing)} or its last part",
            "x-resource": resource,
            "description": f"The {thing}: its URI or the last part of it.",
        }
    return rules


def _input_rules(target: NewAction, known: Known) -> dict[str, Any]:
    rules = {}
    for name, theirs in target.inputs.items():
        rule = {"title": label(name), **inlined(theirs, target.spec, shapes=False)}
        if name == "page_token":
            rule.pop("description", None)
            rules[name] = {**rule, "x-group": "advanced", "description": known.page_token}
        elif name == "count":
            words = f"Records per page, {rule['minimum']} to {rule['maximum']}."
            rule |= {"title": "Records per page", "default": rule["maximum"], "x-group": "advanced"}
            rule.pop("description", None)
            rules[name] = {**rule, "description": words}
        else:
            rules[name] = _described(name, rule, known)
        if name in _DEFAULTS and name in target.required:
            rules[name]["description"] += f" Default: {_DEFAULT_WORDS[name]}."
    return rules


def _described(name: str, rule: dict[str, Any], known: Known) -> dict[str, Any]:
    """Add what an input needs beside the file's facts: resource, description, secrecy."""
    field = rule.get("items", rule)
    words = rule.pop("description", "") or _sentence(name)
    sort = _SORT.search(words) if name == "sort" and rule.get("type") == "string" else None
    if sort:
        rule["enum"] = [f"{sort[1]}:asc", f"{sort[1]}:desc"]
        rule |= {"title": "Sort order", "x-group": "advanced"}
        rule["x-labels"] = {f"{sort[1]}:asc": "Ascending", f"{sort[1]}:desc": "Descending"}
        words = "Sort order."
    resource = known.resource(name) if field.get("format") == "uri" else None
    if resource:
        field["x-resource"] = resource
        words = (
            f"The {resource.replace('_', ' ')}: their URIs or the last parts of them."
            if "items" in rule
            else f"The {_singular(resource)}: its URI or the last part of it."
        )
    elif "URI" in words or "last part" in words:  # only fields that name a resource say so
        words = _sentence(name)
    elif rule.get("format") == "date-time":
        words = f"{words.rstrip('.')}, ISO 8601 in UTC, such as 2026-11-17T00:00:00Z."
    if field.get("pattern"):
        field["x-expected"] = f"text that matches {field['pattern']}"
    if _SECRET.search(name) and name != "page_token":
        rule["writeOnly"] = True
    for inner in (rule, field, *field.get("anyOf", ()), *field.get("oneOf", ())):
        if "properties" in inner:
            inner["properties"] = {
                key: _described(key, below, known) for key, below in inner["properties"].items()
            }
    return {**rule, "description": words}


def _shown(target: NewAction, properties: Mapping[str, Any]) -> list[str]:
    """Return the inputs of the example: those required, and in a change the first field."""
    body = [name for name in properties if name not in {*target.path_ids, *target.query}]
    changes = body[:1] if target.operation.method == "PATCH" else []
    return list(dict.fromkeys([*target.required, *changes]))


def _input_example(name: str, rule: Schema, target: NewAction, known: Known) -> Any:
    if name in target.path_ids:
        return _path_id(name, rule["x-resource"], target, known)
    field = rule.get("items", rule)
    if "x-resource" in field:
        uri = known.uri(field["x-resource"])
        return [uri] if "items" in rule else uri
    return example(rule, {}, name)


def _path_id(name: str, resource: str, target: NewAction, known: Known) -> str:
    """Return the id of a resource that the sandbox has; the ids before it come from the same URI."""
    last = target.path_ids[-1]
    if name == last:
        return known.uri(resource).rpartition("/")[2]
    path = f"{target.path.partition(f'{{{last}}}')[0]}{{{last}}}"
    uri = known.uri(known.resource_at(path, target)).removeprefix(PUBLIC)
    steps = dict(zip(path.split("/"), uri.split("/"), strict=False))
    return steps.get(f"{{{name}}}", NOBODY)


def _title(target: NewAction) -> str:
    words = split_words(target.operation.entry["operationId"])
    rest = " ".join(words[1:])
    return " ".join([words[0].capitalize(), rest if target.returns == "many" else _a(rest)])


def label(name: str) -> str:
    """Return a title for a field, such as "Join URL" for `join_url`."""
    words = " ".join(_ACRONYMS.get(word, word) for word in name.split("_"))
    return f"{words[:1].upper()}{words[1:]}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _singular(resource: str) -> str:
    words = resource.replace("_", " ")
    return f"{words[:-3]}y" if words.endswith("ies") else words.removesuffix("s")


def _a(thing: str) -> str:
    return f"{'an' if thing[:1] in 'aeio' else 'a'} {thing}"


def _sentence(text: str) -> str:
    words = text.replace("_", " ") if " " not in text else text
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."
