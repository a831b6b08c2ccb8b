"""The list of stored credentials."""

from typing import Final

from nicegui import ui

from ..workspace import Workspace, credentials
from ..workspace.credentials import StoredCredential
from ..workspace.moments import moment
from . import layout
from .acting import attempt
from .looks import QUIET
from .parts import panel

_STATES: Final = {
    "ok": ("check_circle", "Works", "text-green-800 dark:text-green-300"),
    "broken": ("error", "Doesn't work", "text-red-800 dark:text-red-300"),
    "unknown": ("help", "Couldn't be checked", "text-amber-900 dark:text-amber-300"),
    "unchecked": ("schedule", "Not checked yet", "text-gray-700 dark:text-gray-300"),
}
_REFRESH_S: Final = 3.0


def register(workspace: Workspace) -> None:
    """Add the page."""

    @ui.page(credentials.PAGE)
    async def show() -> None:
        workspace.checks.ask()
        with layout.frame(workspace, "Credentials"):
            with ui.row().classes("w-full items-center justify-between"):
                ui.label("Names under which flows find a token, a password or a sign-in.").classes(QUIET)
                ui.button("Add", icon="add", on_click=lambda: ui.navigate.to("/credentials/new")).props(
                    "color=primary no-caps"
                )
            place = ui.column().classes("w-full")
        shown: list[StoredCredential] | None = None

        async def refresh() -> None:
            nonlocal shown
            found, error = await attempt(credentials.list_all, workspace)
            if error is None and (found is None or found == shown):
                return
            place.clear()
            with place:
                if error is not None:
                    panel(error)
                    return
                shown = found
                _table(found or [])

        await refresh()
        ui.timer(_REFRESH_S, refresh)


def _table(found: list[StoredCredential]) -> None:
    if not found:
        with ui.column().classes("w-full items-center p-12 gap-3"):
            ui.icon("key").classes("text-5xl text-gray-600 dark:text-gray-300")
            ui.label("No credential is stored yet.").classes("text-lg")
            ui.label("Add one, then build a flow that uses it by its name.").classes(f"{QUIET} text-center")
        return
    with ui.list().props("bordered separator").classes("w-full rounded"):
        for one in found:
            _row(one)


def _row(one: StoredCredential) -> None:
    icon, state, color = _STATES[one.state]
    with ui.item(on_click=lambda: ui.navigate.to(one.page)).props("clickable"):
        with ui.item_section():
            ui.item_label(one.name).classes("font-medium break-all")
            ui.item_label(f"{one.kind} · {', '.join(one.apps) or 'no installed app'}").classes(QUIET)
            used = f"Used by {', '.join(one.flows)}" if one.flows else "No flow uses it"
            ui.item_label(used).classes(f"{QUIET} break-words")
        with ui.item_section().props("side"), ui.column().classes("items-end gap-0"):
            with ui.row().classes(f"items-center no-wrap gap-1 {color}"):
                ui.icon(icon).props("aria-hidden=true")
                ui.label(state).classes("text-sm font-medium")
            if one.checked_at is not None:
                ui.label(moment(one.checked_at)).classes("text-xs text-gray-700 dark:text-gray-300")
