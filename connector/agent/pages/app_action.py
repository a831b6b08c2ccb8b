"""One action of an app: what goes in, what comes out, an example, and a form to try it."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from ...contract import ActionInfo
from ..workspace import Workspace, apps, calls
from ..workspace.apps import App
from ..workspace.schema_rows import schema_rows
from . import layout
from .acting import attempt
from .apps import page_of
from .looks import LINK, QUIET
from .parts import external, json_text, panel
from .try_it import TryIt

_EFFECTS = {
    "read": ("visibility", "Reads only"),
    "write": ("edit", "Changes data"),
    "destroy": ("warning", "Deletes or cancels"),
}
_WIDE = "max-md:hidden"
_COLUMNS = (
    ("path", "Field", "md:w-[24%] [overflow-wrap:anywhere]"),
    ("title", "Title", f"{_WIDE} w-[18%]"),
    ("type", "Type", f"{_WIDE} w-[12%]"),
    ("required", "Required", f"{_WIDE} w-[10%]"),
    ("help", "Help", f"{_WIDE} w-[36%]"),
)
"""Columns with the classes of their cells. A narrow screen shows one column, with the rest in it."""
_FIELD_CELL = """
<q-td :props="props"><span class="font-mono text-xs">{{ props.row.path }}</span>
<div class="md:hidden">{{ props.row.summary }}</div>
<div class="md:hidden">{{ props.row.help }}</div></q-td>"""


def register(workspace: Workspace) -> None:
    """Add the page."""

    @ui.page("/apps/{connector}/{action}")
    async def show(connector: str, action: str) -> None:
        app, error = await attempt(apps.app, workspace, connector)
        found = None
        if app is not None:
            found, error = await attempt(apps.action, workspace, connector, action)
        with layout.frame(workspace, found.title if found else "Action", section="Apps"):
            if app is None or found is None:
                if error is not None:
                    panel(error)
                ui.link("Back to the apps", "/apps").classes(LINK)
                return
            _head(app, found)
            with ui.tabs().props("no-caps align=left").classes("w-full") as tabs:
                names = [ui.tab(name) for name in ("Try it", "Input", "Output", "Example")]
            with ui.tab_panels(tabs, value=names[0]).classes("w-full bg-transparent"):
                with ui.tab_panel(names[0]).classes("px-0"):
                    await TryIt(workspace, app, found).draw()
                with ui.tab_panel(names[1]).classes("px-0"):
                    _schema("input", found.input)
                with ui.tab_panel(names[2]).classes("px-0"):
                    _schema("output", found.output)
                with ui.tab_panel(names[3]).classes("px-0"):
                    _examples(found)


def _head(app: App, action: ActionInfo) -> None:
    with ui.row().classes("items-center gap-2"):
        ui.link(app.name, page_of(app.id)).classes(LINK)
        ui.label(f"› {action.id}").classes(QUIET)  # noqa: RUF001 - as in a path
    ui.label(action.description).classes("max-w-prose")
    icon, effect = _EFFECTS.get(action.effect, ("help", action.effect))
    with ui.row().classes("items-center gap-x-6 gap-y-1 text-sm"):
        with ui.row().classes("items-center gap-1 no-wrap"):
            ui.icon(icon).props("aria-hidden=true")
            ui.label(effect)
        ui.label(action.request or f"Recipe of {', '.join(action.steps) or 'its own'}").classes(
            "font-mono break-all"
        )
        if action.scopes:
            ui.label(f"Scopes: {', '.join(action.scopes)}")
        if docs := apps.web_address(action.docs):
            with ui.element("span").classes(LINK):
                external("API documentation", docs)


def _schema(what: str, schema: Mapping[str, Any]) -> None:
    found = schema_rows(schema)
    if not found:
        ui.label(f"This action has no {what}.").classes(QUIET)
        return
    table = ui.table(
        rows=[
            {
                "path": row.path,
                "title": row.title,
                "type": row.type,
                "required": "yes" if row.required else "",
                "help": row.description,
                "summary": " · ".join(
                    filter(None, (row.title, row.type, "required" if row.required else ""))
                ),
            }
            for row in found
        ],
        columns=[
            {
                "name": name,
                "label": label,
                "field": name,
                "align": "left",
                "classes": f"{classes} break-words align-top",
                "headerClasses": classes,
            }
            for name, label, classes in _COLUMNS
        ],
        row_key="path",
    )
    table.add_slot("body-cell-path", _FIELD_CELL)
    table.classes("w-full [&_table]:table-fixed").props("flat bordered dense wrap-cells hide-pagination")
    table.props["aria-label"] = f"The {what} as a table"
    with ui.expansion("JSON Schema", icon="data_object").classes("w-full"):
        json_text(calls.as_text(dict(schema)), f"JSON Schema of the {what}")


def _examples(action: ActionInfo) -> None:
    if not action.examples:
        ui.label("This action has no example.").classes(QUIET)
    for example in action.examples:
        for name, part in example.items():
            ui.label(str(name).capitalize()).classes("text-lg font-medium").props("role=heading aria-level=2")
            json_text(calls.as_text(part), f"Example of the {name}")
