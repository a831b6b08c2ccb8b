"""The page of one flow: how it is, its address, its steps and runs, and what a person does with it."""

from typing import Any, Final
from urllib.parse import quote

from nicegui import ui

from ..flows.model import Flow
from ..workspace import Workspace, flow_words, flows, moments
from ..workspace.flows import FlowDetail, UnknownFlow
from . import drawing, flow_address, flow_dialogs, flow_versions, layout
from .acting import carry_out
from .flow_parts import run_state
from .looks import ANYWHERE, FAULT, GREY, QUIET, RED, WARNING
from .parts import heading, link, moment, notice

_REFRESH_S: Final = 3.0


def register(workspace: Workspace) -> None:
    """Add the page."""

    @ui.page("/flows/{name}")
    async def page(name: str) -> None:
        unknown: list[Any] = []
        done, detail = await carry_out(flows.detail, workspace, name, show=unknown.append)
        if done and detail:
            with layout.frame(workspace, name, section="Process flows", says_notices=True):
                await _FlowPage(workspace, detail).build()
        else:
            with layout.frame(workspace, "Process flows"):
                _not_there(unknown[0].message if unknown else "This flow can't be shown.")


def _not_there(message: str) -> None:
    ui.label(message)
    link("All process flows", "/flows")


class _FlowPage:
    """The page as it is shown. What changes by itself is kept up to date."""

    def __init__(self, workspace: Workspace, detail: FlowDetail) -> None:
        self._workspace = workspace
        self._name = detail.row.name
        self._detail = detail
        self._shown_state: Any = None
        self._shown_runs: Any = None

    async def build(self) -> None:
        detail, workspace = self._detail, self._workspace
        if detail.row.title:
            ui.label(detail.row.title).classes(f"text-lg -mt-3 {GREY}")
        self._actions()
        self._state = ui.column().classes("w-full gap-2")
        if detail.url:
            flow_address.card(workspace, self._name, detail.url)
        with ui.row().classes("w-full gap-4 items-stretch"):
            with _card("Steps").classes("grow basis-96"):
                _steps(detail.flow)
            with _card("Last runs").classes("grow basis-80"):
                self._runs = ui.column().classes("w-full gap-1")
                link("All runs of this flow", f"/runs?flow={quote(self._name)}")
        with _card("Versions"):
            await flow_versions.listed(workspace, self._name)
        self._show()
        ui.timer(_REFRESH_S, self._refresh)

    def _actions(self) -> None:
        with ui.row().classes("gap-2"):
            edit = ui.button("Edit", icon="edit", on_click=lambda: ui.navigate.to(_edit(self._name)))
            edit.props("no-caps")
            run = ui.button("Run it now", icon="play_arrow", on_click=self._run)
            self._toggle = ui.button(on_click=self._pause_or_resume)
            remove = ui.button("Remove", icon="delete", color=None, on_click=self._remove)
            for button in (run, self._toggle):
                button.props("no-caps outline")
            remove.props("no-caps flat").classes(RED)

    async def _run(self) -> None:
        if await flow_dialogs.run(self._workspace, self._name):
            await self._refresh()

    async def _remove(self) -> None:
        if await flow_dialogs.remove(self._workspace, self._detail):
            ui.navigate.to("/flows")

    async def _pause_or_resume(self) -> None:
        act = flows.pause if self._detail.row.is_active else flows.resume
        done, _ = await carry_out(act, self._workspace, self._name, by=layout.person())
        if done:
            await self._refresh()

    async def _refresh(self) -> None:
        errors: list[Any] = []
        done, detail = await carry_out(flows.detail, self._workspace, self._name, show=errors.append)
        if done and detail:
            if detail.row.version != self._detail.row.version:
                ui.navigate.reload()
                return
            self._detail = detail
            self._show()
        elif errors and isinstance(errors[0], UnknownFlow):
            ui.navigate.to("/flows")

    def _show(self) -> None:
        row, now = self._detail.row, self._workspace.timing.clock()
        state = (row.state, row.reason, row.fix, row.poll_error, moments.when(row.next_poll_at, now))
        if state != self._shown_state:
            self._shown_state = state
            self._show_state(now)
        runs = (self._detail.runs, [moments.when(run.started_at, now) for run in self._detail.runs])
        if runs != self._shown_runs:
            self._shown_runs = runs
            self._show_runs(now)

    def _show_state(self, now: float) -> None:
        row = self._detail.row
        self._toggle.text = "Pause" if row.is_active else "Resume"
        self._toggle.icon = "pause" if row.is_active else "play_circle"
        self._state.clear()
        with self._state:
            if not row.is_active:
                title = "The agent paused it" if row.paused_by == "agent" else "Paused"
                notice(title, f"{row.reason} {row.fix}".strip(), WARNING, icon="pause_circle")
            elif row.poll_error:
                notice("The last poll failed", row.poll_error, FAULT)
            with ui.row().classes("items-baseline gap-x-6 gap-y-1"):
                _fact("State", "Active" if row.is_active else "Paused")
                _fact("Trigger", row.trigger)
                _fact("Connections", ", ".join(row.connections))
                if row.is_active and row.next_poll_at is not None:
                    with ui.row().classes("gap-2 items-baseline"):
                        ui.label("Next run").classes(GREY)
                        moment(row.next_poll_at, now)

    def _show_runs(self, now: float) -> None:
        self._runs.clear()
        with self._runs:
            if not self._detail.runs:
                ui.label("No runs yet.").classes(GREY)
            for run in self._detail.runs:
                with ui.row().classes("w-full items-center sm:flex-nowrap gap-x-3 gap-y-0"):
                    with ui.element("div").classes("w-36 shrink-0"):
                        run_state(run)
                    moment(run.started_at, now)
                    if run.note:
                        ui.label(run.note).classes(
                            f"max-sm:basis-full grow sm:text-right line-clamp-2 {ANYWHERE} {QUIET}"
                        )


def _card(title: str) -> ui.card:
    with ui.card().props("flat bordered").classes("w-full gap-2") as card:
        heading(title)
    return card


def _fact(name: str, value: str) -> None:
    with ui.row().classes("gap-2 items-baseline"):
        ui.label(name).classes(GREY)
        ui.label(value)


def _edit(name: str) -> str:
    return f"/flows/{quote(name)}/edit"


def _steps(flow: Flow) -> None:
    """Show the drawing of a flow, and its steps as a list, which screen readers can read."""
    drawing.draw(flow).props("aria-hidden=true")
    with ui.element("ol").classes("w-full list-decimal pl-6 flex flex-col gap-2"):
        for one in flow.steps:
            with ui.element("li"):
                ui.label(one.id).classes("font-medium")
                ui.label(f"{one.call.action} on {one.call.connection}").classes("text-sm font-mono break-all")
                if more := flow_words.step(one):
                    ui.label(more).classes(f"text-sm break-words {GREY}")
