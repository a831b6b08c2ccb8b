"""The versions on the page of a flow: their text, what changed since, and deploying one again."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from nicegui import ui

from ...errors import ConnectorError
from ..workspace import Workspace, flows
from ..workspace.flows import FlowVersion
from . import layout
from .acting import carry_out
from .flow_parts import code, difference
from .looks import GREY, RED
from .parts import heading, moment

_MOST = 20


async def listed(workspace: Workspace, name: str) -> None:
    """Show the versions, the newest first."""
    done, versions = await carry_out(flows.versions, workspace, name)
    if not done or not versions:
        return
    now = workspace.timing.clock()
    active = next(one.number for one in versions if one.is_current)
    with ui.column().classes("w-full gap-0"):
        for version in versions[:_MOST]:
            _row(workspace, name, version, active, now)
    if len(versions) > _MOST:
        ui.label(f"{len(versions) - _MOST} earlier ones: calendly-connector flow export {name} --version N")


def _row(workspace: Workspace, name: str, version: FlowVersion, active: int, now: float) -> None:
    number = version.number
    with ui.row().classes("w-full items-center justify-between gap-2 py-1"):
        with ui.row().classes("items-center gap-3"):
            ui.label(f"Version {number}").classes("font-medium")
            if version.is_current:
                ui.badge("current").props("color=green-9")
            moment(version.created_at, now)
        with ui.row().classes("gap-1"):
            label = f'aria-label="Text of version {number}"'
            ui.button("Text", on_click=partial(_show_text, workspace, name, number)).props(
                f"flat dense no-caps {label}"
            )
            if not version.is_current:
                label = f'aria-label="Changes since version {number}"'
                ui.button("Changes", on_click=partial(_show_changes, workspace, name, number, active)).props(
                    f"flat dense no-caps {label}"
                )


async def _show_text(workspace: Workspace, name: str, number: int) -> None:
    done, text = await carry_out(flows.version_text, workspace, name, number)
    if done:
        with _dialog(f"{name}, version {number}") as dialog:
            with _scrolled():
                code(text)
            _close(dialog)


async def _show_changes(workspace: Workspace, name: str, number: int, active: int) -> None:
    """Show what changed since a version, and offer to deploy it again."""
    person = layout.person()
    done, changes = await carry_out(flows.difference, workspace, name, number)
    if not done:
        return

    async def again() -> None:
        deployed, _ = await carry_out(
            flows.deploy_again, workspace, name, number, expected_version=active, by=person, show=failed
        )
        if deployed:
            ui.navigate.reload()

    def failed(error: ConnectorError) -> None:
        problem.set_text(str(error))
        problem.set_visibility(True)

    with _dialog(f"From version {number} to {active}") as dialog:
        with _scrolled():
            if changes:
                difference(changes)
            else:
                ui.label("Both have the same text.").classes(GREY)
        problem = ui.label().classes(RED).props("role=alert")
        problem.set_visibility(False)
        with ui.row().classes("w-full justify-end"):
            ui.button("Close", on_click=dialog.close).props("flat no-caps")
            ui.button("Deploy this version again", icon="restore", on_click=again).props("no-caps")


@contextmanager
def _dialog(title: str) -> Iterator[ui.dialog]:
    """Yield an open dialog; what is added goes into its card, below the title."""
    with ui.dialog(value=True) as dialog, ui.card().classes("w-[56rem] max-w-full"):
        dialog.on("hide", dialog.delete)
        heading(title)
        yield dialog


def _scrolled() -> ui.element:
    return (
        ui.element("div")
        .classes("w-full overflow-auto max-h-[60vh] border border-gray-400 dark:border-gray-600 rounded p-2")
        .props("tabindex=0")
    )


def _close(dialog: ui.dialog) -> None:
    with ui.row().classes("w-full justify-end"):
        ui.button("Close", on_click=dialog.close).props("flat no-caps")
