"""The installed apps, and the catalog of each."""

from collections.abc import Callable
from itertools import groupby
from typing import Any, Final
from urllib.parse import quote, urlencode

from nicegui import ui

from ...contract import TriggerInfo
from ..workspace import Workspace, apps
from ..workspace.apps import App, Entry
from . import layout
from .acting import attempt
from .looks import LINK, QUIET
from .parts import external, panel

PAGE: Final = "/apps"
_WIDE: Final = "max-lg:hidden"
_COLUMNS: Final = (
    ("endpoint", "Endpoint", f"{_WIDE} w-[13%]"),
    ("title", "Action", "lg:w-[21%]"),
    ("kind", "Action type", f"{_WIDE} w-[11%]"),
    ("schema", "Schema", f"{_WIDE} w-[13%]"),
    ("help", "Help", f"{_WIDE} w-[24%]"),
    ("path", "API path", f"{_WIDE} w-[18%]"),
)
_TRIGGER_COLUMNS: Final = (
    ("title", "Trigger", "lg:w-[21%]"),
    ("id", "Event", f"{_WIDE} w-[22%]"),
    ("help", "Help", f"{_WIDE} w-[26%]"),
    ("plan", "Plan", f"{_WIDE} w-[9%]"),
    ("scopes", "Scopes", f"{_WIDE} w-[22%]"),
)
"""Columns with the classes of their cells. A narrow screen shows one column, with the rest in it."""
# The addresses are our own, and those of `web_address`; all text is bound as text.
_ACTION_CELL: Final = f"""
<q-td :props="props"><a :href="props.row.page" class="{LINK}">{{{{ props.row.title }}}}</a>
<div class="text-xs">{{{{ props.row.id }}}}</div>
<div class="lg:hidden pt-1">{{{{ props.row.help }}}}</div>
<div class="lg:hidden pt-1 text-xs font-mono">{{{{ props.row.request }}}}</div></q-td>"""
_TRIGGER_CELL: Final = """
<q-td :props="props">{{ props.row.title }}
<div class="lg:hidden text-xs">{{ props.row.id }}</div>
<div class="lg:hidden pt-1">{{ props.row.help }}</div></q-td>"""
_PATH_CELL: Final = f"""
<q-td :props="props"><a v-if="props.row.docs" :href="props.row.docs" target="_blank" rel="noopener"
class="{LINK} font-mono text-xs">{{{{ props.row.path }}}}</a>
<span v-else class="font-mono text-xs">{{{{ props.row.path }}}}</span></q-td>"""


def register(workspace: Workspace) -> None:
    """Add the pages."""

    @ui.page(PAGE)
    async def show() -> None:
        with layout.frame(workspace, "Apps"):
            ui.label("The applications that flows can use. Install a package to add one.").classes(QUIET)
            found, error = await attempt(apps.apps, workspace)
            if error is not None:
                panel(error)
            with ui.element("div").classes("w-full grid grid-cols-1 lg:grid-cols-2 gap-4"):
                for app in found or []:
                    _card(app)

    @ui.page(f"{PAGE}/{{connector}}")
    async def one(connector: str) -> None:
        app, error = await attempt(apps.app, workspace, connector)
        with layout.frame(workspace, app.name if app else "App", section="Apps"):
            if error is not None or app is None:
                if error is not None:
                    panel(error)
                ui.link("Back to the apps", PAGE).classes(LINK)
                return
            _head(app)
            if app.problem:
                return
            entries, _ = await attempt(apps.catalog, workspace, connector)
            found, _ = await attempt(apps.triggers, workspace, connector)
            _catalog(app, entries or [], found or [])


def page_of(app: str, action: str = "") -> str:
    """Return the page of an app, or of one of its actions."""
    return f"{PAGE}/{quote(app, safe='')}" + (f"/{quote(action, safe='')}" if action else "")


def icon(app: App) -> None:
    """Draw an app's icon."""
    if app.icon:
        image = ui.element("img").classes("w-10 h-10 shrink-0").props("alt=''")
        image.props["src"] = app.icon
    else:
        ui.icon("extension").classes("text-4xl").props("aria-hidden=true")


def _card(app: App) -> None:
    with ui.card().classes("w-full gap-2").props("flat bordered"):
        with ui.row().classes("w-full items-center no-wrap"):
            icon(app)
            with ui.column().classes("gap-0 grow"):
                ui.link(app.name, page_of(app.id)).classes(f"{LINK} text-lg font-medium")
                ui.label(" · ".join(filter(None, [app.version, app.package]))).classes(QUIET)
            if app.kinds:
                _add(app)
        if app.problem:
            ui.label(app.problem).classes("text-red-800 dark:text-red-300").props("role=alert")
            return
        ui.label(app.summary)
        ui.label(f"Credentials: {', '.join(kind.title for kind in app.kinds) or 'none needed'}").classes(
            QUIET
        )
        counts = (_count(app.actions, "action"), _count(app.triggers, "trigger"))
        ui.label(", ".join(filter(None, counts))).classes(QUIET)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}" if number else ""


def _add(app: App) -> None:
    address = f"/credentials/new?{urlencode({'connector': app.id})}"
    button = ui.button(icon="add", on_click=lambda: ui.navigate.to(address)).classes("shrink-0 px-2")
    button.props("flat no-caps color=primary").props["aria-label"] = f"Add credential for {app.name}"
    with button:
        ui.label("Add credential").classes("ml-2 max-sm:hidden")


def _head(app: App) -> None:
    with ui.row().classes("w-full items-center no-wrap"):
        icon(app)
        with ui.column().classes("gap-0 grow"):
            ui.label(app.summary)
            ui.label(" · ".join(filter(None, [app.version, app.package]))).classes(QUIET)
        if app.kinds:
            _add(app)
    if app.problem:
        ui.label(app.problem).classes("text-red-800 dark:text-red-300").props("role=alert")
    if app.docs:
        with ui.row().classes(LINK):
            external("Documentation", app.docs)


def _catalog(app: App, entries: list[Entry], triggers: list[TriggerInfo]) -> None:
    search = ui.input("Search actions and triggers").props("outlined dense clearable debounce=200")
    search.classes("w-full max-w-xl")
    nothing = ui.label("Nothing in the catalog contains this text.").props("role=status")
    nothing.set_visibility(False)
    sections = [
        _section(title, [_row(app, entry) for entry in group], _COLUMNS, _ACTION_CELL)
        for title, group in groupby(entries, key=lambda entry: entry.group)
    ]
    if triggers:
        rows = [_trigger_row(trigger) for trigger in triggers]
        sections.append(_section("Triggers", rows, _TRIGGER_COLUMNS, _TRIGGER_CELL))

    def look() -> None:
        words = str(search.value or "").lower().split()
        found = [show(words) for show in sections]
        nothing.set_visibility(not any(found))

    search.on_value_change(look)


def _section(
    title: str, rows: list[dict[str, Any]], columns: tuple[tuple[str, str, str], ...], cell: str
) -> Callable[[list[str]], bool]:
    """Draw a table with its heading. Return a function that keeps rows with these words, if there are any."""
    with ui.column().classes("w-full gap-1") as section:
        ui.label(title).classes("text-lg font-medium").props("role=heading aria-level=2")
        table = ui.table(
            rows=rows,
            columns=[
                {
                    "name": name,
                    "label": label,
                    "field": name,
                    "align": "left",
                    "sortable": True,
                    "classes": f"{classes} break-words align-top",
                    "headerClasses": classes,
                }
                for name, label, classes in columns
            ],
            row_key="id",
        )
        table.classes("w-full [&_table]:table-fixed").props("flat bordered dense wrap-cells hide-pagination")
        table.props["aria-label"] = title
        table.add_slot("body-cell-title", cell)
        table.add_slot("body-cell-path", _PATH_CELL)

    def show(words: list[str]) -> bool:
        found = [row for row in rows if all(word in _searched(row) for word in words)]
        if table.rows != found:
            table.rows = found
        section.set_visibility(bool(found))
        return bool(found)

    return show


def _searched(row: dict[str, Any]) -> str:
    return " ".join(map(str, row.values())).lower()


def _row(app: App, entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "title": entry.title,
        "endpoint": entry.endpoint,
        "kind": entry.kind,
        "schema": entry.schema,
        "help": entry.help,
        "path": entry.path,
        "request": entry.path if entry.kind in {"Recipe", "Action"} else f"{entry.kind} {entry.path}",
        "docs": entry.docs,
        "page": page_of(app.id, entry.id),
    }


def _trigger_row(trigger: TriggerInfo) -> dict[str, Any]:
    return {
        "id": trigger.id,
        "title": trigger.title,
        "help": trigger.description,
        "plan": trigger.plan or "any",
        "scopes": ", ".join(trigger.scopes),
    }
