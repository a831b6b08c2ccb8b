"""Dialogs of the page of a flow: start a run by hand, and remove the flow."""

from nicegui import ui

from ...errors import ConnectorError
from ..engine.removal import StillSubscribed
from ..workspace import Workspace, flows, trying
from ..workspace.flows import FlowDetail
from . import layout
from .acting import carry_out, say, succeeded
from .looks import GREY, QUIET, RED
from .parts import heading


async def run(workspace: Workspace, name: str) -> bool:
    """Ask for the event if the flow needs one, and start a run. Return whether it was started."""
    done, sample = await carry_out(trying.sample_event, workspace, name)
    if not done:
        return False
    person = layout.person()

    async def start() -> None:
        started, short_id = await carry_out(
            trying.start, workspace, name, event.value if event else "", by=person, show=failed
        )
        if started:
            succeeded(f"Run {short_id[:8]} is started.")
            dialog.submit(result=True)

    def failed(error: ConnectorError) -> None:
        if event:
            event.error = str(error)
        else:
            say(error)

    with ui.dialog() as dialog, ui.card().classes("w-[40rem] max-w-full"):
        heading(f"Run {name} now")
        ui.label("It runs with the real connections: its steps read and write as with any event.").classes(
            GREY
        )
        event = None
        if sample:
            event = ui.textarea("Event, as JSON", value=sample, on_change=lambda: _clear_error(event))
            event.props('outlined input-class="font-mono text-sm" rows=14').classes("w-full")
            ui.label("This is a sample. Change it as you need.").classes(QUIET)
        with ui.row().classes("w-full justify-end"):
            ui.button("Cancel", on_click=lambda: dialog.submit(result=False)).props("flat no-caps")
            ui.button("Start the run", icon="play_arrow", on_click=start).props("no-caps")
    return await _answer(dialog)


async def _answer(dialog: ui.dialog) -> bool:
    """Return whether a dialog did what it offers. It is gone already if the person left the page."""
    result = bool(await dialog)
    if not dialog.is_deleted:
        dialog.delete()
    return result


def _clear_error(field: ui.textarea | None) -> None:
    if field:
        field.error = None


async def remove(workspace: Workspace, detail: FlowDetail) -> bool:
    """Say what removing a flow does, and do it. Return whether it is removed."""
    name = detail.row.name
    person = layout.person()

    async def act(*, force: bool = False) -> None:
        removed, _ = await carry_out(flows.remove, workspace, name, by=person, force=force, show=failed)
        if removed:
            dialog.submit(result=True)

    def failed(error: ConnectorError) -> None:
        problem.set_text(error.message)
        problem.set_visibility(True)
        anyway.set_visibility(isinstance(error, StillSubscribed))

    with ui.dialog() as dialog, ui.card().classes("w-[36rem] max-w-full"):
        heading(f"Remove {name}?")
        with ui.element("ul").classes("list-disc pl-6 flex flex-col gap-1"):
            for line in _consequences(detail):
                with ui.element("li"):
                    ui.label(line)
        problem = ui.label().classes(RED).props("role=alert")
        problem.set_visibility(False)
        with ui.row().classes("w-full justify-end"):
            ui.button("Cancel", on_click=lambda: dialog.submit(result=False)).props("flat no-caps autofocus")
            anyway = ui.button("Remove it anyway", on_click=lambda: act(force=True))
            anyway.props("flat no-caps color=red-9").set_visibility(False)
            ui.button("Remove the flow", icon="delete", on_click=act).props("no-caps color=red-9")
    return await _answer(dialog)


def _consequences(detail: FlowDetail) -> list[str]:
    """Return what happens, in the order in which it matters."""
    found = ["All its versions are deleted. This can't be undone."]
    if detail.subscriptions:
        one = "The webhook subscription that it made is deleted."
        found.append(
            one
            if detail.subscriptions == 1
            else f"The {detail.subscriptions} webhook subscriptions that it made are deleted."
        )
    if detail.url:
        found.append("Its Process Flow URL stops working. If you deploy the flow again, it gets another one.")
    if detail.row.next_poll_at is not None:
        found.append("The agent stops looking for its events.")
    return [
        *found,
        "Runs under way end. Runs that wait fail.",
        "The runs that it had stay listed for a while.",
    ]
