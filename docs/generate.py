"""Write `docs/actions.md` and the tables of other pages from the declarations; with `--check` only look."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from calendly_connector.catalog.json_schema import resolve
from calendly_connector.catalog.manifest import catalog, manifest
from calendly_connector.catalog.models import Action, TriggerSpec
from calendly_connector.hosts.mcp.toolset import declared, make_offer

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- generated: {} -->", "<!-- end -->"
ERRORS = (
    "Errors of every action: `InvalidParams` before the network; 401 `Unauthenticated`, 403 "
    "`PermissionDenied` (scope, plan or role), 404 `NotFound`, other 4xx `Rejected`, 429 `RateLimited`, "
    "5xx `CalendlyDown`; no answer `NoAnswer`."
)


def main(arguments: list[str]) -> int:
    """Write what differs; with `--check`, name it and exit 1."""
    stale = []
    triggers = ROOT / "docs" / "triggers.md"
    functions = ROOT / "docs" / "functions.md"
    agents = ROOT / "docs" / "hosts" / "mcp.md"
    pages = {
        ROOT / "docs" / "actions.md": actions_page(),
        ROOT / "README.md": with_tables(ROOT / "README.md", {"actions": _action_rows, "events": _event_rows}),
        agents: with_tables(agents, {"tools": _tool_rows, "groups": _group_rows}),
        functions: with_tables(functions, {"functions": _function_rows}),
        triggers: with_tables(triggers, {"unseen": _unseen_rows, "filters": _filter_rows}),
    }
    for path, text in pages.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.name)
            if "--check" not in arguments:
                path.write_text(text, encoding="utf-8")
    if stale and "--check" in arguments:
        print(f"stale: {', '.join(stale)}; run `make docs`")
        return 1
    return 0


def with_tables(page: Path, tables: dict[str, Callable[[], Iterator[str]]]) -> str:
    """Give a page with its tables made anew."""
    text = page.read_text(encoding="utf-8")
    for name, rows in tables.items():
        begin = BEGIN.format(name)
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(END)
        text = f"{before}{begin}\n{chr(10).join(rows())}\n{END}{after}"
    return text


def actions_page() -> str:
    """Give docs/actions.md."""
    lines = [
        "# Actions",
        "",
        "Made from `actions/` and `schemas/` by `make docs`. An input in bold is required.",
        ERRORS,
        "",
    ]
    for action in catalog().values():
        lines += [f"- [`{action.id}`](#{action.id.replace('.', '')}) {action.title}"]
    for action in catalog().values():
        lines += ["", *_section(action)]
    lines += ["", "# Events", "", "What webhooks tell of.", ""]
    for trigger in manifest().triggers.values():
        lines += [f"## {trigger.id}", "", trigger.description, "", _needs(trigger), ""]
    return "\n".join(lines).rstrip() + "\n"


def _section(action: Action) -> Iterator[str]:
    yield f"## {action.id}"
    yield ""
    yield action.description
    yield ""
    facts = {
        "request": f"`{action.request}`",
        "gives": {"one": "one record", "many": "a list", "none": "nothing"}[action.returns],
        "effect": action.effect + (", idempotent" if action.idempotent and action.effect != "read" else ""),
        "scopes": ", ".join(f"`{scope}`" for scope in action.scopes),
        "role": action.role,
        "plan": action.plan,
        "since": action.since,
        "also called": ", ".join(f"`{alias}`" for alias in action.aliases),
        "split": action.window and f"ranges over {action.window.days} days become several calls",
        "deprecated": action.deprecated,
        "vendor's page": f"<{action.docs}>",
    }
    yield " · ".join(f"{name}: {value}" for name, value in facts.items() if value)
    yield ""
    if action.inputs:
        yield "| input | type | |"
        yield "|---|---|---|"
        required = action.input.get("required", [])
        for name, schema in action.inputs.items():
            shown = f"**{name}**" if name in required else name
            words = str(schema.get("description", ""))
            if options := schema.get("items", schema).get("x-options"):
                words += f" Or a name out of `{options['action']}`."
            if name in action.defaults:
                words += f" Default: `{action.defaults[name]}`."
            yield f"| {shown} | {_cell(_type(schema, action.sent))} | {_cell(words)} |"
        yield ""
    example = action.examples[0]
    yield "```json"
    yield json.dumps(example["input"], indent=2, ensure_ascii=False)
    yield "```"
    if action.returns != "none":
        yield ""
        yield "gives" if action.returns == "one" else "gives records such as"
        yield ""
        yield "```json"
        yield json.dumps(example["output"], indent=2, ensure_ascii=False)
        yield "```"


def _action_rows() -> Iterator[str]:
    yield "| action | request | what it does | also called |"
    yield "|---|---|---|---|"
    for action in catalog().values():
        aliases = ", ".join(f"`{alias}`" for alias in action.aliases)
        yield f"| `{action.id}` | {action.request} | {action.title} | {aliases} |"


def _event_rows() -> Iterator[str]:
    yield "| event | subscriptions of | scopes | plan |"
    yield "|---|---|---|---|"
    for trigger in manifest().triggers.values():
        scopes = ", ".join(f"`{scope}`" for scope in trigger.scopes)
        yield f"| `{trigger.id}` | {', '.join(trigger.subscriptions)} | {scopes} | {trigger.plan or ''} |"


def _function_rows() -> Iterator[str]:
    yield "| function | what it stands for | example |"
    yield "|---|---|---|"
    for name, function in manifest().functions.items():
        yield f"| `~{{{name}}}~` | {_cell(function.help)} | `{function.example}` |"


def _tool_rows() -> Iterator[str]:
    yield "| tool | what it does | reads only |"
    yield "|---|---|---|"
    offer = make_offer()
    for name, action in offer.tools.items():
        yield f"| `{name}` | {action.title} | {'yes' if action.effect == 'read' else ''} |"
    helpers = declared("tools.yaml")["helpers"]
    for name in offer.helpers:
        yield f"| `{name}` | {helpers[name]['title']} | {'' if name == 'run_action' else 'yes'} |"


def _group_rows() -> Iterator[str]:
    yield "| group | resources |"
    yield "|---|---|"
    for name, resources in declared("tools.yaml")["groups"].items():
        yield f"| `{name}` | {', '.join(f'`{resource}`' for resource in resources)} |"


def _unseen_rows() -> Iterator[str]:
    yield "| event | what a webhook tells and a look does not |"
    yield "|---|---|"
    for trigger in manifest().triggers.values():
        yield f"| `{trigger.id}` | {_cell(trigger.polling_gaps)} |"


def _filter_rows() -> Iterator[str]:
    yield "| filter | of | what it asks for |"
    yield "|---|---|---|"
    told: dict[tuple[str, str], list[str]] = {}
    for trigger in manifest().triggers.values():
        for name, rule in trigger.filters["properties"].items():
            told.setdefault((name, rule["description"]), []).append(trigger.id)
    for (name, description), events in told.items():
        families = dict.fromkeys(event.partition(".")[0] + ".*" for event in events)
        shown = ", ".join(f"`{family}`" for family in families)
        yield f"| `{name}` | {shown} | {_cell(description)} |"


def _needs(trigger: TriggerSpec) -> str:
    scopes = ", ".join(f"`{scope}`" for scope in trigger.scopes)
    plan = f"; plan: {trigger.plan}" if trigger.plan else ""
    return f"Subscriptions of: {', '.join(trigger.subscriptions)} · scopes: {scopes}{plan}"


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
