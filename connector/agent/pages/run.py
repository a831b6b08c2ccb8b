"""One run: its event and a timeline of its attempts, live while it runs; and how to carry it on."""

from typing import Final

from nicegui import ui

from ..workspace import Workspace, run_view
from ..workspace.run_view import Attempt, Json, RunView, Trouble
from . import layout, run_dialogs
from .acting import attempt
from .looks import ANYWHERE, FAULT, QUIET, WARNING, of_attempt, of_run
from .parts import heading, link, notice

_REFRESH_S: Final = 1.0
_AT_ONCE: Final = 100


def register(workspace: Workspace) -> None:
    """Add the page."""

    @ui.page("/runs/{run_id}")
    async def show_run(run_id: str) -> None:
        found, error = await attempt(run_view.show, workspace, run_id)
        if found is None:
            with layout.frame(workspace, "Run not found", section="Runs"):
                ui.label(str(error or ""))
                link("Show all runs", "/runs")
            return
        with layout.frame(workspace, f"Run {found.short_id[:8]}", section="Runs"):
            _RunPage(workspace, found).build()


class _RunPage:
    """The elements of a run. Attempts that are recorded don't change, so they are only added."""

    def __init__(self, workspace: Workspace, view: RunView) -> None:
        self._workspace = workspace
        self._view = view
        self._shown = 0
        self._most = _AT_ONCE

    def build(self) -> None:
        """Add the elements."""
        with ui.row().classes("w-full items-center gap-4"):
            link("All runs", "/runs")
            link(f"Flow {self._view.flow}", f"/flows/{self._view.flow}")
        self._head = ui.column().classes("w-full gap-4")
        if self._view.event:
            with ui.card().props("flat bordered").classes("w-full p-2"):
                _json("Event", self._view.event)
        heading("Timeline")
        self._none = ui.label("Nothing was carried out yet.").classes(QUIET)
        self._timeline = ui.timeline(side="right", layout="dense").classes("w-full")
        self._busy = ui.row().classes("items-center").props("role=status")
        with self._busy:
            ui.spinner()
            ui.label("It goes on …")
        self._more = ui.button("Show more", on_click=self._show_more).props("outline no-caps")
        self._show_head()
        self._show_attempts()
        ui.timer(_REFRESH_S, self._refresh)

    async def _refresh(self) -> None:
        if not (self._view.under_way or self._view.state == "paused"):
            return
        await self.reload()

    async def reload(self) -> None:
        """Show the run as it is now."""
        found, _ = await attempt(run_view.show, self._workspace, self._view.id)
        if found is not None and found != self._view:
            self._view = found
            self._show_head()
            self._show_attempts()

    def _show_more(self) -> None:
        self._most += _AT_ONCE
        self._show_attempts()

    def _show_head(self) -> None:
        view = self._view
        self._head.clear()
        with self._head:
            with ui.row().classes("w-full items-center gap-4"):
                with ui.row().classes("items-center gap-1 text-lg").props("role=status"):
                    look = of_run(view.state)
                    ui.icon(look.icon).classes(look.color).props("aria-hidden=true")
                    ui.label(view.state_word)
                ui.space()
                if view.can_replay:
                    ui.button("Replay", icon="replay", on_click=self._replay).props("no-caps outline")
                if view.needs_decision:
                    ui.button("Decide", icon="live_help", on_click=self._decide).props("no-caps")
            colors = {"filtered": "", "needs_person": WARNING}.get(view.state, FAULT)
            for trouble in view.trouble:
                _trouble(trouble, colors)
            with ui.row().classes("w-full gap-x-8 gap-y-2"):
                for name, value in view.facts:
                    with ui.column().classes("gap-0"):
                        ui.label(name).classes(QUIET)
                        ui.label(value).classes(ANYWHERE)
        self._busy.set_visibility(view.under_way)

    def _show_attempts(self) -> None:
        attempts = self._view.attempts
        with self._timeline:
            for one in attempts[self._shown : self._most]:
                _entry(one)
        self._shown = min(len(attempts), self._most)
        self._none.set_visibility(not attempts)
        self._more.set_visibility(len(attempts) > self._shown)

    async def _replay(self) -> None:
        await run_dialogs.replay(self._workspace, self._view, self.reload)

    async def _decide(self) -> None:
        await run_dialogs.decide(self._workspace, self._view, self.reload)


def _entry(one: Attempt) -> None:
    look = of_attempt(one.state)
    with ui.timeline_entry(icon=look.icon, color=look.dot).classes("w-full"):
        with ui.row().classes("items-baseline gap-x-3 gap-y-0 -mt-8 -mb-3"):
            ui.label(one.title).classes(f"font-medium {ANYWHERE}").props("role=heading aria-level=3")
            ui.label(one.state_word)
            if one.turn:
                ui.label(f"Turn {one.turn + 1}").classes(QUIET)
        ui.label(one.details).classes(QUIET)
        if one.trouble:
            _trouble(one.trouble)
        if one.input:
            _json("Input", one.input)
        if one.output:
            _json("Output", one.output)


def _trouble(trouble: Trouble, colors: str = FAULT) -> None:
    if colors:
        notice(trouble.message, trouble.fix, colors)
    else:
        ui.label(trouble.message).classes("break-words max-w-full")


def _json(title: str, value: Json) -> None:
    """Add a folded value. It is sent to the browser when it is opened."""
    with ui.expansion(title).props("dense dense-toggle").classes("w-full") as fold:
        place = ui.column().classes("w-full gap-2")

    def fill() -> None:
        if place.default_slot.children:
            return
        with place:
            text = ui.label(value.short + (" …" if value.is_folded else ""))
            text.classes("font-mono text-xs whitespace-pre-wrap break-all w-full max-h-96 overflow-auto")
            text.props("tabindex=0 role=region").props(f"aria-label={title}")
            if value.is_folded:
                button = ui.button("Show all").props("flat dense no-caps")
                button.on_click(lambda: _show_all(value, text, button))

    fold.on_value_change(fill)


def _show_all(value: Json, text: ui.label, button: ui.button) -> None:
    cut = f"\n… cut after {run_view.LONGEST:,} characters. `flow show --json` prints all."
    text.text = value.text + (cut if value.cut else "")
    button.delete()
