"""Charts of runs, failures and API calls over time, with the same figures as a table."""

from typing import Any, Final

from nicegui import ui

from ..workspace import Workspace, activity
from ..workspace.activity import Activity
from . import layout
from .acting import attempt
from .looks import QUIET
from .parts import heading, link, panel

_TEXT: Final = {False: "#374151", True: "#d1d5db"}
_LINES: Final = {False: "#e5e7eb", True: "#4b5563"}
_PALETTE: Final = ("#0b76d1", "#d9480f", "#7c5cff", "#0f9d7a", "#b8860b", "#c2408b")
_FAILURES: Final = "Failed or needs a decision"
_DEFAULT: Final = "24h"


def register(workspace: Workspace) -> None:
    """Add the page."""

    @ui.page("/charts")
    async def show_charts() -> None:
        asked = ui.context.client.request.query_params.get("range", "")
        chosen = asked if asked in activity.RANGES else _DEFAULT
        with layout.frame(workspace, "Runs over time", section="Runs"):
            with ui.row().classes("w-full items-center gap-2"):
                link("All runs", "/runs").classes("mr-4")
                for name, one in activity.RANGES.items():
                    look = "unelevated" if name == chosen else "outline"
                    button = ui.button(one.title).props(f"no-caps dense {look}").classes("px-3")
                    button.props(f"href=/charts?range={name}")
                    if name == chosen:
                        button.props("aria-current=page")
            place = ui.column().classes("w-full gap-6")
        found, error = await attempt(activity.find, workspace, chosen)
        await ui.context.client.connected()
        # A canvas ignores style sheets, so its colors are chosen here.
        dark = bool(await ui.run_javascript("return Quasar.Dark.isActive"))
        with place:
            if error is not None:
                panel(error)
            elif found is not None:
                _show(found, dark=dark)


def _show(found: Activity, *, dark: bool) -> None:
    ui.label(found.summary)
    if not any(found.runs) and not found.budgets:
        link("Go to the process flows", "/flows")
        return
    succeeded = [total - failed for total, failed in zip(found.runs, found.failures, strict=True)]
    _chart(
        "Runs", found, {"Others": succeeded, "Failed or needs a decision": list(found.failures)}, dark=dark
    )
    _chart(
        "API requests", found, {one.connection: list(one.calls) for one in found.budgets}, dark=dark, first=2
    )
    _budgets(found)
    with ui.expansion("The figures as a table").classes("w-full").props("dense"):
        _figures(found)


def _chart(title: str, found: Activity, series: dict[str, list[int]], *, dark: bool, first: int = 0) -> None:
    heading(f"{title} (times in UTC)")
    if not series:
        ui.label("No requests in this time.")
        return
    text = {"color": _TEXT[dark]}
    options: dict[str, Any] = {
        "animation": False,
        "aria": {"enabled": True},
        "color": [*_PALETTE[first:], *_PALETTE[:first]],
        "textStyle": text,
        "tooltip": {"trigger": "axis", "renderMode": "richText"},  # names are never read as HTML
        "legend": {"textStyle": text, "top": 0, "type": "scroll"},
        "grid": {"left": 8, "right": 8, "top": 40, "bottom": 8, "containLabel": True},
        "xAxis": {
            "type": "category",
            "data": list(found.labels),
            "axisLabel": {**text, "hideOverlap": True},
            "axisLine": {"lineStyle": {"color": _LINES[dark]}},
        },
        "yAxis": {
            "type": "value",
            "minInterval": 1,
            "axisLabel": text,
            "splitLine": {"lineStyle": {"color": _LINES[dark]}},
        },
        "series": [
            {"name": name, "type": "bar", "stack": "all", "data": values} for name, values in series.items()
        ],
    }
    ui.echart(options).classes("w-full h-64").props("role=img").props(f"aria-label='{title} over time'")


def _budgets(found: Activity) -> None:
    heading("API budget")
    columns = [
        {"name": name, "label": label, "field": name, "align": "left"}
        for name, label in (("connection", "Connection"), ("total", "Requests"), ("headroom", "Rate limit"))
    ]
    rows = [
        {"connection": one.connection, "total": f"{one.total:,}", "headroom": one.headroom}
        for one in found.budgets
    ]
    if rows:
        ui.table(columns=columns, rows=rows, row_key="connection").props("flat bordered dense wrap-cells")
    ui.label("Requests are counted when a run ends or waits, for calls that succeeded.").classes(QUIET)


def _figures(found: Activity) -> None:
    columns = [
        {
            "name": name,
            "label": label,
            "field": name,
            "align": align,
            "headerClasses": "whitespace-normal",
        }
        for name, label, align in (
            ("time", "From (UTC)", "left"),
            ("runs", "Runs", "right"),
            ("failures", _FAILURES, "right"),
            ("calls", "API requests", "right"),
        )
    ]
    calls = [sum(one.calls[number] for one in found.budgets) for number in range(len(found.labels))]
    rows = [
        {"key": number, "time": label, "runs": total, "failures": failures, "calls": count}
        for number, (label, total, failures, count) in enumerate(
            zip(found.labels, found.runs, found.failures, calls, strict=True)
        )
    ]
    ui.table(columns=columns, rows=rows, row_key="key").props("flat bordered dense").classes("w-full")
