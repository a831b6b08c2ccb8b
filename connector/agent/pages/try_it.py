"""Try an action: choose a credential, fill the form in, see the request, and run it."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from ...contract import ActionInfo, OptionPage
from ...errors import ConnectorError, InvalidParams
from ..workspace import Workspace, calls, credentials
from ..workspace.apps import App
from ..workspace.calls import Tried
from . import layout
from .acting import attempt
from .form import Form
from .looks import LINK, QUIET
from .parts import json_text, panel


class TryIt:
    """The form of an action with its result."""

    def __init__(self, workspace: Workspace, app: App, action: ActionInfo) -> None:
        self._workspace, self._app, self._action = workspace, app, action
        self._person = layout.person()

    async def draw(self) -> None:
        """Draw it."""
        found, error = await attempt(credentials.list_all, self._workspace)
        if error is not None:
            panel(error)
            return
        names = [one.name for one in found or [] if self._app.id in one.apps]
        if self._app.kinds and not names:
            ui.label("Trying it needs a credential.")
            ui.link("Add one", f"/credentials/new?connector={self._app.id}").classes(LINK)
            return
        with ui.column().classes("w-full max-w-2xl gap-4"):
            self._credential = ui.select(names, label="Credential", value=names[0] if names else None)
            self._credential.classes("w-full").props("outlined dense")
            self._credential.set_visibility(bool(names))
            self._form = Form(self._action.fields, options=self._options)
            self._button = ui.button(
                "Run" if self._action.effect == "read" else "Show the request",
                icon="play_arrow" if self._action.effect == "read" else "preview",
                on_click=self._press,
            ).props("color=primary no-caps")
        self._place = ui.column().classes("w-full gap-4 pt-4").props("role=status")

    @property
    def _name(self) -> str:
        return str(self._credential.value or "")

    def _options(self, path: str, values: Mapping[str, Any], search: str, page: str | None) -> OptionPage:
        return calls.options(
            self._workspace, self._app.id, self._name, self._action.id, path, values, search=search, page=page
        )

    async def _press(self) -> None:
        values = self._form.values
        self._form.clear_faults()
        if self._action.effect == "read":
            await self._run(values)
            return
        self._wait()
        found, error = await attempt(
            calls.preview, self._workspace, self._app.id, self._name, self._action.id, values
        )
        self._ready()
        if error is not None:
            self._fail(error)
        elif found is not None:
            self._ask(found, values)

    def _ask(self, requests: list[Mapping[str, Any]], values: Mapping[str, Any]) -> None:
        """Show the exact request of a write, and ask whether to send it."""
        with self._place:
            ui.label("This will be sent").classes("text-lg font-medium").props("role=heading aria-level=2")
            for request in requests:
                json_text(calls.as_text(dict(request)), "The request")
            ui.label("It changes real data. Change the form to prepare another request.").classes(QUIET)

            async def send() -> None:
                await self._run(values)

            with ui.row():
                ui.button("Cancel", on_click=self._place.clear).props("flat no-caps")
                ui.button("Send it", icon="send", on_click=send).props("no-caps color=red-10")

    async def _run(self, values: Mapping[str, Any]) -> None:
        self._wait()
        found, error = await attempt(
            calls.run, self._workspace, self._person, self._app.id, self._name, self._action, values
        )
        self._ready()
        if error is not None:
            self._fail(error)
        elif found is not None:
            with self._place:
                _result(found)

    def _wait(self) -> None:
        self._button.disable()
        self._place.clear()
        with self._place, ui.row().classes("items-center"):
            ui.spinner()
            ui.label("Asking the application…")

    def _ready(self) -> None:
        self._button.enable()
        self._place.clear()

    def _fail(self, error: ConnectorError) -> None:
        if isinstance(error, InvalidParams):
            rest = self._form.show(error.problems)
            if not rest:
                ui.notify("Correct the marked fields.", color="red-10", icon="error")
                return
            error = ConnectorError(" ".join(f"{one}." for one in rest))
        elif getattr(error, "may_have_happened", False):
            error = ConnectorError(
                error.message, fix=f"{error.fix} It may have happened: look before you repeat it.".strip()
            )
        with self._place:
            panel(error)


def _result(found: Tried) -> None:
    ui.label(found.summary).classes("font-medium")
    for warning in found.warnings:
        ui.label(warning).classes(QUIET)
    if found.rows:
        with ui.element("div").classes("w-full overflow-x-auto").props("tabindex=0 role=region") as place:
            place.props["aria-label"] = "The records as a table"
        with place:
            table = ui.table(
                rows=[{"id": number} | _cells(row) for number, row in enumerate(found.rows)],
                columns=[
                    {"name": f"c{index}", "label": heading, "field": f"c{index}", "align": "left"}
                    for index, heading in enumerate(found.columns)
                ],
                row_key="id",
            )
            table.classes("w-full min-w-[40rem] [&_.q-table__middle]:overflow-visible").props(
                "flat bordered dense wrap-cells hide-pagination"
            )
    if found.text:
        with ui.expansion("JSON", icon="data_object").classes("w-full"):
            json_text(found.text, "The records as JSON")


def _cells(row: tuple[str, ...]) -> dict[str, str]:
    return {f"c{index}": text for index, text in enumerate(row)}
