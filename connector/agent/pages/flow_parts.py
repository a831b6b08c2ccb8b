"""Parts that the list of flows and the page of one flow share."""

from typing import Final

from nicegui import ui

from ..workspace.flows import LastRun
from .looks import GREY, of_run


def run_state(run: LastRun) -> None:
    """Show how a run is, as a link to it."""
    look = of_run(run.state)
    with (
        ui.link(target=f"/runs/{run.short_id}").classes(f"no-underline {look.color}"),
        ui.row().classes("items-center gap-1 no-wrap"),
    ):
        ui.icon(look.icon).props("aria-hidden=true")
        ui.label(run.state_words).classes("text-sm font-medium whitespace-nowrap")


def cells(kind: str, *texts: str) -> None:
    """Add cells of a table's row: `th` or `td`."""
    for text in texts:
        with ui.element(kind).classes("text-left"):
            ui.label(text)


def code(text: str, *classes: str) -> None:
    """Show text as it is, in a fixed pitch."""
    ui.label(text).classes(f"whitespace-pre font-mono text-sm {' '.join(classes)}")


def difference(text: str) -> None:
    """Show a unified diff: neighbouring lines of one kind together."""
    kind, lines = "", list[str]()
    for line in text.splitlines():
        this = "" if line.startswith(("+++", "---")) else line[:1] if line[:1] in {"+", "-", "@"} else ""
        if this != kind and lines:
            code("\n".join(lines), _DIFF[kind])
            lines = []
        kind = this
        lines.append(line)
    if lines:
        code("\n".join(lines), _DIFF[kind])


_DIFF: Final = {
    "+": "bg-green-100 text-green-900 dark:bg-green-900 dark:text-green-100",
    "-": "bg-red-100 text-red-900 dark:bg-red-900 dark:text-red-100",
    "@": GREY,
    "": "",
}
