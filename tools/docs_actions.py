"""The pages of the actions: a table of all, and a page for each group of the manifest."""

from collections.abc import Iterator
from typing import Any, Final

from calendly_connector.catalog.json_schema import resolve
from calendly_connector.catalog.manifest import catalog, manifest
from calendly_connector.catalog.models import Action
from calendly_connector.catalog.pick_lists import has_names
from calendly_connector.contract import ActionGroup

from docs_commands import command_of, console, example_input, input_file
from docs_text import anchor, code, codes, escaped, json_block, page, table

FOLDER: Final = "docs/reference/actions"
TEST: Final = "tests/docs/test_action_commands.py"
_RETURNS: Final = {"one": "one record", "many": "a list of records", "none": "nothing"}


def pages() -> Iterator[tuple[str, str]]:
    """Yield the path and the text of the page of each group."""
    for group in manifest().groups:
        yield f"{FOLDER}/{file_of(group)}", page(_group(group))


def file_of(group: ActionGroup) -> str:
    """Return the name of a group's page."""
    return f"{group.id.replace('_', '-')}.md"


def index() -> Iterator[str]:
    """Yield the tables of docs/reference/actions/index.md."""
    for group in manifest().groups:
        yield from (f"## {group.title}", "", group.description, "")
        titles = ("action", "request", "what it does", "aliases")
        yield from table(titles, (_row(group, catalog()[name]) for name in group.actions))
        yield ""
    yield "```{toctree}"
    yield ":hidden:"
    yield ""
    yield from (file_of(group).removesuffix(".md") for group in manifest().groups)
    yield "```"


def _row(group: ActionGroup, action: Action) -> tuple[str, ...]:
    link = f"[{code(action.id)}]({file_of(group)}#{anchor(action.id)})"
    return link, code(action.request) if action.request else "several", action.title, codes(action.aliases)


def _group(group: ActionGroup) -> Iterator[str]:
    yield f"# Actions: {group.title.lower()}"
    yield ""
    yield f"{group.description} [How to read this page](index.md)."
    for name in group.actions:
        yield from ("", *_section(catalog()[name]))


def _section(action: Action) -> Iterator[str]:
    yield f"## {action.id}"
    yield ""
    yield escaped(action.description)
    yield ""
    yield from (f"- {name}: {value}" for name, value in _facts(action).items() if value)
    yield ""
    if action.inputs:
        yield from table(("input", "type", "description"), _inputs(action))
        yield ""
    yield from _example(action)


def _facts(action: Action) -> dict[str, str]:
    reads = action.effect == "read"
    effect = action.effect + (", safe to repeat" if action.safe_to_repeat and not reads else "")
    window = action.window
    return {
        "Request": code(action.request) if action.request else "",
        "Calls": codes(action.steps),
        "Returns": _RETURNS[action.returns],
        "Effect": effect,
        "After a lost reply": _look_up(action),
        "Scopes": codes(action.scopes),
        "Role": action.role or "",
        "Plan": action.plan or "",
        "Since": action.since or "",
        "Aliases": codes(action.aliases),
        "Long ranges": f"over {window.days} days become several requests" if window else "",
        "Deprecated": escaped(action.deprecated or ""),
        "Calendly's documentation": f"<{action.docs}>",
    }


def _inputs(action: Action) -> Iterator[tuple[str, str, str]]:
    required = action.input.get("required", [])
    for name, schema in action.inputs.items():
        text = escaped(str(schema.get("description", "")))
        field = schema.get("items", schema)
        if has_names(field):
            text += f" Also accepts a name from `{field['x-options']['action']}`."
        if name in action.defaults:
            text += f" Sent by default: `{action.defaults[name]}`."
        yield f"**{name}**" if name in required else name, type_of(schema, action.sent), text


def _example(action: Action) -> Iterator[str]:
    example = example_input(action)
    if example:
        yield "Example input:"
        yield ""
        if file := input_file(action):
            yield f"<!-- file: {file} -->"
        yield from json_block(example)
        yield ""
    yield "Command:"
    yield ""
    yield f"<!-- run by: {TEST} -->"
    yield "```console"
    yield from console(command_of(action))
    yield "```"
    if action.returns != "none":
        yield ""
        yield "Example output:" if action.returns == "one" else "Example of a record:"
        yield ""
        yield from json_block(action.examples[0]["output"])


def _look_up(action: Action) -> str:
    if rule := action.look_up:
        return f"`{rule.action}` shows whether {escaped(rule.description)}"
    return escaped(str(action.no_look_up).rstrip("."))


def type_of(schema: Any, root: Any) -> str:
    """Return the type of an input in words."""
    schema = resolve(schema, root)
    if "enum" in schema:
        values = ("null" if value is None else value for value in schema["enum"])
        return " or ".join(dict.fromkeys(f"`{value}`" for value in values))
    kinds = schema.get("type", "any")
    kind = kinds if isinstance(kinds, str) else " or ".join(kinds)
    if kind == "array":
        return f"list of {type_of(schema.get('items', {}), root)}"
    return f"{kind} ({schema['format']})" if "format" in schema else kind
