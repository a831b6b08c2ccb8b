"""The list of process flows, which is also the first page."""

from typing import Any
from urllib.parse import quote

from nicegui import ui

from ..workspace import Workspace, flows, moments
from ..workspace.flows import FlowRow
from . import layout
from .acting import attempt, carry_out, succeeded
from .first_steps import first_steps
from .flow_parts import cells, run_state
from .looks import AMBER, GREY, LINK, QUIET, RED
from .parts import moment, nothing, panel

_REFRESH_S = 3.0
_WIDE_ONLY = "max-md:hidden"


def register(workspace: Workspace) -> None:
    """Add the page."""

    async def page() -> None:
        with layout.frame(workspace, "Process flows"):
            content = ui.column().classes("w-full gap-4")
            shown = _FlowList(workspace, content)
            await shown.refresh()
            ui.timer(_REFRESH_S, shown.refresh)

    for address in ("/", "/flows"):
        ui.page(address)(page)


class _FlowList:
    """The list of flows, as it is shown. It changes only where something has changed."""

    def __init__(self, workspace: Workspace, content: ui.column) -> None:
        self._workspace = workspace
        self._content = content
        self._shown: list[str] | None = None
        self._rows: dict[str, _FlowLine] = {}

    async def refresh(self) -> None:
        rows, error = await attempt(flows.rows, self._workspace)
        if rows is None:
            if error is not None and self._shown is None:
                self._content.clear()
                with self._content:
                    panel(error)
            return
        now = self._workspace.timing.clock()
        names = [row.name for row in rows]
        if names != self._shown:
            self._shown = names
            self._content.clear()
            with self._content:
                self._build(rows)
        for row in rows:
            self._rows[row.name].show(row, now)

    def _build(self, rows: list[FlowRow]) -> None:
        self._rows = {}
        if not rows:
            _nothing_yet(self._workspace)
            return
        with ui.row().classes("w-full items-center justify-between"):
            count = "1 flow" if len(rows) == 1 else f"{len(rows)} flows"
            ui.label(f"{count} deployed").classes(GREY)
            _ways_to_begin()
        with ui.element("q-markup-table").props("flat bordered wrap-cells").classes("w-full"):
            with ui.element("thead"), ui.element("tr"):
                cells("th", "On", "Flow")
                with ui.element("th").classes(f"text-left {_WIDE_ONLY}"):
                    ui.label("Trigger")
                cells("th", "Last run")
                with ui.element("th").classes(f"text-left {_WIDE_ONLY}"):
                    ui.label("Next run")
            with ui.element("tbody"):
                for row in rows:
                    self._rows[row.name] = _FlowLine(self._workspace, row)


class _FlowLine:
    """A row of the table."""

    def __init__(self, workspace: Workspace, row: FlowRow) -> None:
        self._workspace = workspace
        self._name = row.name
        self._is_active = row.is_active
        self._shown: Any = None
        address = f"/flows/{quote(row.name)}"
        with ui.element("tr"):
            with ui.element("td"):
                self._switch = ui.switch(value=row.is_active, on_change=self._switched)
                self._switch.props(f'dense aria-label="{row.name} is on"')
            with ui.element("td"):
                ui.link(row.name, address).classes(f"font-medium text-base {LINK}")
                self._about = ui.column().classes("gap-0")
            with ui.element("td").classes(_WIDE_ONLY):
                self._trigger = ui.column().classes("gap-0")
            with ui.element("td"):
                self._last = ui.column().classes("gap-0")
            with ui.element("td").classes(_WIDE_ONLY):
                self._next = ui.column().classes("gap-0")

    async def _switched(self, change: Any) -> None:
        if change.value == self._is_active:
            return
        act = flows.resume if change.value else flows.pause
        done, _ = await carry_out(act, self._workspace, self._name, by=layout.person())
        if done:
            self._is_active = change.value
            succeeded(f"{self._name} is active." if change.value else f"{self._name} is paused.")
        else:
            self._switch.value = self._is_active

    def show(self, row: FlowRow, now: float) -> None:
        """Show what has changed."""
        last = row.last_run
        words = (
            moments.when(last.started_at, now) if last else "",
            moments.when(row.next_poll_at, now),
        )
        if self._shown == (row, words):
            return
        self._shown = (row, words)
        self._is_active = row.is_active
        self._switch.value = row.is_active
        self._fill_about(row)
        self._trigger.clear()
        with self._trigger:
            ui.label(row.trigger).classes("text-sm")
            ui.label(", ".join(row.connections)).classes(QUIET)
        self._last.clear()
        with self._last:
            if last:
                run_state(last)
                moment(last.started_at, now)
            else:
                ui.label("None yet").classes(QUIET)
        self._next.clear()
        with self._next:
            _next_run(row, now)

    def _fill_about(self, row: FlowRow) -> None:
        self._about.clear()
        with self._about:
            if row.title:
                ui.label(row.title).classes("text-sm")
            ui.label(row.trigger).classes(f"text-sm md:hidden {GREY}")
            if not row.is_active:
                why = f"{row.reason} {row.fix}".strip()
                ui.label(why).classes(f"text-sm {AMBER}")
            elif row.poll_error:
                ui.label(row.poll_error).classes(f"text-sm {RED}")


def _next_run(row: FlowRow, now: float) -> None:
    if not row.is_active:
        ui.label("Paused").classes(QUIET)
    elif row.next_poll_at is not None:
        moment(row.next_poll_at, now)
    elif row.waits_for_events:
        ui.label("With the next event").classes(QUIET)
    else:
        ui.label("When you start it").classes(QUIET)


def _ways_to_begin() -> None:
    with ui.row().classes("gap-2"):
        with ui.button("From a template", icon="library_books").props("outline no-caps"), ui.menu():
            for name, title in flows.template_titles().items():
                item = ui.menu_item(on_click=lambda name=name: ui.navigate.to(_editor(name)))
                with item, ui.item_section():
                    ui.item_label(title or name)
                    ui.item_label(name).props("caption")
        ui.button("New flow", icon="add", on_click=lambda: ui.navigate.to("/new-flow")).props("no-caps")


def _editor(template: str) -> str:
    return f"/new-flow?template={quote(template)}"


def _nothing_yet(workspace: Workspace) -> None:
    def begin() -> None:
        first_steps(workspace)
        _ways_to_begin()

    nothing(
        "account_tree",
        "No flows yet",
        "A process flow starts when something happens in Calendly, at set times, or by hand, and runs "
        "actions of your applications.",
        begin,
    )
