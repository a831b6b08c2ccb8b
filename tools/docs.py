"""Write the generated pages and parts of pages in `docs/`; with `--check` only compare them."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from calendly_connector.catalog.completions import signature
from calendly_connector.catalog.json_schema import resolve
from calendly_connector.catalog.manifest import catalog, manifest
from calendly_connector.catalog.models import Action, TriggerSpec
from calendly_connector.catalog.pick_lists import has_names
from calendly_connector.hosts.mcp.toolset import declared, groups, resource_of, select_tools

ROOT: Final = Path(__file__).parent.parent
BEGIN, END = "<!-- generated: {} -->", "<!-- end -->"
ERRORS = (
    "Errors of every action: `InvalidParams` before a request is sent; 401 `Unauthenticated`, 403 "
    "`PermissionDenied` (scope, plan or role), 404 `NotFound`, other 4xx `Rejected`, 429 `RateLimited`, "
    "5xx `CalendlyDown`; no response `NoAnswer`."
)


def main(arguments: list[str]) -> int:
    """Write the pages that have changed. With `--check`, name them and return 1."""
    stale = []
    for path, text in pages().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.name)
            if "--check" not in arguments:
                path.write_text(text, encoding="utf-8")
    if stale and "--check" in arguments:
        print(f"stale: {', '.join(stale)}; run `make docs`")
        return 1
    return 0


def pages() -> dict[Path, str]:
    """Return the text of each page that has a generated part."""
    tables: dict[str, dict[str, Callable[[], Iterable[str]]]] = {
        "README.md": {"actions": _action_rows, "events": _event_rows},
        "docs/hosts/mcp.md": {"tools": _tool_rows, "groups": _group_rows},
        "docs/reference/functions.md": {"functions": _function_rows},
        "docs/reference/triggers.md": {"unseen": _unseen_rows, "filters": _filter_rows},
    }
    written = {ROOT / "docs" / "reference" / "actions.md": actions_page()}
    for name, makers in tables.items():
        blocks = {block: "\n".join(["", *rows(), ""]) for block, rows in makers.items()}
        page = (ROOT / name).read_text(encoding="utf-8")
        written[ROOT / name] = filled(page, {"count": str(len(catalog())), **blocks})
    return written


def filled(page: str, parts: Mapping[str, str]) -> str:
    """Replace the text between the markers of each part, wherever a page has them."""
    for name, text in parts.items():
        begin = BEGIN.format(name)
        before, *rest = page.split(begin)
        page = before + "".join(f"{begin}{text}{END}{piece.partition(END)[2]}" for piece in rest)
    return page


def actions_page() -> str:
    """Return docs/reference/actions.md."""
    lines = [
        "# Actions",
        "",
        "Generated from `actions/` and `schemas/` by `make docs`. Inputs in bold are required.",
        ERRORS,
        "",
    ]
    for group in manifest().groups:
        lines += [f"**{group.title}.** {group.description}", ""]
        for name in group.actions:
            lines += [f"- [`{name}`](#{name.replace('.', '')}) {catalog()[name].title}"]
        lines += [""]
    for action in catalog().values():
        lines += [*_section(action), ""]
    lines += ["# Events", "", "Events that webhooks and polling report.", ""]
    for trigger in manifest().triggers.values():
        lines += [f"## {trigger.id}", "", trigger.description, "", _needs(trigger), ""]
    return "\n".join(lines).rstrip() + "\n"


def _section(action: Action) -> Iterator[str]:
    yield f"## {action.id}"
    yield ""
    yield action.description
    yield ""
    reads = action.effect == "read"
    facts = {
        "request": action.request and f"`{action.request}`",
        "calls": ", ".join(f"`{step}`" for step in action.steps),
        "returns": {"one": "one record", "many": "a list", "none": "nothing"}[action.returns],
        "effect": action.effect + (", safe to repeat" if action.safe_to_repeat and not reads else ""),
        "after a lost reply": _look_up(action),
        "scopes": ", ".join(f"`{scope}`" for scope in action.scopes),
        "role": action.role,
        "plan": action.plan,
        "since": action.since,
        "aliases": ", ".join(f"`{alias}`" for alias in action.aliases),
        "split": action.window and f"ranges over {action.window.days} days become several requests",
        "deprecated": action.deprecated,
        "Calendly's page": f"<{action.docs}>",
    }
    yield " · ".join(f"{name}: {value}" for name, value in facts.items() if value)
    yield ""
    if action.inputs:
        yield "| input | type | description |"
        yield "|---|---|---|"
        required = action.input.get("required", [])
        for name, schema in action.inputs.items():
            shown = f"**{name}**" if name in required else name
            text = str(schema.get("description", ""))
            if has_names(field := schema.get("items", schema)):
                text += f" Also accepts a name from `{field['x-options']['action']}`."
            if name in action.defaults:
                text += f" Sent by default: `{action.defaults[name]}`."
            yield f"| {shown} | {_cell(_type(schema, action.sent))} | {_cell(text)} |"
        yield ""
    example = action.examples[0]
    yield "```json"
    yield json.dumps(example["input"], indent=2, ensure_ascii=False)
    yield "```"
    if action.returns != "none":
        yield ""
        yield "Returns:" if action.returns == "one" else "Returns records such as:"
        yield ""
        yield "```json"
        yield json.dumps(example["output"], indent=2, ensure_ascii=False)
        yield "```"


def _look_up(action: Action) -> str:
    if rule := action.look_up:
        return f"`{rule.action}` shows whether {rule.description}"
    return str(action.no_look_up).rstrip(".")


def _action_rows() -> Iterator[str]:
    yield "| action | request | description | aliases |"
    yield "|---|---|---|---|"
    for action in catalog().values():
        aliases = ", ".join(f"`{alias}`" for alias in action.aliases)
        yield f"| `{action.id}` | {action.request or 'several calls'} | {action.title} | {aliases} |"


def _event_rows() -> Iterator[str]:
    yield "| event | subscription scope | token scopes | plan |"
    yield "|---|---|---|---|"
    for trigger in manifest().triggers.values():
        scopes = ", ".join(f"`{scope}`" for scope in trigger.scopes)
        yield f"| `{trigger.id}` | {', '.join(trigger.subscriptions)} | {scopes} | {trigger.plan or ''} |"


def _function_rows() -> Iterator[str]:
    yield "| function | value | example | example value |"
    yield "|---|---|---|---|"
    for function in manifest().functions.values():
        example = f"`{function.example}` | `{function.example_value}`"
        yield f"| `{signature(function)}` | {_cell(function.description)} | {example} |"


def _tool_rows() -> Iterator[str]:
    yield "| tool | description | read-only |"
    yield "|---|---|---|"
    toolset = select_tools()
    for name, action in toolset.tools.items():
        yield f"| `{name}` | {action.title} | {'yes' if action.effect == 'read' else ''} |"
    helpers = declared("tools.yaml")["helpers"]
    for name in toolset.helpers:
        yield f"| `{name}` | {helpers[name]['title']} | {'' if name == 'run_action' else 'yes'} |"


def _group_rows() -> Iterator[str]:
    yield "| group | resources |"
    yield "|---|---|"
    for name, actions in groups().items():
        resources = dict.fromkeys(map(resource_of, actions))
        yield f"| `{name}` | {', '.join(f'`{resource}`' for resource in resources)} |"


def _unseen_rows() -> Iterator[str]:
    yield "| event | what polling misses |"
    yield "|---|---|"
    for trigger in manifest().triggers.values():
        yield f"| `{trigger.id}` | {_cell(trigger.polling_gaps)} |"


def _filter_rows() -> Iterator[str]:
    yield "| filter | events | description |"
    yield "|---|---|---|"
    shared: dict[tuple[str, str], list[str]] = {}
    for trigger in manifest().triggers.values():
        for name, rule in trigger.filters["properties"].items():
            shared.setdefault((name, rule["description"]), []).append(trigger.id)
    for (name, description), events in shared.items():
        families = dict.fromkeys(event.partition(".")[0] + ".*" for event in events)
        shown = ", ".join(f"`{family}`" for family in families)
        yield f"| `{name}` | {shown} | {_cell(description)} |"


def _needs(trigger: TriggerSpec) -> str:
    scopes = ", ".join(f"`{scope}`" for scope in trigger.scopes)
    plan = f"; plan: {trigger.plan}" if trigger.plan else ""
    return f"Subscription scope: {', '.join(trigger.subscriptions)} · token scopes: {scopes}{plan}"


def _type(schema: Any, root: Any) -> str:
    schema = resolve(schema, root)
    if "enum" in schema:
        values = ("null" if value is None else value for value in schema["enum"])
        return " or ".join(dict.fromkeys(f"`{value}`" for value in values))
    kinds = schema.get("type", "any")
    kind = kinds if isinstance(kinds, str) else " or ".join(kinds)
    if kind == "array":
        return f"list of {_type(schema.get('items', {}), root)}"
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
