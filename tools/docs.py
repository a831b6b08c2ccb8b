"""Write what is generated in `docs/`, `man/` and `completions/`; with `--check` only compare it."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from calendly_connector.catalog.completions import signature
from calendly_connector.catalog.manifest import manifest
from calendly_connector.hosts.mcp.toolset import declared, groups, resource_of, select_tools

import dependencies
import docs_actions
import docs_cli
import docs_configuration
import docs_errors
import docs_events
import docs_python
import manual
from docs_text import anchor, code, codes, table

ROOT: Final = Path(__file__).parent.parent
BEGIN, END = "<!-- generated: {} -->", "<!-- end -->"
# Folders whose pages are all generated.
FOLDERS: Final = (docs_actions.FOLDER, docs_cli.FOLDER)


def main(arguments: list[str]) -> int:
    """Write the pages that have changed. With `--check`, name them and return 1."""
    written, stale = pages(), []
    for path, text in written.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.name)
            if "--check" not in arguments:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    for path in [*left_over(written), *manual.stale_files()]:
        stale.append(path.name)
        if "--check" not in arguments:
            path.unlink()
    if stale and "--check" in arguments:
        print(f"stale: {', '.join(stale)}; run `make docs`")
        return 1
    return 0


def pages() -> dict[Path, str]:
    """Return the text of each page that has a generated part."""
    tables: dict[str, Mapping[str, Callable[[], Iterable[str]]]] = {
        "docs/hosts/mcp.md": {"tools": _tool_rows, "groups": _group_rows},
        "docs/reference/actions/index.md": {"actions": docs_actions.index},
        "docs/reference/cli/index.md": {"commands": docs_cli.index, "options": docs_cli.shared_options},
        "docs/reference/configuration.md": {"variables": docs_configuration.variables},
        "docs/reference/errors.md": docs_errors.parts(),
        "docs/reference/events.md": {"events": docs_events.events},
        "docs/reference/functions.md": {"functions": _function_rows},
        "docs/reference/python.md": {"names": docs_python.names},
        "docs/reference/triggers.md": {
            "events": _event_rows,
            "unseen": _unseen_rows,
            "filters": _filter_rows,
        },
    }
    whole = [*docs_actions.pages(), *docs_cli.pages()]
    written = {ROOT / name: text for name, text in whole}
    for name, parts in tables.items():
        blocks = {block: "\n".join(["", *rows(), ""]) for block, rows in parts.items()}
        written[ROOT / name] = filled((ROOT / name).read_text(encoding="utf-8"), blocks)
    return {**written, dependencies.PAGE: dependencies.page(), **manual.files()}


def left_over(written: Mapping[Path, str]) -> list[Path]:
    """Return the pages in generated folders that are no longer generated."""
    return [path for folder in FOLDERS for path in (ROOT / folder).glob("*.md") if path not in written]


def filled(page: str, parts: Mapping[str, str]) -> str:
    """Replace the text between the markers of each part, wherever a page has them."""
    for name, text in parts.items():
        begin = BEGIN.format(name)
        before, *rest = page.split(begin)
        page = before + "".join(f"{begin}{text}{END}{piece.partition(END)[2]}" for piece in rest)
    return page


def _event_rows() -> Iterator[str]:
    rows = (
        (
            f"[`{trigger.id}`](events.md#{anchor(trigger.id)})",
            ", ".join(trigger.subscriptions),
            codes(trigger.scopes),
            trigger.plan or "",
        )
        for trigger in manifest().triggers.values()
    )
    yield from table(("event", "subscription scope", "token scopes", "plan"), rows)


def _function_rows() -> Iterator[str]:
    rows = (
        (code(signature(one)), one.description, code(one.example), code(one.example_value))
        for one in manifest().functions.values()
    )
    yield from table(("function", "value", "example", "example value"), rows)


def _tool_rows() -> Iterator[str]:
    toolset, helpers = select_tools(), declared("tools.yaml")["helpers"]
    found = [(name, action.title, action.effect == "read") for name, action in toolset.tools.items()]
    found += [(name, helpers[name]["title"], name != "run_action") for name in toolset.helpers]
    rows = ((code(name), title, "yes" if reads else "") for name, title, reads in found)
    yield from table(("tool", "description", "read-only"), rows)


def _group_rows() -> Iterator[str]:
    rows = (
        (code(name), codes(dict.fromkeys(map(resource_of, actions)))) for name, actions in groups().items()
    )
    yield from table(("group", "resources"), rows)


def _unseen_rows() -> Iterator[str]:
    rows = ((code(trigger.id), trigger.polling_gaps) for trigger in manifest().triggers.values())
    yield from table(("event", "what polling misses"), rows)


def _filter_rows() -> Iterator[str]:
    shared: dict[tuple[str, str], list[str]] = {}
    for trigger in manifest().triggers.values():
        for name, rule in trigger.filters["properties"].items():
            shared.setdefault((name, rule["description"]), []).append(trigger.id)
    rows = (
        (code(name), codes(dict.fromkeys(event.partition(".")[0] + ".*" for event in events)), description)
        for (name, description), events in shared.items()
    )
    yield from table(("filter", "events", "description"), rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
