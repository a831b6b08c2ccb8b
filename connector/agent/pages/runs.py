"""The list of runs: it updates by itself, and its filters are in the URL."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, Final

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from ..workspace import Workspace, flow_words, runs
from ..workspace.runs import RunFilter, RunRow
from . import layout
from .acting import attempt, say
from .looks import LINK, of_run
from .parts import link, nothing

_REFRESH_S: Final = 2.0
_LEFT: Final = {"align": "left"}
_COLUMNS: Final[list[dict[str, Any]]] = [
    {"name": "state", "label": "State", "field": "state_word", **_LEFT},
    {"name": "run", "label": "Run", "field": "short_id", **_LEFT},
    {"name": "flow", "label": "Flow", "field": "flow", **_LEFT},
    {"name": "started", "label": "Started", "field": "started", **_LEFT},
    {"name": "duration", "label": "Duration", "field": "duration", **_LEFT},
    {"name": "by", "label": "Started by", "field": "by", **_LEFT},
    {"name": "event", "label": "Event", "field": "event", **_LEFT},
]
_SLOTS: Final = {
    "state": """<q-td :props="props"><q-icon :name="props.row.icon" :class="props.row.color" size="18px"
        class="q-mr-xs" aria-hidden="true" />{{ props.row.state_word }}</q-td>""",
    "run": f"""<q-td :props="props"><a :href="'/runs/' + props.row.short_id" class="font-mono {LINK}">
        {{{{ props.row.short_id.slice(0, 8) }}}}</a></q-td>""",
    "flow": f"""<q-td :props="props"><a :href="'/flows/' + encodeURIComponent(props.row.flow)"
        class="{LINK} inline-block max-w-80 truncate align-bottom">{{{{ props.row.flow }}}}</a>
        </q-td>""",
    "started": """<q-td :props="props"><span :title="props.row.started_at">{{ props.row.started }}</span>
        </q-td>""",
}
_CARD: Final = f"""
<div class="col-12 q-py-sm q-px-md border-b border-gray-300 dark:border-gray-700">
<div class="row no-wrap items-center justify-between gap-2"><div class="row items-center">
<q-icon :name="props.row.icon" :class="props.row.color" size="18px" class="q-mr-xs" aria-hidden="true" />
{{{{ props.row.state_word }}}}</div><div>{{{{ props.row.started }}}}</div></div>
<div class="row no-wrap items-center justify-between gap-2">
<a :href="'/flows/' + encodeURIComponent(props.row.flow)" class="{LINK} truncate">{{{{ props.row.flow }}}}</a>
<a :href="'/runs/' + props.row.short_id" class="font-mono {LINK}">
{{{{ props.row.short_id.slice(0, 8) }}}}</a></div></div>
"""
"""A run on a narrow screen."""

_WITHIN: Final = {"": "Any time", "1h": "Last hour", "24h": "24 hours", "7d": "7 days", "30d": "30 days"}


def register(workspace: Workspace) -> None:
    """Add the page."""

    @ui.page("/runs")
    async def show_runs() -> None:
        wanted = RunFilter.of(dict(ui.context.client.request.query_params))
        with layout.frame(workspace, "Runs"):
            await _RunList(workspace, wanted).build()


class _RunList:
    """The list with its filters. `_version` counts its changes, so that a late answer can't undo one."""

    def __init__(self, workspace: Workspace, wanted: RunFilter) -> None:
        self._workspace = workspace
        self._wanted = wanted
        self._rows: tuple[RunRow, ...] = ()
        self._counts: dict[str, int] = {}
        self._has_more = False
        self._version = 0

    async def build(self) -> None:
        """Add the elements, with the first page of the list."""
        names, _ = await attempt(runs.flow_names, self._workspace)
        self._filters(names or [])
        self._states = ui.row().classes("gap-2 w-full").props("role=group aria-label='State'")
        self._table = ui.table(columns=_COLUMNS, rows=[], row_key="id").classes("w-full")
        self._table.props('flat bordered dense :grid="window.innerWidth < 600"').mark("runs")
        self._table.add_slot("item", _CARD)
        for name, template in _SLOTS.items():
            self._table.add_slot(f"body-cell-{name}", template)
        self._empty = ui.column().classes("w-full").props("role=status")
        with ui.row().classes("w-full items-center gap-4"):
            self._more = ui.button("Load more", on_click=self._load_more).props("outline no-caps")
            self._note = ui.label().classes("text-sm")
        await self._reload()
        ui.timer(_REFRESH_S, self._refresh)

    def _filters(self, names: list[str]) -> None:
        wanted = self._wanted
        flows = {"": "All flows"} | {name: name for name in [*names, wanted.flow] if name}
        by = {"": "Anything", **flow_words.STARTED_BY}
        with ui.row().classes("w-full items-end gap-4"):
            for label, options, name in (
                ("Flow", flows, "flow"),
                ("Started by", by, "by"),
                ("Started within", _WITHIN, "within"),
            ):
                value = getattr(wanted, name)
                select = ui.select(options, label=label, value=value, on_change=self._changes(name))
                select.props("dense outlined options-dense").classes("w-[calc(50%-0.5rem)] sm:w-44")
            text = ui.input("Run or event id", value=wanted.text, on_change=self._changes("text"))
            text.props("dense outlined clearable debounce=300 maxlength=500").classes(
                "w-[calc(50%-0.5rem)] sm:w-56"
            )
            ui.space()
            link("Charts", "/charts").classes("py-2")

    def _changes(self, name: str) -> Callable[[ValueChangeEventArguments[Any]], Any]:
        async def change(event: ValueChangeEventArguments[Any]) -> None:
            await self._choose(**{name: event.value or ""})

        return change

    async def _choose(self, **changes: Any) -> None:
        self._wanted = replace(self._wanted, **changes)
        ui.navigate.history.replace(f"/runs{self._wanted.query}")
        await self._reload()

    async def _reload(self, *, asked: bool = True) -> None:
        """Show the first page of the list. An error is shown if a person `asked` for it."""
        self._version += 1
        version = self._version
        found, error = await attempt(_first, self._workspace, self._wanted)
        if error is not None and asked:
            say(error)
        if found is None or version != self._version:
            return
        page, self._counts = found
        self._has_more = page.next is not None
        self._show(page.rows)

    async def _refresh(self) -> None:
        if not self._rows:
            await self._reload(asked=False)
            return
        version = self._version
        down_to = self._rows[-1].place
        found, _ = await attempt(_again, self._workspace, self._wanted, down_to)
        if found is None or version != self._version:
            return
        rows, counts = found
        if rows != self._rows or counts != self._counts:
            self._counts = counts
            self._show(rows)

    async def _load_more(self) -> None:
        if not self._rows:
            return
        version = self._version
        after = self._rows[-1].place
        page, error = await attempt(runs.find, self._workspace, self._wanted, after=after)
        if error is not None:
            say(error)
        if page is None or version != self._version:
            return
        self._version += 1
        self._has_more = page.next is not None
        self._show((*self._rows, *page.rows))

    def _show(self, rows: tuple[RunRow, ...]) -> None:
        self._rows = rows[: runs.MOST]
        self._table.rows = [_table_row(row) for row in self._rows]
        self._table.set_visibility(bool(rows))
        full = len(self._rows) >= runs.MOST
        self._more.set_visibility(self._has_more and not full)
        total = sum(self._counts.get(state, 0) for state in self._wanted.states or self._counts)
        narrow = " Narrow the filters to see others." if full and self._has_more else ""
        self._note.text = f"{len(self._rows):,} of {total:,} shown.{narrow}" if rows else ""
        self._show_states()
        self._show_empty()

    def _show_states(self) -> None:
        """Show how many runs there are in each state, to choose by."""
        counts, chosen = self._counts, self._wanted.states
        attention = sum(counts.get(state, 0) for state in runs.NEEDS_ATTENTION)
        choices: list[tuple[str, tuple[str, ...], int]] = [
            ("All", (), sum(counts.values())),
            ("Needs attention", runs.NEEDS_ATTENTION, attention),
        ]
        choices += [
            (word, (state,), counts.get(state, 0))
            for state, word in flow_words.RUN_STATES.items()
            if counts.get(state) or chosen == (state,)
        ]
        key = [*choices, chosen]
        if key == getattr(self, "_shown_states", None):
            return
        self._shown_states = key
        self._states.clear()
        with self._states:
            for word, states, count in choices:
                pressed = states == chosen
                button = ui.button(
                    f"{word} {count:,}", on_click=lambda states=states: self._choose(states=states)
                )
                look = "unelevated" if pressed else "outline"
                button.props(f"no-caps dense {look} aria-pressed={str(pressed).lower()}").classes("px-3")

    def _show_empty(self) -> None:
        self._empty.set_visibility(not self._rows)
        if self._rows:
            return
        self._empty.clear()
        with self._empty:
            if self._wanted == RunFilter():
                nothing(
                    "play_circle",
                    "No runs yet",
                    "A run starts when an event arrives, a poll finds one, or you start a flow by hand.",
                    lambda: link("Go to the process flows", "/flows"),
                )
            else:
                nothing("search_off", "No runs match the filters", "", lambda: link("Show all runs", "/runs"))


def _first(workspace: Workspace, wanted: RunFilter) -> tuple[runs.RunPage, dict[str, int]]:
    return runs.find(workspace, wanted), runs.counts(workspace, wanted)


def _again(
    workspace: Workspace, wanted: RunFilter, down_to: Any
) -> tuple[tuple[RunRow, ...], dict[str, int]]:
    return runs.refresh(workspace, wanted, down_to), runs.counts(workspace, wanted)


def _table_row(row: RunRow) -> dict[str, Any]:
    shown = {name: value for name, value in asdict(row).items() if name != "place"}
    look = of_run(row.state)
    return shown | {"icon": look.icon, "color": look.color}
