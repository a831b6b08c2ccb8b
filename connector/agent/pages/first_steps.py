"""What to do first, as long as nothing is stored: a credential comes before a flow."""

from nicegui import ui

from ..workspace import Workspace
from .acting import attempt
from .looks import QUIET


def first_steps(workspace: Workspace) -> None:
    """Add the first step, and the heading of the second, which follows, if no credential is stored yet."""
    place = ui.column().classes("items-center gap-2 empty:hidden")

    async def fill() -> None:
        stored, _ = await attempt(workspace.vault.names)
        if stored is None or stored:
            return
        with place:
            _step("1. Add a credential", "It gives flows access to an application, such as Calendly.")
            ui.button(
                "Add a credential", icon="key", on_click=lambda: ui.navigate.to("/credentials/new")
            ).props("no-caps")
            _step("2. Build a flow", "It uses the credential by its name.")

    ui.timer(0.05, fill, once=True)


def _step(title: str, text: str) -> None:
    ui.label(title).classes("text-lg font-medium pt-3").props("role=heading aria-level=3")
    ui.label(text).classes(f"text-center max-w-lg {QUIET}")
