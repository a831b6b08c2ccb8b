"""The Process Flow URL on the page of a flow, and the check that others reach it."""

from urllib.parse import quote

from nicegui import ui

from ...errors import ConnectorError
from ..workspace import Workspace, trying
from ..workspace.trying import Reach
from .acting import carry_out
from .looks import QUIET
from .parts import copy_button, finding, heading, link


def card(workspace: Workspace, name: str, url: str) -> None:
    """Show the address, with a button that copies it and one that checks it."""

    async def check() -> None:
        button.props(add="loading")
        done, reach = await carry_out(trying.check_reach, workspace, name, show=failed)
        button.props(remove="loading")
        if done and reach:
            _show(found, name, reach)

    def failed(error: ConnectorError) -> None:
        found.clear()
        with found:
            ui.label(str(error))

    with ui.card().props("flat bordered").classes("w-full gap-2"):
        heading("Process Flow URL")
        ui.label(
            "Events that are posted here start the flow. Its last part is secret: only give it to the "
            "application that sends them."
        ).classes(QUIET)
        with ui.row().classes("w-full items-center no-wrap gap-2"):
            field = ui.input("Process Flow URL", value=url).props("readonly outlined dense")
            field.classes("grow font-mono")
            copy_button(url, "Copy the Process Flow URL")
        button = ui.button("Check that Calendly reaches it", icon="network_check", on_click=check)
        button.props("outline no-caps")
        found = ui.column().classes("w-full gap-2").props("role=status")


def _show(place: ui.column, name: str, reach: Reach) -> None:
    place.clear()
    with place:
        if reach.is_reached:
            ui.label("It can be reached.").classes("font-medium")
        for one in reach.findings:
            finding(one)
        if not reach.is_reached:
            ui.label(
                "You don't need an address: with a polling trigger, the agent looks for new events itself."
            )
            link("Change the trigger to polling", f"/flows/{quote(name)}/edit")
